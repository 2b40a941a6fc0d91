"""The references that a chart's templates put together from values: which value is the tag of which name.

A template may take the tag from `global.tag`, and write a part of the name itself. What it prints decides which image
runs, and not which fields are in one mapping.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from ledger_tool.core.manifests.charts.follow import PrintedLine
from ledger_tool.core.manifests.charts.paths import ANY, CHART, KEY, SOME, VALUES, Path, is_any, merged_globals
from ledger_tool.core.manifests.charts.texts import Conditions, Piece, PrintedText
from ledger_tool.core.manifests.shapes.keys import role

_BREAK = re.compile(r"[\s\"'`,;(){}\[\]<>|=]+")
_IMAGE = re.compile(r"(?i)image")
_TAGGED = re.compile(r"([\w./-]*):([\w.-]+)(?:@(sha256:[0-9a-f]{64}))?")
_MOST = 2_000

ReadValue = Callable[[Path], str]
ReadItems = Callable[[Path], Sequence[Path]]


class PrintedReference(NamedTuple):
    """A word in a line of a template that may be a reference: texts, values, and what is known of the chart itself.

    Whether it is one, and which part of it is its tag, only the values tell. `is_image` says that the line calls it
    an image.
    """

    where: str
    pieces: tuple[str | Path, ...]
    conditions: Conditions
    is_image: bool

    @property
    def used(self) -> list[Path]:
        """All the values in it."""
        return [piece for piece in self.pieces if isinstance(piece, tuple) and piece[:1] == VALUES]

    @property
    def has_tag(self) -> bool:
        """Whether the template has the tag itself, behind a value."""
        last = self.pieces[-1]
        return isinstance(last, str) and bool(_TAGGED.fullmatch(last))

    @property
    def is_of_one_mapping(self) -> bool:
        """Whether the keys of one mapping say that they are its name and its tag.

        A text in front of these may only be there in some cases, as conditions may tell.
        """
        before, last, tag = self._tagged
        is_one = _names_image(last) and last[:-1] == tag[:-1] and _part(tag) == "tag"
        is_certain = all(len(one.paths) == 1 and one.sign in "+-" for one in self.conditions)
        texts = "".join(piece for piece in before if isinstance(piece, str)).strip("/")
        return is_one and not (texts and is_certain)

    @property
    def defaulted(self) -> Path:
        """The name in a mapping behind which the chart itself has the tag, as its `appVersion`, or `()`."""
        _, last, tag = self._tagged
        return last if tag[:1] == CHART and _names_image(last) else ()

    @property
    def _tagged(self) -> tuple[tuple[str | Path, ...], Path, Path]:
        """What is in front of a value, the value, and the one behind its colon; both are `()` if there is none."""
        at = next((at for at, piece in enumerate(self.pieces) if at > 1 and _is_tag(self.pieces, at)), 0)
        last, tag = self.pieces[at - 2], self.pieces[at]
        if not at or isinstance(last, str) or isinstance(tag, str):
            return (), (), ()
        return self.pieces[: at - 2], last, tag

    def spans(self, read: ReadValue) -> list[str]:
        """Return what its pieces are with values that are read; none if it is not printed with these."""
        for condition in self.conditions:
            if len(condition.paths) == 1 and condition.sign in "+-":
                (path,) = condition.paths
                if not is_any(path) and path[:1] == VALUES and (condition.sign == "+") != bool(read(path)):
                    return []
        return [piece if isinstance(piece, str) else read(piece) for piece in self.pieces]

    def bound(self, items: ReadItems) -> list[PrintedReference]:
        """Return it for each item of the lists and mappings over which its template goes."""
        found = [self]
        done: list[PrintedReference] = []
        while found and len(done) < _MOST:
            one = found.pop()
            above = next((path[: path.index(ANY)] for path in one.used if ANY in path), None)
            if above is None:
                done.append(one)
            else:
                found += [one._of_item((*above, ANY), item) for item in items(above)]
        return done

    def _of_item(self, every: Path, item: Path) -> PrintedReference:
        length = len(every)
        pieces = [
            (*item, *piece[length:]) if isinstance(piece, tuple) and piece[:length] == every else piece
            for piece in self.pieces
        ]
        return self._replace(pieces=tuple(piece[-2] if piece[-1] == KEY else piece for piece in pieces))


def printed_references(lines: Iterable[PrintedLine]) -> list[PrintedReference]:
    """Return what the lines of a chart print, each once."""
    found: dict[tuple[object, ...], PrintedReference] = {}
    for line in lines:
        if line.text.lstrip().startswith("#") or len(found) >= _MOST:
            continue
        is_image = bool(_IMAGE.search(line.text))
        for text in line.texts:
            for word in _words(text):
                pieces = _reference(word)
                if pieces:
                    one = PrintedReference(f"{line.file}:{line.line}", pieces, text.conditions, is_image)
                    if not one.is_of_one_mapping:
                        found.setdefault((pieces, text.conditions, is_image), one)
    return list(found.values())


def _words(text: PrintedText) -> Iterator[list[Piece]]:
    word: list[Piece] = []
    for piece in text.pieces:
        if not isinstance(piece, str):
            word.append(piece)
            continue
        first, *rest = _BREAK.split(piece)
        word += [first] if first else []
        for part in rest:
            yield word
            word = [part] if part else []
    yield word


def _reference(word: list[Piece]) -> tuple[str | Path, ...]:
    """Return the pieces of a word that values may make a reference, or none if something of it is not known.

    A value alone is judged where it is, and one with something behind it (see `misprint`).
    """
    pieces = tuple(one if isinstance(one, str) else merged_globals(one) for one in word if isinstance(one, str | tuple))
    values = [one for one in pieces if isinstance(one, tuple)]
    is_known = len(pieces) == len(word) and all(_is_value(one) or one[:1] == CHART for one in values)
    if not is_known or not any(one[:1] == VALUES for one in values):
        return ()
    texts = [one for one in pieces if isinstance(one, str)]
    is_made = len(values) > 1 or isinstance(pieces[0], str) or any(":" in text for text in texts)
    return pieces if is_made and (len(values) > 1 or any(":" in one or "/" in one for one in texts)) else ()


def _is_tag(pieces: tuple[str | Path, ...], at: int) -> bool:
    return isinstance(pieces[at], tuple) and pieces[at - 1] == ":"


def _names_image(path: Path) -> bool:
    return bool(path) and (_part(path) == "name" or path[-2:] == ("image", "name"))


def _part(path: Path) -> str:
    found = role(path[-1])
    return found.part if found else ""


def _is_value(path: Path) -> bool:
    return path[:1] == VALUES and len(path) > 1 and SOME not in path
