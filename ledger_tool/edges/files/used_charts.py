"""The charts that uses mean: their folders, and the files and documents with the values that they get."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.manifests import yamltree
from ledger_tool.core.manifests.charts.around import ANYWHERE
from ledger_tool.core.manifests.charts.layers import Base, ChartUse, InlineValues, UnknownValues, ValuesLayer
from ledger_tool.core.manifests.charts.parameters import parameters
from ledger_tool.core.manifests.charts.placeholders import bound, first_placeholder, has_placeholders, matcher
from ledger_tool.core.manifests.formats import kind_of
from ledger_tool.core.manifests.tokens import TextFault
from ledger_tool.core.manifests.yamltree import YamlNode
from ledger_tool.edges.files.chart_files import ChartFiles
from ledger_tool.edges.files.chart_loading import LoadedCharts

MOST = 200  # ways in which one document uses a chart
ABSENT_FOLDER = "chart:"  # a folder that there is not
_MAX_ABOVE = 8  # folders
_MOST_BESIDE = 2_000  # names
_MOST_LAYERS = 100


class Layer(NamedTuple):
    """Values of a chart: in a file, or at the token with the number `place` in a document of it.

    `unknown` says why they are not known, if they are not; then `place` is their line, below `ANYWHERE`.
    """

    path: str
    place: int
    values: Callable[[], YamlNode | None]
    unknown: str = ""


class UsedChart(NamedTuple):
    """A chart in a folder, and the values that it gets, one over the other, and over its own if `has_own`.

    The `folder` of one that is not here only tells it from others. `elsewhere` says why it may be another chart.
    """

    folder: str
    layers: tuple[Layer, ...]
    has_own: bool
    elsewhere: str = ""


class UsedCharts:
    """Finds the charts that uses mean, in these files; `folders` returns those of all charts."""

    def __init__(
        self, files: ChartFiles, judged: Sequence[str], loaded: LoadedCharts, folders: Callable[[], Sequence[str]]
    ) -> None:
        self._files, self._loaded, self._folders = files, loaded, folders
        self._judged, self._is_judged = judged, frozenset(judged)

    def used(self, path: str, use: ChartUse) -> list[UsedChart]:
        """Return the charts that a use in a document may mean: several, where placeholders stand in their paths."""
        for base in self.bases(path, use.base):
            found: list[UsedChart] = []
            for folder, known in (pair for chart in use.charts for pair in self._found(base, chart)):
                layers = self.layers(path, use.layers[:_MOST_LAYERS], [base], folder, known)
                elsewhere = self._elsewhere(path, use.repository)
                found += [UsedChart(folder, one, use.has_own, elsewhere) for one in islice(layers, MOST)]
            if found:
                return found[:MOST]
        absent = ABSENT_FOLDER + use.name.rstrip("/").rpartition("/")[2]
        layers = self.layers(path, use.layers[:_MOST_LAYERS], self.bases(path, "top"), "", {})
        return [UsedChart(absent, one, False) for one in islice(layers, MOST)]

    def _elsewhere(self, path: str, repository: str) -> str:
        """Return why the chart of a use in a file comes from another repository than the file's own, or `""`."""
        name = _repository_name(repository)
        if not name or has_placeholders(repository):
            return ""
        top = path.rpartition("/")[0]
        while top and not self._files.is_top(top):
            top = top.rpartition("/")[0]
        own = _repository_name(self._files.origin(top))
        if own in ("", name):
            return ""
        names = f"{shown(name)}, and this is {shown(own)}"
        return f"its chart is in the repository {names}: write the digest behind its tag"

    def _found(self, base: str, chart: str) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield the folders of charts that a path names, each with what the placeholders in it stand for."""
        path = joined(base, chart)
        if not has_placeholders(chart):
            if self._loaded.chart(path):
                yield path, {}
            return
        expression = matcher(path, {})
        for folder in self._folders():
            if match := expression.fullmatch(folder):
                yield folder, bound(path, match)

    def layers(
        self, path: str, layers: Sequence[ValuesLayer], tops: Sequence[str], folder: str, known: Mapping[str, str]
    ) -> Iterator[tuple[Layer, ...]]:
        """Yield the layers that there are, once for each text for which placeholders may stand."""
        if not layers:
            yield ()
            return
        first, rest = layers[0], layers[1:]
        if isinstance(first, InlineValues):
            here = Layer(path, first.node.token.number, partial(_values_in, first.node))
            yield from ((here, *others) for others in self.layers(path, rest, tops, folder, known))
            return
        if isinstance(first, UnknownValues):
            values = partial(_values_in, first.node) if first.node else no_values
            unknown = Layer(path, place_of_unknown(first.line), values, first.why)
            yield from ((unknown, *others) for others in self.layers(path, rest, tops, folder, known))
            return
        bases = {"here": [path.rpartition("/")[0]], "chart": [folder] if folder else [], "top": tops}[first.base]
        options = [option for base in bases for option in self._named_files(base, first.path, known)]
        for name, stands in options or [("", known)]:
            layer = (Layer(name, ANYWHERE, partial(self._loaded.values, name)),) if name else ()
            if not name and first.line and (has_placeholders(first.path) or "://" in first.path):
                why = f"no file that is here fits `{shown(first.path)}`"
                layer = (Layer(path, place_of_unknown(first.line), no_values, why),)
            yield from ((*layer, *others) for others in self.layers(path, rest, tops, folder, stands))

    def _named_files(self, base: str, name: str, known: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, str]]]:
        path = joined(base, name)
        if not has_placeholders(name):
            if path in self._is_judged or self._files.read(path) is not None:
                yield path, known
            return
        expression = matcher(path, known)
        for file in self._judged if kind_of(path) else self._beside(path):
            if match := expression.fullmatch(file):
                yield file, {**known, **bound(path, match)}

    def _beside(self, path: str) -> Iterator[str]:
        """Yield the files of a kind that is not judged, such as `.gotmpl`, that a path with placeholders may mean."""
        solid, *others = path[: first_placeholder(path)].rpartition("/")[0], *path.split("/")
        ahead, left = [(solid, len(others) - solid.count("/") - bool(solid))], _MOST_BESIDE
        while ahead and left:
            folder, levels = ahead.pop()
            for name, is_folder in self._files.names(folder)[:left]:
                left -= 1
                if is_folder and levels > 1:
                    ahead.append((joined(folder, name), levels - 1))
                elif not is_folder:
                    yield joined(folder, name)

    def bases(self, path: str, base: Base) -> list[str]:
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
            if not folder and path.startswith("/"):
                break
            found.append(folder)
        return found


def place_of_unknown(line: int) -> int:
    """Return the place of values that are not known, and are given in a line."""
    return -max(line, 2)


def _repository_name(url: str) -> str:
    """Return the last part of a URL: what clones, forks and mirrors of a repository have in common."""
    return re.split(r"[/:]", url.rstrip("/").removesuffix(".git"))[-1].lower()


def laid_over(used: UsedChart, layers: tuple[Layer, ...]) -> UsedChart:
    """Return a chart with more values over those that it gets."""
    return used._replace(layers=(*used.layers, *layers))


def no_values() -> YamlNode | None:
    """Return that values are not known."""
    return None


def joined(folder: str, name: str) -> str:
    """Return a path without `.` and `..`, as far as it is known."""
    return posixpath.normpath(f"{folder}/{name}" if folder else name)


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
