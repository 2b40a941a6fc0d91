"""A text of any format as tokens with positions: what an edit replaces, and what a second look compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

MAX_DOCUMENT = 2 * 2**20  # characters
MAX_DEPTH = 100
MAX_TOKENS = 400_000  # per document; each takes half a kilobyte

TokenKind = Literal["scalar", "alias", "map", "list", "end"]


class TextFault(Exception):
    """A document is not YAML (`is_syntax`), or beyond a limit: line and column, from 1, and what is wrong."""

    def __init__(self, line: int, message: str, *, column: int = 1, is_syntax: bool = False) -> None:
        super().__init__(line, message)
        self.line = line
        self.column = column
        self.message = message
        self.is_syntax = is_syntax


class TextToken(NamedTuple):
    """One event of the parser. `start` and `end` are offsets in the file's text; line and column count from 1.

    `text` is a scalar's value or an alias' name; `style` is `""` (plain), `'`, `"`, `|`, `>`, or `{` for a map or
    list in flow style; `number` is the token's place in its document's list.
    """

    start: int
    end: int
    line: int
    column: int
    number: int
    kind: TokenKind
    text: str = ""
    style: str = ""
    anchor: str = ""
    tag: str = ""

    @property
    def content(self) -> tuple[str, ...]:
        """What it says, wherever it is: kind, text, style, anchor and tag."""
        return self[5:]


END = TextToken(0, 0, 0, 0, -1, "end")  # of any map or list: where it ends does not matter


@dataclass(frozen=True, slots=True)
class TextDocument:
    """A part of a file's text, from `start` to `end`; `line` is where it starts."""

    start: int
    end: int
    line: int


def parts(text: str, starts: Sequence[int]) -> list[TextDocument]:
    """Return the documents that start at these places; the first is the text's start."""
    found, line = [], 1
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        found.append(TextDocument(start, end, line))
        line += line_breaks(text[start:end])
    return found


def line_breaks(text: str) -> int:
    """Return the number of line breaks in a text: CR LF, LF or CR."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")
