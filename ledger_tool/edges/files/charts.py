"""The Helm charts whose values a file has: the one in the folders above it, and those to which documents give them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import partial

from ledger_tool.core.manifests.charts.around import ChartAround, FileCharts, Overlays, SitesOfFile, ValuesFile
from ledger_tool.core.manifests.charts.chart import ABSENT, MAX_SUBCHARTS
from ledger_tool.core.manifests.inherited import sites_in
from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.replacements import TakenApart
from ledger_tool.edges.files.chart_files import ChartFiles
from ledger_tool.edges.files.chart_loading import DEFAULTS, MAX_FILE, OTHERS, LoadedCharts, below
from ledger_tool.edges.files.chart_uses import ChartUses, relative

_MAX_ABOVE = 8  # folders
_VALUES = ("*values*.yaml", "*values*.yml")
_LOWEST = ("values.yaml", "values.yml")
_BESIDE = "beside:"  # in front of a folder, which is none of a chart
_MOST_BESIDE = 20_000


class Charts:
    """The charts around files; `judged` are the paths of all files that are judged.

    `taken_apart` returns what kustomizations replace in a file.
    """

    def __init__(
        self,
        files: ChartFiles,
        judged: Collection[str] = (),
        taken_apart: Callable[[str], Sequence[TakenApart]] = lambda _: (),
    ) -> None:
        self._taken_apart = taken_apart
        self._files = files
        self._loaded = LoadedCharts(files)
        self._judged = frozenset(judged)
        self._uses = ChartUses(files, judged, self._loaded, self._sites)
        self._loaded.elsewhere, self._loaded.umbrellas = self._uses.given, self._uses.umbrellas
        self._overlays: dict[str, Overlays] = {}
        self._values_in: dict[str, tuple[Overlays | None, str]] = {}
        self._tops: dict[str, bool] = {}
        self._found: dict[str, FileCharts] = {}
        self._sites_of: dict[str, SitesOfFile] = {}

    def of(self, path: str) -> FileCharts:
        """Return the charts whose values a file may have."""
        if path not in self._found:
            self._found[path] = self._of(path)
        return self._found[path]

    def _of(self, path: str) -> FileCharts:
        inside = partial(self._uses.inside, path)
        is_values = has_values(path.rpartition("/")[2])
        above = self._above(path)
        if above:
            folder, rest = above
            if rest.split("/")[0] in OTHERS or rest == "Chart.yaml":
                return FileCharts(inside=inside, of_chart=partial(self._loaded.chart, folder))
            is_values = is_values or has_values(rest)
            if rest == DEFAULTS:
                return FileCharts((self._own(folder, is_base=True, is_values=True),), inside=inside, is_values=True)
        if (named := self._uses.named(path)) is not None:
            return FileCharts(named, inside=inside, is_values=True)
        if above:
            own = self._own(above[0], is_base=False, is_values=is_values)
            return FileCharts((own,), inside=inside, is_values=is_values)
        beside = self._beside(path) if is_values else ()
        if not self._uses.folders:
            return FileCharts(beside, inside=inside, is_values=is_values)
        return FileCharts(beside, possible=self._uses.possible, inside=inside, is_values=is_values)

    def _above(self, path: str) -> tuple[str, str] | None:
        """Return the folder of the nearest chart above a file, and the file's path in it, or None."""
        folder = path.rpartition("/")[0]
        for _ in range(_MAX_ABOVE):
            if self._loaded.chart(folder):
                return folder, path.removeprefix(folder).lstrip("/")
            if folder not in self._tops:
                self._tops[folder] = self._files.is_top(folder)
            if self._tops[folder]:
                return None
            folder = folder.rpartition("/")[0]
        return None

    def _own(self, folder: str, *, is_base: bool, is_values: bool) -> ChartAround:
        """Return the chart in a folder for a file in it; `is_base` for its `values.yaml`."""
        chart = self._loaded.chart(folder)
        assert chart
        if not is_base:
            return ChartAround(chart, folder, is_values)
        if folder not in self._overlays:
            self._overlays[folder] = Overlays(partial(self._values_files, folder, folder, (), 0))
        return ChartAround(chart, folder, is_values, self._overlays[folder], has_own=False)

    def _beside(self, path: str) -> tuple[ChartAround, ...]:
        """Return the chart of values of which nothing is known but that other files beside them have values too.

        A `values.yaml` is the lowest of them, as a rule. Of the others, each may be laid over each.
        """
        folder, _, name = path.rpartition("/")
        if folder not in self._values_in:
            listed = self._files.names(folder)[:_MOST_BESIDE]
            names = [one for one, is_folder in listed if not is_folder and has_values(one)]
            files = [self._value_file(folder, one) for one in names]
            overlays = Overlays(lambda: files) if len(files) > 1 else None
            self._values_in[folder] = overlays, next((one for one in names if one in _LOWEST), "")
        overlays, lowest = self._values_in[folder]
        if not overlays:
            return ()
        values = partial(self._loaded.values, below(folder, lowest))
        is_over = lowest not in ("", name)
        around = ChartAround(ABSENT, f"{_BESIDE}{folder}", True, overlays, (values,) if is_over else (), beside=name)
        return (around,)

    def _value_file(self, folder: str, name: str) -> ValuesFile:
        path = below(folder, name)
        return ValuesFile(name, partial(self._sites, path), f"{_BESIDE}{folder}", (), path in self._judged)

    def _values_files(self, chart: str, folder: str, above: tuple[str, ...], depth: int) -> Iterator[ValuesFile]:
        """Yield what may be laid over a chart's `values.yaml`: in `folder`, given to it, and for those above it."""
        known = {below(folder, DEFAULTS)} if not above else set()
        for path in self._loaded.yaml_below(folder):
            if path not in known:
                known.add(path)
                sites = partial(self._sites, path)
                yield ValuesFile(relative(path, chart), sites, folder, above, path in self._judged)
        for file, path in self._uses.over(folder, chart, above):
            if path not in known:
                yield file
        if depth < MAX_SUBCHARTS:
            for parent, key in self._loaded.parents(folder):
                yield from self._values_files(chart, parent, (key, *above), depth + 1)

    def _sites(self, path: str, ours: OurImages) -> SitesOfFile:
        from ledger_tool.edges.yaml.manifest_tokens import tokens

        if path not in self._sites_of:
            raw = self._files.read(path)
            raw = raw if raw is not None and len(raw) <= MAX_FILE else None
            self._sites_of[path] = sites_in(
                path, raw, tokens, partial(self.of, path), ours, partial(self._taken_apart, path)
            )
        return self._sites_of[path]


def has_values(path: str) -> bool:
    """Return whether the name of a file says that it has values of a chart."""
    return any(fnmatchcase(path.lower(), glob) for glob in _VALUES)
