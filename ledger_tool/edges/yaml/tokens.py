"""A YAML document's tokens and their positions, from ruamel's parser, which reads YAML 1.2: `ledger.yaml`, and
manifests that libyaml does not read.

It reads events, and constructs nothing: no alias expands, no tag has an effect; size and depth are limited before
anything grows, since events come one by one.
"""

from __future__ import annotations

import re

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.jsontext import line_and_column
from ledger_tool.core.manifests.events import EventTokens
from ledger_tool.core.manifests.tokens import MAX_DEPTH, MAX_DOCUMENT, TextDocument, TextFault

_TAB = re.compile(r"(^[ \t]+(?=\S))|\t", re.MULTILINE)


def tokens(text: str, document: TextDocument, deepest: int = MAX_DEPTH) -> EventTokens:
    """Return the tokens of one document of a file's text, nested no deeper than `deepest`. Raises TextFault."""
    part = text[document.start : document.end]
    if len(part) > MAX_DOCUMENT:
        raise TextFault(document.line, f"a document of more than {MAX_DOCUMENT // 2**20} MiB")
    part = _without_tabs(part) if "\t" in part else part
    skipped = part.startswith("\ufeff")
    try:
        events = YAML(typ="safe", pure=True).parse(part[skipped:])
        return EventTokens(events, document.start + skipped, document.line, deepest)
    except ReaderError as error:
        line, column = line_and_column(part, error.position)
        message = f"the character `{names.escaped(chr(error.character))}` is not allowed in YAML"
        raise TextFault(document.line + line - 1, message, column=column) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column + 1) if mark else (0, 1)
        message = _words(str(error.problem or error.context or ""))
        raise TextFault(document.line + line, message, column=column, is_syntax=True) from None
    except (YAMLError, ValueError, RecursionError, IndexError, AttributeError, TypeError) as error:
        # Broken documents make ruamel raise these too.
        raise TextFault(document.line, _words(str(error)), is_syntax=True) from None


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
