"""YAML text as documents, and the tree that a document's tokens make. Nothing is changed or written here.

A file is first split into its documents: a line that starts with `---` always ends one (YAML 1.2,
section 9.1.2 and `c-forbidden`), so documents without anything of interest need no parser. In a tree, an alias is the
same node in several places; nothing is expanded, so nothing can explode.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from ledger_tool.core.ledger.jsontext import line_and_column
from ledger_tool.core.manifests.events import EventTokens
from ledger_tool.core.manifests.tokens import TextDocument, TextFault, TextToken, TokenKind, parts

_new = tuple.__new__
_MOST_MERGED = 32  # mappings searched for one key

NOT_UTF8 = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
NO_KEYS: Mapping[str, tuple[TextToken, YamlPlace]] = MappingProxyType({})


class YamlNode:
    """A value of the tree. `token` is where it starts; an alias is the node that it refers to.

    For a mapping, `named` has the key's token and the value of each scalar key (the last, if repeated), and
    `merged` the mappings that `<<` merges into it.
    """

    __slots__ = ("token",)
    items: Sequence[YamlPlace] = ()
    pairs: Sequence[tuple[YamlNode, YamlPlace]] = ()
    named: Mapping[str, tuple[TextToken, YamlPlace]] = NO_KEYS
    merged: Sequence[YamlNode] = ()

    def __init__(self, token: TextToken) -> None:
        self.token = token


class YamlPlace(NamedTuple):
    """An occurrence of a node: `token` is the node's own, or that of an alias to it."""

    token: TextToken
    node: YamlNode


_Inner: TypeAlias = "int | YamlBranch | YamlPlace"


class YamlDocument:
    """What the mappings and lists of a document share: its tokens, and the numbers of those that are scalar keys.

    It `is_plain` if it has no alias, and only scalars as keys.
    """

    __slots__ = ("is_plain", "keys", "tokens")

    def __init__(self, tokens: EventTokens) -> None:
        self.tokens = tokens
        self.keys: list[int] = []
        self.is_plain = False


class YamlBranch(YamlNode):
    """A mapping or a list as it is read: its content becomes nodes when it is asked for, and most never is.

    `number` is that of its token, and `end` that of the token behind it. `inside` has what is in it, of a mapping the
    keys and the values in turn: the number of a scalar's token, another branch, or the place of an alias, or of a
    scalar that one refers to. `others` are the indices of what is no number.
    """

    __slots__ = ("end", "inside", "items", "kind", "merged", "named", "number", "others", "pairs", "whole")

    def __init__(self, whole: YamlDocument, number: int, kind: TokenKind) -> None:
        self.whole = whole
        self.number = number
        self.end = number
        self.kind = kind
        self.inside: list[_Inner] = []
        self.others: list[int] = []

    def __getattr__(self, name: str) -> Any:
        """Make what is asked for the first time, and keep it in its slot."""
        made: Any = ()
        if name == "token":
            made = self.whole.tokens.token(self.number)
        elif name == "items" and self.kind == "list":
            made = [*map(self._place, self.inside)]
        elif name == "pairs" and self.kind == "map":
            made = [*self._pairs()]
        elif name == "named":
            made = {key.token.text: (key.token, place) for key, place in self.pairs if key.token.kind == "scalar"}
        elif name == "merged" and "<<" in self.named:
            signs = [place for key, place in self.pairs if key.token.text == "<<" and not key.token.style]
            made = _merged(signs[-1].node) if signs else ()
        elif name not in ("items", "pairs", "merged"):
            raise AttributeError(name)
        setattr(self, name, made)
        return made

    def names(self) -> Sequence[str]:
        """Return the scalar keys of a mapping."""
        if not self.whole.is_plain:
            return [*self.named]
        return self.whole.tokens.texts(self.inside[::2]) if self.kind == "map" else ()  # type: ignore[arg-type]

    def branches(self, having: Sequence[int] | None = None) -> list[tuple[str, YamlBranch]]:
        """Return the mappings and the lists in it with their keys; those in a list have `""`.

        Of those in a mapping of a plain document, only those `having` one of these tokens in them, or as their key.
        """
        if not self.whole.is_plain:
            values = [(key.token.text, place.node) for key, place in self.pairs]
            values += [("", place.node) for place in self.items]
            return [(key, node) for key, node in values if isinstance(node, YamlBranch)]
        found: list[YamlBranch] = [self.inside[at] for at in self.others]  # type: ignore[misc]
        if self.kind == "list":
            return [("", branch) for branch in found]
        text = self.whole.tokens.text
        return [(text(branch.number - 1), branch) for branch in found if having is None or branch._has(having)]

    def _has(self, numbers: Sequence[int]) -> bool:
        at = bisect_left(numbers, self.number - 1)
        return at < len(numbers) and numbers[at] < self.end

    def _pairs(self) -> Iterator[tuple[YamlNode, YamlPlace]]:
        token, inside = self.whole.tokens.token, iter(self.inside)
        for key, value in zip(inside, inside, strict=True):
            node = YamlNode(token(key)) if isinstance(key, int) else self._place(key).node
            yield node, self._place(value)

    def _place(self, inner: _Inner) -> YamlPlace:
        if isinstance(inner, int):
            token = self.whole.tokens.token(inner)
            return _new(YamlPlace, (token, YamlNode(token)))
        return inner if isinstance(inner, YamlPlace) else YamlPlace(inner.token, inner)


class ComposedNode(YamlNode):
    """A mapping that nobody wrote: one with other keys, or with others merged into it."""

    __slots__ = ("merged", "named", "pairs")

    def __init__(
        self,
        token: TextToken,
        *,
        pairs: Sequence[tuple[YamlNode, YamlPlace]] = (),
        named: Mapping[str, tuple[TextToken, YamlPlace]] = NO_KEYS,
        merged: Sequence[YamlNode] = (),
    ) -> None:
        super().__init__(token)
        self.pairs = pairs
        self.named = named
        self.merged = merged


def decoded(raw: bytes) -> str:
    """Return the text of a file, its byte order mark included. Raises TextFault if it is not UTF-8, or has a NUL.

    UTF-16 and UTF-32 need no mark: in each, an ASCII character has a byte of zeros.
    """
    if raw.startswith(NOT_UTF8) or raw[:4].count(0) > 1:
        raise TextFault(1, "UTF-16 or UTF-32, not UTF-8")
    if (at := raw.find(b"\0")) >= 0:
        before = raw[:at].decode("utf-8", "replace")
        line, column = line_and_column(before, len(before))
        raise TextFault(line, "a NUL byte, which no text has", column=column)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line, column = line_and_column(before, len(before))
        raise TextFault(line, "not UTF-8", column=column) from None


_boundary = re.compile(r"\n(\ufeff?---)(?=[ \t\r\n]|\Z)")  # with a byte order mark where files were put together


def documents(text: str) -> list[TextDocument]:
    """Return the documents of a file, or the whole file if it has directives."""
    has_directives = text.startswith("%") or "\n%" in text
    cuts = [] if has_directives else [match.start(1) for match in _boundary.finditer(text)]
    return parts(text, [0, *cuts])


def tree(tokens: EventTokens) -> list[YamlNode]:
    """Return the roots of a document's tokens. Raises TextFault for an alias without an anchor."""
    whole = YamlDocument(tokens)
    anchors = tokens.anchors() if "alias" in tokens.kinds else {}
    anchored: dict[str, YamlNode] = {}
    top = branch = YamlBranch(whole, -1, "list")
    inside, keys = top.inside, whole.keys
    above: list[YamlBranch] = []
    for number, kind in enumerate(tokens.kinds):
        if kind == "scalar" and not anchors:
            inside.append(number)
        elif kind == "end":
            if branch.kind == "map":
                keys += inside[::2]  # type: ignore[arg-type]
            branch.end = number
            branch = above.pop()
            inside = branch.inside
        elif kind == "scalar" and number not in anchors:
            inside.append(number)
        else:
            branch.others.append(len(inside))
            if kind == "alias":
                inside.append(_aliased(tokens[number], anchored))
            elif kind == "scalar":
                token = tokens[number]
                anchored[anchors[number]] = node = YamlNode(token)
                inside.append(YamlPlace(token, node))
            else:
                above.append(branch)
                branch = YamlBranch(whole, number, kind)
                inside.append(branch)
                inside = branch.inside
                if anchors and number in anchors:  # before its content, which may refer to it
                    anchored[anchors[number]] = branch
    whole.is_plain = not anchors and {*map(type, keys)} <= {int}
    return [place.node for place in top.items]


def _aliased(alias: TextToken, anchored: Mapping[str, YamlNode]) -> YamlPlace:
    if alias.text not in anchored:
        raise TextFault(alias.line, f"the alias `*{alias.text}` has no anchor before it")
    return YamlPlace(alias, anchored[alias.text])


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
