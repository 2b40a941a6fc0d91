"""What a prune removes: which expired records go, which stay, and which digests are still in use.

Whether a record has expired depends only on the record and the time (`query.is_expired`), for `list`, `reconcile`
and this module alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import NamedTuple

from ledger_tool.core.changes.difference import compare
from ledger_tool.core.dependencies.uses import RepositoryUses, by_repository, uses_of
from ledger_tool.core.ledger.ledger import Ledger, has_field
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import expiry, is_expired, matches, versions_had
from ledger_tool.core.ledger.record import Key, Record
from ledger_tool.core.policy.resolve import NamedImage, Resolver, same_host
from ledger_tool.core.running.container import RunningContainer
from ledger_tool.core.running.inuse import NOTHING_IN_USE, InUse, unmatched
from ledger_tool.core.running.records import digests_of

_MOST_LOOKED_AHEAD = 20  # times at which something of an image expires


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneCriteria:
    """Which expired records a prune removes.

    `patterns` name the candidates, everything if there are none; of these, the `keep` newest image:tags of each image
    stay, and so does what was published at `older_than` or later. The last image:tag of an image goes only with `last`.
    `clock` is this machine's time if a person stated another `now`. An image:tag stays of which something is `in_use`:
    what these containers mean in the ledger that is pruned.
    """

    now: Timestamp
    clock: Timestamp | None = None
    patterns: Sequence[str] = ()
    keep: int = 0
    older_than: Timestamp | None = None
    last: bool = False
    running: Sequence[RunningContainer] = ()
    in_use: InUse = NOTHING_IN_USE

    def names(self, image: str, tag: str) -> bool:
        """Return whether the patterns name an image:tag."""
        return not self.patterns or any(matches(pattern, image, tag) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class Spared:
    """An expired record that stays, and why."""

    record: Record
    reason: str


class Upcoming(NamedTuple):
    """When the next record goes if nothing changes, and which."""

    at: Timestamp
    record: Record


@dataclass(frozen=True, slots=True)
class Choice:
    """The expired records among the candidates: those that go, and those that stay; both in key order.

    If none goes, `upcoming` is the next one, if there is one.
    """

    going: Sequence[Record]
    spared: Sequence[Spared]
    upcoming: Upcoming | None


def choose(ledger: Ledger, criteria: PruneCriteria) -> Choice:
    """Return which expired records go, and which stay."""
    going: list[Record] = []
    spared: list[Spared] = []
    images = list(_images(ledger))
    for records in images:
        reasons = _judged(records, criteria)
        expired = [(record, reasons[record.key]) for record in records if record.key in reasons]
        going += [record for record, reason in expired if not reason]
        spared += [Spared(record, reason) for record, reason in expired if reason]
    upcoming = (
        None
        if going
        else min(
            filter(None, (_upcoming(records, criteria) for records in images)),
            key=lambda upcoming: (upcoming.at, upcoming.record.key),
            default=None,
        )
    )
    return Choice(going, spared, upcoming)


def _upcoming(records: Sequence[Record], criteria: PruneCriteria) -> Upcoming | None:
    """Return which record of an image goes next, and when; None if that is none of those that expire next."""
    ends = {record.key: end for record in records if (end := expiry(record)) and end > criteria.now}
    for at in sorted(set(ends.values()))[:_MOST_LOOKED_AHEAD]:
        reasons = _judged(records, replace(criteria, now=at))
        going = [Upcoming(at, record) for record in records if reasons.get(record.key, "stays") == ""]
        if going:
            return min(going, key=lambda upcoming: upcoming.record.key)
    return None


def _judged(records: Sequence[Record], criteria: PruneCriteria) -> dict[Key, str]:
    """Return why each expired candidate of a whole image stays, or `""` for one that goes."""
    reasons = _reasons(records, criteria)
    versions = [record for record in records if not record.is_environment]
    if not criteria.last and versions and not any(reasons.get(record.key, "stays") for record in versions):
        last = _newest_first(versions)[0]
        reasons |= {record.key: f"{last} is the last tag of its image" for record in records if record.tag == last}
    return reasons


def _images(ledger: Ledger) -> Iterator[list[Record]]:
    """Yield the records of each image with a record that may expire."""
    rows = zip(ledger.keys, ledger.texts, strict=True)
    for _, group in groupby(rows, lambda row: row[0][0]):
        texts = [text for _, text in group]
        if any(has_field(text, "ttl") for text in texts):
            yield [ledger.remembered(text) for text in texts]


def _reasons(records: Sequence[Record], criteria: PruneCriteria) -> dict[Key, str]:
    """Return why each expired candidate of an image stays, or `""` for one that goes."""
    named = [record for record in records if criteria.names(record.image, record.tag)]
    kept = _newest_first([record for record in named if not record.is_environment])[: criteria.keep]
    running = {record.tag: reason for record in named if (reason := criteria.in_use.reason(record))}
    environments = versions_had(records)
    reasons = {}
    for record in named:
        if not is_expired(record, criteria.now):
            continue
        if record.is_environment:
            reasons[record.key] = "an environment does not expire"
        elif record.name in environments:
            reasons[record.key] = f"{environments[record.name]} has it"
        elif record.tag in running:
            reasons[record.key] = running[record.tag]
        elif record.tag in kept:
            reasons[record.key] = f"among the {criteria.keep} newest" if criteria.keep > 1 else "the newest"
        elif criteria.older_than is not None and record.published_at >= criteria.older_than:
            reasons[record.key] = "not old enough"
        else:
            reasons[record.key] = ""
    return reasons


def _newest_first(records: Sequence[Record]) -> list[str]:
    """Return the tags of an image, the newest first; a tag is as new as its newest record."""
    newest: dict[str, str] = {}
    for record in records:
        newest[record.tag] = max(newest.get(record.tag, ""), record.published_at)
    return sorted(newest, key=lambda tag: (newest[tag], tag), reverse=True)


@dataclass(frozen=True, slots=True)
class RemainingUses:
    """What the remaining records use: `why` says of each digest what uses it, `newest` is each image's newest record.

    `roots` are the digests to look into, by repository: any of them may be an index, whatever its record says of
    it, and then its children, which only the registry knows, are in use as well. `tags` are the tags that remain,
    and `recorded` the digests of each image. What runs is `in_use`, recorded or not; `unknown_ids` are those beginnings
    of ids that no record has.
    """

    why: Mapping[str, str]
    recorded: Mapping[str, Collection[str]]
    newest: Mapping[str, Record]
    roots: RepositoryUses
    tags: RepositoryTags
    in_use: InUse = NOTHING_IN_USE
    unknown_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RepositoryTags:
    """Tags of records with the pull digests recorded of each, by host and repository: that may have several names."""

    by_home: Mapping[tuple[str, str], Mapping[str, Collection[str]]]
    resolver: Resolver

    def of(self, host: str, image: str) -> dict[str, set[str]]:
        """Return the tags of an image's repositories at a host, whatever the ledger calls it there."""
        tags: dict[str, set[str]] = {}
        for home in homes(self.resolver, host, image):
            for tag, digests in self.by_home.get(home, {}).items():
                tags.setdefault(tag, set()).update(digests)
        return tags


def homes(resolver: Resolver, host: str, image: str) -> set[tuple[str, str]]:
    """Return the repositories of an image at a host: two images of the ledger may be one repository there."""
    return {home for home in resolver.repositories(NamedImage(image, ours=True)) if home[0] == same_host(host)}


def tags_of(records: Iterable[Record], resolver: Resolver) -> RepositoryTags:
    """Return the tags of records by repository."""
    by_home: dict[tuple[str, str], dict[str, set[str]]] = {}
    by_image: dict[str, dict[str, set[str]]] = {}
    for record in records:
        by_image.setdefault(record.image, {}).setdefault(record.tag, set()).add(record.pull_digest)
    for image, tags in by_image.items():
        for home in resolver.repositories(NamedImage(image, ours=True)):
            own = by_home.setdefault(home, {})
            for tag, digests in tags.items():
                own.setdefault(tag, set()).update(digests)
    return RepositoryTags(by_home, resolver)


def remaining_uses(
    ledger: Ledger, resolver: Resolver, going: Mapping[Key, Record], in_use: InUse = NOTHING_IN_USE
) -> RemainingUses:
    """Return what runs, and what all records use except those that go: the ones that are in `going`, unchanged."""
    remaining = [record for record in ledger.records() if going.get(record.key) != record]
    uses = uses_of(remaining, resolver)
    why: dict[str, str] = {}
    for use in uses:
        why.setdefault(use.digest, use.reason)
    recorded: dict[str, set[str]] = {}
    newest: dict[str, Record] = {}
    for record in remaining:
        recorded.setdefault(record.image, set()).update({record.digest, record.pull_digest})
        if record.published_at >= newest.get(record.image, record).published_at:
            newest[record.image] = record
    every = (digest for record in ledger.records() for digest in digests_of(record)) if in_use.ids else ()
    unknown = unmatched(in_use.ids, every)
    roots, tags = by_repository(uses, resolver), tags_of(remaining, resolver)
    return RemainingUses(why, recorded, newest, roots, tags, in_use, unknown)


def withdrawn(before: Ledger, now: Ledger) -> set[str]:
    """Return the digests of the records of `before` that are no longer in `now`, or have changed.

    A prune may have deleted them at the registries; a publish that asked there before has to ask again.
    """
    old = [difference.old for difference in compare(before, now) if difference.old]
    return {digest for record in old for digest in (record.digest, record.index) if digest}
