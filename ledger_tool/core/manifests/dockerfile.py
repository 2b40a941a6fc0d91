"""A Dockerfile as the instructions that a builder reads, each character with its place in the file.

A line ends with LF or CR LF. An instruction goes on where a line ends with the escape character; comments and empty
lines in between are left out. What follows a `<<WORD` of `RUN`, `COPY` or `ADD` is text up to `WORD`, not instructions.
Directives, such as `# escape=`, come first.

Source: the documentation of the format (docs.docker.com, "Dockerfile reference"), and BuildKit's reader of it.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.manifests.tokens import MAX_DOCUMENT, TextFault

# What Go calls white space, which is what a line may start with; what separates the words of an instruction.
_SPACE = " \t\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_BETWEEN = r"[ \t\v\f\r]"
_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")
_DIRECTIVE = re.compile(rf"#[{_SPACE}]*([a-zA-Z][a-zA-Z0-9]*)[{_SPACE}]*=[{_SPACE}]*(\S.*)", re.DOTALL)
_MOST_STAGES = 1000
# fmt: off
_INSTRUCTIONS = frozenset((
    "add", "arg", "cmd", "copy", "entrypoint", "env", "expose", "from", "healthcheck", "label", "maintainer", "onbuild",
    "run", "shell", "stopsignal", "user", "volume", "workdir",
))
# fmt: on
_PLACEHOLDER = re.compile(r"\{[{%]|<%|@\w+@|^\s*[$%@]")  # what an engine puts in before a builder reads it
_DIRECTIVES = ("syntax", "escape", "check")
_ESCAPES = {"\\": re.compile(r"(?<!\\)\\[ \t]*\Z"), "`": re.compile(r"(?<!`)`[ \t]*\Z")}
_KEYWORD = re.compile(rf"{_BETWEEN}*([^ \t\v\f\r]+){_BETWEEN}*")
_VALUE = r"""(?:\\.|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\S)*"""
_FLAG = re.compile(rf"--(?:(from|mount|platform)\s+(?!--)|([a-z-]*)(?:=|(?=\s)|\Z))({_VALUE})\s*", re.DOTALL)
_HEREDOC = re.compile(r"[0-9]*<<(-?)\s*([^<]+)")
_OF_SHELL = re.compile(r"""<<\s*|\\.|'[^']*'|"(?:\\.|[^"\\])*"|[^\s'"]|(?P<blank>\s+)|(?P<broken>['"])""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A text as the builder reads it, and the place of each of its characters in the file."""

    text: str
    places: tuple[int, ...]

    def __getitem__(self, part: slice) -> Stretch:
        return Stretch(self.text[part], self.places[part])

    @property
    def is_in_one_piece(self) -> bool:
        """Whether the file has these very characters, one after the other."""
        return bool(self.places) and all(after == before + 1 for before, after in pairwise(self.places))

    def without_quotes(self, escape: str) -> Stretch:
        """Return the text that quotes and escape characters stand for; the builder takes them out."""
        kept, quote, at = [], "", 0
        while at < len(self.text):
            character = self.text[at]
            if character == quote or (not quote and character in "'\""):
                quote = "" if quote else character
            elif character == escape and quote != "'" and at + 1 < len(self.text):
                at += 1
                kept.append(at)
            else:
                kept.append(at)
            at += 1
        return Stretch("".join(self.text[at] for at in kept), tuple(self.places[at] for at in kept))


@dataclass(frozen=True, slots=True)
class DockerfileLine:
    """A part of a Dockerfile, and the line on which it starts, counting from 1.

    `kind` is the keyword of an instruction in lower case, or `#directive`, `#comment` or `<<`: text of a heredoc. For a
    directive, `name` is its name in lower case. `stretches` are places of the text: its character at an index is at an
    offset in the file, and so are those after it, up to the next index.
    """

    kind: str
    line: int
    text: str
    stretches: tuple[tuple[int, int], ...]
    name: str = ""

    @property
    def start(self) -> int:
        """The offset of its first character in the file."""
        return self.stretches[0][1]

    @property
    def end(self) -> int:
        """The offset after its last character."""
        index, offset = self.stretches[-1]
        return offset + len(self.text) - index

    def index_of(self, place: int) -> int:
        """Return the index in the text of a character at an offset in the file."""
        index, offset = self.stretches[bisect_right(self.stretches, place, key=itemgetter(1)) - 1]
        return index + place - offset

    def part(self, start: int = 0, end: int | None = None) -> Stretch:
        """Return the text from one index to another, with its places."""
        end = len(self.text) if end is None else end
        places = []
        for index in range(start, end):
            first, offset = self.stretches[bisect_right(self.stretches, index, key=itemgetter(0)) - 1]
            places.append(offset + index - first)
        return Stretch(self.text[start:end], tuple(places))


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """What a Dockerfile says, in the order of the file, its escape character, and where its physical lines start."""

    lines: tuple[DockerfileLine, ...]
    escape: str
    starts: tuple[int, ...]

    def line_of(self, place: int) -> int:
        """Return the line, counting from 1, of an offset in the file."""
        return bisect_right(self.starts, place)


def parse_dockerfile(text: str) -> Dockerfile:
    """Return what a Dockerfile says. Raises TextFault for one that no builder reads, or one that is too large."""
    if len(text) > MAX_DOCUMENT:
        raise TextFault(1, f"larger than {MAX_DOCUMENT // 2**20} MiB")
    reader = _Reader(text)
    lines = tuple(reader.lines())
    if sum(line.kind == "from" for line in lines) > _MOST_STAGES:
        raise TextFault(1, f"more than {_MOST_STAGES} stages")
    is_others = any(line.name == "syntax" and "docker/dockerfile" not in line.text for line in lines)
    for line in lines:
        is_instruction = not line.kind.startswith("#") and line.kind != "<<"
        if is_instruction and not _PLACEHOLDER.search(line.text) and (why := _refused(line, is_others)):
            raise TextFault(line.line, why, is_syntax=True)
    return Dockerfile(lines, reader.escape, reader.starts)


def _refused(line: DockerfileLine, is_others: bool) -> str:
    """Return why no builder reads an instruction, if that may hide a reference, or `""`.

    An image of others that reads the file, by `# syntax=`, may know more instructions.
    """
    if line.kind == "from":
        rest = line.text[instruction_parts(line.text).rest :]
        words = rest.partition(" #")[0].split()  # few builders allow a comment here, and it hides nothing
        is_right = len(words) == 1 or (len(words) == 3 and words[1].lower() == "as")
        return "" if is_right else "`FROM` needs one image, or `FROM IMAGE AS STAGE`"
    return "" if is_others or line.kind in _INSTRUCTIONS else f"`{shown(line.kind, 80)}` is not an instruction"


class _Reader:
    """The physical lines of a text, one after the other."""

    def __init__(self, text: str) -> None:
        self._lines = [(match.start(), match[0].rstrip("\r\n")) for match in _LINE.finditer(text)]
        if text.startswith("\ufeff"):
            self._lines[0] = (1, self._lines[0][1][1:])
        self._next = 0
        self.escape = "\\"
        self.starts = tuple(start for start, _ in self._lines)

    def lines(self) -> Iterator[DockerfileLine]:
        yield from self._directives()
        while self._next < len(self._lines):
            number = self._next + 1
            offset, line = self._take()
            if _is_comment(line):
                yield DockerfileLine("#comment", number, line, ((0, offset),))
            elif line.strip(_SPACE):
                yield from self._instruction(number, offset, line)

    def _take(self) -> tuple[int, str]:
        self._next += 1
        return self._lines[self._next - 1]

    def _directives(self) -> Iterator[DockerfileLine]:
        if self._lines and self._lines[0][1].startswith("#!"):
            offset, line = self._take()
            yield DockerfileLine("#comment", 1, line, ((0, offset),))
        seen: set[str] = set()
        while self._next < len(self._lines):
            offset, line = self._lines[self._next]
            match = _DIRECTIVE.fullmatch(line.strip(_SPACE))
            name = match[1].lower() if match else ""
            if not match or name not in _DIRECTIVES:
                return
            self._next += 1
            if name in seen:
                raise TextFault(self._next, f"a second `{name}` directive", is_syntax=True)
            seen.add(name)
            if name == "escape":
                if match[2] not in _ESCAPES:
                    raise TextFault(
                        self._next, "its escape character is neither a backslash nor a backtick", is_syntax=True
                    )
                self.escape = match[2]
            yield DockerfileLine("#directive", self._next, line, ((0, offset),), name)

    def _instruction(self, number: int, offset: int, line: str) -> Iterator[DockerfileLine]:
        """Yield the comments between the lines of an instruction, the instruction, and its heredocs."""
        text, stretches = "", []
        start = _indent(line)
        while True:
            end = _ESCAPES[self.escape].search(line)
            part = line[start : end.start()] if end else line[start:]
            stretches.append((len(text), offset + start))
            text += part
            if not end:
                break
            while self._next < len(self._lines):
                offset, line = self._take()
                if _is_comment(line):
                    yield DockerfileLine("#comment", self._next, line, ((0, offset),))
                elif line.strip(_SPACE):
                    break
            else:
                break
            start = 0
        keyword = _KEYWORD.match(text)
        if not keyword:
            return
        yield DockerfileLine(keyword[1].lower(), number, text, tuple(stretches))
        for word, may_be_indented in _heredocs(text):
            yield self._heredoc(number, word, may_be_indented=may_be_indented)

    def _heredoc(self, number: int, word: str, *, may_be_indented: bool) -> DockerfileLine:
        first = self._next
        while self._next < len(self._lines):
            _, line = self._take()
            if (line.lstrip("\t") if may_be_indented else line) == word:
                inside = self._lines[first : self._next]
                return DockerfileLine("<<", first + 1, "\n".join(line for _, line in inside), ((0, inside[0][0]),))
        raise TextFault(number, f"its `<<{word[:80]}` has no end", is_syntax=True)


@dataclass(frozen=True, slots=True)
class InstructionParts:
    """An instruction's keyword in lower case, its flags as name, start and end of the value, and where the rest is."""

    keyword: str
    flags: tuple[tuple[str, int, int], ...]
    rest: int


def instruction_parts(text: str, start: int = 0) -> InstructionParts:
    """Return the parts of an instruction's text from an index on; all indexes are of the text."""
    keyword = _KEYWORD.match(text, start)
    if not keyword:
        return InstructionParts("", (), len(text))
    flags, rest = [], keyword.end()
    while match := _FLAG.match(text, rest):
        rest = match.end()
        name = match[1] or match[2]
        if not name:
            break
        flags.append((name, match.start(3), match.end(3)))
    return InstructionParts(keyword[1].lower(), tuple(flags), rest)


def _heredocs(text: str) -> list[tuple[str, bool]]:
    """Return the words that end the heredocs of an instruction, and whether tabs may precede them."""
    if "<<" not in text:
        return []
    parts = instruction_parts(text)
    if parts.keyword == "onbuild":
        parts = instruction_parts(text, parts.rest)
    if parts.keyword not in ("run", "copy", "add") or _is_json(text[parts.rest :]):
        return []
    words, word = [], ""
    for match in _OF_SHELL.finditer(text):
        if match["broken"]:
            return []
        if match["blank"]:
            words.append(word)
            word = ""
        else:
            word += match[0]
    found = [heredoc for one in [*words, word] if (heredoc := _HEREDOC.fullmatch(one))]
    ends = [Stretch(heredoc[2], tuple(range(len(heredoc[2])))).without_quotes("\\").text for heredoc in found]
    return [(end, heredoc[1] == "-") for end, heredoc in zip(ends, found, strict=True) if end]


def _is_json(text: str) -> bool:
    if not text.startswith("["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(_SPACE))


def _is_comment(line: str) -> bool:
    return line.startswith("#", _indent(line))
