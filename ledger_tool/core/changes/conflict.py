"""A merge conflict in `ledger.json`: written so that a person can choose a side, and read again to say what it is.

The markers are git's (git-merge(1), "How conflicts are presented"), with the base between the sides; each side
holds whole records, so that to keep one side's lines, and its commas, leaves a valid ledger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ledger_tool.core.changes.merge import Collision, Merged
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import format_text
from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.record import Name, Record

UNRESOLVED = "an unresolved merge conflict"
MARKER = re.compile(r"^(?:<{7,}|={7,}|>{7,}|\|{7,})(?: |\r?$)", re.MULTILINE)
_hunk = re.compile(
    r"^<{7,}(?: [^\n]*)?\n(?P<ours>.*?)(?:^\|{7,}(?: [^\n]*)?\n.*?)?^={7,}\r?\n(?P<theirs>.*?)^>{7,}(?: |\r?$)",
    re.MULTILINE | re.DOTALL,
)
_name = re.compile(r'"image": "([^"\n]*)",\r?\n\s*"tag": "([^"\n]*)"')
_digest = re.compile(r'"digest": "([^"\n]*)"')


def compose(merged: Merged, *, size: int = 7, labels: tuple[str, str, str] = ("ours", "base", "theirs")) -> bytes:
    """Return the bytes of a merged `ledger.json`, with a conflict in the place of each collision.

    `size` is the length of the markers, `labels` what they call our side, the base and their side.
    """
    if not merged.collisions:
        return codec.dumps(merged.ledger)
    empty = merged.ledger.replaced({one.name: () for one in merged.collisions})
    parts: list[_Part] = [(Name(*key[:2]), [text]) for key, text in zip(empty.keys, empty.texts, strict=True)]
    parts += [(one.name, _Sides(*map(_texts, (one.ours, one.base, one.theirs)))) for one in merged.collisions]
    parts = _with_whole_end(sorted(parts, key=lambda part: part[0]))
    lines = ["{", '  "schemaVersion": 1,', '  "records": [']
    for at, (_, part) in enumerate(parts, 1):
        comma = "," if at < len(parts) else ""
        lines += _conflict(part, comma, size, labels) if isinstance(part, _Sides) else _records(part, comma)
    return "\n".join([*lines, "  ]", "}", ""]).encode()


class _Sides(NamedTuple):
    """The texts of the records that stand in one place on each side."""

    ours: list[str]
    base: list[str]
    theirs: list[str]


_Part = tuple[Name, list[str] | _Sides]


def _texts(records: Sequence[Record]) -> list[str]:
    return [format_text(record) for record in records]


def _with_whole_end(parts: list[_Part]) -> list[_Part]:
    """Return the parts so that each side of the last one has a record: its last one is what has no comma.

    Where a side may be empty at the end, the conflicts there become one, together with the record before them.
    """
    start = len(parts)
    while start and isinstance(parts[start - 1][1], _Sides):
        start -= 1
    end = [part for _, part in parts[start:] if isinstance(part, _Sides)]
    if all(one.ours and one.theirs for one in end):
        return parts
    lead = [text for _, part in parts[max(start - 1, 0) : start] if not isinstance(part, _Sides) for text in part]
    whole = _Sides(*(lead + [text for one in end for text in one[side]] for side in range(3)))
    return [*parts[: max(start - 1, 0)], (parts[start][0], whole)]


def _conflict(sides: _Sides, comma: str, size: int, labels: tuple[str, str, str]) -> Iterator[str]:
    ours, base, theirs = (_one_line(label) for label in labels)
    yield f"{'<' * size} {ours}"
    yield from _records(sides.ours, comma)
    yield f"{'|' * size} {base}"
    yield from _records(sides.base, comma)
    yield "=" * size
    yield from _records(sides.theirs, comma)
    yield f"{'>' * size} {theirs}"


def _one_line(label: str) -> str:
    return shown(label, 200)


def _records(texts: Sequence[str], comma: str) -> Iterator[str]:
    for at, text in enumerate(texts, 1):
        yield "    {"
        yield text
        yield "    }" + ("," if at < len(texts) else comma)


def describe(one: Collision) -> str:
    """Return one line that says what collides."""
    return f"{one.name}: {_side(one.ours)} on our side, {_side(one.theirs)} on theirs, {_side(one.base)} before"


def _side(records: Sequence[Record]) -> str:
    if not records:
        return "not there"
    return ", ".join(record.digest + (f" ({record.platform})" if record.platform else "") for record in records)


def conflicts(text: str) -> Iterator[tuple[int, str]]:
    """Yield the offset of each conflict in a text, and what is in it, where that can be told."""
    end = 0
    for hunk in _hunk.finditer(text):
        end = hunk.end()
        yield hunk.start(), _told(hunk["ours"], hunk["theirs"])
    if stray := MARKER.search(text, end):
        yield stray.start(), UNRESOLVED


def _told(ours: str, theirs: str) -> str:
    names = {Name(*found) for side in (ours, theirs) for found in _name.findall(side)}
    if len(names) != 1:
        return UNRESOLVED
    here, there = (", ".join(shown(digest) for digest in _digest.findall(side)) for side in (ours, theirs))
    name = shown(str(names.pop()), 200)
    if here == there:
        return f"{UNRESOLVED}: the facts of {name}, {here}, differ between the two sides"
    return f"{UNRESOLVED}: {name} is {here or 'gone'} on one side and {there or 'gone'} on the other"
