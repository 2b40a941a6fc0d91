"""The lists that may be long, page by page: images, findings, what runs, and the tags that are not to be used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from typing import NamedTuple

from ledger_tool.core.site import paths
from ledger_tool.core.site.facts import RunningFacts, RunningNote, SiteFacts, TagFacts
from ledger_tool.core.site.files import SiteFile
from ledger_tool.render.site.shell import DRIFT, EXPIRING, IMAGES, OUTDATED, RUNNING, YANKED, Shell, pages_of

_IMAGES_PER_PAGE, _FINDINGS_PER_PAGE, _TAGS_PER_PAGE = 250, 200, 200
_KINDS = ("drift", "unknown", "housekeeping", "none")  # what asks for something comes first


class RunningLine(NamedTuple):
    """Something that runs, and the report that says so; `is_first` of this report in its page."""

    report: RunningFacts
    note: RunningNote
    is_first: bool


def pages(facts: SiteFacts, shell: Shell) -> Iterator[SiteFile]:
    """Yield the pages of all lists."""
    return chain(
        _images(facts, shell),
        _drift(facts, shell),
        _running(facts, shell),
        _tags(YANKED, "Yanked", facts.yanked, shell),
        _tags(EXPIRING, "Expired and expiring", facts.expiring, shell),
        _tags(OUTDATED, "Built on an outdated base", facts.outdated, shell),
    )


def _images(facts: SiteFacts, shell: Shell) -> Iterator[SiteFile]:
    starts: dict[str, str] = {}  # the page on which the images with a first character begin
    for position, image in enumerate(facts.images):
        starts.setdefault(image.image[0], paths.list_page(IMAGES, position // _IMAGES_PER_PAGE + 1))
    for path, part, pager in pages_of(IMAGES, facts.images, _IMAGES_PER_PAGE):
        yield shell.page(
            path, "images.html", images=part, pager=pager, starts=starts if pager.pages > 1 else {},
            count=len(facts.images),
        )  # fmt: skip


def _drift(facts: SiteFacts, shell: Shell) -> Iterator[SiteFile]:
    if not facts.drift:
        return
    notes = sorted(facts.drift.notes, key=lambda note: _rank(note.kind))
    for path, part, pager in pages_of(DRIFT, notes, _FINDINGS_PER_PAGE):
        groups = [(kind, list(group)) for kind, group in groupby(part, lambda note: note.kind)]
        yield shell.page(path, "drift.html", report=facts.drift, groups=groups, pager=pager)


def _running(facts: SiteFacts, shell: Shell) -> Iterator[SiteFile]:
    if not facts.running:
        return
    pairs = [
        (report, note)
        for report in facts.running
        for note in sorted(report.notes, key=lambda note: _rank(note.kind))
    ]  # fmt: skip
    for path, part, pager in pages_of(RUNNING, pairs, _FINDINGS_PER_PAGE):
        lines = [
            RunningLine(report, note, at == 0 or part[at - 1][0] is not report)
            for at, (report, note) in enumerate(part)
        ]  # fmt: skip
        yield shell.page(path, "running.html", reports=facts.running, lines=lines, pager=pager)


def _rank(kind: str) -> int:
    return _KINDS.index(kind) if kind in _KINDS else len(_KINDS)


def _tags(name: str, title: str, tags: Sequence[TagFacts], shell: Shell) -> Iterator[SiteFile]:
    for path, part, pager in pages_of(name, tags, _TAGS_PER_PAGE):
        yield shell.page(path, "tags.html", title=title, kind=name, tags=part, pager=pager, count=len(tags))
