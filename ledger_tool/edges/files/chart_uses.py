"""Which files and documents of a tree give values to charts that are in it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import islice
from typing import NamedTuple

from ledger_tool.core.manifests.charts.around import ANYWHERE, ChartAround, Overlays, SitesOfFile, ValuesFile
from ledger_tool.core.manifests.charts.chart import ABSENT
from ledger_tool.core.manifests.charts.filled import filled_places
from ledger_tool.core.manifests.charts.layers import ChartUse, InlineValues
from ledger_tool.core.manifests.charts.patches import Patches
from ledger_tool.core.manifests.charts.paths import GLOBAL
from ledger_tool.core.manifests.charts.paths import Path as ValuePath
from ledger_tool.core.manifests.charts.uses import uses_in
from ledger_tool.core.manifests.formats import kind_of
from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.yamltree import YamlNode
from ledger_tool.edges.files.chart_files import ChartFiles
from ledger_tool.edges.files.chart_loading import DEFAULTS, MAX_FILE, LoadedCharts
from ledger_tool.edges.files.read_uses import read_uses
from ledger_tool.edges.files.used_charts import (
    ABSENT_FOLDER,
    MOST,
    Layer,
    UsedChart,
    UsedCharts,
    joined,
    laid_over,
    place_of_unknown,
)

_MAX_ABOVE = 8  # folders
_MOST_LAYERS = 100
_ADVICE = "write `# ledger: style:tag` behind it, since another tag then takes the place of the digest too"
_PARTS = re.compile(rb"(?:[tT]ag|[dD]igest|[rR]epository|[rR]egistry)[\"']?\s*:")
_OBJECT = re.compile(rb"^apiVersion\s*:", re.MULTILINE)
_VERSIONS = re.compile(r"(?i)tag|digest|sha|repository|registry")


class _Index(NamedTuple):
    """The uses that name a file, with the number of its layer; those of a chart; and files with parts of images, of
    which nothing tells whose values they are. `rendered` are the files outside charts that are templates.
    """

    by_file: dict[str, list[tuple[UsedChart, int]]]
    by_folder: dict[str, list[UsedChart]]
    partial: list[str]
    uses: list[tuple[str, ChartUse]]
    patches: Patches
    rendered: set[str]


class ChartUses:
    """The uses of charts in the files that are judged; these are read once, when that is asked for."""

    def __init__(
        self,
        files: ChartFiles,
        judged: Collection[str],
        loaded: LoadedCharts,
        sites: Callable[[str, OurImages], SitesOfFile],
    ) -> None:
        self._files, self._loaded, self._sites = files, loaded, sites
        self._judged = [path for path in judged if kind_of(path) in ("yaml", "json")]
        self._is_judged = frozenset(self._judged)
        self._names: dict[str, frozenset[str]] = {}
        self._finder = UsedCharts(files, self._judged, loaded, lambda: self.folders)

    @cached_property
    def folders(self) -> list[str]:
        """The folders of the charts among the files, without those inside another chart."""
        found = {path.rpartition("/")[0] for path in self._judged if path.rpartition("/")[2] == "Chart.yaml"}
        return sorted(folder for folder in found if not _is_inside(folder, found))

    def possible(self) -> Sequence[ChartAround]:
        """Return all charts, as those to which values may belong."""
        return self._possible

    @cached_property
    def _possible(self) -> list[ChartAround]:
        return [ChartAround(chart, folder) for folder in self.folders if (chart := self._loaded.chart(folder))]

    def inside(self, path: str, root: YamlNode) -> Mapping[int, tuple[ChartAround, ...]]:
        """Return the charts that get values inside a document, by the numbers of the tokens where these are."""
        found: dict[int, tuple[ChartAround, ...]] = {}
        for use in uses_in(root, _name(path)):
            used = self._patched(path, use) if use.is_patch else self._with_patches(self._index, path, use)
            for layer in use.layers:
                if isinstance(layer, InlineValues):
                    place = layer.node.token.number
                    here = [(one, at) for one in used for at, two in enumerate(one.layers) if two[:2] == (path, place)]
                    found[place] = self.merged(here) if path not in self._index.rendered else self._in_line(path, layer)
        return found

    def _in_line(self, path: str, layer: InlineValues) -> tuple[ChartAround, ...]:
        """Return the charts that get values in a template, where only their line tells which they are."""
        place = (path, place_of_unknown(layer.node.token.line))
        used = [one for other, use in self._index.uses if other == path for one in self._finder.used(path, use)]
        return self.merged([(one, at) for one in used for at, two in enumerate(one.layers) if two[:2] == place])

    def named(self, path: str) -> tuple[ChartAround, ...] | None:
        """Return the charts that get a file by its name, none of those that are not here, or None for another file."""
        return self.merged(self._index.by_file[path]) if path in self._index.by_file else None

    def over(self, folder: str, chart: str, above: tuple[str, ...]) -> Iterator[tuple[ValuesFile, str]]:
        """Yield what the chart in a folder gets, each with its path; `above` are the keys of the chart in question."""
        seen: set[tuple[str, int]] = set()
        for used in self._index.by_folder.get(folder, ()):
            for layer in used.layers:
                if layer[:2] not in seen:
                    seen.add(layer[:2])
                    file = self.values_file(layer, used.folder, chart or folder, above)
                    yield file, layer.path if layer.place == ANYWHERE else ""
        for path in self._index.partial if folder in self.folders else ():
            yield (
                self.values_file(Layer(path, ANYWHERE, partial(self._loaded.values, path)), folder, chart, above),
                path,
            )

    def values_file(self, layer: Layer, folder: str, chart: str, above: tuple[str, ...] = ()) -> ValuesFile:
        """Return a layer as a file with values, of which some are laid over others; `chart` is where names start."""
        name = relative(layer.path, chart)
        if layer.unknown:
            unknown = SitesOfFile((), f"{layer.unknown}; {_ADVICE}")
            return ValuesFile(f"{name}:{-layer.place}", lambda _: unknown, folder, above)
        sites = partial(self._sites, layer.path)
        return ValuesFile(name, sites, folder, above, layer.path in self._is_judged, layer.place)

    def given(self, folder: str) -> Iterator[Sequence[YamlNode]]:
        """Yield the values that the chart in a folder gets from outside it."""
        layers = {
            one.path if one.place == ANYWHERE else id(one.values): one
            for used in self._index.by_folder.get(folder, ())
            for one in used.layers
        }
        for layer in layers.values():
            if values := layer.values():
                yield [values]
        own = self._versions(self._loaded.values(joined(folder, DEFAULTS)))
        for path in self._index.partial if own else ():
            values = self._loaded.values(path)
            if any(place in own or place[1:2] == (GLOBAL,) for place in self._versions(values)):
                yield [values] if values else []

    @staticmethod
    def _versions(values: YamlNode | None) -> frozenset[ValuePath]:
        places = filled_places([[values]]) if values else None
        return frozenset(path for path in places or () if _VERSIONS.search(path[-1]))

    @cached_property
    def _index(self) -> _Index:
        index = _Index({}, {}, [], [], Patches(), set())
        folders = {*self.folders}
        for path, raw in self._files.contents(self._judged):
            if raw is None or len(raw) > MAX_FILE:
                continue
            is_template = _is_template(path, folders)
            is_partial = not is_template and _PARTS.search(raw) and not _OBJECT.search(raw)
            if is_partial and folders and not _is_inside(path, folders):
                index.partial.append(path)
            read = read_uses(_name(path), raw, is_template=is_template)
            index.rendered.update([path] if read.is_template and not is_template else [])
            for use in read.uses:
                if use.is_patch:
                    index.patches.add(path, use)
                else:
                    index.uses.append((path, use))
        for path in self._rendered_helmfiles():
            read = read_uses(_name(path), self._files.read(path) or b"", is_template=True)
            index.uses.extend((path, use) for use in read.uses)
        for path, use in index.uses:
            self._add(index, path, use)
        index.partial[:] = [path for path in index.partial if path not in index.by_file]
        return index

    def _rendered_helmfiles(self) -> Iterator[str]:
        """Yield the files of Helmfile that are templates by their names, which are not among those that are judged."""
        folders = {path.rpartition("/")[0] for path in self._judged} if self.folders else set()
        for folder in {
            *folders,
            *(above for chart in self.folders for above in self._finder.bases(f"{chart}/", "top")),
        }:
            for name, is_folder in self._files.names(folder):
                path = f"{folder}/{name}" if folder else name
                if not is_folder and name.endswith(".gotmpl") and "helmfile" in path:
                    yield path

    def _add(self, index: _Index, path: str, use: ChartUse) -> None:
        for one in self._with_patches(index, path, use):
            for folder in self._meant(one.folder):
                index.by_folder.setdefault(folder, []).append(one)
            for at, layer in enumerate(one.layers):
                if layer.place == ANYWHERE:
                    index.by_file.setdefault(layer.path, []).append((one, at))

    def _with_patches(self, index: _Index, path: str, use: ChartUse) -> list[UsedChart]:
        """Return the charts that a use may mean, as they are without patches and with each."""
        used = self._finder.used(path, use)
        patches = list(islice(self._patches(index, use), MOST))
        return [*used, *(laid_over(one, layers) for layers in patches for one in used[:MOST])]

    def _meant(self, folder: str) -> Sequence[str]:
        """Return the folders of the charts that a used one may be: of one that is not here, those with its name."""
        return (
            self._by_name.get(folder.removeprefix(ABSENT_FOLDER), ()) if folder.startswith(ABSENT_FOLDER) else (folder,)
        )

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for folder in self.folders:
            for name in {_name(folder), self._loaded.name(folder)} - {""}:
                found.setdefault(name, []).append(folder)
        return found

    def umbrellas(self, folder: str) -> Sequence[tuple[str, str]]:
        """Return the charts that depend on one of the same name as that in a folder, and the keys of its values."""
        names = {_name(folder), self._loaded.name(folder)} if folder in self.folders else ()
        return [one for name in names for one in self._dependents.get(name, ()) if one[0] != folder]

    @cached_property
    def _dependents(self) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for folder in self.folders:
            for one in self._loaded.dependencies(folder):
                if one.repository and not one.repository.startswith("file:"):
                    found.setdefault(one.name, []).append((folder, one.key))
        return found

    def _patches(self, index: _Index, use: ChartUse) -> Iterator[tuple[Layer, ...]]:
        """Yield the values that patches lay over those of a use."""
        names = self._names_of(index, use.owner[0])
        for path, patch in index.patches.over(use.owner, names):
            yield from islice(self._finder.layers(path, patch.layers, self._finder.bases(path, "top"), "", {}), MOST)

    def _names_of(self, index: _Index, kind: str) -> frozenset[str]:
        """Return the names of the objects of a kind that give values to charts."""
        if kind not in self._names:
            self._names[kind] = frozenset(use.owner[1] for _, use in index.uses if use.owner[0] == kind)
        return self._names[kind]

    def _patched(self, file: str, patch: ChartUse) -> list[UsedChart]:
        """Return what a use is with a patch."""
        index = self._index
        names = self._names_of(index, patch.owner[0])
        same = [(path, use) for path, use in index.uses if index.patches.is_over(file, patch, use.owner, names)]
        return [
            laid_over(used, layers)
            for path, use in same[:MOST]
            for used in self._finder.used(path, use)
            for layers in self._patches(index, use)
        ]

    def merged(self, places: Sequence[tuple[UsedChart, int]]) -> tuple[ChartAround, ...]:
        """Return the charts that get the values of layers, each once for the same values below."""
        found: dict[tuple[object, ...], list[tuple[UsedChart, int]]] = {}
        for used, at in places:
            below = tuple(layer[:2] for layer in used.layers[: at + 1])
            found.setdefault((used.folder, used.has_own, below), []).append((used, at))
        return tuple(map(self._around, found.values()))

    def _around(self, places: Sequence[tuple[UsedChart, int]]) -> ChartAround:
        used, at = places[0]
        is_absent = used.folder.startswith(ABSENT_FOLDER)
        chart = ABSENT if is_absent else self._loaded.chart(used.folder)
        assert chart
        above = dict.fromkeys(layer for one, number in places for layer in one.layers[number + 1 :])
        names = used.layers[at].path.rpartition("/")[0] if is_absent else used.folder
        files = [self.values_file(layer, used.folder, names) for layer in above]
        below = tuple(layer.values for layer in reversed(used.layers[:at]))
        place = used.layers[at].place
        over = Overlays(lambda: files)
        return ChartAround(chart, used.folder, True, over, below, used.has_own, place, used.elsewhere)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def relative(path: str, folder: str) -> str:
    """Return the path of a file as it is called from a folder."""
    return posixpath.relpath("/" + path.lstrip("/"), "/" + folder.lstrip("/"))


def _is_inside(path: str, folders: Collection[str]) -> bool:
    """Return whether a path is below one of the folders."""
    parts = path.split("/")
    return any("/".join(parts[:length]) in folders for length in range(len(parts)))


def _is_template(path: str, folders: Collection[str]) -> bool:
    """Return whether a file is a template of a chart in one of the folders."""
    parts = path.split("/")
    places = [number for number, part in enumerate(parts) if part == "templates"]
    return any("/".join(parts[:number]) in folders for number in places)
