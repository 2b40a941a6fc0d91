"""A store in memory, held to the same contract as the real ones (tests/commands/test_store_contract.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ledger_tool.commands.ports import History
from ledger_tool.core.changes.change import Change, Landed, Snapshot
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.policy.policy import Policy
from ledger_tool.errors import UsageError


@dataclass
class MemoryStore:
    """A ledger whose commits are numbers. `rivals` are writes that get in between: one for each attempt."""

    ledger: Ledger = field(default_factory=Ledger)
    policy: Policy = field(default_factory=Policy)
    commits: int = 1
    written: Timestamp = Timestamp("2026-11-25T00:00:00Z")  # noqa: RUF009 - a string
    rivals: list[Callable[[Snapshot], Change]] = field(default_factory=list)
    files: Mapping[str, bytes] = field(default_factory=dict)

    def file(self, snapshot: Snapshot, path: str) -> bytes | None:
        return self.files.get(path)

    def read(self) -> Snapshot:
        return Snapshot(str(self.commits), self.ledger, self.policy)

    def past(self) -> History:
        raise UsageError("a store in memory has no history")

    def rehearse(self, base: Snapshot, change: Change) -> None:
        pass

    def written_at(self, commit: str) -> Timestamp:
        return self.written

    def transact(self, operation: Callable[[Snapshot], Change]) -> Landed:
        attempts = 0
        while True:
            seen = self.read()
            change = operation(seen)
            if not change.changed:
                return Landed(seen.commit, change, attempts)
            attempts += 1
            if self.rivals:
                self._land(self.rivals.pop(0)(seen))
                continue
            self._land(change)
            return Landed(str(self.commits), change, attempts)

    def _land(self, change: Change) -> None:
        self.ledger = change.ledger
        self.commits += 1
