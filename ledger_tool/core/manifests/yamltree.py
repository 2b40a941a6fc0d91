"""YAML as tokens with positions, and the tree that they make. Nothing is changed or written here.

A file is first split into its documents: a line that starts with `---` always ends one (YAML 1.2,
section 9.1.2 and `c-forbidden`), so documents without anything of interest need no parser. In a tree, an alias is the
same node in several places; nothing is expanded, so nothing can explode.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ledger_tool.core.ledger.jsontext import line_and_column

MAX_DOCUMENT = 2 * 2**20  # characters
MAX_DEPTH = 100
MAX_TOKENS = 400_000  # per document; each takes a kilobyte
_MOST_MERGED = 32  # mappings searched for one key

TokenKind = Literal["scalar", "alias", "map", "list", "end"]
NOT_UTF8 = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")


class YamlFault(Exception):
    """A document is not YAML (`is_syntax`), or beyond a limit: line and column, from 1, and what is wrong."""

    def __init__(self, line: int, message: str, *, column: int = 1, is_syntax: bool = False) -> None:
        super().__init__(line, message)
        self.line = line
        self.column = column
        self.message = message
        self.is_syntax = is_syntax


@dataclass(frozen=True, slots=True)
class YamlToken:
    """One event of the parser. `start` and `end` are offsets in the file's text; line and column count from 1.

    `text` is a scalar's value or an alias' name; `style` is `""` (plain), `'`, `"`, `|`, `>`, or `{` for a map or
    list in flow style; `number` is the token's place in its document's list.
    """

    kind: TokenKind
    start: int
    end: int
    line: int
    column: int
    number: int
    text: str = ""
    style: str = ""
    anchor: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A part of a file's text, from `start` to `end`; `line` is where it starts."""

    start: int
    end: int
    line: int


@dataclass(slots=True, eq=False)
class YamlNode:
    """A value of the tree. `token` is where it starts; an alias is the node that it refers to.

    For a mapping, `named` has the key's token and the value of each scalar key (the last, if repeated), and
    `merged` the mappings that `<<` merges into it.
    """

    token: YamlToken
    items: list[YamlPlace] = field(default_factory=list)
    pairs: list[tuple[YamlNode, YamlPlace]] = field(default_factory=list)
    named: dict[str, tuple[YamlToken, YamlPlace]] = field(default_factory=dict)
    merged: list[YamlNode] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class YamlPlace:
    """An occurrence of a node: `token` is the node's own, or that of an alias to it."""

    token: YamlToken
    node: YamlNode


def decoded(raw: bytes) -> str:
    """Return the text of a file, its byte order mark included. Raises YamlFault if it is not UTF-8."""
    if raw.startswith(NOT_UTF8):
        raise YamlFault(1, "UTF-16 or UTF-32, not UTF-8")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line, column = line_and_column(before, len(before))
        raise YamlFault(line, "not UTF-8", column=column) from None


_boundary = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_directive = re.compile(r"^%", re.MULTILINE)


def documents(text: str) -> list[YamlDocument]:
    """Return the documents of a file, or the whole file if it has directives."""
    cuts = [] if _directive.search(text) else [match.start() for match in _boundary.finditer(text) if match.start()]
    parts, line = [], 1
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        parts.append(YamlDocument(start, end, line))
        line += line_breaks(text[start:end])
    return parts


def line_breaks(text: str) -> int:
    """Return the number of line breaks in a text: CR LF, LF or CR."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def tree(tokens: Sequence[YamlToken]) -> list[YamlNode]:
    """Return the roots of a document's tokens. Raises YamlFault for an alias without an anchor."""
    stream = iter(tokens)
    anchors: dict[str, YamlNode] = {}
    return [_place(token, stream, anchors).node for token in stream]


def _place(token: YamlToken, stream: Iterator[YamlToken], anchors: dict[str, YamlNode]) -> YamlPlace:
    if token.kind == "alias":
        if token.text not in anchors:
            raise YamlFault(token.line, f"the alias `*{token.text}` has no anchor before it")
        return YamlPlace(token, anchors[token.text])
    node = YamlNode(token)
    if token.anchor:
        anchors[token.anchor] = node
    if token.kind in ("map", "list"):
        while (inner := next(stream)).kind != "end":
            place = _place(inner, stream, anchors)
            if token.kind == "list":
                node.items.append(place)
            else:
                _add(node, place.node, _place(next(stream), stream, anchors))
    return YamlPlace(token, node)


def _add(mapping: YamlNode, key: YamlNode, value: YamlPlace) -> None:
    mapping.pairs.append((key, value))
    if not is_scalar(key):
        return
    mapping.named[key.token.text] = (key.token, value)
    if key.token.text == "<<" and not key.token.style:
        inner = value.node
        merged = [place.node for place in inner.items] if inner.token.kind == "list" else [inner]
        mapping.merged = merged[:_MOST_MERGED]


def look_up(node: YamlNode, key: str) -> YamlPlace | None:
    """Return the value of a mapping's key: its own or, through `<<`, that of a mapping merged into it."""
    seen: set[int] = set()
    ahead = [node]
    while ahead and len(seen) < _MOST_MERGED:
        mapping = ahead.pop(0)
        if id(mapping) in seen:
            continue
        seen.add(id(mapping))
        if key in mapping.named:
            return mapping.named[key][1]
        ahead = mapping.merged + ahead
    return None


def is_scalar(node: YamlNode) -> bool:
    """Return whether a node is a scalar; null is one."""
    return node.token.kind == "scalar"


_NOT_TEXT = re.compile(
    r"(?P<null>|~|null|Null|NULL)|(?P<boolean>[yYnN]|(?i:true|false|yes|no|on|off))|(?P<sign><<|=)"
    r"|(?P<number>[-+]?(?=\.?[0-9])(?:[0-9][0-9_]*)?\.?[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?0[box][0-9a-fA-F_]+"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
    r"|(?P<date>[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?)"
)


def plain_type(value: str) -> str:
    """Return the type that some reader, such as one for YAML 1.1, gives an unquoted value, or `""` if all read text.

    It is `null`, `boolean`, `number`, `date` or `sign`: `1.10` is a number.
    """
    match = _NOT_TEXT.fullmatch(value)
    return str(match.lastgroup) if match else ""
