"""The variables that Compose takes from the `.env` file beside it, and what a reference is with them.

People keep in `.env` what differs from machine to machine, often outside git, so it is read and never edited. The
environment of whoever runs Compose comes before it, and cannot be known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ledger_tool.core.manifests.marks import Mark, find_marks
from ledger_tool.core.manifests.tokens import TextDocument

ENV_FILE = ".env"
LONGEST = 1000  # characters of a value with variables
_MOST = 2**18  # bytes of a file
_ONE_LINE = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
_LINE = re.compile(
    r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_]\w*)[ \t]*[=:][ \t]*"
    r"(?:'(?P<single>[^']*)'|\"(?P<double>[^\"\\]*)\"|(?P<plain>[^\s'\"].*?)?)[ \t]*(?:[ \t]#.*)?",
    re.ASCII,
)
_VARIABLE = re.compile(r"\$(?:(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<if>:?[-=?])[^${}]*)?\})", re.ASCII)


class SetVariable(NamedTuple):
    """The value of a variable, the line that sets it, from 1, and the marks at that line."""

    value: str
    line: int
    marks: tuple[Mark, ...] = ()


Environment = Mapping[str, SetVariable]
NOTHING_SET: Environment = {}


def nothing_set() -> Environment:
    """Return that no variable is set."""
    return NOTHING_SET


def parse_environment(raw: bytes) -> Environment:
    """Return the variables of a `.env` file; of a name that is set twice, the last; lines that are odd set nothing."""
    found: dict[str, SetVariable] = {}
    content = raw[:_MOST].decode("utf-8", "replace")
    marks = find_marks(content, TextDocument(0, len(content), 1))
    for line, text in enumerate(_ONE_LINE.finditer(content), 1):
        match = _LINE.fullmatch(text[1]) if len(text[1]) < LONGEST else None
        if match:
            value = match["single"] or match["double"] or match["plain"] or ""
            found[match["name"]] = SetVariable(value, line, marks.at(text.start()))
    return found


def with_environment(text: str, environment: Environment) -> tuple[str, int]:
    """Return a text with its variables replaced as far as they are set, and the line that set the last, or 0."""
    if not environment or "$$" in text:
        return text, 0
    line = 0

    def value(match: re.Match[str]) -> str:
        nonlocal line
        found = environment.get(match["bare"] or match["name"])
        if found is None or (not found.value and str(match["if"]).startswith(":")):
            return match[0]
        line = found.line
        return found.value

    for _ in range(text.count("$") if len(text) < LONGEST else 0):  # from the inside out
        replaced = _VARIABLE.sub(value, text)
        if replaced == text or len(replaced) > LONGEST:
            break
        text = replaced
    return text, line
