"""A YAML document's tokens and their positions, from ruamel's parser: it reads events, and constructs nothing.

No alias expands, no tag has an effect; size and depth are limited before anything grows, since events come one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.jsontext import line_and_column
from ledger_tool.core.manifests.yamltree import (
    MAX_DEPTH,
    MAX_DOCUMENT,
    MAX_TOKENS,
    TokenKind,
    YamlDocument,
    YamlFault,
    YamlToken,
)

_KINDS: dict[str, TokenKind] = {
    "ScalarEvent": "scalar",
    "AliasEvent": "alias",
    "MappingStartEvent": "map",
    "SequenceStartEvent": "list",
    "MappingEndEvent": "end",
    "SequenceEndEvent": "end",
}
_TAB = re.compile(r"(^[ \t]+(?=\S))|\t", re.MULTILINE)


def tokens(text: str, document: YamlDocument, deepest: int = MAX_DEPTH) -> list[YamlToken]:
    """Return the tokens of one document of a file's text, nested no deeper than `deepest`. Raises YamlFault."""
    part = text[document.start : document.end]
    if len(part) > MAX_DOCUMENT:
        raise YamlFault(document.line, f"a document of more than {MAX_DOCUMENT // 2**20} MiB")
    part = _without_tabs(part) if "\t" in part else part
    skipped = part.startswith("\ufeff")
    try:
        return list(_tokens(part[skipped:], document.start + skipped, document.line, deepest))
    except ReaderError as error:
        line, column = line_and_column(part, error.position)
        message = f"the character `{names.escaped(chr(error.character))}` is not allowed in YAML"
        raise YamlFault(document.line + line - 1, message, column=column) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column + 1) if mark else (0, 1)
        message = _words(str(error.problem or error.context or ""))
        raise YamlFault(document.line + line, message, column=column, is_syntax=True) from None
    except (YAMLError, ValueError, RecursionError, IndexError, AttributeError, TypeError) as error:
        # Broken documents make ruamel raise these too.
        raise YamlFault(document.line, _words(str(error)), is_syntax=True) from None


def _without_tabs(part: str) -> str:
    """Return a document with spaces in place of tabs that ruamel refuses and other parsers accept.

    These are all tabs in JSON; elsewhere, tabs after a value, before a comment and on blank lines. A tab that indents
    stays, and so does its error. No position moves; a tab in a scalar reads the same before and after an edit.
    """
    if part.lstrip("-\ufeff \t\r\n")[:1] in ("{", "["):
        return part.replace("\t", " ")
    return _TAB.sub(lambda match: match[1] or " ", part)


def _words(message: str) -> str:
    return names.shown(re.split(r"[\r\n]", message)[0], 120) or "not YAML"


def _tokens(part: str, offset: int, first_line: int, deepest: int) -> Iterator[YamlToken]:
    depth = 0
    events = ((event, _KINDS.get(type(event).__name__)) for event in YAML(typ="safe", pure=True).parse(part))
    for number, (event, kind) in enumerate((event, kind) for event, kind in events if kind):
        token = _token(event, kind, offset, first_line, number)
        depth += (kind in ("map", "list")) - (kind == "end")
        if depth > deepest:
            raise YamlFault(token.line, f"nested deeper than {deepest} levels", column=token.column)
        if number >= MAX_TOKENS:
            raise YamlFault(token.line, f"a document of more than {MAX_TOKENS:,} keys and values")
        yield token


def _token(event: Any, kind: TokenKind, offset: int, first_line: int, number: int) -> YamlToken:
    start, end = event.start_mark, event.end_mark
    text, style = "", ""
    if kind == "scalar":
        text, style = event.value, event.style or ""
    elif kind == "alias":
        text = event.anchor
    elif kind != "end":
        style = "{" if event.flow_style else ""
    anchor = "" if kind in ("alias", "end") else event.anchor or ""
    tag = str(event.tag) if getattr(event, "tag", None) else ""
    return YamlToken(
        kind, start.index + offset, end.index + offset, start.line + first_line, start.column + 1, number,
        text, style, anchor, tag,
    )  # fmt: skip
