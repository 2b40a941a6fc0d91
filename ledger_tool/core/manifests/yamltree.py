"""YAML as tokens with positions, and the tree that they make. Text is never changed and never written here.

A file is cut into its documents first: a line that begins with `---` ends one, whatever stands in it (YAML 1.2,
section 9.1.2 and `c-forbidden`), so that documents without anything of interest need no parser. A tree keeps
aliases as what they are, the same node in several places; nothing is expanded, so nothing can explode.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

MAX_DOCUMENT = 2 * 2**20  # characters
MAX_DEPTH = 100
MAX_TOKENS = 400_000  # of one document; each takes a kilobyte
_MOST_MERGED = 32  # mappings that are looked through for one key

Kind = Literal["scalar", "alias", "map", "list", "end"]


class Fault(Exception):
    """A document is no YAML (`is_syntax`), or beyond a limit: the line, from 1, and what is wrong with it."""

    def __init__(self, line: int, message: str, *, is_syntax: bool = False) -> None:
        super().__init__(line, message)
        self.line = line
        self.message = message
        self.is_syntax = is_syntax


@dataclass(frozen=True, slots=True)
class Token:
    """One event of the parser. `start` and `end` are offsets in the file's text, `line` counts from 1.

    `text` is a scalar's value or an alias' name; `style` is `""` (plain), `'`, `"`, `|`, `>`, or `{` for a map or
    list in flow style; `at` is the token's place in its document's list.
    """

    kind: Kind
    start: int
    end: int
    line: int
    at: int
    text: str = ""
    style: str = ""
    anchor: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A part of a file's text, from `start` to `end`; `line` is that of its beginning."""

    start: int
    end: int
    line: int


@dataclass(slots=True, eq=False)
class Node:
    """A value of the tree. `token` is where it begins; an alias is the node that it stands for.

    Of a mapping, `named` are the key's token and the value of each key that is a scalar (the last, of several), and
    `merged` the mappings that `<<` merges into it.
    """

    token: Token
    items: list[Place] = field(default_factory=list)
    pairs: list[tuple[Node, Place]] = field(default_factory=list)
    named: dict[str, tuple[Token, Place]] = field(default_factory=dict)
    merged: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a node stands: `token` is the node's own, or that of an alias to it."""

    token: Token
    node: Node


_boundary = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_directive = re.compile(r"^%", re.MULTILINE)


def documents(text: str) -> list[Document]:
    """Return the documents of a file, the whole of it where a directive says something about them."""
    cuts = [] if _directive.search(text) else [found.start() for found in _boundary.finditer(text) if found.start()]
    found, line = [], 1
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        found.append(Document(start, end, line))
        line += line_breaks(text[start:end])
    return found


def line_breaks(text: str) -> int:
    """Return how many line breaks a text has: CR LF, LF or CR."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def tree(tokens: Sequence[Token]) -> list[Node]:
    """Return the roots of a document's tokens. Raises Fault for an alias without an anchor."""
    stream = iter(tokens)
    anchors: dict[str, Node] = {}
    return [_place(token, stream, anchors).node for token in stream]


def _place(token: Token, stream: Iterator[Token], anchors: dict[str, Node]) -> Place:
    if token.kind == "alias":
        if token.text not in anchors:
            raise Fault(token.line, f"the alias `*{token.text}` has no anchor before it")
        return Place(token, anchors[token.text])
    node = Node(token)
    if token.anchor:
        anchors[token.anchor] = node
    if token.kind in ("map", "list"):
        while (inner := next(stream)).kind != "end":
            place = _place(inner, stream, anchors)
            if token.kind == "list":
                node.items.append(place)
            else:
                _add(node, place.node, _place(next(stream), stream, anchors))
    return Place(token, node)


def _add(mapping: Node, key: Node, value: Place) -> None:
    mapping.pairs.append((key, value))
    if not is_scalar(key):
        return
    mapping.named[key.token.text] = (key.token, value)
    if key.token.text == "<<" and not key.token.style:
        inner = value.node
        merged = [place.node for place in inner.items] if inner.token.kind == "list" else [inner]
        mapping.merged = merged[:_MOST_MERGED]


def look_up(node: Node, key: str) -> Place | None:
    """Return the value of a mapping's key, its own or, by `<<`, that of a mapping merged into it."""
    seen: set[int] = set()
    ahead = [node]
    while ahead and len(seen) < _MOST_MERGED:
        one = ahead.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        if key in one.named:
            return one.named[key][1]
        ahead = one.merged + ahead
    return None


def is_scalar(node: Node) -> bool:
    """Return whether a node is a scalar, null among them."""
    return node.token.kind == "scalar"


_NOT_TEXT = re.compile(
    r"|~|null|Null|NULL|[yYnN]|(?i:true|false|yes|no|on|off)|<<|="
    r"|[-+]?(?=\.?[0-9])(?:[0-9][0-9_]*)?\.?[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?0[box][0-9a-fA-F_]+"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?"
)


def is_text_when_plain(value: str) -> bool:
    """Return whether a value without quotes is text to every reader, YAML 1.1's among them: `1.10` is a number."""
    return not _NOT_TEXT.fullmatch(value)
