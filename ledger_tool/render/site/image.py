"""The pages of an image: its tags and its history, the newest first, both page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import NamedTuple

from ledger_tool.core.changes.runclaim import RunClaim
from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.ledger.record import Key, Record
from ledger_tool.core.site.changes import common_run
from ledger_tool.core.site.facts import EnvironmentCell, SiteFacts, SiteImage, TagFacts
from ledger_tool.core.site.files import SiteFile
from ledger_tool.core.site.paths import image_page
from ledger_tool.render.site.links import TAGS_PER_PAGE
from ledger_tool.render.site.shell import Shell, commit_link, pager_of
from ledger_tool.render.site.wording import Badge, LogStep, Told, is_pressing, steps, tag_badges, told, who, who_of

_STEPS_PER_PAGE = 100
_GIVING = {"publish": "Published", "added": "Added", "moved": "Moved"}  # what gives a tag its digests

_Since = Mapping[tuple[Key, str], LogEntry | None]


class TagView(NamedTuple):
    """An image:tag as its card shows it."""

    facts: TagFacts
    badges: Sequence[Badge]
    labels: Sequence[Told]
    builders: Sequence[Told]
    signers: Sequence[Told]
    forced: Sequence[Told]
    published: Publishers | None


class HistoryGroup(NamedTuple):
    """What a commit did to an image, who made it, and in which run."""

    entry: LogEntry
    steps: Sequence[LogStep]
    who: str
    run: RunClaim


class Publishers(NamedTuple):
    """What gave an image:tag the digests that it has, in a word, by whom, and in which run."""

    word: str
    people: Sequence[str]
    run: RunClaim


class HeldView(NamedTuple):
    """What an environment has of an image, what was done to that end, in a word, and how it is pulled."""

    cell: EnvironmentCell
    words: str
    pulls: Sequence[str]


def pages(facts: SiteFacts, shell: Shell) -> Iterator[SiteFile]:
    """Yield the pages of every image."""
    link = cache(lambda commit: commit_link(shell.ledger_page, commit))
    since = {
        (place.key, place.digest): place.since
        for places in facts.digests.values()
        for place in places
        if place.kind == "image" and not place.until
    }
    for image in (*facts.images, *facts.gone):
        history = list(_history(image.timeline, facts))
        count = max(1, -(-len(image.tags) // TAGS_PER_PAGE), -(-len(history) // _STEPS_PER_PAGE))
        for number in range(1, count + 1):
            tags = image.tags[(number - 1) * TAGS_PER_PAGE : number * TAGS_PER_PAGE]
            neighbours = [image_page(image.image, one) for one in (number - 1, number + 1)]
            yield shell.page(
                image_page(image.image, number), "image.html", image=image, commit_link=link,
                environments=_held(image) if number == 1 else (), platforms=_platforms(tags),
                newest=_newest(image, number), tags=[_view(tag, image, since) for tag in tags],
                history=list(_by_commit(history[(number - 1) * _STEPS_PER_PAGE : number * _STEPS_PER_PAGE])),
                pager=pager_of(neighbours, number, count),
                drift=list(filter(is_pressing, image.drift)),
                running=list(filter(is_pressing, image.running)),
            )  # fmt: skip


def _history(timeline: Sequence[LogEntry], facts: SiteFacts) -> Iterator[HistoryGroup]:
    """Yield the steps of a timeline, each with who made its commit."""
    for _, group in groupby(timeline, lambda entry: entry.commit):
        done = list(group)
        made = HistoryGroup(done[0], (), who_of(done), common_run(done))
        yield from (made._replace(steps=[step]) for step in steps(done, facts.rollbacks))


def _by_commit(history: Sequence[HistoryGroup]) -> Iterator[HistoryGroup]:
    for _, group in groupby(history, lambda each: each.entry.commit):
        first, *others = group
        yield first._replace(steps=[*first.steps, *(step for each in others for step in each.steps)])


def _publishers(tag: TagFacts, since: _Since) -> Publishers | None:
    """Return what gave an image:tag the digests that it has; None if the history does not tell that of all."""
    entries = [entry for record in tag.records if (entry := since.get((record.key, record.digest)))]
    word = entries[-1].action if entries else ""
    if word not in _GIVING or len(entries) < len(tag.records) or {entry.action for entry in entries} != {word}:
        return None
    return Publishers(_GIVING[word], list(dict.fromkeys(map(who, entries))), common_run(entries))


def _newest(image: SiteImage, number: int) -> TagFacts | None:
    return image.newest if number == 1 else None


def _view(tag: TagFacts, image: SiteImage, since: _Since) -> TagView:
    records = tag.records
    held = [Badge("minor", f"in {cell.environment}") for cell in image.environments if cell.has(tag)]
    return TagView(
        tag, [*tag_badges(tag, is_newest=image.is_newest(tag)), *held],
        told(records, lambda record: [f"{key}={value}" for key, value in record.labels.items()]),
        told(records, lambda record: _filled(record.provenance.builder if record.provenance else "")),
        told(records, lambda record: _filled(record.signer)),
        told(records, _forced), _publishers(tag, since),
    )  # fmt: skip


def _platforms(tags: Sequence[TagFacts]) -> Mapping[str, str]:
    """Return the platforms that each tag has, as the steps of a history tell them."""
    return {tag.name.tag: ", ".join(each.platform for each in tag.records if each.platform) for tag in tags}


def _held(image: SiteImage) -> list[HeldView]:
    pulls = {tag.digest: tag.pulls for tag in image.tags}
    return [
        HeldView(
            cell, "promoted" if cell.given and cell.given.action == "promote" else "changed", pulls.get(cell.digest, ())
        )
        for cell in image.environments
    ]


def _forced(record: Record) -> list[str]:
    return [record.forced.replaces] if record.forced else []


def _filled(value: str) -> list[str]:
    return [value] if value else []
