"""Templates that are not YAML until they are rendered: the text around their actions, read as YAML.

An action is covered: by blanks, if it prints nothing, or lines of its own; otherwise by letters that no text has, so
that whatever it is a part of can be told. Every character stays where it is, so an edit is made in the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ledger_tool.core.manifests.yamltree import line_breaks

COVER = "\ue000"
COVERED = "{{…}}"  # how a covered action is shown

# Outside quotes, an action has neither a colon nor another action, so none reaches over keys and values.
_ACTION = re.compile(
    r"\{\{-?\s*/\*.*?\*/\s*?-?\}\}|\{\{(?:\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`|:=|\{(?!\{)|[^\"`:{])*?\}\}", re.DOTALL
)
_IN_CODE = re.compile(r"^(?:(?!(?<!\S)#)[^\r\n])*?(?<!\$)\{\{", re.MULTILINE)
_SILENT = re.compile(
    r"\{\{-?\s*(?:/\*|(?:if|else|end|range|with|define|block|break|continue)\b|\$\w*\s*(?:,\s*\$\w+\s*)?:?=)"
)
_TEMPLATES = re.compile(r"(?:^|[/\\])templates[/\\]")
_OF_CHART = re.compile(r"\{\{[^{}]*(?:\.(?:Values|Chart|Release|Capabilities|Template)\b|\binclude \")")
_WORDS = re.compile(r"\{\{-?[^\"`.$\ue000…]*(?:(?<=\w)\.\w+[^\"`.$]*)*-?\}\}")
_LITERAL = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`")
_NOT_BREAK = re.compile(r"[^\r\n]")
_NOT_BLANK = re.compile(r"\S")
_END_OF_LINE = re.compile(r"[\r\n]|\Z")
_GOES_ON = re.compile(rf"\s*{COVER}")
_LINE = re.compile(r"[^\r\n]+")
_STARTS_BLOCK = re.compile(r"(?::|-)[ \t]+[|>][-+0-9]*[ \t]*(?:#.*)?$")
_IMAGE = re.compile(
    r"[ \t]*(?:-[ \t]+)?(?P<quote>[\"']?)image(?P=quote):[ \t]+(?P<mark>[\"']?)"
    r"(?P<value>[A-Za-z0-9][^\s\"'#]*)(?P=mark)(?P<rest>[ \t]*(?:[ \t]#[^\r\n]*)?)(?=[\r\n]|\Z)"
)


def has_actions(text: str) -> bool:
    """Return whether a text is a template: a comment, and an expression of GitHub Actions (`${{ … }}`), make none."""
    return bool(_IN_CODE.search(text))


def is_of_chart(path: str, text: str, part: str) -> bool:
    """Return whether a part of a file with actions is a Helm template, and not one of Ansible, Argo or another engine.

    Helm's are in a folder `templates`, or read what only a chart has. All that an action of Go prints is a field, a
    variable or a text in quotes: one such as `{{ app_tag }}` is another engine's wherever it is.
    """
    actions = _ACTION.findall(part)
    if any(_WORDS.fullmatch(action) for action in actions):
        return False
    return bool(actions) and (bool(_TEMPLATES.search(path)) or _reads_chart(text))


@lru_cache(4)
def _reads_chart(text: str) -> bool:
    """Return whether an action of a text reads what only a chart has; each reference in the text asks."""
    return bool(_OF_CHART.search(text))


@lru_cache(4)
def covered(text: str) -> str:
    """Return a text with its actions covered, every character in its place."""
    pieces, end = [], 0
    for action in _ACTION.finditer(text):
        cover = " " if _is_blank(text, action) else COVER
        pieces += [text[end : action.start()], _NOT_BREAK.sub(cover, action[0])]
        end = action.end()
    return "".join([*pieces, text[end:]])


@lru_cache(4)
def literals(text: str) -> str:
    """Return the opposite: blanks, but for the texts that actions have in quotes."""
    pieces, end = [], 0
    for action in _ACTION.finditer(text):
        if action[0].lstrip("{-").lstrip().startswith("/*"):
            continue
        for literal in _LITERAL.finditer(text, action.start(), action.end()):
            pieces += [_blanks(text[end : literal.start() + 1]), text[literal.start() + 1 : literal.end() - 1]]
            end = literal.end() - 1
    return "".join([*pieces, _blanks(text[end:])])


def lines(text: str) -> Iterator[tuple[int, re.Match[str], re.Match[str] | None]]:
    """Yield the lines of a covered text with their numbers, and the image that each gives in one word.

    The groups of an image are `value` and `rest`.
    Comments and lines of block scalars are passed over, and images that an action below goes on with.
    """
    inside = -1  # the indentation of the key that has the block scalar
    number, end = 1, 0
    for line in _LINE.finditer(text):
        number, end = number + line_breaks(text[end : line.start()]), line.start()
        written = line[0].lstrip(" ")
        indent = len(line[0]) - len(written)
        if not written.strip() or written.startswith("#") or (inside >= 0 and indent > inside):
            continue
        inside = indent if _STARTS_BLOCK.search(line[0]) else -1
        image = _IMAGE.match(text, line.start())
        if image is None or COVER in image["value"]:
            yield number, line, None
        elif not _GOES_ON.match(text, image.end()):
            yield number, line, image


def _is_blank(text: str, action: re.Match[str]) -> bool:
    """Return whether an action leaves nothing on its line, so that what is around it is a text of its own."""
    # Only the line is looked at, and not all of a text that may have thousands of them.
    start = text.rfind("\n", 0, action.start()) + 1
    start = max(start, text.rfind("\r", start, action.start()) + 1)
    end = _END_OF_LINE.search(text, action.end())
    before, behind = text[start : action.start()], text[action.end() : end.start() if end else len(text)]
    before, behind = _ACTION.sub("", before).strip(), _ACTION.sub("", behind).strip()
    if _SILENT.match(action[0]):
        return not (before and behind)
    # What trims the line break before it goes on with the line above, unless it begins a line of its own.
    goes_on = action[0].startswith("{{-") and "nindent" not in action[0] and bool(_NOT_BLANK.search(text, 0, start))
    return not (before or behind or goes_on)


def _blanks(text: str) -> str:
    return _NOT_BREAK.sub(" ", text)
