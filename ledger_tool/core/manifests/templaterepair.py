"""Templates that are not YAML even around their actions: read without the lines that are not.

A line where the parser stops is left out, and the text is read again. What has too many of them, or ends in the middle
of something, is read line by line from there on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ledger_tool.core.manifests.events import EventTokens
from ledger_tool.core.manifests.templatetext import COVER
from ledger_tool.core.manifests.tokens import TextDocument, TextFault, TextToken
from ledger_tool.core.manifests.yamltree import YamlNode, tree

_MOST_FAULTS = 30
_MOST_READ = 400_000  # characters, over and over: the parser that explains faults is slow
_LINE = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
_START = re.compile(r"[ \t]*(?:-[ \t]+)*")
_KEY = f"{COVER}:"

Parse = Callable[[str, TextDocument], EventTokens]


@dataclass(slots=True)
class RepairedReading:
    """The tokens and the trees of a document without its lines that are not YAML, which are `left_out`.

    From `end` on, in characters and as a line of the file, nothing was read.
    """

    tokens: Sequence[TextToken] = ()
    roots: list[YamlNode] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)
    end: int = 0
    end_line: int = 0


def repaired(text: str, document: TextDocument, parse: Parse) -> RepairedReading:
    """Return what a document of a covered text says without the lines that are not YAML. Raises TextFault."""
    lines = [match for match in _LINE.finditer(text, document.start, document.end) if match.end() > match.start()]
    done = RepairedReading(end=document.end, end_line=document.line + len(lines))
    at, read = 0, 0  # the line where the parser stopped last, from 1
    while len(done.left_out) < _MOST_FAULTS and read < _MOST_READ:
        try:
            tokens = parse(text, document)
            done.tokens, done.roots = tokens, tree(tokens)
            return done
        except TextFault as fault:
            if not fault.is_syntax:
                raise
            stop = fault.line - document.line + 1
        if not max(at, 1) <= stop <= len(lines):
            break
        line = lines[stop - 1]
        new = _left_out(line[1], is_second=stop == at)
        if new == line[1]:
            break
        read += line.end() - document.start
        text = text[: line.start()] + new + text[line.end(1) :]
        done.left_out += [] if stop == at else [fault_line(document, stop)]
        at = stop
        lines[stop - 1] = _at_same_place(text, line)
    _read_beginning(done, text, document, parse, lines, max(at, 1))
    return done


def fault_line(document: TextDocument, number: int) -> int:
    """Return the line of the file for a line of a document."""
    return document.line + number - 1


def _at_same_place(text: str, line: re.Match[str]) -> re.Match[str]:
    found = _LINE.match(text, line.start(), line.end())
    assert found
    return found


def _left_out(line: str, *, is_second: bool) -> str:
    """Return what takes the place of a line: a key, so that what is below it stays there, or nothing at last."""
    start = _START.match(line)
    place = start.end() if start else 0
    if is_second or len(line) - place < len(_KEY):
        return " " * len(line)
    return line[:place] + _KEY + " " * (len(line) - place - len(_KEY))


def _read_beginning(
    done: RepairedReading,
    text: str,
    document: TextDocument,
    parse: Parse,
    lines: Sequence[re.Match[str]],
    stop: int,
) -> None:
    """Read the lines in front of one where nothing helps."""
    done.end = lines[stop - 1].start() if lines else document.start
    done.end_line = fault_line(document, stop)
    try:
        tokens = parse(text, TextDocument(document.start, done.end, document.line))
        done.tokens, done.roots = tokens, tree(tokens)
    except TextFault:
        done.tokens, done.roots, done.end, done.end_line = (), [], document.start, document.line
