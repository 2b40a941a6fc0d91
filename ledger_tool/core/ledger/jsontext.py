"""JSON text with positions: strict reading, and the position of a value in the text.

`json` accepts duplicate keys, NaN and lone surrogates, and forgets positions. Here the first are faults,
and a path such as `("records", 3, "digest")` can be located. Used only to explain a bad file.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

from ledger_tool.core.ledger.names import shown

MAX_DEPTH = 64

_token = re.compile(r'[ \t\n\r]*("(?:[^"\\]|\\.)*+"|[\[\]{}:,]|[^\s\[\]{}:,"]+)', re.DOTALL)
# An unterminated string is taken whole: starting again at each of its escaped quotes would take forever.
_to_bracket = re.compile(r'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+"?)*+([\[\]{}])?', re.DOTALL)
_blank = re.compile(r"[ \t\n\r,:]*")
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
# Pairs and escaped backslashes come first, so what the group matches is a lone surrogate.
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


def _once(items: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(items)
    if len(fields) != len(items):
        raise ValueError("a key appears twice")
    return fields


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_plain = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refused)


def parse(text: str) -> Any:
    """Return the value of a JSON text. Raises JsonFault for anything that RFC 8259 advises against."""
    if text.count("{") + text.count("[") <= MAX_DEPTH and "\\u" not in text:  # a line of many: nothing to look for
        with suppress(ValueError):
            return _plain.decode(text)
    value, faults = _read(text)
    for fault in faults:
        raise fault
    return value


def parse_bytes(raw: bytes) -> Any:
    """Return the value of a JSON document in UTF-8. Raises JsonFault as `parse` does, and for a byte order mark."""
    if raw.startswith(codecs.BOM_UTF8):
        raise JsonFault(0, "it starts with a byte order mark")
    try:
        return parse(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise JsonFault(error.start, "it is not UTF-8") from None


def read(text: str) -> tuple[Any, Sequence[JsonFault]]:
    """Return the value of a JSON text, and what RFC 8259 advises against in it: keys that repeat, lone surrogates.

    A `?` stands for each lone surrogate. Raises JsonFault for what is not JSON.
    """
    value, faults = _read(text)
    return value, list(faults)


def _read(text: str) -> tuple[Any, Iterator[JsonFault]]:
    _check_depth(text)
    alone = [match.start() for match in _surrogate.finditer(text) if match[1]]
    has_repeats = False

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal has_repeats
        fields = dict(items)
        has_repeats = has_repeats or len(fields) != len(items)
        return fields

    def constant(name: str) -> Any:
        raise JsonFault(_first(text, name.__eq__), f"`{name}` is not JSON")

    try:
        value = json.loads(_with_characters(text, alone), object_pairs_hook=pairs, parse_constant=constant)
    except json.JSONDecodeError as error:
        raise JsonFault(error.pos, error.msg[0].lower() + error.msg[1:]) from None
    except ValueError:  # int() refuses thousands of digits
        offset = _first(text, lambda token: len(token) > 1000 and token.lstrip("-").isdigit())
        raise JsonFault(offset, "a number has thousands of digits") from None
    faults = (JsonFault(offset, "a lone surrogate is not a character") for offset in alone)
    return value, chain(_repeats(text) if has_repeats else (), faults)


def _with_characters(text: str, alone: Sequence[int]) -> str:
    """Return a text with a question mark, in an escape of the same length, for each lone surrogate's."""
    pieces, end = [], 0
    for offset in alone:
        pieces += [text[end:offset], r"\u003f"]
        end = offset + 6
    return "".join([*pieces, text[end:]]) if pieces else text


def _first(text: str, is_wanted: Callable[[str], bool]) -> int:
    """Return the offset of the first token that is wanted, or 0."""
    return next((match.start(1) for match in _token.finditer(text) if is_wanted(match[1])), 0)


def _check_depth(text: str) -> None:
    """Raise JsonFault for nesting that no ledger needs, before the recursive parser meets it."""
    depth = 0
    for match in _to_bracket.finditer(text):
        if match[1] in ("[", "{"):
            depth += 1
            if depth > MAX_DEPTH:
                raise JsonFault(match.start(1), f"nested deeper than {MAX_DEPTH} levels")
        elif match[1]:
            depth -= 1


def _repeats(text: str) -> Iterator[JsonFault]:
    """Yield a fault for each key that repeats one of its object."""
    objects: list[set[str] | None] = []
    previous, start = "", 0
    for match in _token.finditer(text):
        token = match[1]
        if token == ":" and objects and (seen := objects[-1]) is not None:
            name = json.loads(previous)
            if name in seen:
                yield JsonFault(start, f"the key `{shown(name)}` appears twice in one object")
            seen.add(name)
        elif token in ("{", "["):
            objects.append(set() if token == "{" else None)
        elif token in ("}", "]"):
            objects.pop()
        previous, start = token, match.start(1)


def locate(text: str, path: Sequence[str | int]) -> int:
    """Return the offset of the value at `path` in a valid JSON text, or of the innermost value around it."""
    offset = _after_blank(text, 0)
    for step in path:
        inner = next((start for key, start in values_in(text, offset) if key == step), None)
        if inner is None:
            break
        offset = inner
    return offset


def values_in(text: str, offset: int) -> Iterator[tuple[str | int, int]]:
    """Yield key or index, and offset, of each value in the one that starts at an offset of a valid JSON text."""
    if text[offset] not in "{[":
        return
    is_object = text[offset] == "{"
    decode = json.JSONDecoder().raw_decode
    start = _after_blank(text, offset + 1)
    for index in count():
        if text[start] in "}]":
            return
        key, end = decode(text, start) if is_object else (index, start)
        start = _after_blank(text, end)
        yield key, start
        start = _after_blank(text, decode(text, start)[1])


def _after_blank(text: str, offset: int) -> int:
    """Return where the next token but `,` and `:` starts."""
    return _blank.match(text, offset).end()  # type: ignore[union-attr]
