"""The tokens of a manifest, from libyaml: the same as ruamel's, at a thirtieth of the cost.

What libyaml refuses, and what the two would read differently, ruamel reads; so it reads everything where PyYAML was
built without libyaml. Tests hold both parsers to the same tokens, and list the differences.
"""

from __future__ import annotations

import re

import yaml

from ledger_tool.core.manifests.events import EventTokens
from ledger_tool.core.manifests.tokens import MAX_DEPTH, MAX_DOCUMENT, TextDocument
from ledger_tool.edges.yaml import tokens as ruamel

_Parser = getattr(yaml, "CSafeLoader", None)
_MOST_TAG_DIRECTIVES = 32  # libyaml compares each with all others
# Line breaks of YAML 1.1 that are text in 1.2; byte order marks that are not at the beginning, which libyaml skips.
_READ_OTHERWISE = re.compile("[\x85\u2028\u2029]|(?<!\\A)\ufeff")


# Behind the dashes of files that were put together, where it is a part of the first key for a parser.
_MARK = re.compile("(\ufeff?---[ \t]*)(\r\n|\r|\n)\ufeff")


def tokens(text: str, document: TextDocument) -> EventTokens:
    """Return the tokens of one document of a file's text. Raises TextFault."""
    if mark := _MARK.match(text, document.start):
        text = f"{text[: mark.start()]}{mark[1]} {mark[2]}{text[mark.end() :]}"
    fast = by_libyaml(text, document)
    return ruamel.tokens(text, document) if fast is None else fast


def by_libyaml(text: str, document: TextDocument) -> EventTokens | None:
    """Return libyaml's tokens of a document, or None if it is not the one to read it. Raises TextFault for a limit."""
    part = text[document.start : document.end]
    if _Parser is None or len(part) > MAX_DOCUMENT or part.count("%TAG") > _MOST_TAG_DIRECTIVES:
        return None
    if not part.isascii() and _READ_OTHERWISE.search(part):
        return None
    skipped = part.startswith("\ufeff")
    try:
        events = iter(_Parser(part[skipped:]).get_event, None)
        return EventTokens(events, document.start + skipped, document.line, MAX_DEPTH)
    except yaml.YAMLError:
        return None
