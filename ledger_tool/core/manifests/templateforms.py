"""Templates that are not YAML until they are rendered, as forms of manifests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ledger_tool.core.manifests.actionimages import as_written, in_actions
from ledger_tool.core.manifests.charts.around import NO_CHARTS, FileCharts
from ledger_tool.core.manifests.comments import marks_in, needing_reference
from ledger_tool.core.manifests.evidence import end_of_value, may_name_image, shows_reference
from ledger_tool.core.manifests.find import find_sites
from ledger_tool.core.manifests.formats import DocumentReading, YamlFormat
from ledger_tool.core.manifests.marks import IGNORE, Mark, Marks, find_marks
from ledger_tool.core.manifests.mentions import mentions, mentions_in_lines
from ledger_tool.core.manifests.ours import OurImages
from ledger_tool.core.manifests.remark import ManifestNote
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.manifests.templaterepair import RepairedReading, repaired
from ledger_tool.core.manifests.templatetext import COVER, COVERED, covered, lines, literals
from ledger_tool.core.manifests.tokens import TextDocument, TextFault
from ledger_tool.core.manifests.yamltree import tree

_GOES_ON = re.compile(
    r"[\"']?\s+\{\{-(?!\s*(?:/\*|(?:if|else|end|range|with|define|block|break|continue)\b|\$\w*\s*:?=))"
)
_MOST_NAMED = 5
_LOCKED = "it is in a template that cannot be read as YAML until it is rendered"


class TemplateFormat(YamlFormat):
    """Templates of YAML, by the same parser, with their actions covered."""

    def bare(self, text: str) -> str:
        """Return the text with its actions covered."""
        return covered(text)

    def inside(self) -> FileCharts:
        """Return the charts that get values in a file that is no template of a chart, as one of Helmfile."""
        charts = self.charts()
        return NO_CHARTS if charts.of_chart() else FileCharts(inside=charts.inside)

    def read(self, path: str, text: str, document: TextDocument) -> DocumentReading:
        """Return the tokens of the covered text, and the sites in their tree; some have parts that are covered."""
        bare = self.bare(text)
        try:
            tokens = self.parse(bare, document)
        except TextFault as fault:
            if not fault.is_syntax:
                raise
            return self._repaired(path, text, document)
        marks = marks_in(text, document, tokens)
        found = find_sites(path, text, tree(tokens), self.ours, charts=self.inside, marks=marks)
        sites = [_uncovered(one) for site in found.sites for one in in_actions(site, text, self.ours, self.charts)]

        def search() -> list[Site]:
            between = mentions(bare, document, tokens, found.tokens, self.ours)
            solid = [site for site in sites if COVERED not in site.text]
            return [*between, *mentions_in_lines(literals(text), document, solid, self.ours, marks)]

        written = [as_written(token, text) if COVER in token.text else token for token in tokens]
        return DocumentReading(written, sites, search, needing_reference(marks, tokens))

    def _repaired(self, path: str, text: str, document: TextDocument) -> DocumentReading:
        """Return the sites of a document without the lines that are not YAML; nothing is edited, so it has no tokens.

        A gate over lines that may name an image must not be green: they are `unread`.
        """
        bare = self.bare(text)
        done = repaired(bare, document, self.parse)
        marks = find_marks(bare, document)
        found = find_sites(path, text, done.roots, self.ours, charts=self.inside, marks=marks).sites
        known = {field.token.line for site in found for field in site.fields}
        names = {site.name for site in found if not site.whole}
        left_out, unread = set(done.left_out), []
        for number, line in lines(bare, document):
            is_read = number < done.end_line and number not in left_out
            if number in known or (is_read and (not self.ours.has_host(line[0]) or any(map(line[0].count, names)))):
                continue
            inner = [] if is_read else self._in_line(path, text, bare, line, number, marks)
            found += inner
            if not inner and _may_name_image(bare, line, marks.at(line.start()), self.ours):
                unread.append(number)
        found = [one for site in found for one in in_actions(_whole(site, text), text, self.ours, self.charts)]
        sites = [replace(_uncovered(site), locked=_LOCKED) for site in found]
        sites.sort(key=lambda site: site.fields[0].token.start)

        def search() -> list[Site]:
            between = mentions_in_lines(bare, document, sites, self.ours)
            solid = [site for site in sites if COVERED not in site.text]
            return [*between, *mentions_in_lines(literals(text), document, solid, self.ours, marks)]

        if unread:
            note = ManifestNote(path, unread[0], _unread(unread), is_fault=True)
        else:
            note = ManifestNote(path, *_read_without(done, document), kind="template")
        return DocumentReading([], sites, search, note=note if unread or shows_reference(bare, self.ours) else None)

    def _in_line(
        self, path: str, text: str, bare: str, line: re.Match[str], number: int, marks: Marks
    ) -> Sequence[Site]:
        """Return the sites of a line by itself, if it is YAML; with the next one, if its value is there."""
        has_action = "mage" in line[0] and COVER in line[0]
        if not (has_action or marks.at(line.start()) or may_name_image(bare, *line.span(), self.ours)):
            return []
        for end in {line.end(), end_of_value(bare, line)}:
            try:
                part = TextDocument(line.start(), end, number)
                found = find_sites(path, text, tree(self.parse(bare, part)), self.ours, marks=marks).sites
            except TextFault:
                continue
            if found:
                return found
        return []


def _uncovered(site: Site) -> Site:
    """Return a site of a covered text: one with covered parts is a part of a template, which is not judged."""
    if COVER in site.text:
        site = replace(site, text=re.sub(f"{COVER}+", COVERED, site.text))
    if not site.whole:  # of several fields, conditions may choose others
        known = site.values if site.values and site.values.charts else None
        site = replace(
            site, values=known, locked=site.locked or "its fields are in a template, which may choose others"
        )
    return replace(site, unsettled="")  # which of two values is there, conditions decide


def _whole(site: Site, text: str) -> Site:
    """Return a site with all of its text: an action on the next line that trims the line break goes on with it."""
    is_open = site.whole and _GOES_ON.match(text, site.fields[0].token.end)
    return replace(site, text=site.text + COVERED) if is_open else site


def _may_name_image(text: str, line: re.Match[str], marks: Sequence[Mark], ours: OurImages) -> bool:
    is_ignored = any(mark.policy == IGNORE and not mark.fault for mark in marks)
    return not is_ignored and (bool(marks) or may_name_image(text, *line.span(), ours))


def _unread(numbers: Sequence[int]) -> str:
    named, are = _named(numbers)
    return (
        f"not read in full: {named} of this template {are} not YAML even around its actions, and may name an image: "
        "write `# ledger: ignore` behind what is none"
    )


def _read_without(done: RepairedReading, document: TextDocument) -> tuple[int, str]:
    """Return the first line that was not read, and what to say of it and the others."""
    if done.end < document.end:
        where = f" from line {done.end_line} on" if done.end > document.start else ""
        return done.end_line, f"a template that is not YAML until it is rendered: only single lines were read{where}"
    named, are = _named(done.left_out)
    return done.left_out[0], f"a template, of which {named} {are} not YAML until it is rendered: it was read without"


def _named(numbers: Sequence[int]) -> tuple[str, str]:
    if len(numbers) == 1:
        return f"line {numbers[0]}", "is"
    return f"lines {', '.join(map(str, numbers[:_MOST_NAMED]))}" + (", …" if len(numbers) > _MOST_NAMED else ""), "are"
