"""The optimistic transaction: a pure function, run again on every fresh tip until its commit is in the branch.

One round is: look up the tip, run the function, write a commit on the tip, and offer it (`offer`). If another writer
was first, the next round runs the function again on the new tip. An error from the function itself (such as a conflict
on the new tip) ends the transaction at once. Nothing is ever merged or rebased.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ledger_tool.core.changes import message
from ledger_tool.core.changes.change import Change, Landed, Snapshot
from ledger_tool.core.changes.runclaim import RunClaim
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.names import counted
from ledger_tool.edges.git.dates import dated_after
from ledger_tool.edges.git.offer import Attempts, Bounds
from ledger_tool.edges.git.repository import Repository
from ledger_tool.edges.git.signing import Signer
from ledger_tool.edges.git.tip import Tip
from ledger_tool.errors import Contended

Operation = Callable[[Snapshot], Change]


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the commits of one run, which carry its id and say what CI run it is, and lets the signer sign them."""

    transaction_id: str
    signer: Signer
    run: RunClaim

    def commit(self, repository: Repository, base: Snapshot, change: Change, tip: Tip | None = None) -> str:
        """Write a commit of a change on `base`, with all other files kept; return its id.

        `tip` is the base as it was read, which need not be looked up again then.
        Raises ClockBehind, and what `Signer.commit` raises.
        """
        repository = dated_after(repository, base.commit, tip.seconds if tip else None)
        entries = tip.entries if tip else repository.entries(base.commit)
        tree = repository.write_root(entries, codec.dumps(change.ledger))
        text = message.compose(change, self.transaction_id, self.run)
        return self.signer.commit(repository, base, change.ledger, tree, text)


class Target(Protocol):
    """A branch that a change is made for."""

    @property
    def shown(self) -> str:
        """The branch's address, fit for messages."""

    def look(self) -> str:
        """Look up the tip to work on; return its commit id. Raises TryAgain or Denied."""

    def snapshot(self, tip: str) -> Snapshot:
        """Return the ledger at a tip that `look` or `offer` returned."""

    def commit(self, tip: str, change: Change) -> str:
        """Write a commit of the change on `tip`, without moving the branch; return its id."""

    def offer(self, commit: str, tip: str, attempts: Attempts) -> str | None:
        """Offer a commit. Return None once it has landed, or the tip to work on next; see `offer.offer`."""


def transact(target: Target, operation: Operation, bounds: Bounds, tip: str = "") -> Landed:
    """Run `operation` on the fresh tip and land its change; see the module's docstring.

    `tip` saves the first `look` if the tip was just looked up: if it is outdated, the offer fails and returns the new
    one. Raises what `operation` and `offer` raise, and Contended if other writers won every round.
    """
    attempts = Attempts(bounds)
    tip = tip or attempts.look(target.look)
    while True:
        change = operation(target.snapshot(tip))
        if not change.changed:
            return Landed(tip, change, attempts.made)
        commit = target.commit(tip, change)
        next_tip = target.offer(commit, tip, attempts)
        if next_tip is None:
            return Landed(commit, change, attempts.made)
        if attempts.spent:
            times, deadline = counted(attempts.lost, "time"), bounds.deadline
            raise Contended(
                f"lost the race for {target.shown} {times} in {deadline.elapsed():.1f} s; nothing was written"
                f"{deadline.spent_elsewhere}",
                "run it again, give it longer with `--timeout`, or publish many images in one commit with `--from`",
            )
        tip = next_tip
