"""A table for people: aligned columns that fit the terminal. Nothing in it is ever cut.

Where there is not enough room, sentences wrap or go below their row, columns that can be spared are left out, and a
name that is longer than its column has a line of its own, after which its row goes on below.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Literal, NamedTuple

from ledger_tool.core.ledger.names import escaped
from ledger_tool.render.view import Role, View

_GAP = 2
_NARROWEST = 8  # of a column that may be narrower than its cells
_COMFORTABLE = 3  # the part of the terminal that such a column gets before others are left out, as a divisor
_INDENT = 4  # of what goes below its row, or stands on a line of its own
_SHOWN_EMOJI = "\N{VARIATION SELECTOR-16}"  # makes the character before it two columns wide


class Column(NamedTuple):
    """A column. Its cells are one word, never broken, as wide as the column (`word`) or wider (`name`), or `prose`.

    `spare` says which columns go first where there is no room: 1 is the first, and 0 stays. A column of prose then goes
    below the row, others are left out. `role` gives the colour of a cell's text.
    """

    title: str
    kind: Literal["word", "name", "prose"] = "word"
    spare: int = 0
    role: Callable[[str], Role | None] = lambda _: None


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], view: View) -> Iterator[str]:
    """Yield the lines of a table; nothing for no rows. Empty columns are omitted."""
    cells = [[_clean(cell) for cell in row] for row in rows]
    widths = {
        number: [text_width(column.title), *(text_width(row[number]) for row in cells)]
        for number, column in enumerate(columns)
        if any(row[number] for row in cells)
    }
    if not widths:
        return
    width = None if view.wide else view.width
    places = _placed(columns, widths, width, view.hidden)
    titles = [column.title for column in columns]
    yield from _lines(places, titles, width, lambda _, title: view.painted(title, "heading"))
    for row in cells:
        yield from _lines(places, row, width, lambda column, text: view.painted(text, column.role(text)))


def fullest(columns: Sequence[Column], rows: Callable[[View], Sequence[Sequence[str]]], view: View) -> Iterator[str]:
    """Yield the lines of a table with everything in full if there is room for that; `rows` makes its cells."""
    full = View(wide=True)
    if view.width is None or all(text_width(line) <= view.width for line in table(columns, rows(full), full)):
        view = View(colour=view.colour, wide=True)
    return table(columns, rows(view), view)


def _placed(
    columns: Sequence[Column], widths: Mapping[int, Sequence[int]], width: int | None, hidden: dict[str, None]
) -> list[_Place]:
    """Return where the columns stand, given how wide their cells are; `hidden` gets the titles of the others."""
    natural = {number: max(cells) for number, cells in widths.items()}
    fitted = natural if width is None else _fitted(columns, widths, width)
    places, start = [], 0
    for number, room in fitted.items():
        places.append(_Place(columns[number], number, start, room))
        start += room + _GAP
    for number in natural:
        if number in fitted or width is None:
            continue
        if columns[number].kind == "prose":
            places.append(_Place(columns[number], number, _INDENT, width - _INDENT))
        else:
            hidden[columns[number].title] = None
    return places


def text_width(text: str) -> int:
    """Return how many columns of a terminal a text without control characters takes."""
    if text.isascii():
        return len(text)
    return sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me") and character != _SHOWN_EMOJI:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a text of words that are not broken, each no wider than `width` unless it is one word."""
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and text_width(longer) > width:
            lines.append(line)
            longer = word
        line = longer
    return [*lines, line]


class _Place(NamedTuple):
    """Where a column stands: its number in a row, where it starts, and how wide it is."""

    column: Column
    number: int
    start: int
    room: int


def _clean(cell: str) -> str:
    return cell if cell.isascii() and cell.isprintable() and "#" not in cell else escaped(cell)


def _lines(
    places: Sequence[_Place], row: Sequence[str], width: int | None, paint: Callable[[Column, str], str]
) -> Iterator[str]:
    """Yield the lines of a row: one, unless a cell wraps, or does not fit where it stands."""
    if width is None:  # everything stands where its column does
        yield from _joined([(one.start, [row[one.number]], one.column) for one in places if row[one.number]], paint)
        return
    band: list[tuple[int, list[str], Column]] = []
    end = 0  # of what is in the band
    for place in places:
        cell = row[place.number]
        if not cell:
            continue
        words = cell.split(" ") if place.column.kind == "prose" else [cell]
        longest, start, room = max(map(text_width, words)), place.start, place.room
        if longest > room or start + room > width:
            start = min(start, _INDENT if longest + _INDENT <= width else 0)
            room = width - start
        if start < end:
            yield from _joined(band, paint)
            band = []
        texts = wrapped(cell, room) if place.column.kind == "prose" else [cell]
        band.append((start, texts, place.column))
        end = start + max(map(text_width, texts)) + _GAP
    yield from _joined(band, paint)


def _joined(band: Sequence[tuple[int, list[str], Column]], paint: Callable[[Column, str], str]) -> Iterator[str]:
    for texts in zip_longest(*(texts for _, texts, _ in band), fillvalue=""):
        line, at = "", 0
        for (start, _, column), text in zip(band, texts, strict=True):
            if text:
                line += " " * (start - at) + paint(column, text)
                at = start + text_width(text)
        yield line


def _fitted(columns: Sequence[Column], widths: Mapping[int, Sequence[int]], width: int) -> dict[int, int]:
    """Return how wide each column is that stays, in a terminal of that width."""
    most = max(width // _COMFORTABLE, _NARROWEST)
    fitted = {number: _comfortable(columns[number], cells, most) for number, cells in widths.items()}
    spared = {}
    for number in sorted(widths, key=lambda number: columns[number].spare):
        if columns[number].spare and _over(fitted, width) > 0:
            spared[number] = fitted.pop(number)
    for number, size in reversed(spared.items()):  # one that went first may be narrower than those after it
        if _over(fitted | {number: size}, width) <= 0:
            fitted[number] = size
    fitted = {number: fitted[number] for number in widths if number in fitted}
    while _over(fitted, width) > 0:
        yielding = [number for number in fitted if columns[number].kind != "word" and fitted[number] > _NARROWEST]
        if not yielding:
            break
        fitted[max(yielding, key=lambda number: fitted[number])] -= 1
    for number in fitted:
        room = fitted[number] + max(-_over(fitted, width), 0)
        useful = [min(cell, room) for cell in widths[number] if cell <= room or columns[number].kind == "prose"]
        fitted[number] = max(fitted[number], *useful, 0)
    return fitted


def _comfortable(column: Column, cells: Sequence[int], most: int) -> int:
    """Return how wide a column should be; a few names that are longer than most have lines of their own anyway."""
    fitting = [cell for cell in cells if cell <= most]
    if column.kind == "word" or len(fitting) == len(cells):
        return max(cells)
    return max(fitting) if column.kind == "name" and 2 * len(fitting) > len(cells) + 1 else most


def _over(widths: Mapping[int, int], width: int) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1) - width
