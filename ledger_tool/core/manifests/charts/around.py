"""The chart around a file: its templates, the values over which the file's own are laid, and other files with values.

Helm merges mappings key by key: a file that sets only a tag keeps the repository that the chart's values name, and the
digest too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ledger_tool.core.manifests.charts.chart import HelmChart
from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.yamltree import YamlNode, look_up

Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ValuesFile:
    """A file with values of a chart, or of one that contains it; `above` are the keys that the chart's have there.

    `name` is for messages, and `sites` finds its images. `is_judged` says that it is among the files that are judged.
    """

    name: str
    sites: Callable[[OurImages], Iterable[tuple[Site, str]]]
    around: Callable[[], ChartAround | None]
    above: Keys = ()
    is_judged: bool = False


@dataclass(frozen=True, slots=True)
class OverlaidSite:
    """A site in a file that may be laid over a chart's `values.yaml`, and the file's text."""

    file: ValuesFile
    site: Site
    text: str


class Overlays:
    """The files that may be laid over a chart's `values.yaml`; all are read once, when one is asked for."""

    def __init__(self, files: Callable[[], Iterable[ValuesFile]]) -> None:
        self._files = files
        self._found: dict[Keys, list[OverlaidSite]] | None = None

    def at(self, above: Keys, ours: OurImages) -> list[OverlaidSite]:
        """Return what is found below these keys of the chart's values."""
        if self._found is None:
            self._found = {}
            for file in self._files():
                for site, text in file.sites(ours):
                    place = site.values
                    if place and not place.in_object and place.above[: len(file.above)] == file.above:
                        below = place.above[len(file.above) :]
                        self._found.setdefault(below, []).append(OverlaidSite(file, site, text))
        return self._found.get(above, [])


@dataclass(frozen=True, slots=True)
class ChartAround:
    """The chart that a file belongs to; `is_values` says that the file's name tells that it has values of it.

    `overlays` are there for the `values.yaml` of a chart, over which all others are laid.
    """

    chart: HelmChart
    is_values: bool
    overlays: Overlays | None = None

    def defaults(self, above: Keys) -> YamlNode | None:
        """Return the mapping over which Helm lays the file's own below these keys, or None if there is none."""
        found = [] if "*" in above else list(_defaults(self.chart, above, with_own=not self.overlays))
        return YamlNode(found[0].token, merged=found) if found else None


def no_chart() -> ChartAround | None:
    """Return that a file belongs to no chart."""
    return None


def _defaults(chart: HelmChart, above: Keys, *, with_own: bool) -> Iterator[YamlNode]:
    """Yield what a chart's values have below keys, then what those of its subcharts have there."""
    node = chart.values() if with_own else None
    for key in above:
        place = look_up(node, key) if node else None
        node = place.node if place else None
    if node and node.token.kind == "map":
        yield node
    for name, inner in chart.subcharts:
        if above[:1] == (name,):
            yield from _defaults(inner, above[1:], with_own=True)
