"""Marks: the `# ledger:` comments in manifests, with one grammar in all formats.

A mark says `image`, `style:tag` or `style:digest`, and a policy (see `policy`), with commas between them, each at most
once. It is for the references of its line or, if a line has only comments, for those of the line below them. Whatever
is recognizably meant as a mark is obeyed or reported, and never passed over.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.nearest import nearest
from ledger_tool.core.manifests.tokens import TextDocument
from ledger_tool.errors import InvalidValue

IGNORE = "ignore"
Style = Literal["", "tag", "digest"]

_POLICIES = ("semver", "prerelease", "newest", "tag", "regex", IGNORE)
_WORDS = ("image", "style", *_POLICIES)
_SIGN = r"(?:(?<![^\s,\[\]{}\"'])(?:#|//|/\*)|(?<=:)/\*)"
_OPENING = re.compile(rf"(?P<sign>{_SIGN})[#/*]*[ \t]*(?P<name>ledger[ \t]*[:=])", re.IGNORECASE)
_LOOSE = re.compile(
    r"(?<![\w./-])(?P<name>ledger(?:[ \t]*[:=\uff1a]|(?:[-_]|[ \t]+)(?=ignore\b)"
    r"|[ \t]+(?=(?:semver|prerelease|newest|tag|regex|style)[:=])))",
    re.IGNORECASE,
)
_ANY_SIGN = re.compile(_SIGN)
_CLOSING = re.compile(r"[ \t](?:#|//|/\*)|\*/")
_TEMPLATE_OPENING = re.compile(r"\{\{-?[ \t]*\Z")
_TEMPLATE_CLOSING = re.compile(r"\A[ \t]*-?\}\}")
_BREAK = re.compile(r"\r\n|\r|\n")
_LONGEST = 2000  # characters of a comment that are looked at
_MOST_IN_LINE = 50  # nothing obeys the others, which is said
_ITEM = r"(?:image|style:[^\s,]*)"
_FIRST = re.compile(rf"({_ITEM})(?:\s*,\s*|\s+|\Z)")
_LAST = re.compile(rf"(?:\s*,\s*|\s+)({_ITEM})\Z")
_BARE_COMMA = re.compile(r"\A,|,\s*(?:,|\Z)")
_IGNORE_BECAUSE = re.compile(r"ignore\s+[^\s,]")
_SIGNS = ("#", "//", "/*", "{{/*", "{{- /*")
_ALL = "write `ignore`, `image`, `style:tag`, `style:digest` or a policy such as `semver:^1.5`"
_WORD = re.compile(r"([A-Za-z]+)\s*(\Z|[:=,\])}>\"'`])?")


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark in a line of a file, from 1: as written (`text`), and what it says.

    `fault` is why it is not understood, and what to do. `is_meant` says that its words are those of a mark: a comment
    such as `# ledger: the service of that name` is one only where a reference is. `first` and `last` are where the line
    starts and ends that it is for; both are -1 if there is none.
    """

    line: int
    text: str
    is_image: bool = False
    style: Style = ""
    policy: str = ""
    fault: str = ""
    is_meant: bool = True
    first: int = -1
    last: int = -1


class Marks:
    """The marks of a document, in order."""

    def __init__(self, marks: Sequence[Mark] = ()) -> None:
        self.all = tuple(marks)
        by_line: dict[int, list[Mark]] = {}
        for mark in self.all:
            if len(in_line := by_line.setdefault(mark.first, [])) < _MOST_IN_LINE:
                in_line.append(mark)
        self._starts = sorted(start for start in by_line if start >= 0)
        self._marks = by_line

    def __bool__(self) -> bool:
        return bool(self.all)

    def at(self, *offsets: int) -> tuple[Mark, ...]:
        """Return the marks for the lines on which these offsets of the text are."""
        found: dict[Mark, None] = {}
        for offset in offsets if self._starts else ():
            index = bisect_right(self._starts, offset) - 1
            marks = self._marks[self._starts[index]] if index >= 0 else []
            found.update((mark, None) for mark in marks if offset <= mark.last)
        return tuple(found)


NO_MARKS = Marks()


def may_have_marks(text: str) -> bool:
    """Return whether a text may have a mark."""
    return ("edger" in text or "EDGER" in text) and bool(_OPENING.search(text) or _LOOSE.search(text))


def find_marks(text: str, document: TextDocument, is_comment: Callable[[int], bool] = lambda _: True) -> Marks:
    """Return the marks of a document whose signs (`#`, `//`) are comments; all in its text, if that is not asked."""
    part = text[document.start : document.end]
    if not may_have_marks(part):
        return NO_MARKS
    lines = _Lines(part)
    openings = [one for one in _OPENING.finditer(part) if is_comment(document.start + one.start())]
    found = {opening.start("name"): opening for opening in (*_slips(part, lines, openings), *openings)}
    marks = [_mark(found[at], document, lines, is_comment) for at in sorted(found)]
    return Marks([mark for mark in marks if mark])


def _slips(text: str, lines: _Lines, openings: Sequence[re.Match[str]]) -> Iterator[re.Match[str]]:
    """Yield where `ledger` and a sign stand elsewhere in a comment, as in `# by hand. ledger: ignore`."""
    known = {lines.number_of(opening.start()) for opening in openings}
    yield from (slip for slip in _LOOSE.finditer(text) if lines.number_of(slip.start()) not in known)


def style_in(marks: Sequence[Mark]) -> Style:
    """Return where marks want the digest, or `""` if they do not say. Raises InvalidValue."""
    _check(marks)
    styles = sorted({mark.style for mark in marks if mark.style})
    if len(styles) > 1:
        raise InvalidValue("style", "two marks ask for different styles", "write `style:tag` or `style:digest`")
    return styles[0] if styles else ""


def policies_in(marks: Sequence[Mark]) -> tuple[str, ...]:
    """Return what marks say of the versions to move to. Raises InvalidValue."""
    _check(marks)
    return tuple(dict.fromkeys(mark.policy for mark in marks if mark.policy))


def in_vain(marks: Iterable[Mark], obeyed: Iterable[Mark]) -> Iterator[tuple[int, str]]:
    """Yield the lines of the marks that nothing obeys, and what to say of each."""
    done = set(obeyed)
    for mark in marks:
        if mark not in done and mark.is_meant:
            where = "write it at the end of a reference's line or, as in a Dockerfile, alone on the line above"
            yield mark.line, mark.fault or f"the mark `{shown(mark.text)}` applies to nothing: {where}"


def _check(marks: Sequence[Mark]) -> None:
    if fault := next((mark.fault for mark in marks if mark.fault), ""):
        raise InvalidValue("mark", fault)


class _Lines:
    """Where the lines of a text start and end, without their breaks."""

    def __init__(self, text: str) -> None:
        self.text = text
        breaks = list(_BREAK.finditer(text))
        self.starts = [0, *(match.end() for match in breaks)]
        self.ends = [*(match.start() for match in breaks), len(text)]
        self._below: dict[tuple[str, ...], list[int]] = {}  # found once for all lines

    def number_of(self, offset: int) -> int:
        return bisect_right(self.starts, offset) - 1

    def below_comments(self, number: int, signs: tuple[str, ...]) -> int:
        """Return the first line from one on that is not a comment, or -1 if it is blank, or none is left."""
        if signs not in self._below:
            self._below[signs] = below = [-1] * (len(self.starts) + 1)
            for line in range(len(self.starts) - 1, -1, -1):
                said = self.text[self.starts[line] : self.ends[line]].strip()
                below[line] = below[line + 1] if said.startswith(signs) else line if said else -1
        return self._below[signs][number]


def _mark(
    opening: re.Match[str], document: TextDocument, lines: _Lines, is_comment: Callable[[int], bool]
) -> Mark | None:
    number = lines.number_of(opening.start())
    start, end = lines.starts[number], lines.ends[number]
    sign = opening if "sign" in opening.groupdict() else _sign(opening, document, lines, start, is_comment)
    if not sign:
        return None
    rest = lines.text[opening.end() : min(end, opening.end() + _LONGEST)]
    closing = _CLOSING.search(rest)
    said = (rest[: closing.start()] if closing else rest).strip()
    behind = _TEMPLATE_CLOSING.sub("", rest[closing.end() :]) if closing and closing[0] == "*/" else ""
    before = _TEMPLATE_OPENING.sub("", lines.text[max(start, sign.start() - _LONGEST) : sign.start()])
    if not (before.strip("\ufeff \t") or behind.strip()):
        number = lines.below_comments(number + 1, ("#",) if sign[0].startswith("#") else _SIGNS)
    place = (document.start + lines.starts[number], document.start + lines.ends[number]) if number >= 0 else (-1, -1)
    line = document.line + lines.number_of(opening.start())
    slip = (
        ""
        if sign is opening
        else lines.text[sign.start() : opening.end() + (closing.start() if closing else len(rest))].strip()
    )
    return _understood(line, opening["name"], said, place, slip)


def _sign(
    slip: re.Match[str], document: TextDocument, lines: _Lines, start: int, is_comment: Callable[[int], bool]
) -> re.Match[str] | None:
    """Return the first sign of a comment in front of a slip, on its line."""
    signs = _ANY_SIGN.finditer(lines.text, max(start, slip.start() - _LONGEST), slip.start())
    return next((sign for sign in signs if is_comment(document.start + sign.start())), None)


def _understood(line: int, name: str, said: str, place: tuple[int, int], slip: str) -> Mark | None:
    """Return the mark that a comment is, or None for one that is none; a slip is one only at a reference."""
    is_exact = name == "ledger:" and not slip
    text, is_meant = f"# {name} {said}".rstrip(), _is_meant(said, is_loose=is_exact)
    if slip:
        fault = f"`{shown(slip)}` is not understood: a mark begins with `# ledger:`"
        return Mark(line, slip, fault=fault, is_meant=False, first=place[0], last=place[1]) if is_meant else None
    if not is_exact:
        fault = f"`{shown(text)}` is not understood: a mark begins with `# ledger:`"
        return Mark(line, text, fault=fault, first=place[0], last=place[1]) if is_meant else None
    items, rest = _items(said)
    fault, styles = _fault(text, said, items, rest), [item for item in items if item != "image"]
    style: Style = "tag" if styles == ["style:tag"] else "digest" if styles == ["style:digest"] else ""
    return Mark(line, text, "image" in items, style, rest, fault, is_meant, *place)


def _items(said: str) -> tuple[list[str], str]:
    """Return the items in front of and behind a policy, and the policy, or `""`."""
    items, rest = [], said
    while match := _FIRST.match(rest):
        items.append(match[1])
        rest = rest[match.end() :]
    while match := _LAST.search(rest):
        items.append(match[1])
        rest = rest[: match.start()]
    return items, rest


def _fault(text: str, said: str, items: Sequence[str], rest: str) -> str:
    """Return why a mark is not understood, as far as its policy does not decide, or `""`."""
    bad = next((item for item in items if item not in ("image", "style:tag", "style:digest")), "")
    if bad:
        return f"`{shown(bad)}` is not a style: write `style:tag` or `style:digest`"
    if len(items) > len({item.partition(":")[0] for item in items}):
        return f"the mark `{shown(text)}` says one thing twice: keep one"
    if _BARE_COMMA.search(said):
        return f"the mark `{shown(text)}` has a comma with nothing beside it"
    if not (items or rest):
        return "the mark `# ledger:` says nothing: write what it asks for, such as `# ledger: ignore`"
    if _IGNORE_BECAUSE.match(rest):
        return f"the mark `{shown(text)}` says more than `ignore`: write the reason behind another `#`"
    word = _WORD.match(rest)
    if rest and rest.partition(":")[0].strip() not in _POLICIES and not (word and nearest(word[1].lower(), _WORDS)):
        return f"the mark `{shown(text)}` is not understood: {_ALL}"
    if word and word[1] not in _POLICIES and (near := nearest(word[1].lower(), _WORDS)) and near[0] not in _POLICIES:
        meant = "`style:tag` or `style:digest`" if near[0] == "style" else "`image`"
        return f"the mark `{shown(text)}` is not understood: did you mean {meant}?"
    return ""


def _is_meant(said: str, *, is_loose: bool) -> bool:
    """Return whether a text is that of a mark, even with a slip in it; if `is_loose`, whether it begins like one."""
    word = _WORD.match(said)
    if not word:
        return False
    return (is_loose and word[1] in _WORDS) or (word[2] is not None and bool(nearest(word[1].lower(), _WORDS)))
