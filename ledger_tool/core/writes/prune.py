"""What a prune removes: which expired records go, which stay, and which digests are still in use.

Whether a record has expired depends only on the record and the time (`query.is_expired`), for `list`, `reconcile`
and this module alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from ledger_tool.core.changes.difference import compare
from ledger_tool.core.ledger.ledger import Ledger, has_field, parse_text
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import is_expired, matches
from ledger_tool.core.ledger.record import Key, Record
from ledger_tool.core.policy.reference import split
from ledger_tool.core.policy.resolve import Resolver


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneCriteria:
    """Which expired records a prune removes.

    `patterns` name the candidates, everything if there are none; of these, the `keep` newest image:tags of each image
    stay, and so does what was published at `older_than` or later. The last image:tag of an image goes only with `last`.
    """

    now: Timestamp
    patterns: Sequence[str] = ()
    keep: int = 0
    older_than: Timestamp | None = None
    last: bool = False

    def names(self, image: str, tag: str) -> bool:
        """Return whether the patterns name an image:tag."""
        return not self.patterns or any(matches(pattern, image, tag) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class Spared:
    """An expired record that stays, and why."""

    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The expired records among the candidates: those that go, and those that stay; both in key order."""

    going: Sequence[Record]
    spared: Sequence[Spared]


def choose(ledger: Ledger, criteria: PruneCriteria) -> Choice:
    """Return which expired records go, and which stay."""
    going: list[Record] = []
    spared: list[Spared] = []
    for records in _images(ledger):
        reasons = _reasons(records, criteria)
        if not criteria.last and len(reasons) == len(records) and not any(reasons.values()):
            last = _newest_first(records)[0]
            reasons |= {record.key: f"{last} is the last tag of its image" for record in records if record.tag == last}
        expired = [(record, reasons[record.key]) for record in records if record.key in reasons]
        going += [record for record, reason in expired if not reason]
        spared += [Spared(record, reason) for record, reason in expired if reason]
    return Choice(going, spared)


def _images(ledger: Ledger) -> Iterator[list[Record]]:
    """Yield the records of each image with a record that may expire."""
    rows = zip(ledger.keys, ledger.texts, strict=True)
    for _, group in groupby(rows, lambda row: row[0][0]):
        texts = [text for _, text in group]
        if any(has_field(text, "ttl") for text in texts):
            yield [parse_text(text) for text in texts]


def _reasons(records: Sequence[Record], criteria: PruneCriteria) -> dict[Key, str]:
    """Return why each expired candidate of an image stays, or `""` for one that goes."""
    named = [record for record in records if criteria.names(record.image, record.tag)]
    kept = _newest_first(named)[: criteria.keep]
    reasons = {}
    for record in named:
        if not is_expired(record, criteria.now):
            continue
        if record.tag in kept:
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
    """The digests that the remaining records use.

    `why` says what uses each. `through` are, by image, the digests through which remaining records are served
    and which may be an index: its children, which only the registry knows, are in use as well. `bases` are those of
    `dependsOn`, by image of the ledger or else by repository. `newest` is the newest remaining record of each image.
    """

    why: Mapping[str, str]
    through: Mapping[str, Collection[str]]
    bases: Mapping[str, Collection[str]]
    newest: Mapping[str, Record]

    def roots(self, image: str) -> list[str]:
        """Return the digests of an image whose children are in use. A base counts under every name that it may have."""
        roots = set(self.through.get(image, ()))
        for name, digests in self.bases.items():
            if name == image or name.endswith(f"/{image}"):
                roots.update(digests)
        return sorted(roots)


def may_be_index(record: Record) -> str | None:
    """Return which digest of a record may be an index's, or None: a digest with a known config is an image's own."""
    return record.index or (None if record.config else record.digest)


def remaining_uses(ledger: Ledger, resolver: Resolver, going: Mapping[Key, Record]) -> RemainingUses:
    """Return what all records use except those that go: the ones that are in `going`, unchanged."""
    why: dict[str, str] = {}
    through: dict[str, set[str]] = {}
    bases: dict[str, set[str]] = {}
    newest: dict[str, Record] = {}

    @cache
    def base(text: str) -> tuple[str, str]:
        reference = split(text)
        return resolver.resolve(reference).name, str(reference.digest)

    for record in ledger.records():
        if going.get(record.key) == record:
            continue
        why.setdefault(record.digest, f"it is {record.name}")
        if record.published_at >= newest.get(record.image, record).published_at:
            newest[record.image] = record
        if record.index:
            why.setdefault(record.index, f"{record.name} is served through it")
        if root := may_be_index(record):
            through.setdefault(record.image, set()).add(root)
        for name, digest in map(base, record.depends_on):
            why.setdefault(digest, f"{record.name} is built on it")
            bases.setdefault(name, set()).add(digest)
    return RemainingUses(why, through, bases, newest)


def withdrawn(before: Ledger, now: Ledger) -> set[str]:
    """Return the digests of the records of `before` that are no longer in `now`, or have changed.

    A prune may have deleted them at the registries; a publish that asked there before has to ask again.
    """
    old = [difference.old for difference in compare(before, now) if difference.old]
    return {digest for record in old for digest in (record.digest, record.index) if digest}
