"""YAML of plain values, with every text quoted as in JSON, which YAML 1.2 accepts (its section 1.3).

A text of several lines is written as it is, below a `|-`: for texts of ours, never for what comes from outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ledger_tool.render import json

Yaml = str | bool | Mapping[str, "Yaml"] | Sequence["Yaml"]


def document(value: Mapping[str, Yaml]) -> Iterator[str]:
    """Yield the lines of a document."""
    yield "---"
    yield from _mapping(value, "")


def _mapping(value: Mapping[str, Yaml], indent: str) -> Iterator[str]:
    for key, child in value.items():
        written = key if re.fullmatch(r"[A-Za-z]+", key) else json.line(key)
        yield from _after(f"{indent}{written}:", child, indent + "  ")


def _after(head: str, value: Yaml, indent: str) -> Iterator[str]:
    """Yield the lines of a value that follows `head`, or is below it."""
    if isinstance(value, str) and "\n" in value:
        yield f"{head} |-"
        yield from (indent + line for line in value.split("\n"))
    elif isinstance(value, str | bool):
        yield f"{head} {json.line(value)}"
    elif not value:
        yield f"{head} {'{}' if isinstance(value, Mapping) else '[]'}"
    elif isinstance(value, Mapping):
        yield head
        yield from _mapping(value, indent)
    elif all(isinstance(child, str) and "\n" not in child for child in value):
        yield f"{head} [{', '.join(map(json.line, value))}]"
    else:
        yield head
        for child in value:
            first, *others = _mapping(child, indent + "  ") if isinstance(child, Mapping) else _after("", child, indent)
            yield f"{indent}- {first.strip()}"
            yield from others
