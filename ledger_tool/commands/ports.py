"""What the commands need of the outside world, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ledger_tool.core.change import Change, Snapshot


class Landed(Protocol):
    """A finished write."""

    @property
    def commit(self) -> str:
        """The ledger commit in which the ledger is as the change says."""

    @property
    def change(self) -> Change:
        """The change of the run that counted, the last one."""

    @property
    def attempts(self) -> int:
        """How often a commit was offered; 0 where there was nothing to write."""


class Source(Protocol):
    """A ledger to read from."""

    def read(self) -> Snapshot:
        """Return the ledger as it is now. Raises InvalidLedger, TryAgain, Denied or UsageError."""


class Store(Source, Protocol):
    """A ledger to read from and write to."""

    def transact(self, operation: Callable[[Snapshot], Change]) -> Landed:
        """Run `operation` on the freshest ledger and write what it returns, all of it or nothing.

        `operation` may be called many times, and only the last call counts; what it raises ends the
        transaction with nothing written. A change that changes nothing writes no commit.
        Raises further Contended, Unreachable, PushRefused or Denied.
        """
