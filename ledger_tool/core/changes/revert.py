"""What a commit undoes of the commits that its message says it reverts: exactly what they did, or nothing.

Undoing a commit needs no other reason. Undoing several at once is judged as undoing one after the other: what one of
them removes, another one may not replace, since that is a move.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, permutations, product

from ledger_tool.core.changes.difference import Difference, by_name
from ledger_tool.core.changes.effect import Effect, effects_of
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import Key, Name, Record

_Step = tuple[Record | None, Record | None]  # a record, and the one that undoing a commit puts in its place


@dataclass(frozen=True, slots=True)
class Undone:
    """The `differences` of a commit that undo other commits, and what undoing each of those does, in no certain order.

    False if it undoes nothing.
    """

    differences: Sequence[Difference] = ()
    steps: Sequence[Sequence[Difference]] = ()

    def __bool__(self) -> bool:
        return bool(self.differences)


NOTHING = Undone()


def undone_by(made: Sequence[Difference], reverted: Iterable[Sequence[Difference]], after: Ledger) -> Undone:
    """Return what a commit undoes of other commits, in any order; `after` is the ledger it leaves.

    Nothing unless everything that those commits did is undone afterwards: by this commit, or before it.
    """
    commits = list(reverted)
    steps: dict[Key, list[_Step]] = {}
    for differences in commits:
        for difference in differences:
            steps.setdefault(difference.key, []).append((difference.new, difference.old))
    changed = {difference.key: difference for difference in made}
    for key, inverse in steps.items():
        own = changed.get(key)
        if own is None:
            is_undone = _record_at(after, key) in _ends(inverse)
        else:
            is_undone = own.new in _ends(inverse) and _leads(own.old, own.new, inverse)
        if not is_undone:
            return NOTHING
    undoing = [difference for difference in made if difference.key in steps]
    return Undone(undoing, [[Difference(one.key, one.new, one.old) for one in differences] for differences in commits])


def restored(effects: Iterable[Effect], undone: Undone) -> set[Name]:
    """Return the image:tags to which nothing else was done than to undo other commits, each of them in one step."""
    if not undone:
        return set()
    own = by_name(undone.differences)
    steps = [by_name(step) for step in undone.steps]
    return {
        name
        for name, group in groupby(effects, key=lambda effect: effect.name)
        if name in own
        and list(group) == effects_of(own[name])
        and _is_in_order(own[name], [step[name] for step in steps if name in step])
    }


def _is_in_order(made: Sequence[Difference], steps: Sequence[Sequence[Difference]]) -> bool:
    """Return whether one of the steps does it all, or they all do, and no step replaces what another one removes."""
    if any(list(step) == list(made) for step in steps):
        return True
    done = [effects_of(step) for step in steps]
    return not any(_replaces_what_went(one, other) for one, other in permutations(done, 2))


def _replaces_what_went(one: Sequence[Effect], other: Sequence[Effect]) -> bool:
    gone = [effect.record for effect in one if effect.new is None]
    came = [effect.new for effect in other if effect.new and effect.kind != "updated"]
    return any(_is_in_place(old, new) for old, new in product(gone, came))


def _is_in_place(old: Record, new: Record) -> bool:
    """Return whether a record is in the place of one that was removed; another image below its index is not."""
    is_same = old.platform == new.platform or old.digest in (new.digest, new.index)
    return is_same or not (old.platform and new.platform) or old.pull_digest != new.pull_digest


def _ends(steps: Sequence[_Step]) -> list[Record | None]:
    """Return the records at which steps end: those from which none starts, or any if they go round in a circle."""
    starts, ends = [start for start, _ in steps], [end for _, end in steps]
    return [end for end in ends if end not in starts] or ends


def _leads(start: Record | None, end: Record | None, steps: Sequence[_Step]) -> bool:
    """Return whether steps lead from one record to another, each taken at most once."""
    remaining, current = list(steps), start
    while True:
        step = next((step for step in remaining if step[0] == current), None)
        if step is None:
            return False
        remaining.remove(step)
        current = step[1]
        if current == end:
            return True


def _record_at(ledger: Ledger, key: Key) -> Record | None:
    return next((record for record in ledger.find(Name(key.image, key.tag)) if record.key == key), None)
