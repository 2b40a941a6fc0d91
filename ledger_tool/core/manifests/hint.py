r"""Whether a document's text may name an image: most that do not are recognized here, without a parser.

Most text of a large tree is schemas, where the keys of a schema follow, and dashboards. A sign of an image is a word
and an expression that begins with it. To look for words is a hundred times as fast as a parser; such an expression is
twice as fast as one with a choice at its beginning. Each shape is behind one of the signs, however YAML spells its
keys: with an escape (`"im\u0061ge"`), as an alias (`*key : x`), after `? `, with a comment in front of the colon.
"""

from __future__ import annotations

import re

from ledger_tool.core.manifests.marks import may_have_marks
from ledger_tool.core.manifests.ours import NOBODYS, OurImages
from ledger_tool.core.manifests.shapes.keys import SCHEMA

_GAP = r"(?:\s|#[^\r\n]*[\r\n])"
_COLON = rf"[\"']?(?:{_GAP}{{0,200}}:|{_GAP}{{200}})\s*"  # beyond so many comments, one may follow
_NOT_IN_SCHEMA = rf"(?![\"']?(?:{'|'.join(map(re.escape, SCHEMA))}|x-[\w-]+)[\"']?[ \t]*:)"
_KEYS = {
    "mage": r"[\w.-]*", "IMAGE": r"[\w.-]*", "repo": r"[\w.-]*", "Repo": r"[\w.-]*", "REPO": r"[\w.-]*",
    "container": "", "newTag": "", "newName": "", "services": "", "steps": "", "bundle": "",
}  # fmt: skip
_OTHERS = {
    "docker:": r"docker:\\?/",
    "docker-image:": r"docker-image:\\?/",
    "DockerImage": "DockerImage",
    "path": r"path[\"']?\s*:[^\r\n]*mage",  # `{op: add, path: /spec/image, value: REF}`
    "\\": r"\\[uUx][0-9A-Fa-f]{2,8}[^\"\r\n]{0,200}\"\s*:",
    "*": r"\*[^\s,{}\[\]*]{1,100}[ \t]+:",
    "?": r"\?(?<![^\s{\[,-]\?)\s",
    # `params: [{name: bundle, value: REF}]`, `parameters: [{name: image.tag, value: v1}]`
    "set": r"name[\"']?\s*:[^\r\n]*(?:mage|IMAGE|[rR]epo|REPO)",  # `set: [{name: image.tag, value: v1}]` of Helmfile
    "param": r"name[\"']?\s*:[^\r\n]*(?:mage|IMAGE|[rR]epo|REPO|bundle)",
}


def _signs(not_followed_by: str) -> list[tuple[str, re.Pattern[str]]]:
    keys = {word: f"{word}{more}{_COLON}{not_followed_by}" + r"\S" for word, more in _KEYS.items()}
    return [(word, re.compile(expression)) for word, expression in (keys | _OTHERS).items()]


_SIGNS = {False: _signs(""), True: _signs(_NOT_IN_SCHEMA)}
# A mapping below `image` whose first key is one of a schema: its name follows further down, or is merged into it.
_IMAGE = re.compile(rf"mage[\w.-]*{_COLON}")
_NAME = re.compile(
    r"(?:[\r\n{,]|[-?]\s)\s*(?:[&!]\S*\s+)*[\"']?(?:name|path|reference)" + _COLON + _NOT_IN_SCHEMA + r"\S|<<[\"']?\s*:"
)


def may_have_sites(text: str, ours: OurImages = NOBODYS) -> bool:
    """Return whether a document's text may name an image, or mention one of ours."""
    is_schema = "properties" in text
    if any(word in text and expression.search(text) for word, expression in _SIGNS[is_schema]):
        return True
    if any(word in text for word in (*ours.keys, *ours.hosts)) or may_have_marks(text):
        return True
    image = _IMAGE.search(text) if is_schema and "mage" in text else None
    return bool(image and ("<<" in text or _NAME.search(text, image.end())))
