"""`ledger.yaml`: turns people's YAML into a `Policy`, or an error with its line and column.

Anchors, aliases and tags are refused, and so are duplicate keys.
`schema/ledger-config-v1.schema.json` says the same for editors; a test keeps the two in agreement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from ledger_tool.core.ledger import names
from ledger_tool.core.manifests.yamltree import (
    YamlDocument,
    YamlFault,
    YamlNode,
    YamlToken,
    decoded,
    is_scalar,
    plain_type,
    tree,
)
from ledger_tool.core.policy.policy import MAX_SETTINGS_BYTES, Policy, Registry
from ledger_tool.edges.yaml.tokens import tokens
from ledger_tool.errors import InvalidSettings, LedgerError, UsageError

MAX_DEPTH = 16
T = TypeVar("T")
_HINT = "fix ledger.yaml"
# What only YAML 1.1 reads as anything but text: merge keys, base-60 numbers, short dates, odd booleans.
_TEXT_IN_1_2 = re.compile(
    r"<<|=|[-+]?[0-9_]+(?::[0-9_.]+)+|[0-9]{4}-(?:[0-9]-[0-9]{1,2}|[0-9]{2}-[0-9])"
    r"|(?!true|True|TRUE|false|False|FALSE)(?i:true|false)"
)
_REQUIRABLE = ("sourceRef", "platform", "index", "config", "dependsOn", "ttl")


def load(raw: bytes) -> Policy:
    """Return the policy in the bytes of a `ledger.yaml`. Raises InvalidSettings."""
    if len(raw) > MAX_SETTINGS_BYTES:
        message = f"the file is larger than {MAX_SETTINGS_BYTES // 1024} KiB"
        raise InvalidSettings(1, 1, message, "check that this is the right file")
    try:
        text = decoded(raw)
        stream = tokens(text, YamlDocument(0, len(text), 1), deepest=MAX_DEPTH)
        for token in stream:
            if token.anchor or token.kind == "alias":
                raise _fail(token, "anchors and aliases are not allowed here", "write the value itself")
            if token.tag:
                raise _fail(token, f"the tag `{names.shown(token.tag)}` is not allowed here", "remove the tag")
        roots = tree(stream)
    except YamlFault as fault:
        raise InvalidSettings(fault.line, fault.column, fault.message, _HINT) from None
    if len(roots) > 1:
        raise _fail(roots[1].token, "a second document", "keep everything in one YAML document")
    return _policy(roots[0]) if roots else Policy()


def _fail(token: YamlToken, message: str, hint: str = _HINT) -> InvalidSettings:
    return InvalidSettings(token.line, token.column, message, hint)


def _type(token: YamlToken) -> str:
    """Return `text`, `list`, `map`, or the type that YAML gives a value without quotes: `1.10` is a number."""
    if token.kind != "scalar":
        return token.kind
    is_text = token.style or _TEXT_IN_1_2.fullmatch(token.text)
    return "text" if is_text else plain_type(token.text) or "text"


def _is_left_out(token: YamlToken) -> bool:
    return _type(token) == "null" and not token.text


def _pairs(node: YamlNode, what: str, known: tuple[str, ...] = ()) -> Iterator[tuple[YamlToken, YamlNode]]:
    """Yield the keys and values of a mapping, whose keys are texts and differ."""
    if _type(node.token) == "null":
        return
    if node.token.kind != "map":
        raise _fail(node.token, f"{what} should be a mapping")
    seen = set()
    for key, place in node.pairs:
        name, value = key.token, place.node
        if not is_scalar(key):
            raise _fail(name, "a key is text, not a list or a mapping")
        if name.text in seen:
            raise _fail(name, f"the key `{names.shown(name.text)}` occurs twice", "keep one of them")
        if known and name.text not in known:
            message = f"unknown key `{names.shown(name.text)}` in {what}"
            raise _fail(name, message, f"the keys are {', '.join(known)}")
        seen.add(name.text)
        if _is_left_out(value.token):  # the parser gives it the position of the next token
            value = YamlNode(replace(value.token, line=name.line, column=name.column))
        yield name, value


def _items(node: YamlNode, what: str) -> list[YamlNode]:
    if _type(node.token) == "null":
        return []
    if node.token.kind != "list":
        raise _fail(node.token, f"{what} should be a list", 'write it as `["a", "b"]`, or with one `- ` line per item')
    return [place.node for place in node.items]


def _parsed(token: YamlToken, what: str, parse: Callable[[str], T]) -> T:
    kind = _type(token)
    if kind in ("list", "map"):
        raise _fail(token, f"{what} should be text")
    if _is_left_out(token):
        raise _fail(token, f"{what} has no value", "write a value, or leave it out")
    if kind != "text":
        shown = names.shown(token.text)
        raise _fail(token, f"`{shown}` is read as a YAML {kind}, not as text", f'quote it: `"{shown}"`')
    try:
        return parse(token.text)
    except LedgerError as error:
        raise _fail(token, error.message, error.hint) from None


def _each_parsed(node: YamlNode, whole: str, what: str, parse: Callable[[str], T]) -> tuple[T, ...]:
    return tuple(_parsed(item.token, what, parse) for item in _items(node, whole))


def _policy(root: YamlNode) -> Policy:
    fields: dict[str, Any] = {}
    for key, value in _pairs(root, "ledger.yaml", ("registries", "tags", "require")):
        if key.text == "registries":
            fields["registries"] = tuple(_registry(item) for item in _items(value, "`registries`"))
        elif key.text == "require":
            fields["require"] = _each_parsed(value, "`require`", "a required field", _requirable)
        else:
            fields |= _tags(value)
    return Policy(**fields)


def _tags(node: YamlNode) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, value in _pairs(node, "`tags`", ("mutable", "ttl")):
        if key.text == "mutable":
            fields["mutable"] = _each_parsed(value, "`mutable`", "a tag pattern", _pattern)
        else:
            fields["ttl"] = {
                _parsed(pattern, "a tag pattern", _pattern): _parsed(ttl.token, "a TTL", names.parse_ttl)
                for pattern, ttl in _pairs(value, "`ttl`")
            }
    return fields


def _registry(node: YamlNode) -> Registry:
    fields: dict[str, Any] = {}
    for key, value in _pairs(node, "a registry", ("host", "images", "prefix")):
        if key.text == "host":
            host = _parsed(value.token, "`host`", _host)
            fields |= {"host": re.sub(r"^https?://", "", host), "plain_http": host.startswith("http://")}
        elif key.text == "images":
            fields["images"] = _each_parsed(value, "`images`", "an image pattern", _pattern)
            if not fields["images"]:
                raise _fail(value.token, "`images` is empty", 'leave it out to mean every image, `["*"]`')
        else:
            fields["prefix"] = _parsed(value.token, "`prefix`", lambda text: names.parse_image(text) if text else "")
    if "host" not in fields:
        raise _fail(node.token, "a registry has no `host`", "add `host: registry.example.com`")
    return Registry(**fields)


def _host(text: str) -> str:
    if not re.fullmatch(names.REGISTRY, text):
        hint = "write `registry.example.com`, or `http://localhost:5000` for plain HTTP"
        raise UsageError(f"host `{names.shown(text)}` is malformed", hint)
    return text


def _pattern(text: str) -> str:
    if not re.fullmatch(r"[^\s\x00-\x1f\x7f]{1,256}", text):
        raise UsageError(f"pattern `{names.shown(text)}` is malformed", "write a glob such as `myorg/*` or `pr-*`")
    return text


def _requirable(text: str) -> str:
    if text not in _REQUIRABLE and not re.fullmatch(rf"labels\.{names.LABEL_KEY}", text):
        raise UsageError(
            f"`{names.shown(text)}` cannot be required", f"require any of {', '.join(_REQUIRABLE)}, labels.NAME"
        )
    return text
