"""The versions of a `ledger.json`, read one after the other: each by what differs from the one before."""

from __future__ import annotations

from ledger_tool.core.changes.difference import Difference, compare
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.errors import InvalidLedger


class Versions:
    """Remembers the last valid version, so that the next one costs what differs. A version is its bytes."""

    def __init__(self) -> None:
        self._raw = b""
        self.ledger = Ledger()

    def follow(self, raw: bytes) -> list[Difference] | None:
        """Return what a version changes in the last valid one, the empty ledger at first; None for an invalid one."""
        if raw == self._raw:
            return []
        found = codec.reread(raw, self._raw, self.ledger)
        if found:
            old, new = slice(found.start, found.was), slice(found.start, found.now)
            before = Ledger(self.ledger.keys[old], self.ledger.texts[old])
            after = Ledger(found.ledger.keys[new], found.ledger.texts[new])
            ledger = found.ledger
        else:
            try:
                ledger = codec.loads(raw)
            except InvalidLedger:
                return None
            before, after = self.ledger, ledger
        self._raw, self.ledger = raw, ledger
        return compare(before, after)
