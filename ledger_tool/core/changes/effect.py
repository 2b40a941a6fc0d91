"""What a change did to each record, derived from the two ledgers alone: added, moved, updated or removed.

A record without a platform stands for its whole image:tag, so a key may replace others: the platform
that fills in an unknown one is an update, and a move from or to no platform replaces all of them. An addition and a
removal under one image:tag in one commit are a move, because no command does both.
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
    """What happened to one record. `new` is the record, `old` are the records that it replaces, usually one.

    A removed record has no `new`, an added one no `old`. `unchanged` is a requested change that was already in place.
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
        """The digests that a moved record replaces."""
        return tuple(record.digest for record in self.old) if self.kind == "moved" else ()

    @property
    def mark(self) -> Forced | None:
        """The mark of a forced move that this change makes; a record that is only updated keeps an older mark."""
        return self.new.forced if self.new and self.kind != "updated" else None

    def fields(self) -> set[str]:
        """Return the names of the fields, as in `ledger.json`, that an update changed."""
        if self.kind != "updated" or self.new is None:
            return set()
        old, new = to_json(self.old[0]), to_json(self.new)
        return {name for name in FIELDS if old.get(name) != new.get(name)}

    def lost(self) -> set[str]:
        """Return the names of the fields that an update removed; `labels` counts if any label is gone."""
        if self.kind != "updated" or self.new is None:
            return set()
        old, new = self.old[0], self.new
        gone = to_json(old).keys() - to_json(new).keys()
        return gone | ({"labels"} if old.labels.keys() - new.labels.keys() else set())


def effects_of(differences: Iterable[Difference]) -> list[Effect]:
    """Return what happened to each record that differs, in the order of image:tags."""
    return [effect for same_name in by_name(differences).values() for effect in _of_name(same_name)]


def _of_name(differences: Sequence[Difference]) -> Iterator[Effect]:
    remaining = {difference.key.platform: difference.old for difference in differences if difference.old}
    whole = remaining.get("")  # without a platform; the record that fills it in comes first, as in a publish
    effects = []
    for difference in sorted(differences, key=lambda one: not (whole and one.new and one.new.digest == whole.digest)):
        if (new := difference.new) is not None:
            old = tuple(remaining.pop(platform) for platform in _replaced(difference.key.platform, remaining))
            is_same = len(old) == 1 and old[0].digest == new.digest
            effects.append(Effect("updated" if is_same else "moved" if old else "added", old, new))
    mover = next((number for number, effect in enumerate(effects) if effect.kind != "updated"), None)
    if mover is not None and remaining:
        effects[mover] = replace(effects[mover], kind="moved", old=(*effects[mover].old, *remaining.values()))
        remaining = {}
    yield from effects
    yield from (Effect("removed", (old,), None) for old in remaining.values())


def _replaced(platform: str, remaining: dict[str, Record]) -> list[str]:
    """Return the platforms among the `remaining` old records that the record of a platform replaces."""
    if not platform:
        return sorted(remaining)
    return [candidate for candidate in (platform, "") if candidate in remaining][:1]
