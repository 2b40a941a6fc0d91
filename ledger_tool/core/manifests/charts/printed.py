"""The references that a chart's templates put together from values: which value is the tag of which name.

A template may take the tag from `global.tag`, and write a part of the name itself. What it prints decides which image
runs, and not which fields are in one mapping.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ledger_tool.core.manifests.charts.follow import PrintedLine
from ledger_tool.core.manifests.charts.paths import VALUES, Path, is_any, merged_globals
from ledger_tool.core.manifests.charts.texts import Conditions, Piece, PrintedText

_BREAK = re.compile(r"[\s\"'`,;(){}\[\]<>|=]+")
_IMAGE = re.compile(r"(?i)image")
_TAGGED = re.compile(r"([\w./-]*):([\w.-]+)(?:@(sha256:[0-9a-f]{64}))?")
_MOST = 2_000

ReadValue = Callable[[Path], str]


class PrintedReference(NamedTuple):
    """One reference in a line of a template: texts and values that make its name, then the tag and the digest.

    Both are values; or both are texts, of which the digest may be `""`. `is_image` says that the line calls it an
    image.
    """

    where: str
    name: tuple[str | Path, ...]
    tag: str | Path
    digest: str | Path
    conditions: Conditions
    is_image: bool

    @property
    def used(self) -> list[Path]:
        """All the values in it."""
        named = [piece for piece in self.name if isinstance(piece, tuple)]
        return [*(one for one in (self.tag, self.digest) if isinstance(one, tuple)), *named]

    @property
    def is_of_one_mapping(self) -> bool:
        """Whether its parts are in one mapping and nothing else is in its name, or may be, as conditions may tell."""
        *before, last = self.name
        is_one = isinstance(last, tuple) and isinstance(self.tag, tuple) and last[:-1] == self.tag[:-1]
        is_certain = all(len(one.paths) == 1 and one.sign in "+-" for one in self.conditions)
        texts = "".join(piece for piece in before if isinstance(piece, str)).strip("/")
        return is_one and not (texts and is_certain)

    def named(self, read: ReadValue) -> str:
        """Return its name with values that are read; `""` if it is not printed with these."""
        for condition in self.conditions:
            if len(condition.paths) == 1 and condition.sign in "+-":
                (path,) = condition.paths
                if not is_any(path) and path[:1] == VALUES and (condition.sign == "+") != bool(read(path)):
                    return ""
        return "".join(piece if isinstance(piece, str) else read(piece) for piece in self.name)


def printed_references(lines: Iterable[PrintedLine]) -> list[PrintedReference]:
    """Return what the lines of a chart print, each once."""
    found: dict[tuple[object, ...], PrintedReference] = {}
    for line in lines:
        if line.text.lstrip().startswith("#") or len(found) >= _MOST:
            continue
        is_image = bool(_IMAGE.search(line.text))
        for text in line.texts:
            for word in _words(text):
                one = _reference(word, f"{line.file}:{line.line}", text.conditions, is_image=is_image)
                if one and not one.is_of_one_mapping:
                    found.setdefault((one.name, one.tag, one.digest, one.conditions, is_image), one)
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


def _reference(word: list[Piece], where: str, conditions: Conditions, *, is_image: bool) -> PrintedReference | None:
    """Return the reference that a word is, or None if it is none, or something of it is not printed whole."""
    if with_tag := _with_tag(word):
        return PrintedReference(where, *with_tag, conditions, is_image)
    at = next((number for number, piece in enumerate(word) if isinstance(piece, tuple) and _ends(word[:number])), 0)
    rest = word[at + 1 :]
    is_known = all(isinstance(piece, str) or (isinstance(piece, tuple) and _is_value(piece)) for piece in word)
    has_digest = len(rest) == 2 and rest[0] in ("@", "@sha256:") and isinstance(rest[1], tuple)
    if not at or not is_known or (rest and not has_digest):
        return None
    name = [piece for piece in word[:at] if isinstance(piece, str | tuple)]
    name[-1] = str(name[-1])[:-1]
    tag, digest = word[at], rest[1] if has_digest else None
    assert isinstance(tag, tuple)
    return PrintedReference(
        where,
        tuple(piece if isinstance(piece, str) else merged_globals(piece) for piece in name if piece),
        merged_globals(tag),
        merged_globals(digest) if isinstance(digest, tuple) else "",
        conditions,
        is_image,
    )


def _with_tag(word: list[Piece]) -> tuple[tuple[str | Path, ...], str, str] | None:
    """Return the name, the tag and the digest of a word with values in its name, and the rest in the template."""
    *before, last = word or [""]
    found = _TAGGED.fullmatch(last) if isinstance(last, str) else None
    known = [one if isinstance(one, str) else merged_globals(one) for one in before if isinstance(one, str | tuple)]
    if not found or len(known) < len(before) or not any(isinstance(one, tuple) for one in known):
        return None
    if not all(isinstance(one, str) or _is_value(one) for one in known):
        return None
    return (*known, *([found[1]] if found[1] else [])), found[2], found[3] or ""


def _ends(before: list[Piece]) -> bool:
    return bool(before) and isinstance(before[-1], str) and before[-1].endswith(":") and before != [":"]


def _is_value(path: Path) -> bool:
    return path[:1] == VALUES and len(path) > 1 and not is_any(path)
