"""Typed access to the YAML of `ledger.yaml`: mappings, lists and texts, or an error with its line and column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from ledger_tool.core.ledger import names
from ledger_tool.core.manifests.tokens import TextToken
from ledger_tool.core.manifests.yamltree import YamlNode, is_scalar, plain_type
from ledger_tool.errors import InvalidSettings, LedgerError

T = TypeVar("T")
HINT = "fix ledger.yaml"
# What only YAML 1.1 reads as anything but text: merge keys, base-60 numbers, short dates, odd booleans.
_TEXT_IN_1_2 = re.compile(
    r"<<|=|[-+]?[0-9_]+(?::[0-9_.]+)+|[0-9]{4}-(?:[0-9]-[0-9]{1,2}|[0-9]{2}-[0-9])"
    r"|(?!true|True|TRUE|false|False|FALSE)(?i:true|false)"
)


def fail(token: TextToken, message: str, hint: str = HINT) -> InvalidSettings:
    """Return the error at a token."""
    return InvalidSettings(token.line, token.column, message, hint)


def type_of(token: TextToken) -> str:
    """Return `text`, `list`, `map`, or the type that YAML gives a value without quotes: `1.10` is a number."""
    if token.kind != "scalar":
        return token.kind
    is_text = token.style or _TEXT_IN_1_2.fullmatch(token.text)
    return "text" if is_text else plain_type(token.text) or "text"


def _is_left_out(token: TextToken) -> bool:
    return type_of(token) == "null" and not token.text


def pairs(node: YamlNode, what: str, known: tuple[str, ...] = ()) -> Iterator[tuple[TextToken, YamlNode]]:
    """Yield the keys and values of a mapping, whose keys are texts and differ."""
    if type_of(node.token) == "null":
        return
    if node.token.kind != "map":
        raise fail(node.token, f"{what} should be a mapping")
    seen = set()
    for key, place in node.pairs:
        name, value = key.token, place.node
        if not is_scalar(key):
            raise fail(name, "a key is text, not a list or a mapping")
        if name.text in seen:
            raise fail(name, f"the key `{names.shown(name.text)}` occurs twice", "keep one of them")
        if known and name.text not in known:
            message = f"unknown key `{names.shown(name.text)}` in {what}"
            keys = f"the only key is `{known[0]}`" if len(known) == 1 else f"the keys are {', '.join(known)}"
            raise fail(name, message, "; ".join([keys, *_question(name.text, known)]))
        seen.add(name.text)
        if _is_left_out(value.token):  # the parser gives it the position of the next token
            value = YamlNode(value.token._replace(line=name.line, column=name.column))
        yield name, value


def _question(key: str, known: tuple[str, ...]) -> list[str]:
    from ledger_tool.core.ledger.nearest import did_you_mean, nearest  # here, since most files have no such key

    near = nearest(key, known)
    return [did_you_mean(near)] if near else []


def items(node: YamlNode, what: str) -> list[YamlNode]:
    """Return the items of a list. Raises InvalidSettings for anything else."""
    if type_of(node.token) == "null":
        return []
    if node.token.kind != "list":
        raise fail(node.token, f"{what} should be a list", 'write it as `["a", "b"]`, or with one `- ` line per item')
    return [place.node for place in node.items]


def parsed(token: TextToken, what: str, parse: Callable[[str], T]) -> T:
    """Return a text, parsed. Raises InvalidSettings for anything else, and for what the parser refuses."""
    kind = type_of(token)
    if kind in ("list", "map"):
        raise fail(token, f"{what} should be text")
    if _is_left_out(token):
        raise fail(token, f"{what} has no value", "write a value, or leave it out")
    if kind != "text":
        shown = names.shown(token.text)
        raise fail(token, f"`{shown}` is read as a YAML {kind}, not as text", f'quote it: `"{shown}"`')
    try:
        return parse(token.text)
    except LedgerError as error:
        raise fail(token, error.message, error.hint) from None


def each_parsed(node: YamlNode, whole: str, what: str, parse: Callable[[str], T]) -> tuple[T, ...]:
    """Return the texts of a list, each parsed."""
    return tuple(parsed(item.token, what, parse) for item in items(node, whole))
