"""YAML text as documents, and the tree that a document's tokens make. Nothing is changed or written here.

A file is first split into its documents: a line that starts with `---` always ends one (YAML 1.2,
section 9.1.2 and `c-forbidden`), so documents without anything of interest need no parser. In a tree, an alias is the
same node in several places; nothing is expanded, so nothing can explode.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger_tool.core.ledger.jsontext import line_and_column
from ledger_tool.core.manifests.tokens import TextDocument, TextFault, TextToken

_MOST_MERGED = 32  # mappings searched for one key

NOT_UTF8 = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")


class _NoKeys(dict[str, "tuple[TextToken, YamlPlace]"]):
    """The keys of what is not a mapping: hashable, so that it can be a default, since a factory takes its time."""

    __hash__ = object.__hash__  # type: ignore[assignment]


_NO_KEYS: Mapping[str, tuple[TextToken, YamlPlace]] = _NoKeys()


@dataclass(slots=True, eq=False)
class YamlNode:
    """A value of the tree. `token` is where it starts; an alias is the node that it refers to.

    For a mapping, `named` has the key's token and the value of each scalar key (the last, if repeated), and
    `merged` the mappings that `<<` merges into it.
    """

    token: TextToken
    items: Sequence[YamlPlace] = ()
    pairs: Sequence[tuple[YamlNode, YamlPlace]] = ()
    named: Mapping[str, tuple[TextToken, YamlPlace]] = _NO_KEYS
    merged: Sequence[YamlNode] = ()


class YamlPlace(NamedTuple):
    """An occurrence of a node: `token` is the node's own, or that of an alias to it."""

    token: TextToken
    node: YamlNode


def decoded(raw: bytes) -> str:
    """Return the text of a file, its byte order mark included. Raises TextFault if it is not UTF-8."""
    if raw.startswith(NOT_UTF8):
        raise TextFault(1, "UTF-16 or UTF-32, not UTF-8")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line, column = line_and_column(before, len(before))
        raise TextFault(line, "not UTF-8", column=column) from None


_boundary = re.compile(r"\n(---)(?=[ \t\r\n]|\Z)")


def documents(text: str) -> list[TextDocument]:
    """Return the documents of a file, or the whole file if it has directives."""
    has_directives = text.startswith("%") or "\n%" in text
    cuts = [] if has_directives else [match.start(1) for match in _boundary.finditer(text)]
    parts, line = [], 1
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        parts.append(TextDocument(start, end, line))
        line += line_breaks(text[start:end])
    return parts


def line_breaks(text: str) -> int:
    """Return the number of line breaks in a text: CR LF, LF or CR."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def tree(tokens: Sequence[TextToken]) -> list[YamlNode]:
    """Return the roots of a document's tokens. Raises TextFault for an alias without an anchor."""
    stream = iter(tokens)
    anchors: dict[str, YamlNode] = {}
    return [_node(token, stream, anchors) for token in stream]


def _node(token: TextToken, stream: Iterator[TextToken], anchors: dict[str, YamlNode]) -> YamlNode:
    if token.kind == "alias":
        if token.text not in anchors:
            raise TextFault(token.line, f"the alias `*{token.text}` has no anchor before it")
        return anchors[token.text]
    node = YamlNode(token)
    if token.anchor:
        anchors[token.anchor] = node  # before its content, which may refer to it
    if token.kind == "list":
        node.items = items = []
        while (inner := next(stream)).kind != "end":
            items.append(YamlPlace(inner, _node(inner, stream, anchors)))
    elif token.kind == "map":
        _fill(node, stream, anchors)
    return node


def _fill(mapping: YamlNode, stream: Iterator[TextToken], anchors: dict[str, YamlNode]) -> None:
    mapping.pairs = pairs = []
    mapping.named = named = {}
    while (inner := next(stream)).kind != "end":
        is_plain = inner.kind == "scalar" and not inner.anchor
        key = YamlNode(inner) if is_plain else _node(inner, stream, anchors)
        value = next(stream)
        is_plain = value.kind == "scalar" and not value.anchor
        place = YamlPlace(value, YamlNode(value) if is_plain else _node(value, stream, anchors))
        pairs.append((key, place))
        name = key.token
        if name.kind == "scalar":
            named[name.text] = (name, place)
            if name.text == "<<" and not name.style:
                mapping.merged = _merged(place.node)


def _merged(node: YamlNode) -> list[YamlNode]:
    """Return the mappings that a value of `<<` merges."""
    is_list = node.token.kind == "list"
    return [place.node for place in node.items[:_MOST_MERGED]] if is_list else [node]


def look_up(node: YamlNode, key: str) -> YamlPlace | None:
    """Return the value of a mapping's key: its own or, through `<<`, that of a mapping merged into it."""
    if key in node.named:
        return node.named[key][1]
    if not node.merged:
        return None
    seen = {id(node)}
    ahead = [*node.merged]
    while ahead and len(seen) < _MOST_MERGED:
        mapping = ahead.pop(0)
        if id(mapping) in seen:
            continue
        seen.add(id(mapping))
        if key in mapping.named:
            return mapping.named[key][1]
        ahead = [*mapping.merged, *ahead]
    return None


def keys(node: YamlNode) -> list[str]:
    """Return the scalar keys of a mapping: its own and those of mappings merged into it."""
    found, ahead, seen = dict.fromkeys(node.named), [*node.merged], {id(node)}
    while ahead and len(seen) < _MOST_MERGED:
        mapping = ahead.pop(0)
        if id(mapping) not in seen:
            seen.add(id(mapping))
            found.update(dict.fromkeys(mapping.named))
            ahead = [*mapping.merged, *ahead]
    return list(found)


def repeated(node: YamlNode) -> frozenset[str]:
    """Return the scalar keys that a mapping itself has more than once: some readers take the first, others the last."""
    if len(node.pairs) == len(node.named):
        return frozenset()
    counts = Counter(key.token.text for key, _ in node.pairs if is_scalar(key))
    return frozenset(key for key, count in counts.items() if count > 1)


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
