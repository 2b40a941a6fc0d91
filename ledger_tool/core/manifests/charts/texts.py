"""What a template may print, piece by piece: texts, and values that are printed whole, each with when it is so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ledger_tool.core.manifests.charts.gotemplate import TemplatePipe
from ledger_tool.core.manifests.charts.paths import Path, merged_globals

_MOST = 96  # alternatives
_MOST_PIECES = 400
_LONGEST = 20_000  # characters; what includes a template twice, which does the same, would double it each time
_OPPOSITE = {"+": "-", "-": "+", "?": "!", "!": "?"}


class PrintCondition(NamedTuple):
    """What has to hold: `+` if values are set, `-` if not, `?` or `!` if more is asked, which the pipe says."""

    sign: str
    paths: frozenset[Path]
    pipe: TemplatePipe | None = None

    @property
    def opposite(self) -> PrintCondition:
        """What holds otherwise."""
        return PrintCondition(_OPPOSITE[self.sign], self.paths, self.pipe)


Conditions = frozenset[PrintCondition]
# A text as it stands, the path of a value that is printed whole, or the values of which something is made.
Piece = str | Path | frozenset[Path]


class PrintedText(NamedTuple):
    """One text that may be printed, and the conditions of that."""

    pieces: tuple[Piece, ...]
    conditions: Conditions = frozenset()


Texts = frozenset[PrintedText]
NO_TEXT: Texts = frozenset([PrintedText(())])


def literal_text(text: str) -> Texts:
    """Return a text that is printed as it stands."""
    return frozenset([PrintedText((text,) if text else ())])


def made_of(paths: frozenset[Path]) -> Texts:
    """Return what is printed where nobody can tell what is made of these values."""
    return frozenset([PrintedText((paths,))])


def whole(paths: Iterable[Path]) -> Texts:
    """Return what is printed of values that are printed whole."""
    return frozenset(PrintedText((merged_globals(path),)) for path in paths)


def bounded(texts: Iterable[PrintedText]) -> Texts:
    """Return alternatives, or what nobody can tell, if there are too many."""
    found = frozenset(texts)
    return found if len(found) <= _MOST else made_of(_used(found))


def when(texts: Texts, conditions: Conditions) -> Texts:
    """Return what is printed of texts where conditions hold."""
    return frozenset(
        PrintedText(text.pieces, text.conditions | conditions) for text in texts if not _clash(text, conditions)
    )


def unless(texts: Texts, conditions: Conditions) -> Texts:
    """Return what is printed of texts where one of the conditions does not hold."""
    return frozenset(text for one in conditions for text in when(texts, frozenset([one.opposite])))


def joined(parts: Sequence[Texts]) -> Texts:
    """Return what is printed of parts, one behind the other."""
    if len(parts) > _MOST_PIECES:
        return made_of(_used(text for part in parts for text in part))
    found = NO_TEXT
    for part in parts:
        found = frozenset(
            PrintedText(_appended(text.pieces, other.pieces), text.conditions | other.conditions)
            for text in found
            for other in part
            if not _clash(text, other.conditions)
        )
        if len(found) > _MOST or any(map(_is_long, found)):
            return made_of(_used(text for part in parts for text in part))
    return found


def _is_long(text: PrintedText) -> bool:
    pieces = text.pieces
    return len(pieces) > _MOST_PIECES or sum(len(piece) for piece in pieces if isinstance(piece, str)) > _LONGEST


def first_set(choices: Sequence[Texts]) -> Texts:
    """Return what is printed of the first that is set, or of the last one."""
    *ahead, found = choices
    for texts in reversed(ahead):
        chosen: set[PrintedText] = set()
        for text in texts:
            filled, empty = _if_filled(text), _if_empty(text)
            chosen.update(filled)
            for one in empty:
                chosen.update(when(found, one))
        found = bounded(chosen)
    return found


def chosen(condition: Texts, first: Texts, second: Texts) -> Texts:
    """Return what is printed of the first of two where a condition is true, and of the second where it is not."""
    found: set[PrintedText] = set()
    for text in condition:
        is_value = len(text.pieces) == 1 and isinstance(text.pieces[0], tuple)
        if text.pieces != ("false",):
            found |= when(first, text.conditions | (_set_or_not("+", text) if is_value else frozenset()))
        if text.pieces != ("true",) and not (is_value and _clash(text, _set_or_not("-", text))):
            found |= when(second, text.conditions | (_set_or_not("-", text) if is_value else frozenset()))
    return bounded(found)


def _set_or_not(sign: str, text: PrintedText) -> Conditions:
    return frozenset(PrintCondition(sign, frozenset([piece])) for piece in text.pieces if isinstance(piece, tuple))


def _if_filled(text: PrintedText) -> Texts:
    match text.pieces:
        case ():
            return frozenset()
        case (tuple() as path,):
            return when(frozenset([text]), frozenset([PrintCondition("+", frozenset([path]))]))
    return frozenset([text])


def _if_empty(text: PrintedText) -> list[Conditions]:
    """Return when a text is empty: never, if a part of it stands there."""
    if any(isinstance(piece, str) for piece in text.pieces):
        return []
    paths = [piece for piece in text.pieces if isinstance(piece, tuple)]
    conditions = frozenset(PrintCondition("-", frozenset([path])) for path in paths)
    return [] if _clash(text, conditions) else [conditions | text.conditions]


def _appended(pieces: tuple[Piece, ...], others: tuple[Piece, ...]) -> tuple[Piece, ...]:
    if pieces and others and isinstance(pieces[-1], str) and isinstance(others[0], str):
        return (*pieces[:-1], pieces[-1] + others[0], *others[1:])
    return pieces + others


def _clash(text: PrintedText, conditions: Conditions) -> bool:
    return any(condition.opposite in text.conditions for condition in conditions)


def _used(texts: Iterable[PrintedText]) -> frozenset[Path]:
    used: set[Path] = set()
    for text in texts:
        for piece in text.pieces:
            if isinstance(piece, tuple):
                used.add(piece)
            elif not isinstance(piece, str):
                used |= piece
    return frozenset(used)
