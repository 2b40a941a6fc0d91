"""A merge conflict in `ledger.json`: written so that a person can choose a side, and read again to say what it is.

The markers are git's (git-merge(1), "How conflicts are presented"), with the base between the sides; each side
holds whole records, so that to keep one side's lines, and its commas, leaves a valid ledger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ledger_tool.core import codec
from ledger_tool.core.ledger import format_text
from ledger_tool.core.merge import Collision, Merged
from ledger_tool.core.names import shown
from ledger_tool.core.record import Name, Record

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
    parts: list[tuple[tuple[str, str], str | Collision]] = [
        (key[:2], text) for key, text in zip(empty.keys, empty.texts, strict=True)
    ]
    parts += [(one.name, one) for one in merged.collisions]
    parts.sort(key=lambda part: part[0])
    lines = ["{", '  "schemaVersion": 1,', '  "records": [']
    for at, (_, part) in enumerate(parts, 1):
        comma = "," if at < len(parts) else ""
        if isinstance(part, str):
            lines += ["    {", part, "    }" + comma]
        else:
            lines += _conflict(part, comma, size, labels)
    return "\n".join([*lines, "  ]", "}", ""]).encode()


def _conflict(one: Collision, comma: str, size: int, labels: tuple[str, str, str]) -> Iterator[str]:
    ours, base, theirs = (_one_line(label) for label in labels)
    yield f"{'<' * size} {ours}"
    yield from _records(one.ours, comma)
    yield f"{'|' * size} {base}"
    yield from _records(one.base, comma)
    yield "=" * size
    yield from _records(one.theirs, comma)
    yield f"{'>' * size} {theirs}"


def _one_line(label: str) -> str:
    return shown(label, 200)


def _records(records: Sequence[Record], comma: str) -> Iterator[str]:
    for at, record in enumerate(records, 1):
        yield "    {"
        yield format_text(record)
        yield "    }" + ("," if at < len(records) else comma)


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
        yield stray.start(), "an unresolved merge conflict"


def _told(ours: str, theirs: str) -> str:
    names = {Name(*found) for side in (ours, theirs) for found in _name.findall(side)}
    if len(names) != 1:
        return "an unresolved merge conflict"
    here, there = (", ".join(shown(digest) for digest in _digest.findall(side)) for side in (ours, theirs))
    name = shown(str(names.pop()), 200)
    if here == there:
        return f"an unresolved merge conflict: the facts of {name}, {here}, differ between the two sides"
    return f"an unresolved merge conflict: {name} is {here or 'gone'} on one side and {there or 'gone'} on the other"
