"""JSON text with positions: strict reading, and where in the text a value stands.

`json` takes duplicate keys, NaN and lone surrogates, and forgets positions. Here the first are faults,
and a path such as `("records", 3, "digest")` can be found again. Used only to explain a bad file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ledger_tool.core.ledger.names import shown

MAX_DEPTH = 64

_token = re.compile(r'[ \t\n\r]*("(?:[^"\\]|\\.)*+"|[\[\]{}:,]|[^\s\[\]{}:,"]+)', re.DOTALL)
_blank = re.compile(r"[ \t\n\r,]*")
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
# Pairs, and backslashes that stand for themselves, come first: what is left in the group is alone.
_surrogate = re.compile(rf"\\\\|{_HIGH}{_LOW}|({_HIGH}|{_LOW})")


@dataclass(frozen=True)
class JsonFault(Exception):
    """Why a text is not acceptable JSON, and at which offset."""

    offset: int
    reason: str


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Return the line and column, both from 1, of an offset; columns count characters."""
    before = text.count("\n", 0, offset)
    return before + 1, offset - text.rfind("\n", 0, offset)


def parse(text: str) -> Any:
    """Return the value of a JSON text; raise JsonFault for anything RFC 8259 advises against."""
    _check_depth(text)

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(items)
        if len(fields) != len(items):
            seen: set[str] = set()
            twice = next(key for key, _ in items if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise JsonFault(_second(text, twice), f"the key `{shown(twice)}` appears twice in one object")
        return fields

    def constant(name: str) -> Any:
        raise JsonFault(_first(text, name.__eq__), f"`{name}` is not JSON")

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except json.JSONDecodeError as error:
        raise JsonFault(error.pos, _plain(error.msg)) from None
    except ValueError:  # int() refuses thousands of digits
        at = _first(text, lambda token: len(token) > 1000 and token.lstrip("-").isdigit())
        raise JsonFault(at, "a number has thousands of digits") from None
    if (alone := next((found for found in _surrogate.finditer(text) if found[1]), None)) is not None:
        raise JsonFault(alone.start(), "a lone surrogate is not a character")
    return value


def _first(text: str, is_it: Callable[[str], bool]) -> int:
    """Return the offset of the first token that is it."""
    return next((found.start(1) for found in _token.finditer(text) if is_it(found[1])), 0)


def _plain(message: str) -> str:
    return message[0].lower() + message[1:]


def _check_depth(text: str) -> None:
    """Raise JsonFault for nesting that no ledger needs, before the recursive parser meets it."""
    depth = 0
    # A string without end is taken whole: to begin again at each of its escaped quotes would take for ever.
    for found in re.finditer(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', text, re.DOTALL):
        if found[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise JsonFault(found.start(), f"nested deeper than {MAX_DEPTH} levels")
        elif found[0] in "]}":
            depth -= 1


def _second(text: str, key: str) -> int:
    """Return the offset of the first key that repeats `key` within one object."""
    objects: list[set[str] | None] = []
    previous, start = "", 0
    for found in _token.finditer(text):
        token = found[1]
        if token == ":" and objects and (seen := objects[-1]) is not None:
            name = json.loads(previous)
            if name == key and name in seen:
                return start
            seen.add(name)
        elif token in ("{", "["):
            objects.append(set() if token == "{" else None)
        elif token in ("}", "]"):
            objects.pop()
        previous, start = token, found.start(1)
    return 0


def locate(text: str, path: Sequence[str | int]) -> int:
    """Return the offset of the value at `path` in a valid JSON text, or of the nearest thing around it."""
    offset = 0
    tokens = _token.finditer(text)
    found = next(tokens)
    for step in path:
        offset = found.start(1)
        if found[1] not in ("{", "["):
            return offset
        at: str | int = -1
        depth = 0
        in_object = found[1] == "{"
        found = next(tokens)
        at = -1 if in_object else 0
        while True:
            token = found[1]
            if depth == 0 and token in ("}", "]"):
                return offset
            if depth == 0 and in_object and at == -1:
                at = json.loads(token)
                next(tokens)  # the colon
                found = next(tokens)
                token = found[1]
            if depth == 0 and at == step:
                break
            if token in ("{", "["):
                depth += 1
            elif token in ("}", "]"):
                depth -= 1
            found = next(tokens)
            while depth == 0 and found[1] == ",":
                at = -1 if in_object else int(at) + 1
                found = next(tokens)
    return found.start(1)


def elements(text: str, array: int) -> list[int]:
    """Return the offset of each element of the array that begins at offset `array` of a valid JSON text."""
    found: list[int] = []
    decode = json.JSONDecoder().raw_decode
    at = _blank.match(text, array + 1).end()  # type: ignore[union-attr]
    while text[at] != "]":
        found.append(at)
        at = _blank.match(text, decode(text, at)[1]).end()  # type: ignore[union-attr]
    return found
