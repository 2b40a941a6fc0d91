"""The tokens of a manifest, from libyaml: the same as ruamel's, at a thirtieth of the cost.

What libyaml refuses, and what it would read by another version of YAML than ruamel, ruamel reads; so it does everything
where PyYAML was built without libyaml. Tests hold both parsers to the same tokens.
"""

from __future__ import annotations

import re

import yaml

from ledger_tool.core.manifests.yamltree import MAX_DEPTH, MAX_DOCUMENT, YamlDocument, YamlToken
from ledger_tool.edges.yaml import tokens as ruamel

_Parser = getattr(yaml, "CSafeLoader", None)
# Line breaks of YAML 1.1 that are text in 1.2, and byte order marks that are not at the beginning.
_READ_OTHERWISE = re.compile("[\x85\u2028\u2029]|(?<!\\A)\ufeff")


def tokens(text: str, document: YamlDocument) -> list[YamlToken]:
    """Return the tokens of one document of a file's text. Raises YamlFault."""
    part = text[document.start : document.end]
    is_other = not part.isascii() and _READ_OTHERWISE.search(part)
    if _Parser is None or is_other or len(part) > MAX_DOCUMENT:
        return ruamel.tokens(text, document)
    skipped = part.startswith("\ufeff")
    try:
        events = iter(_Parser(part[skipped:]).get_event, None)
        return ruamel.tokens_of(events, document.start + skipped, document.line, MAX_DEPTH)
    except yaml.YAMLError:
        return ruamel.tokens(text, document)
