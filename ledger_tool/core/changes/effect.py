"""What a change did to each record, told from the two ledgers alone: added, moved, updated or removed.

A record without a platform stands for its whole image:tag, so a key may take the place of others: the platform
that fills in an unknown one is an update, and a move from or to no platform replaces all of them. What comes and
goes under one image:tag in one commit is a move, since no command does both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ledger_tool.core.changes.difference import Difference, by_name
from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.ledger.record import FIELDS, Forced, Key, Name, Record, to_json

EffectKind = Literal["added", "moved", "updated", "removed", "unchanged"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What became of one record. `old` are the records that it takes the place of, one in most cases; `new` is it.

    A removed record has no `new`, an added one no `old`. `unchanged` is what a write was asked for and found done.
    """

    kind: EffectKind
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
    def replaces(self) -> tuple[Digest, ...]:
        """The digests that a moved record takes the place of."""
        return tuple(record.digest for record in self.old) if self.kind == "moved" else ()

    @property
    def mark(self) -> Forced | None:
        """The mark of a forced move that this change brings; a record that is only updated has its own from before."""
        return self.new.forced if self.new and self.kind != "updated" else None

    def fields(self) -> set[str]:
        """Return the names of the fields, as in `ledger.json`, that an update changed."""
        if self.kind != "updated" or self.new is None:
            return set()
        old, new = to_json(self.old[0]), to_json(self.new)
        return {name for name in FIELDS if old.get(name) != new.get(name)}

    def lost(self) -> set[str]:
        """Return the names of the fields that an update removed; `labels` counts where one label is gone."""
        if self.kind != "updated" or self.new is None:
            return set()
        old, new = self.old[0], self.new
        gone = to_json(old).keys() - to_json(new).keys()
        return gone | ({"labels"} if old.labels.keys() - new.labels.keys() else set())


def effects_of(differences: Iterable[Difference]) -> list[Effect]:
    """Return what became of each record that differs, in the order of image:tags."""
    return [effect for of_a_name in by_name(differences).values() for effect in _of_name(of_a_name)]


def _of_name(differences: Sequence[Difference]) -> Iterator[Effect]:
    left = {difference.key.platform: difference.old for difference in differences if difference.old}
    whole = left.get("")  # what fills in its platform goes first, as in a publish
    effects = []
    for difference in sorted(differences, key=lambda one: not (whole and one.new and one.new.digest == whole.digest)):
        if (new := difference.new) is not None:
            old = tuple(left.pop(platform) for platform in _replaced(difference.key.platform, left))
            is_same = len(old) == 1 and old[0].digest == new.digest
            effects.append(Effect("updated" if is_same else "moved" if old else "added", old, new))
    mover = next((number for number, effect in enumerate(effects) if effect.kind != "updated"), None)
    if mover is not None and left:
        effects[mover] = replace(effects[mover], kind="moved", old=(*effects[mover].old, *left.values()))
        left = {}
    yield from effects
    yield from (Effect("removed", (old,), None) for old in left.values())


def _replaced(platform: str, left: dict[str, Record]) -> list[str]:
    """Return the platforms, among those that changed and are `left`, whose place a record takes."""
    if not platform:
        return sorted(left)
    return [place for place in (platform, "") if place in left][:1]
