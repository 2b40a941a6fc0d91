"""A Helm chart as values, and whether it reads the digest of an image in them.

It does, if each line that it prints of the image's name and tag also depends on the digest. It does not, if one of
these lines certainly does not. Everything else cannot be known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from ledger_tool.core.manifests.charts.flow import root
from ledger_tool.core.manifests.charts.follow import ChartTooLarge, DefinedTemplate, Follower, PrintedLine
from ledger_tool.core.manifests.charts.gotemplate import TemplateFault, parse_template
from ledger_tool.core.manifests.charts.lines import PrintedLines
from ledger_tool.core.manifests.charts.misprint import PrintedImage
from ledger_tool.core.manifests.charts.paths import SOME, VALUES, Path, covers, is_any, is_at, merged_globals
from ledger_tool.core.manifests.charts.printed import PrintedReference, printed_references
from ledger_tool.core.manifests.site import ImageFields
from ledger_tool.core.manifests.yamltree import YamlNode

MAX_SUBCHARTS = 6  # levels
_REPLACED = "its templates replace some of these values"
_IMAGE = re.compile(r"(?i)image")


class DigestReading(NamedTuple):
    """Whether a chart reads a digest, and what shows it, or why it cannot be known."""

    outcome: Literal["read", "ignored", "unknown"]
    why: str


def no_values() -> YamlNode | None:
    """Return that a chart has no `values.yaml`."""
    return None


def not_known() -> frozenset[Path] | None:
    """Return that nobody knows which of a chart's values are set."""
    return None


@dataclass(frozen=True, kw_only=True)
class HelmChart:
    """A chart: the texts of its templates by path, and its dependencies by the name that their values have.

    `subcharts` are those that are there, and `absent` the names of the others. `filled` returns the places of values
    that are set in any of its files, or None if these are not known, and `values` what its `values.yaml` says.
    `name` and `app_version` are those of its `Chart.yaml`. Of one that is not here, nothing is known but that it gets
    values.
    """

    templates: Mapping[str, str]
    name: str = ""
    app_version: str = ""
    is_library: bool = False
    is_here: bool = True
    subcharts: tuple[tuple[str, HelmChart], ...] = ()
    absent: tuple[str, ...] = ()
    values: Callable[[], YamlNode | None] = no_values
    filled: Callable[[], frozenset[Path] | None] = not_known

    def misprint(self, image: ImageFields, *, has_digest: bool) -> str:
        """Return what shows that the chart may print something else than an image with its tag, or with its digest.

        That is `""` if nothing does.
        """
        followed = self._followed
        printed = PrintedImage(image, has_digest, self.is_unset)
        if any(map(printed.is_part, followed.changed)):
            return _REPLACED
        lines = followed.lines.at(*printed.places)
        return next((f"{line.file}:{line.line}" for line in lines if printed.misprinted(line)), "")

    def other_use(self, image: ImageFields, *, extended: str) -> str:
        """Return where the chart uses the value to which a digest is added for more than the image, or `""`.

        `extended` is what that value says, and not empty.
        """
        followed = self._followed
        printed = PrintedImage(image, False, self.is_unset, extended)
        lines = followed.lines.at(*printed.places)
        questions = (one.where for one in followed.asked if printed.is_asked_for(one))
        return next((f"{line.file}:{line.line}" for line in lines if printed.misprinted(line)), next(questions, ""))

    def digest_forms(self, image: ImageFields) -> set[str]:
        """Return what the chart prints in front of an image's digest: the digest's algorithm, or nothing."""
        printed = PrintedImage(image, True, self.is_unset)
        return {form for line in self._followed.lines.at(*printed.places) for form in printed.algorithms(line)}

    @cached_property
    def printed(self) -> list[PrintedReference]:
        """The references that its templates put together from its values."""
        return printed_references(self._followed.lines.all)

    def says(self, path: Path, file: str) -> str:
        """Return what a chart says of itself, as `.Chart.Name`, in a template of it, or of a chart in it."""
        _, *inner = file.rpartition("templates/")[0].split("charts/")
        chart = self
        for name in inner:
            chart = dict(chart.subcharts).get(name.strip("/"), chart)
        return {"Name": chart.name, "AppVersion": chart.app_version}.get(path[-1], "")

    def is_unset(self, path: Path) -> bool:
        """Return whether no file here sets a value; one that may be set by any is not unset."""
        return self._filled is not None and path[:1] == VALUES and not is_any(path) and path not in self._filled

    @cached_property
    def _filled(self) -> frozenset[Path] | None:
        """The places that its own files set, and those of the charts that it depends on."""
        found = self.filled()
        for name, chart in self.subcharts:
            inner = chart._filled
            if found is None or inner is None:
                return None
            found |= {merged_globals((*VALUES, name, *path[1:])) for path in inner}
        return found

    def reads_digest(self, image: ImageFields) -> DigestReading:
        """Return whether the chart reads the digest of an image in its values."""
        followed = self._followed
        place = (*VALUES, *image.above)
        versions = followed.lines.at((*place, image.tag), (*place, image.digest))
        lines = [(line, is_sure) for line in versions if (is_sure := _prints(line, image)) is not None]
        ignoring = [line for line, is_sure in lines if is_sure and not _reads(line, image)]
        if any(_replaces(path, place) for path in followed.changed):
            return DigestReading("unknown", _REPLACED)
        for line in ignoring:
            if not any(covers(path, place) for path in line.used):
                return DigestReading("ignored", f"{line.file}:{line.line}")
        if doubt := followed.doubt(place, image.above, is_printed=bool(lines)):
            return DigestReading("unknown", doubt)
        for line, _ in lines:
            if not _reads(line, image):
                return DigestReading("unknown", f"{line.file}:{line.line} cannot be followed")
        for line in followed.lines.at(place):
            if _IMAGE.search(line.text) and any(is_at(path, place) for path in line.used):
                return DigestReading("unknown", f"{line.file}:{line.line} passes it on as a whole")
        return DigestReading("read", f"{lines[0][0].file}:{lines[0][0].line}")

    @cached_property
    def _followed(self) -> _FollowedChart:
        """Follow the chart once, in the order in which Helm parses it: what is parsed last defines a name."""
        units = list(_units(self, "", ()))
        defined: dict[str, DefinedTemplate] = {}
        unread, parsed = [], []
        for unit in sorted(units, key=lambda unit: (unit.file.count("/"), unit.file), reverse=True):
            try:
                template = parse_template(unit.text)
            except TemplateFault as fault:
                unread.append(f"{unit.file}:{fault.line} cannot be read: {fault.message}")
                continue
            defined.update({name: DefinedTemplate(unit.file, body) for name, body in template.defined.items()})
            parsed.append((unit, template))
        follower = Follower(defined)
        try:
            for unit, template in parsed:
                if unit.is_rendered:
                    follower.follow(unit.file, template.body, root(unit.aliases))
        except ChartTooLarge:
            unread.append("its templates are too large to be followed")
        return _FollowedChart(follower, unread, self)


ABSENT = HelmChart(templates={}, is_here=False)


class _ChartTemplate(NamedTuple):
    """One template of a chart or a subchart: `aliases` are the names of the subchart and of those around it."""

    file: str
    text: str
    aliases: Path
    is_rendered: bool


def _units(chart: HelmChart, folder: str, aliases: Path) -> Iterator[_ChartTemplate]:
    for path, text in chart.templates.items():
        name = path.rpartition("/")[2]
        is_rendered = not (chart.is_library or name.startswith("_") or name == "NOTES.txt")
        yield _ChartTemplate(folder + path, text, aliases, is_rendered)
    for name, inner in chart.subcharts if len(aliases) < MAX_SUBCHARTS else ():
        yield from _units(inner, f"{folder}charts/{name}/", (*aliases, name))


class _FollowedChart:
    """What following a chart has shown."""

    def __init__(self, follower: Follower, unread: list[str], chart: HelmChart) -> None:
        self.lines = PrintedLines(follower.lines)
        self.changed, self.asked = follower.changed, follower.asked
        self._absent = follower.absent
        self._unread = unread
        self._chart = chart

    def doubt(self, place: Path, above: Path, *, is_printed: bool) -> str:
        """Return why lines may be missing that print something of a place in the values, or `""`."""
        for template, passed in self._absent.items():
            # Where lines are known, a template that gets just everything, for some name, is not expected to add one.
            if any(covers(path, place) and (len(path) > 1 or not is_printed) for path in passed):
                return f"its template `{template}` is not here"
        absent = self._chart.absent
        if (above[:1] == ("global",) and absent) or (above and above[0] in absent):
            return f"its dependency `{above[0] if above[0] in absent else absent[0]}` is not here"
        if self._unread or is_printed:
            return next(iter(self._unread), "")
        for line in self.lines.over(place):
            return f"{line.file}:{line.line} passes it on as a whole"
        return "none of its templates prints this image"


def _replaces(path: Path, place: Path) -> bool:
    """Return whether a change at a path is one of a place, or of one of the fields in it."""
    return covers(path, place) or (len(path) == len(place) + 1 and covers(path[:-1], place))


def _reads(line: PrintedLine, image: ImageFields) -> bool:
    """Return whether a line certainly depends on the digest."""
    place = (*VALUES, *image.above, image.digest)
    return any(is_at(path, place) and SOME not in path for path in line.used)


def _prints(line: PrintedLine, image: ImageFields) -> bool | None:
    """Return whether a line certainly prints an image that has a digest, or None if it does not."""
    places = [(*VALUES, *image.above, key) for key in (image.name, image.tag, image.digest)]
    name, tag, digest = ([path for path in line.used if is_at(path, key)] for key in places)
    asked = {
        sign
        for sign, paths in line.guards
        if any(len(path) == len(places[2]) and covers(path, places[2]) for path in paths)
    }
    version = tag + digest
    is_comment = line.text.lstrip().startswith("#")
    if is_comment or not version or "-" in asked or not (name or _IMAGE.search(line.text)):
        return None
    return not any(SOME in path for path in name + version) and asked <= {"+"}
