"""Whether a document's text may name an image: most that do not are recognized here, without a parser.

Most text of a large tree is schemas, where the keys of a schema follow, and dashboards: the first expression passes
170 MB/s, the second 25, and a parser 3.
"""

from __future__ import annotations

import re

from ledger_tool.core.manifests.ours import NOBODYS, OurImages
from ledger_tool.core.manifests.site import IMAGE

# What a document must contain: one of the keys; or a key that only a parser can read: one with an escape, an alias, or
# after `?`.
_HINT = re.compile(
    r"mage|IMAGE|[rR]epo|REPO|container|newTag|newName|services|steps|bundle|docker:\\?/|\\[uUx][0-9A-Fa-f]{2}|\?\s"
)
_KEY = r"(?:(?:[iI]mage|IMAGE|[rR]epo|REPO)[\w.-]*|container|newTag|newName|services|steps|bundle)[\"']?\s*:\s*"
_NOT_IN_SCHEMA = (
    r"(?![\"']?(?:\$ref|additionalProperties|allOf|anyOf|default|description|enum|example|format|items|maxItems"
    r"|maxLength|minItems|minLength|nullable|oneOf|pattern|properties|required|title|type|x-[\w-]+)[\"']?[ \t]*:)"
)
_OTHERS = (
    r"\S|docker:\\?/|\\[uUx][0-9A-Fa-f]{2,8}[^\"\r\n]{0,200}\"\s*:|\*[^\s,{}\[\]*]{1,100}[ \t]+:|\?(?<![^\s{\[,-]\?)\s"
    # `{name: image.tag, value: v1}`
    r"|name[\"']?\s*:[^\r\n]*(?:mage|IMAGE|[rR]epo|REPO|bundle)"
)
_LOOKS_LIKE = {False: re.compile(_KEY + _OTHERS), True: re.compile(_KEY + _NOT_IN_SCHEMA + _OTHERS)}
# A mapping below `image` whose first key is one of a schema: its name stands further down, or is merged into it.
_NAMED = re.compile(r"image[\"']?\s*:")
_NAME = re.compile(r"(?:name|reference)[\"']?\s*:\s*" + _NOT_IN_SCHEMA + r"\S|<<[\"']?\s*:")


def may_have_sites(text: str, ours: OurImages = NOBODYS) -> bool:
    """Return whether a document's text may name an image."""
    if _HINT.search(text):
        is_schema = "properties" in text
        if _LOOKS_LIKE[is_schema].search(text):
            return True
        if is_schema and _NAMED.search(text) and _NAME.search(text):
            return True
    return any(key in text for key in ours.keys) or any(host in text for host in ours.hosts) or _has_mark(text)


def _has_mark(text: str) -> bool:
    return "ledger:" in text and IMAGE in text
