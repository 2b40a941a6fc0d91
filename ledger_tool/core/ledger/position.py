"""Where the records of a ledger are in its canonical bytes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import accumulate

from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import Key

_COLUMN = 7  # where the fields of a record start


class RecordPositions:
    """Where in `ledger.json` a reviewer sees a record of `after`: its first line that differs from `before`.

    What it takes to tell is worked out when it is first asked: most ledgers have nothing wrong.
    """

    def __init__(self, before: Ledger, after: Ledger) -> None:
        self._earlier, self._after = before, after

    @cached_property
    def _before(self) -> Mapping[tuple[str, str, str], str]:
        return dict(zip(self._earlier.keys, self._earlier.texts, strict=True))

    @cached_property
    def _lines(self) -> Sequence[int]:
        """The line of each record's first field, in key order."""
        lines = accumulate((text.count("\n") + 3 for text in self._after.texts), initial=codec.FIRST_LINE)
        return list(lines)[:-1]

    def of(self, key: Key | None) -> tuple[int, int]:
        """Return line and column of a record, from 1; for a removed one, those of what is there now."""
        if key is None or not self._lines:
            return 1, 1
        number = bisect_left(self._after.keys, tuple(key))
        if number == len(self._lines) or self._after.keys[number] != key:
            return self._lines[min(number, len(self._lines) - 1)], 1
        without_platform = self._before.get((key.image, key.tag, ""), "")  # whose place it may have taken
        old = set(self._before.get((key.image, key.tag, key.platform), without_platform).split("\n"))
        new = self._after.texts[number].split("\n")
        return self._lines[number] + next((offset for offset, line in enumerate(new) if line not in old), 0), _COLUMN
