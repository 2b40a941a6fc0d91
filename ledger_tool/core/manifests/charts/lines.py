"""The lines that a chart prints, found by the values that are printed in them: a chart has thousands of both."""

from __future__ import annotations

from collections.abc import Iterable

from ledger_tool.core.manifests.charts.follow import PrintedLine
from ledger_tool.core.manifests.charts.paths import VALUES, Path, covers, is_any, is_at, merged_globals


class PrintedLines:
    """Lines in the order in which they are printed."""

    def __init__(self, lines: Iterable[PrintedLine]) -> None:
        self.all = tuple(lines)
        self._by_path: dict[Path, list[int]] = {}
        self._open: dict[Path, list[int]] = {}  # of paths that stand for several
        for number, line in enumerate(self.all):
            for path in {*line.used, *map(merged_globals, line.used)}:
                is_open = is_any(path) or path[:1] == ("",)
                (self._open if is_open else self._by_path).setdefault(path, []).append(number)

    def at(self, *places: Path) -> list[PrintedLine]:
        """Return the lines that print something of what may be at one of these places."""
        found: set[int] = set()
        for place in {*places, *map(merged_globals, places)}:
            found.update(self._by_path.get(place, ()))
            found.update(number for path in self._open if is_at(path, place) for number in self._open[path])
        return self._lines(found)

    def over(self, place: Path) -> list[PrintedLine]:
        """Return the lines that print something of what may be at a place in the values, or contain it."""
        found: set[int] = set()
        for length in range(1, len(place) + 1):
            found.update(self._by_path.get(place[:length], ()))
        for path, numbers in self._open.items():
            if path[:1] == VALUES and covers(path, place):
                found.update(numbers)
        return self._lines(found)

    def _lines(self, numbers: set[int]) -> list[PrintedLine]:
        return [self.all[number] for number in sorted(numbers)]
