"""`ledger.yaml`: people's YAML to a `Policy`, by ruamel's parser.

It builds its own small tree from the parser's events: no alias can expand, no tag can construct, depth
and size are bounded before anything grows, and every value still knows its line and column.
`schema/ledger-config-v1.schema.json` says the same for editors; a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from ledger_tool.core.ledger import jsontext, names
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.errors import InvalidSettings, LedgerError, UsageError

MAX_BYTES = 64 * 1024
MAX_DEPTH = 16
T = TypeVar("T")
_REQUIRABLE = ("sourceRef", "platform", "index", "config", "dependsOn", "ttl")


@dataclass(frozen=True, slots=True)
class Node:
    """A YAML value with its place, line and column from 1.

    `kind` is `text`, `list`, `map`, or the YAML type of a plain scalar that is no text.
    """

    kind: str
    line: int
    column: int
    value: str = ""
    items: tuple[Node, ...] = ()
    pairs: tuple[tuple[Node, Node], ...] = ()


def load(raw: bytes) -> Policy:
    """Return the policy that the bytes of a `ledger.yaml` say. Raises InvalidSettings."""
    if len(raw) > MAX_BYTES:
        raise _fail(1, 1, f"the file is larger than {MAX_BYTES // 1024} KiB", "check that the right file is there")
    root = _tree(raw)
    return _policy(root) if root is not None else Policy()


def _fail(line: int, column: int, message: str, hint: str = "mend ledger.yaml") -> InvalidSettings:
    return InvalidSettings(line, column, message, hint)


def _tree(raw: bytes) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    try:
        text = raw.decode("utf-8-sig")
        events = iter(yaml.parse(text))
        return _document(events, yaml.resolver)
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode()
        raise _fail(*jsontext.line_and_column(before, len(before)), "not UTF-8") from None
    except ReaderError as error:
        message = f"the character `{names.escaped(chr(error.character))}` is not allowed in YAML"
        raise _fail(*jsontext.line_and_column(text, error.position), message) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _fail(line, column, names.shown(str(error.problem or error.context or "not YAML"), 200)) from None
    except (YAMLError, ValueError, RecursionError) as error:
        line = getattr(error, "line", 0) or 0
        raise _fail(line + 1, 1, names.shown(str(error).split("\n")[0] or "not YAML", 200)) from None


def _document(events: Iterator[Any], resolver: Any) -> Node | None:
    root: Node | None = None
    for event in events:
        kind = type(event).__name__
        if kind in ("StreamStartEvent", "StreamEndEvent", "DocumentEndEvent"):
            continue
        if kind == "DocumentStartEvent":
            if root is not None:
                raise _fail(event.start_mark.line + 1, 1, "a second document", "keep everything in one YAML document")
            continue
        root = _node(event, events, resolver, 0)
    empty = root is not None and root.kind == "null"
    return None if empty else root


def _node(event: Any, events: Iterator[Any], resolver: Any, depth: int) -> Node:
    line, column = event.start_mark.line + 1, event.start_mark.column + 1
    kind = type(event).__name__
    if depth > MAX_DEPTH:
        raise _fail(line, column, f"nested deeper than {MAX_DEPTH} levels")
    if kind == "AliasEvent" or getattr(event, "anchor", None):
        raise _fail(line, column, "anchors and aliases are not used here", "write the value out")
    if event.tag is not None:
        raise _fail(line, column, f"the tag `{names.shown(str(event.tag))}` is not used here", "remove the tag")
    if kind == "ScalarEvent":
        return Node(_scalar_kind(event, resolver), line, column, event.value)
    end = "SequenceEndEvent" if kind == "SequenceStartEvent" else "MappingEndEvent"
    items: list[Node] = []
    while type(event := next(events)).__name__ != end:
        items.append(_node(event, events, resolver, depth + 1))
    if kind == "SequenceStartEvent":
        return Node("list", line, column, items=tuple(items))
    pairs = tuple((key, _placed(value, key)) for key, value in zip(items[::2], items[1::2], strict=True))
    seen: set[str] = set()
    for key, _ in pairs:
        if key.kind in ("list", "map"):
            raise _fail(key.line, key.column, "a key is text, not a list or a mapping")
        if key.value in seen:
            raise _fail(key.line, key.column, f"the key `{names.shown(key.value)}` stands twice", "keep one of them")
        seen.add(key.value)
    return Node("map", line, column, pairs=pairs)


def _placed(value: Node, key: Node) -> Node:
    """Give a value that is left out the place of its key: the parser's is that of whatever comes next."""
    return replace(value, line=key.line, column=key.column) if value.kind == "null" and not value.value else value


def _scalar_kind(event: Any, resolver: Any) -> str:
    """Return `text`, or the type that YAML gives a plain scalar: `1.10` is a number, `no` may be a boolean."""
    if event.style is not None:
        return "text"
    if re.fullmatch(r"(?i)yes|no|on|off|y|n", event.value):  # YAML 1.1, still what many editors and tools read
        return "bool"
    from ruamel.yaml.nodes import ScalarNode

    kind = str(resolver.resolve(ScalarNode, event.value, (True, False))).rpartition(":")[2]
    return "text" if kind in ("str", "merge", "value") else kind


def _pairs(node: Node, what: str, known: tuple[str, ...] = ()) -> Iterator[tuple[Node, Node]]:
    if node.kind == "null":
        return
    if node.kind != "map":
        raise _fail(node.line, node.column, f"{what} should be a mapping")
    for key, value in node.pairs:
        if known and key.value not in known:
            raise _fail(
                key.line,
                key.column,
                f"unknown key `{names.shown(key.value)}` in {what}",
                f"the keys are {', '.join(known)}",
            )
        yield key, value


def _items(node: Node, what: str) -> tuple[Node, ...]:
    if node.kind == "null":
        return ()
    if node.kind != "list":
        raise _fail(
            node.line, node.column, f"{what} should be a list", 'write it as `["a", "b"]` or with one `- ` line each'
        )
    return node.items


def _text(node: Node, what: str) -> str:
    if node.kind in ("list", "map"):
        raise _fail(node.line, node.column, f"{what} should be text")
    if node.kind == "null" and not node.value:
        raise _fail(node.line, node.column, f"{what} has no value", "write one, or leave it out")
    if node.kind != "text":
        shown = names.shown(node.value)
        raise _fail(
            node.line, node.column, f"`{shown}` is read as a YAML {node.kind}, not as text", f'quote it: `"{shown}"`'
        )
    return node.value


def _parsed(node: Node, what: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(_text(node, what))
    except LedgerError as error:
        if error.message.startswith("ledger.yaml"):
            raise
        raise _fail(node.line, node.column, error.message, error.hint) from None


def _policy(root: Node) -> Policy:
    found: dict[str, Any] = {}
    for key, value in _pairs(root, "ledger.yaml", ("registries", "tags", "require")):
        if key.value == "registries":
            found["registries"] = tuple(_registry(item) for item in _items(value, "`registries`"))
        elif key.value == "require":
            found["require"] = tuple(
                _parsed(item, "a required field", _requirable) for item in _items(value, "`require`")
            )
        else:
            found |= _tags(value)
    return Policy(**found)


def _tags(node: Node) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in _pairs(node, "`tags`", ("mutable", "ttl")):
        if key.value == "mutable":
            found["mutable"] = tuple(_parsed(item, "a tag pattern", _pattern) for item in _items(value, "`mutable`"))
        else:
            found["ttl"] = {
                _parsed(pattern, "a tag pattern", _pattern): _parsed(ttl, "a TTL", names.parse_ttl)
                for pattern, ttl in _pairs(value, "`ttl`")
            }
    return found


def _registry(node: Node) -> Registry:
    found: dict[str, Any] = {}
    for key, value in _pairs(node, "a registry", ("host", "images", "prefix")):
        if key.value == "host":
            host = _parsed(value, "`host`", _host)
            found |= {"host": re.sub(r"^https?://", "", host), "plain_http": host.startswith("http://")}
        elif key.value == "images":
            found["images"] = tuple(_parsed(item, "an image pattern", _pattern) for item in _items(value, "`images`"))
            if not found["images"]:
                raise _fail(value.line, value.column, "`images` is empty", 'leave it out to mean every image, `["*"]`')
        else:
            found["prefix"] = _parsed(value, "`prefix`", lambda text: names.parse_image(text) if text else "")
    if "host" not in found:
        raise _fail(node.line, node.column, "a registry has no `host`", "add `host: registry.example.com`")
    return Registry(**found)


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
            f"`{names.shown(text)}` can't be required", f"require any of {', '.join(_REQUIRABLE)}, labels.NAME"
        )
    return text
