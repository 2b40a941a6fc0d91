"""What a commit undoes of the commits that its message says it reverts: exactly what they did, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ledger_tool.core.changes.difference import Difference
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import Key, Name, Record

_Step = tuple[Record | None, Record | None]  # a record, and the one that undoing a commit puts in its place


def undone_by(
    made: Sequence[Difference], reverted: Iterable[Sequence[Difference]], after: Ledger
) -> Sequence[Difference]:
    """Return those differences of a commit that undo other commits, in any order; `after` is the ledger it leaves.

    Empty unless everything that those commits did is undone afterwards: by this commit, or before it.
    """
    steps: dict[Key, list[_Step]] = {}
    for differences in reverted:
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
            return []
    return [difference for difference in made if difference.key in steps]


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
