"""The ledger as it was: a source to read from, at a time or a revision."""

from __future__ import annotations

from dataclasses import dataclass

from ledger_tool.commands.ports import History
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.history.revision import Moment


@dataclass(frozen=True, slots=True)
class AsOf:
    """A `Source` that reads the ledger at a moment of its history."""

    history: History
    moment: Moment

    def read(self) -> Snapshot:
        """Return the ledger as it was. Raises UsageError for a time before the first commit, or an unknown revision."""
        time, revision = self.moment.time, self.moment.revision
        return self.history.snapshot(self.history.at(time) if time else self.history.resolve(revision))
