"""What a commit did to each record, told from the two ledgers alone: added, moved, updated or removed.

A record without a platform stands for its whole image:tag, so that a key may take the place of others:
the platform that fills in an unknown one is an update, a move from or to no platform replaces all. What
comes and goes under one image:tag in one commit is a move, since no command does both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ledger_tool.core.changes.difference import Difference, by_name
from ledger_tool.core.ledger.record import FIELDS, Key, Name, Record, to_json

Effect = Literal["added", "moved", "updated", "removed"]


@dataclass(frozen=True, slots=True)
class Act:
    """One record's fate. `old` are the records that it takes the place of, one in most cases; `new` is what is there.

    A removed record has no `new`, an added one no `old`.
    """

    effect: Effect
    old: tuple[Record, ...]
    new: Record | None

    @property
    def record(self) -> Record:
        """The record afterwards, or the one that was removed."""
        return self.new or self.old[0]

    @property
    def key(self) -> Key:
        """The key of `record`."""
        return self.record.key

    @property
    def name(self) -> Name:
        """The image:tag."""
        return self.record.name

    @property
    def replaces(self) -> tuple[str, ...]:
        """The digests that a moved record takes the place of."""
        return tuple(one.digest for one in self.old) if self.effect == "moved" else ()

    def fields(self) -> set[str]:
        """Return the names of the fields, as in `ledger.json`, that an update changed."""
        if self.effect != "updated" or self.new is None:
            return set()
        old, new = to_json(self.old[0]), to_json(self.new)
        return {name for name in FIELDS if old.get(name) != new.get(name)}

    def lost(self) -> set[str]:
        """Return the names of the fields that an update took away, if only one of its labels."""
        if self.effect != "updated" or self.new is None:
            return set()
        old, new = self.old[0], self.new
        gone = to_json(old).keys() - to_json(new).keys()
        return gone | ({"labels"} if old.labels.keys() - new.labels.keys() else set())


def acts(differences: Iterable[Difference]) -> list[Act]:
    """Return what became of each record, in key order."""
    found: list[Act] = []
    for of_a_name in by_name(differences).values():
        found += _of_name(of_a_name)
    return found


def _of_name(differences: Sequence[Difference]) -> Iterator[Act]:
    olds = {one.key.platform: one.old for one in differences if one.old}
    whole = olds.get("")  # what fills in its platform goes first, as in a publish
    found = []
    for one in sorted(differences, key=lambda one: not (whole and one.new and one.new.digest == whole.digest)):
        if one.new is not None:
            before = tuple(olds.pop(at) for at in _places(one.key.platform, olds))
            is_same = len(before) == 1 and before[0].digest == one.new.digest
            found.append(Act("updated" if is_same else "moved" if before else "added", before, one.new))
    at = next((at for at, act in enumerate(found) if act.effect != "updated"), None)
    if at is not None and olds:
        found[at] = Act("moved", (*found[at].old, *olds.values()), found[at].new)
        olds = {}
    yield from found
    yield from (Act("removed", (old,), None) for old in olds.values())


def _places(platform: str, olds: dict[str, Record]) -> list[str]:
    """Return the platforms, among those that changed, whose place a record takes."""
    if not platform:
        return sorted(olds)
    return [at for at in (platform, "") if at in olds][:1]
