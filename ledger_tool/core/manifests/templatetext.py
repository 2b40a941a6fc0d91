"""Templates that are not YAML until they are rendered: the text around their actions, read as YAML.

An action is covered: by blanks, if it prints nothing, or lines of its own; otherwise by letters that no text has, so
that whatever it is a part of can be told. Every character stays where it is, so an edit is made in the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ledger_tool.core.manifests.templateactions import TemplateSpan, actions
from ledger_tool.core.manifests.tokens import TextDocument, line_breaks

COVER = "\ue000"
COVERED = "{{…}}"  # how a covered action is shown

_LITERAL = re.compile(r"\"(?:[^\"\\\n]|\\.)*+\"|`[^`]*+`|'[^'\\\n]*+'")
_NOT_BREAK = re.compile(r"[^\r\n]")
_NOT_BLANK = re.compile(r"\S")
_END_OF_LINE = re.compile(r"[\r\n]")
_LINE = re.compile(r"[^\r\n]+")
_STARTS_BLOCK = re.compile(r"(?::|-)[ \t]+[|>][-+0-9]*[ \t]*(?:#.*)?$")


@lru_cache(4)
def covered(text: str) -> str:
    """Return a text with its actions covered, every character in its place."""
    pieces, end = [], 0
    for action, is_blank in zip(actions(text), _blanked(text), strict=True):
        pieces += [
            text[end : action.start],
            _NOT_BREAK.sub(" " if is_blank else COVER, text[action.start : action.end]),
        ]
        end = action.end
    return "".join([*pieces, text[end:]])


@lru_cache(4)
def literals(text: str) -> str:
    """Return the opposite: blanks, but for the texts that actions have in quotes."""
    pieces, end = [], 0
    for action in actions(text):
        if action.is_comment:
            continue
        for literal in _LITERAL.finditer(text, action.start, action.end):
            pieces += [_blanks(text[end : literal.start() + 1]), text[literal.start() + 1 : literal.end() - 1]]
            end = literal.end() - 1
    return "".join([*pieces, _blanks(text[end:])])


def lines(text: str, document: TextDocument) -> Iterator[tuple[int, re.Match[str]]]:
    """Yield the lines of a document of a covered text with their numbers, without comments and block scalars."""
    inside = -1  # the indentation of the key that has the block scalar
    number, end = document.line, document.start
    for line in _LINE.finditer(text, document.start, document.end):
        number, end = number + line_breaks(text[end : line.start()]), line.start()
        written = line[0].lstrip(" ")
        indent = len(line[0]) - len(written)
        if not written.strip() or written.startswith("#") or (inside >= 0 and indent > inside):
            continue
        inside = indent if _STARTS_BLOCK.search(line[0]) else -1
        yield number, line


def _blanked(text: str) -> list[bool]:
    """Return of each action whether it leaves nothing on its line, so that what is around it is a text of its own."""
    spans = actions(text)
    # What is between two actions is looked at once: there may be thousands of them on one line.
    edges = [0, *(edge for action in spans for edge in (action.start, action.end)), len(text)]
    gaps = [_LineGap(text, *edges[at : at + 2]) for at in range(0, len(edges), 2)]
    behind, behinds = False, []
    for gap in reversed(gaps[1:]):
        behind = gap.has_first or (behind and not gap.is_broken)
        behinds.append(behind)
    first = _NOT_BLANK.search(text)
    before, line_start, done = False, 0, []
    for action, gap, behind in zip(spans, gaps, reversed(behinds), strict=False):
        before = gap.has_last or (before and not gap.is_broken)
        line_start = gap.last if gap.is_broken else line_start
        is_first = not first or first.start() >= line_start
        done.append(_is_blank(text, action, before=before, behind=behind, is_first=is_first))
    return done


class _LineGap:
    """What is between two actions: whether something is on its first line, and on its last, which starts at `last`."""

    __slots__ = ("has_first", "has_last", "is_broken", "last")

    def __init__(self, text: str, start: int, end: int) -> None:
        self.last = max(text.rfind("\n", start, end), text.rfind("\r", start, end)) + 1
        self.is_broken = self.last > 0
        stop = _END_OF_LINE.search(text, start, end)
        self.has_first = bool(_NOT_BLANK.search(text, start, stop.start() if stop else end))
        self.has_last = bool(_NOT_BLANK.search(text, self.last or start, end))


def _is_blank(text: str, action: TemplateSpan, *, before: bool, behind: bool, is_first: bool) -> bool:
    """Return whether an action leaves nothing on its line, if something else is before it or behind it."""
    if action.is_silent:
        return not (before and behind)
    # What trims the line break before it goes on with the line above, unless it begins a line of its own.
    goes_on = (
        not is_first and text.startswith("{{-", action.start) and text.find("nindent", action.start, action.end) < 0
    )
    return not (before or behind or goes_on)


def _blanks(text: str) -> str:
    return _NOT_BREAK.sub(" ", text)
