"""A YAML document's tokens and where they stand, from ruamel's parser: it reads events, and constructs nothing.

No alias expands, no tag acts; size and depth are bounded before anything grows, since events come one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from ledger_tool.core.ledger import names
from ledger_tool.core.manifests.yamltree import (
    MAX_DEPTH,
    MAX_DOCUMENT,
    MAX_TOKENS,
    Document,
    Fault,
    Kind,
    Token,
    line_breaks,
)

_KINDS: dict[str, Kind] = {
    "ScalarEvent": "scalar",
    "AliasEvent": "alias",
    "MappingStartEvent": "map",
    "SequenceStartEvent": "list",
    "MappingEndEvent": "end",
    "SequenceEndEvent": "end",
}
_TAB = re.compile(r"(^[ \t]+(?=\S))|\t", re.MULTILINE)


def tokens(text: str, document: Document) -> list[Token]:
    """Return the tokens of one document of a file's text. Raises Fault."""
    part = text[document.start : document.end]
    if len(part) > MAX_DOCUMENT:
        raise Fault(document.line, f"a document of more than {MAX_DOCUMENT // 2**20} MiB")
    part = _without_tabs(part) if "\t" in part else part
    skipped = part.startswith("\ufeff")
    try:
        return list(_tokens(part[skipped:], document.start + skipped, document.line))
    except ReaderError as error:
        line = document.line + line_breaks(part[: error.position])
        raise Fault(line, f"the character `{names.escaped(chr(error.character))}` is not allowed in YAML") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = document.line + (mark.line if mark else 0)
        raise Fault(line, _words(str(error.problem or error.context or "")), is_syntax=True) from None
    except (YAMLError, ValueError, RecursionError, IndexError, AttributeError, TypeError) as error:
        # Broken documents bring out these in ruamel, too.
        raise Fault(document.line, _words(str(error)), is_syntax=True) from None


def _without_tabs(part: str) -> str:
    """Return a document with spaces in the place of tabs that ruamel refuses and other parsers don't.

    They are everywhere in JSON, and elsewhere behind a value, before a comment and on blank lines. A tab that indents
    stays, and so does the error. No position moves; what a scalar says of a tab is said alike before and after an edit.
    """
    if part.lstrip("-\ufeff \t\r\n")[:1] in ("{", "["):
        return part.replace("\t", " ")
    return _TAB.sub(lambda found: found[1] or " ", part)


def _words(message: str) -> str:
    return names.shown(re.split(r"[\r\n]", message)[0], 120) or "no YAML"


def _tokens(part: str, offset: int, first_line: int) -> Iterator[Token]:
    depth = 0
    at = 0
    for event in YAML(typ="safe", pure=True).parse(part):
        kind = _KINDS.get(type(event).__name__)
        if kind is None:
            continue
        depth += (kind in ("map", "list")) - (kind == "end")
        if depth > MAX_DEPTH:
            raise Fault(first_line + event.start_mark.line, f"nested deeper than {MAX_DEPTH} levels")
        if at >= MAX_TOKENS:
            raise Fault(first_line + event.start_mark.line, f"a document of more than {MAX_TOKENS:,} keys and values")
        yield _token(event, kind, offset, first_line, at)
        at += 1


def _token(event: Any, kind: Kind, offset: int, first_line: int, at: int) -> Token:
    start, end = event.start_mark, event.end_mark
    text, style = "", ""
    if kind == "scalar":
        text, style = event.value, event.style or ""
    elif kind == "alias":
        return Token(kind, start.index + offset, end.index + offset, start.line + first_line, at, event.anchor)
    elif kind in ("map", "list"):
        style = "{" if event.flow_style else ""
    anchor = getattr(event, "anchor", None) or ""
    tag = str(event.tag) if getattr(event, "tag", None) else ""
    return Token(kind, start.index + offset, end.index + offset, start.line + first_line, at, text, style, anchor, tag)
