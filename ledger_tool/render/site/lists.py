"""The lists that may be long, page by page: images, findings, what runs, and the tags that are not to be used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from typing import NamedTuple

from ledger_tool.core.site import paths
from ledger_tool.core.site.facts import RunningFacts, SiteFacts, TagFacts
from ledger_tool.core.site.files import SiteFile
from ledger_tool.render.site import findings
from ledger_tool.render.site.findings import DRIFT, RUNNING, Count, Finding, counts_of
from ledger_tool.render.site.shell import EXPIRING, IMAGES, OUTDATED, YANKED, Shell, pages_of

_IMAGES_PER_PAGE, _TAGS_PER_PAGE = 250, 200


class RunningLine(NamedTuple):
    """Something that runs; `is_first` of its report in the page."""

    finding: Finding
    is_first: bool


class ShownReport(NamedTuple):
    """A report of what runs, and how many containers are in each class."""

    facts: RunningFacts
    counts: Sequence[Count]


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
    found = shell.findings.drift
    counts = counts_of(facts.drift.summary, found)
    for path, part, pager in pages_of(DRIFT, found, findings.PER_PAGE):
        groups = [(kind, list(group)) for kind, group in groupby(part, lambda each: each.note.kind)]
        yield shell.page(path, "drift.html", report=facts.drift, counts=counts, groups=groups, pager=pager)


def _running(facts: SiteFacts, shell: Shell) -> Iterator[SiteFile]:
    if not facts.running:
        return
    found = shell.findings.running
    reports = [
        ShownReport(report, counts_of(report.summary, [each for each in found if each.report is report]))
        for report in facts.running
    ]
    for path, part, pager in pages_of(RUNNING, found, findings.PER_PAGE):
        lines = [RunningLine(each, at == 0 or part[at - 1].report is not each.report) for at, each in enumerate(part)]
        yield shell.page(path, "running.html", reports=reports, lines=lines, pager=pager)


def _tags(name: str, title: str, tags: Sequence[TagFacts], shell: Shell) -> Iterator[SiteFile]:
    for path, part, pager in pages_of(name, tags, _TAGS_PER_PAGE):
        yield shell.page(path, "tags.html", title=title, kind=name, tags=part, pager=pager, count=len(tags))
