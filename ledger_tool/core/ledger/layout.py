"""JSON laid out for people, one value on a line: the text that `json.dumps(value, indent=2, ensure_ascii=False)` makes.

The standard library indents only in Python, an item at a time, which takes ten times as long. A ledger is written like
this record by record, and so are reports of as many.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from json.encoder import encode_basestring
from typing import Any

quoted = encode_basestring  # a text as a JSON string; in C, where there is C
_encoded = json.JSONEncoder(ensure_ascii=False).encode


def laid_out(value: Any, margin: str = "") -> str:
    """Return the text of a JSON value whose objects have strings for keys; lines after the first begin with a margin.

    Raises TypeError for what JSON does not have.
    """
    if isinstance(value, dict) and value:
        inner = f"\n{margin}  "
        items = [
            f"{quoted(name)}: {quoted(item) if type(item) is str else laid_out(item, inner[1:])}"
            for name, item in value.items()
        ]
        return f"{{{inner}{f',{inner}'.join(items)}\n{margin}}}"
    if isinstance(value, list | tuple) and value:
        inner = f"\n{margin}  "
        items = [quoted(item) if type(item) is str else laid_out(item, inner[1:]) for item in value]
        return f"[{inner}{f',{inner}'.join(items)}\n{margin}]"
    return _encoded(value)


def object_lines(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield the text of an object with at least one field, piece by piece, each ending where a line does.

    A field whose value is an iterator is an array, whose items are made as they are written: it may be a long one.
    """
    yield "{"
    *_, last = fields
    for name, value in fields.items():
        comma = "" if name == last else ","
        if isinstance(value, Iterator):
            yield from _array_lines(f"  {quoted(name)}: ", value, comma)
        else:
            yield f"  {quoted(name)}: {laid_out(value, '  ')}{comma}"
    yield "}"


def _array_lines(start: str, items: Iterator[Any], comma: str) -> Iterator[str]:
    before = ""
    for item in items:
        yield f"{before}," if before else f"{start}["
        before = f"    {laid_out(item, '    ')}"
    if not before:
        yield f"{start}[]{comma}"
        return
    yield before
    yield f"  ]{comma}"
