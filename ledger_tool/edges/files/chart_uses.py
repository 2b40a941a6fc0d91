"""Which files and documents of a tree give values to charts that are in it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import islice
from typing import NamedTuple

from ledger_tool.core.manifests import yamltree
from ledger_tool.core.manifests.charts.around import ANYWHERE, ChartAround, Overlays, SitesOfFile, ValuesFile
from ledger_tool.core.manifests.charts.filled import filled_places
from ledger_tool.core.manifests.charts.paths import GLOBAL
from ledger_tool.core.manifests.charts.paths import Path as ValuePath
from ledger_tool.core.manifests.charts.uses import (
    Base,
    ChartUse,
    InlineValues,
    ValuesLayer,
    bound,
    has_placeholders,
    matcher,
    parameters,
    uses_in,
)
from ledger_tool.core.manifests.formats import kind_of
from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.shapes.visit import may_use_charts
from ledger_tool.core.manifests.tokens import TextFault
from ledger_tool.core.manifests.yamltree import YamlNode
from ledger_tool.edges.files.chart_files import ChartFiles
from ledger_tool.edges.files.chart_loading import DEFAULTS, MAX_FILE, LoadedCharts

_MAX_ABOVE = 8  # folders
_MOST = 200  # ways in which one document uses a chart
_MOST_LAYERS = 100
_PARTS = re.compile(rb"(?:[tT]ag|[dD]igest|[rR]epository|[rR]egistry)[\"']?\s*:")
_OBJECT = re.compile(rb"^apiVersion\s*:", re.MULTILINE)
_VERSIONS = re.compile(r"(?i)tag|digest|sha|repository|registry")


class _Layer(NamedTuple):
    """Values of a chart: in a file, or at the token with the number `place` in a document of it."""

    path: str
    place: int
    values: Callable[[], YamlNode | None]


class _UsedChart(NamedTuple):
    """A chart in a folder, and the values that it gets, one over the other, and over its own if `has_own`."""

    folder: str
    layers: tuple[_Layer, ...]
    has_own: bool


class _Index(NamedTuple):
    """The uses that name a file, with the number of its layer; those of a chart; and files with parts of images, of
    which nothing tells whose values they are.
    """

    by_file: dict[str, list[tuple[_UsedChart, int]]]
    by_folder: dict[str, list[_UsedChart]]
    partial: list[str]


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
        for use in uses_in(root):
            used = self._used(path, use)
            for layer in use.layers:
                if isinstance(layer, InlineValues):
                    place = layer.node.token.number
                    here = [(one, at) for one in used for at, two in enumerate(one.layers) if two[:2] == (path, place)]
                    found[place] = self.merged(here)
        return found

    def named(self, path: str) -> tuple[ChartAround, ...] | None:
        """Return the charts that get a file by its name, none of those that are not here, or None for another file."""
        if not self.folders:
            return None
        return self.merged(self._index.by_file[path]) if path in self._index.by_file else None

    def over(self, folder: str, chart: str, above: tuple[str, ...]) -> Iterator[tuple[ValuesFile, str]]:
        """Yield what the chart in a folder gets, each with its path; `above` are the keys of the chart in question."""
        seen: set[tuple[str, int]] = set()
        for used in self._index.by_folder.get(folder, ()):
            for layer in used.layers:
                if layer[:2] not in seen:
                    seen.add(layer[:2])
                    yield self.values_file(layer, folder, chart, above), layer.path if layer.place == ANYWHERE else ""
        for path in self._index.partial if folder in self.folders else ():
            yield (
                self.values_file(_Layer(path, ANYWHERE, partial(self._loaded.values, path)), folder, chart, above),
                path,
            )

    def values_file(self, layer: _Layer, folder: str, chart: str = "", above: tuple[str, ...] = ()) -> ValuesFile:
        """Return a layer as a file with values, of which some are laid over others."""
        name, sites = relative(layer.path, chart or folder), partial(self._sites, layer.path)
        return ValuesFile(name, sites, folder, above, layer.path in self._is_judged, layer.place)

    def given(self, folder: str) -> Iterator[Sequence[YamlNode]]:
        """Yield the values that the chart in a folder gets from outside it."""
        layers = {one[:2]: one for used in self._index.by_folder.get(folder, ()) for one in used.layers}
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
        index = _Index({}, {}, [])
        folders = {*self.folders}
        outside = [path for path in self._judged if folders and not _is_template(path, folders)]
        for path, raw in self._files.contents(outside):
            if raw is None or len(raw) > MAX_FILE:
                continue
            if _PARTS.search(raw) and not _OBJECT.search(raw) and not _is_inside(path, folders):
                index.partial.append(path)
            if may_use_charts(raw.decode("utf-8", "replace")):
                for use in (use for root in _roots(raw) for use in uses_in(root)):
                    self._add(index, path, use)
        index.partial[:] = [path for path in index.partial if path not in index.by_file]
        return index

    def _add(self, index: _Index, path: str, use: ChartUse) -> None:
        used = self._used(path, use)
        for one in used:
            index.by_folder.setdefault(one.folder, []).append(one)
            for at, layer in enumerate(one.layers):
                if layer.place == ANYWHERE:
                    index.by_file.setdefault(layer.path, []).append((one, at))
        for layers in [] if used else self._layers(path, use.layers, self._bases(path, "top"), "", {}):
            for layer in layers:
                if layer.place == ANYWHERE:
                    index.by_file.setdefault(layer.path, [])

    def _used(self, path: str, use: ChartUse) -> list[_UsedChart]:
        """Return the charts that a use in a document may mean: several, where placeholders stand in their paths."""
        for base in self._bases(path, use.base):
            found: list[_UsedChart] = []
            for folder, known in (pair for chart in use.charts for pair in self._found(base, chart)):
                layers = self._layers(path, use.layers[:_MOST_LAYERS], [base], folder, known)
                found += [_UsedChart(folder, one, use.has_own) for one in islice(layers, _MOST)]
            if found:
                return found[:_MOST]
        return []

    def _found(self, base: str, chart: str) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield the folders of charts that a path names, each with what the placeholders in it stand for."""
        path = joined(base, chart)
        if not has_placeholders(chart):
            if self._loaded.chart(path):
                yield path, {}
            return
        expression = matcher(path, {})
        for folder in self.folders:
            if match := expression.fullmatch(folder):
                yield folder, bound(path, match)

    def _layers(
        self, path: str, layers: Sequence[ValuesLayer], tops: Sequence[str], folder: str, known: Mapping[str, str]
    ) -> Iterator[tuple[_Layer, ...]]:
        """Yield the layers that there are, once for each text for which placeholders may stand."""
        if not layers:
            yield ()
            return
        first, rest = layers[0], layers[1:]
        if isinstance(first, InlineValues):
            here = _Layer(path, first.node.token.number, partial(_values_in, first.node))
            yield from ((here, *others) for others in self._layers(path, rest, tops, folder, known))
            return
        bases = {"here": [path.rpartition("/")[0]], "chart": [folder] if folder else [], "top": tops}[first.base]
        options = [option for base in bases for option in self._named_files(base, first.path, known)]
        for name, stands in options or [("", known)]:
            layer = (_Layer(name, ANYWHERE, partial(self._loaded.values, name)),) if name else ()
            yield from ((*layer, *others) for others in self._layers(path, rest, tops, folder, stands))

    def _named_files(self, base: str, name: str, known: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, str]]]:
        path = joined(base, name)
        if not has_placeholders(name):
            if path in self._is_judged or self._files.read(path) is not None:
                yield path, known
            return
        expression = matcher(path, known)
        for file in self._judged:
            if match := expression.fullmatch(file):
                yield file, {**known, **bound(path, match)}

    def _bases(self, path: str, base: Base) -> list[str]:
        """Return where paths may start: the top is that of the repository, or one of the folders around a file."""
        folder = path.rpartition("/")[0]
        if base != "top":
            return [folder]
        found = [folder]
        for _ in range(_MAX_ABOVE):
            if self._files.is_top(folder):
                is_repository = bool(folder) or not path.startswith("/")
                return [folder, *found] if is_repository else found
            folder = folder.rpartition("/")[0]
            found.append(folder)
        return found

    def merged(self, places: Sequence[tuple[_UsedChart, int]]) -> tuple[ChartAround, ...]:
        """Return the charts that get the values of layers, each once for the same values below."""
        found: dict[tuple[object, ...], list[tuple[_UsedChart, int]]] = {}
        for used, at in places:
            below = tuple(layer[:2] for layer in used.layers[: at + 1])
            found.setdefault((used.folder, used.has_own, below), []).append((used, at))
        return tuple(map(self._around, found.values()))

    def _around(self, places: Sequence[tuple[_UsedChart, int]]) -> ChartAround:
        used, at = places[0]
        chart = self._loaded.chart(used.folder)
        assert chart
        above = dict.fromkeys(layer for one, number in places for layer in one.layers[number + 1 :])
        files = [self.values_file(layer, used.folder) for layer in above]
        below = tuple(layer.values for layer in reversed(used.layers[:at]))
        place = used.layers[at].place
        return ChartAround(chart, used.folder, True, Overlays(lambda: files), below, used.has_own, place)


def joined(folder: str, name: str) -> str:
    """Return a path without `.` and `..`, as far as it is known."""
    return posixpath.normpath(f"{folder}/{name}" if folder else name)


def relative(path: str, folder: str) -> str:
    """Return the path of a file as it is called from a folder."""
    return posixpath.relpath("/" + path.lstrip("/"), "/" + folder.lstrip("/"))


def _values_in(node: YamlNode) -> YamlNode | None:
    """Return the values in a document: those of a mapping, of parameters, or of a text."""
    if node.token.kind == "list":
        return parameters(node)
    return node if node.token.kind == "map" else next(iter(_roots(node.token.text.encode())), None)


def _roots(raw: bytes) -> list[YamlNode]:
    """Return the content of all documents of a file, as far as it can be read."""
    from ledger_tool.edges.yaml.manifest_tokens import tokens

    found: list[YamlNode] = []
    try:
        text = yamltree.decoded(raw)
        for document in yamltree.documents(text):
            found += yamltree.tree(tokens(text, document))
    except TextFault:
        pass
    return found


def _is_inside(path: str, folders: Collection[str]) -> bool:
    """Return whether a path is below one of the folders."""
    parts = path.split("/")
    return any("/".join(parts[:length]) in folders for length in range(len(parts)))


def _is_template(path: str, folders: Collection[str]) -> bool:
    """Return whether a file is a template of a chart in one of the folders."""
    parts = path.split("/")
    places = [number for number, part in enumerate(parts) if part == "templates"]
    return any("/".join(parts[:number]) in folders for number in places)
