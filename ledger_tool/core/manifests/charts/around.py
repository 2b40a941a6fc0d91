"""The charts whose values a file has: their templates, the values over which its own are laid, and those over them.

Helm merges mappings key by key: a file that sets only a tag keeps the repository that the chart's values name, and the
digest too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger_tool.core.manifests.charts.chart import HelmChart
from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.yamltree import ComposedNode, YamlNode, look_up

Keys = tuple[str, ...]
ANYWHERE = -1
_ITEM = re.compile(r"([^\[\]]+)\[([0-9]{1,4})\]")


class SitesOfFile(NamedTuple):
    """The sites of a file, each with the file's text, and why others may be missing, or `""`."""

    sites: Sequence[tuple[Site, str]] = ()
    unread: str = ""


@dataclass(frozen=True, slots=True)
class ValuesFile:
    """A file with values of the chart in a folder, or of one that contains another; `above` are the other's keys.

    `name` is for messages, and `sites` finds its images. `is_judged` says that it is among the files that are judged.
    `place` is the number of the token with the values, or `ANYWHERE`.
    """

    name: str
    sites: Callable[[OurImages], SitesOfFile]
    folder: str
    above: Keys = ()
    is_judged: bool = False
    place: int = ANYWHERE


@dataclass(frozen=True, slots=True, eq=False)
class OverlaidSite:
    """A site in a file that may be laid over other values of a chart, and the file's text."""

    file: ValuesFile
    site: Site
    text: str


class Overlays:
    """The files that may be laid over values of a chart; all are read once, when one is asked for."""

    def __init__(self, files: Callable[[], Iterable[ValuesFile]]) -> None:
        self._files = files
        self._found: dict[Keys, list[OverlaidSite]] | None = None
        self._unread = ""
        self.versions: dict[OverlaidSite, str] = {}  # what was found out of each, which every site below it asks

    def at(self, above: Keys, ours: OurImages) -> list[OverlaidSite]:
        """Return what is found below these keys of the chart's values."""
        if self._found is None:
            self._found = {}
            for file in self._files():
                read = file.sites(ours)
                if read.unread and not self._unread:
                    self._unread = f"{file.name} may be laid over it and cannot be read: {read.unread}"
                for site, text in read.sites:
                    below = _below(site, file)
                    if below is not None:
                        self._found.setdefault(below, []).append(OverlaidSite(file, site, text))
        return self._found.get(above, [])

    def unread(self, ours: OurImages) -> str:
        """Return which of the files cannot be read, and why, or `""`."""
        self.at((), ours)
        return self._unread


def _below(site: Site, file: ValuesFile) -> Keys | None:
    """Return where a site is in the values of a file's chart, or None for one of another chart."""
    place = site.values
    of_chart = [one for one in place.charts if one.folder == file.folder] if place else []
    if not place or not any(file.place in (ANYWHERE, one.place) for one in of_chart):
        return None
    return place.above[len(file.above) :] if place.above[: len(file.above)] == file.above else None


@dataclass(frozen=True, slots=True, eq=False)
class ChartAround:
    """A chart, in a folder, that gets the values in question; `is_values` says that something tells so.

    `overlays` may be laid over them. They are laid over the values of `below`, the uppermost first, and if `has_own`
    over the chart's own. `place` is the number of the token with the values, if a document gives them to the chart.
    `elsewhere` says why it may be another chart that gets them, or is `""`. `beside` is the name of the file with the
    values, if the overlays are those beside it, of which nobody knows whether they are laid over it.
    """

    chart: HelmChart
    folder: str
    is_values: bool = True
    overlays: Overlays | None = None
    below: tuple[Callable[[], YamlNode | None], ...] = ()
    has_own: bool = True
    place: int = ANYWHERE
    elsewhere: str = ""
    beside: str = ""

    def defaults(self, above: Keys) -> YamlNode | None:
        """Return the mapping over which Helm lays the one below these keys, or None if there is none."""
        if "*" in above:
            return None
        laid = [node for read in self.below if (node := node_at(read(), above))]
        found = [*laid, *_defaults(self.chart, above, with_own=self.has_own)]
        return ComposedNode(found[0].token, merged=found) if found else None


def _no_values(root: YamlNode) -> Mapping[int, tuple[ChartAround, ...]]:
    del root
    return {}


def not_of_a_chart() -> HelmChart | None:
    """Return that a file is not in a chart's folder of templates."""
    return None


def no_chart() -> Sequence[ChartAround]:
    """Return that values may belong to no chart."""
    return ()


@dataclass(frozen=True, slots=True)
class FileCharts:
    """The charts that a file has values of.

    `whole` are those of a whole document, and of which the file is known to have values. `possible` are those to which
    values in it may belong, as nothing tells whose they are. `inside` returns, for a document's root, those that get
    the values at a token, by its number; none for a chart that is not here. `is_values` says that the file has values,
    whether or not their chart is here. `of_chart` returns the chart that the file is a template of.
    """

    whole: tuple[ChartAround, ...] = ()
    possible: Callable[[], Sequence[ChartAround]] = no_chart
    inside: Callable[[YamlNode], Mapping[int, tuple[ChartAround, ...]]] = _no_values
    is_values: bool = False
    of_chart: Callable[[], HelmChart | None] = not_of_a_chart


NO_CHARTS = FileCharts()


def no_charts() -> FileCharts:
    """Return that a file belongs to no chart."""
    return NO_CHARTS


def node_at(node: YamlNode | None, above: Keys) -> YamlNode | None:
    """Return the mapping below these keys, or None if there is none. One may name an item: `containers[0]`."""
    for key in above:
        place = look_up(node, key) if node else None
        node = place.node if place else _item(node, key) if node else None
    return node if node and node.token.kind == "map" else None


def _item(node: YamlNode, key: str) -> YamlNode | None:
    named = _ITEM.fullmatch(key)
    place = look_up(node, named[1]) if named else None
    return place.node.items[int(named[2])].node if named and place and int(named[2]) < len(place.node.items) else None


def _defaults(chart: HelmChart, above: Keys, *, with_own: bool) -> Iterator[YamlNode]:
    """Yield what a chart's values have below keys, then what those of its subcharts have there."""
    if with_own and (node := node_at(chart.values(), above)):
        yield node
    for name, inner in chart.subcharts:
        if above[:1] == (name,):
            yield from _defaults(inner, above[1:], with_own=True)
