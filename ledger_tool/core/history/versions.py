"""The versions of a `ledger.json`, read one after the other: each by its difference from the one before."""

from __future__ import annotations

from ledger_tool.core.changes.difference import Difference, compare
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger


class Versions:
    """Reads versions, each the bytes of a file. Only what differs from the last valid version is read anew."""

    def __init__(self) -> None:
        self._raw: bytes | None = None  # nothing was read: not even an empty file, which is not valid
        self.ledger = Ledger()

    def read(self, raw: bytes) -> Ledger:
        """Return the ledger of a version. Raises InvalidLedger."""
        self._advance(raw)
        return self.ledger

    def follow(self, raw: bytes) -> list[Difference]:
        """Return what a version changes in the last valid one, the empty ledger at first. Raises InvalidLedger."""
        return compare(*self._advance(raw))

    def _advance(self, raw: bytes) -> tuple[Ledger, Ledger]:
        """Read a version; return the parts of the last one and of this one between which they may differ."""
        before = self.ledger
        if raw == self._raw:
            return Ledger(), Ledger()
        partly = None if self._raw is None else codec.reread(raw, self._raw, before)
        self.ledger = partly.ledger if partly else codec.loads(raw)
        self._raw = raw
        if partly is None:
            return before, self.ledger
        old, new = slice(partly.start, partly.old_end), slice(partly.start, partly.end)
        return Ledger(before.keys[old], before.texts[old]), Ledger(self.ledger.keys[new], self.ledger.texts[new])
