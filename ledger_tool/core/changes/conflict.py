"""A merge conflict in `ledger.json`, written so that a person can choose a side.

The markers are git's (git-merge(1), "How conflicts are presented"), with the base between the sides; each side has
whole records, so keeping the lines of one side, with their commas, leaves a valid ledger. `ledger.markers`
recognizes conflicts that were left in a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ledger_tool.core.changes.merge import Collision, Merged
from ledger_tool.core.changes.promotion import version_of
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import format_text
from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.record import Name


def compose(merged: Merged, *, size: int = 7, labels: tuple[str, str, str] = ("ours", "base", "theirs")) -> bytes:
    """Return the bytes of a merged `ledger.json`, with a conflict in place of each collision.

    `size` is the length of the markers, `labels` are their names for our side, the base and their side.
    """
    if not merged.collisions:
        return codec.dumps(merged.ledger)
    agreed = merged.ledger.replaced({collision.name: () for collision in merged.collisions})
    parts: list[_Part] = [(Name(*key[:2]), [text]) for key, text in zip(agreed.keys, agreed.texts, strict=True)]
    for clash in merged.collisions:
        sides = _Sides(*([*map(format_text, records)] for records in (clash.ours, clash.base, clash.theirs)))
        parts.append((clash.name, sides))
    parts = _with_whole_end(sorted(parts, key=lambda part: part[0]))
    lines: list[str] = []
    for number, (_, part) in enumerate(parts, 1):
        is_last = number == len(parts)
        if isinstance(part, _Sides):
            lines += _conflict(part, size, labels, is_last=is_last)
        else:
            lines += codec.record_lines(part, is_last=is_last)
    return codec.framed(lines)


class _Sides(NamedTuple):
    """The texts of the records that each side has in one place."""

    ours: list[str]
    base: list[str]
    theirs: list[str]


_Part = tuple[Name, list[str] | _Sides]


def _with_whole_end(parts: list[_Part]) -> list[_Part]:
    """Return the parts with a record on each side of the last one, because a file's last record has no comma.

    If a side may be empty at the end, the conflicts there become one, together with the record before them.
    """
    start = len(parts)
    while start and isinstance(parts[start - 1][1], _Sides):
        start -= 1
    end = [part for _, part in parts[start:] if isinstance(part, _Sides)]
    if all(sides.ours and sides.theirs for sides in end):
        return parts
    lead = [text for _, part in parts[max(start - 1, 0) : start] if not isinstance(part, _Sides) for text in part]
    whole = _Sides(*(lead + [text for sides in end for text in sides[side]] for side in range(3)))
    return [*parts[: max(start - 1, 0)], (parts[start][0], whole)]


def _conflict(sides: _Sides, size: int, labels: tuple[str, str, str], *, is_last: bool) -> Iterator[str]:
    ours, base, theirs = (shown(label, 200) for label in labels)
    yield f"{'<' * size} {ours}"
    yield from codec.record_lines(sides.ours, is_last=is_last)
    yield f"{'|' * size} {base}"
    yield from codec.record_lines(sides.base, is_last=is_last)
    yield "=" * size
    yield from codec.record_lines(sides.theirs, is_last=is_last)
    yield f"{'>' * size} {theirs}"


def described(collision: Collision, ours: str, theirs: str) -> str:
    """Return the name of what collides and, of an environment, the versions; see `compared` for the sides' names."""
    if collision.withdrawn:
        return f"{collision.name} ({collision.withdrawn}, which one side promotes, and the other takes away)"
    versions = version_of(collision.ours), version_of(collision.theirs)
    if not any(versions):
        return str(collision.name)
    return f"{collision.name} ({ours} {versions[0] or 'without it'}, {theirs} {versions[1] or 'without it'})"


def compared(collision: Collision, ours: str, theirs: str) -> list[tuple[str, str, str]]:
    """Return the digests of a collision for `RuleRefused.compared`; `ours` and `theirs` are what to call the sides.

    What an environment has is called by its version, too. Of several platforms, those that differ between the sides.
    """
    sides = {
        f"{name} {version_of(records)}".strip(): records
        for name, records in (("before", collision.base), (ours, collision.ours), (theirs, collision.theirs))
    }
    _, ours, theirs = sides
    known = {
        name: {str(record.platform or ""): (record.digest, record.index or "") for record in records}
        for name, records in sides.items()
    }
    platforms = dict.fromkeys(platform for records in known.values() for platform in records)
    differing = [one for one in platforms if known[ours].get(one) != known[theirs].get(one)] or list(platforms)
    return [
        (f"{name} {platform}".strip(), *records.get(platform, ("", "")))
        for platform in differing
        for name, records in known.items()
    ]
