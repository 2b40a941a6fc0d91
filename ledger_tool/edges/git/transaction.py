"""The optimistic transaction: a pure function, run again on every fresh tip until its commit is in the branch.

One round is: look at the tip, run the function, write a commit on the tip, offer it as a compare-and-swap.
If that fails, look at the state and not at the message (`verdict` says why):

==========================  ==================================================================
our commit is in the branch  it landed, and only the answer was lost
the tip moved                another writer won: run the function again on the new tip
the tip stayed               nothing was written: a broken connection or a lock is tried again,
                             within bounds; what stays refused time after time is refused
==========================  ==================================================================

What the function itself raises (a conflict found on the way) ends the transaction at once. Nothing is ever
merged or rebased. Time is bounded by a deadline, waiting is full jitter (random between nothing and a
growing window), which lets many writers through with few attempts.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.edges.git.objects import Deadline
from ledger_tool.edges.git.server_words import Push, Verdict, access_error
from ledger_tool.errors import Contended, Denied, PushRefused, TryAgain, Unreachable

REFUSALS = 3  # of one and the same tip, before a refusal is believed
FAILURES = 5  # of one and the same tip, before the remote is said to be broken
LONGEST_PAUSE = 30.0  # seconds
SHORTEST_ROUND = 0.05  # seconds

Operation = Callable[[Snapshot], Change]


class Progress(Protocol):
    """Where a run tells what is going on."""

    def note(self, text: str) -> None:
        """Tell everyone."""

    def detail(self, text: str) -> None:
        """Tell those who asked for details."""


@dataclass(frozen=True, slots=True)
class Landed:
    """A finished write: the commit in which the ledger now is as the change says, and how many offers it took."""

    commit: str
    change: Change
    attempts: int


class Target(Protocol):
    """A branch that commits can be offered to."""

    @property
    def shown(self) -> str:
        """The branch's address, fit for messages."""

    def refresh(self, *, whole: bool = False) -> str:
        """Return the commit id of the branch's tip, just looked up. Raises TryAgain or Denied.

        `whole` asks for all commits since the last tip, so that `contains` can tell what is among them.
        """

    def snapshot(self, tip: str) -> Snapshot:
        """Return the ledger at a tip that `refresh` returned."""

    def commit(self, tip: str, change: Change) -> str:
        """Write a commit of the change on `tip`, without moving the branch; return its id."""

    def offer(self, tip: str, commit: str) -> Verdict:
        """Move the branch from exactly `tip` to `commit`, or say how it failed."""

    def contains(self, tip: str, commit: str) -> bool:
        """Return whether `commit` is in the branch whose tip is `tip`, after a look at the whole."""


@dataclass
class Round:
    """What has happened so far, and the waiting in between."""

    deadline: Deadline
    progress: Progress
    attempts: int = 0
    lost: int = 0
    refused: int = 0
    failed: int = 0
    busy: float = 0.0  # seconds spent in rounds, pauses not counted

    def pause(self) -> None:
        """Sleep for a random part of a window: twice the mean time of a round, a fifth more with each failure.

        Simulated for 2 to 64 writers on one machine and on as many: a narrower window multiplies the
        attempts of 64, a wider or faster growing one makes 4 or 16 wait for nothing.
        """
        failures = min(self.lost + self.refused + self.failed, 16)
        mean = self.busy / max(self.attempts, 1)
        window = min(LONGEST_PAUSE, 2.0 * max(mean, SHORTEST_ROUND) * 1.2**failures, self.deadline.remaining())
        time.sleep(random.uniform(0.0, window))  # noqa: S311 - jitter, not a secret


def transact(
    target: Target, operation: Operation, deadline: Deadline, max_attempts: int, progress: Progress, tip: str = ""
) -> Landed:
    """Run `operation` on the fresh tip and land its change; see the module's docstring.

    `tip` spares the first look where one was just taken: if it is old by now, the offer fails and tells.
    `max_attempts` bounds the offers (0: only the deadline does). Raises what `operation` raises,
    Contended, Unreachable, PushRefused or Denied; in all these cases nothing of the change was written,
    unless the message says that the outcome is unknown.
    """
    so_far = Round(deadline, progress)
    began = deadline.elapsed()
    tip = tip or _look(target, so_far)
    while True:
        change = operation(target.snapshot(tip))
        if not change.changed:
            return Landed(tip, change, so_far.attempts)
        commit = target.commit(tip, change)
        so_far.attempts += 1
        verdict = target.offer(tip, commit)
        if verdict.push is Push.LANDED:
            return Landed(commit, change, so_far.attempts)
        so_far.busy += deadline.elapsed() - began
        so_far.pause()
        began = deadline.elapsed()
        # A server that says no means it; one that says nothing may have taken the commit.
        unheard = verdict.push is Push.BROKEN
        seen = _look(target, so_far, after_push=True, whole=unheard)
        if seen == commit or (unheard and target.contains(seen, commit)):
            progress.note(f"note: the push reported an error, but the record is in the branch as {commit[:12]}")
            return Landed(commit, change, so_far.attempts)
        _judge(target, so_far, verdict, moved=seen != tip, max_attempts=max_attempts)
        tip = seen


def _judge(target: Target, so_far: Round, verdict: Verdict, *, moved: bool, max_attempts: int) -> None:
    """Count a failed offer, and raise if there should be no further one."""
    why = "another writer was first" if moved else verdict.words or verdict.push.value
    so_far.progress.detail(f"attempt {so_far.attempts} did not land: {why}")
    if verdict.push is Push.DENIED:
        raise _denied(target, verdict)
    if moved:
        so_far.lost, so_far.refused, so_far.failed = so_far.lost + 1, 0, 0
    elif verdict.push is Push.REJECTED and not verdict.is_lock:
        so_far.refused += 1
    else:
        so_far.failed += 1
    spent = so_far.deadline.remaining() <= 0 or so_far.attempts == max_attempts
    if so_far.refused >= REFUSALS or (spent and so_far.refused):
        raise PushRefused(
            f"{target.shown} refused the push: {verdict.words}",
            "propose the change with `--pull-request`, or let the deploy key bypass the rule",
        )
    if so_far.failed >= FAILURES or (spent and so_far.failed):
        raise _unavailable(target, verdict)
    if spent:
        times = "time" if so_far.lost == 1 else "times"
        seconds = f"{so_far.deadline.elapsed():.1f} s"
        raise Contended(
            f"lost the race for {target.shown} {so_far.lost} {times} in {seconds}; nothing was written",
            "run it again, give it longer with `--timeout`, or publish many images in one commit with `--from`",
        )


def _denied(target: Target, verdict: Verdict) -> Denied:
    found = access_error(verdict.words, target.shown)
    if isinstance(found, Denied):
        return found
    return Denied(f"{target.shown} denied the push: {verdict.words}", "check the rights of the key or token")


def _unavailable(target: Target, verdict: Verdict) -> TryAgain:
    if verdict.is_lock:
        return Contended(
            f"{target.shown} could not lock its branch; nothing was written: {verdict.words}",
            "run it again; if it stays so, a crash left a `.lock` file in the remote repository",
        )
    words = verdict.words or "the remote closed the connection"
    return Unreachable(
        f"the push to {target.shown} failed and nothing was written: {words}",
        "run it again; check the network and the remote's disk if it stays so",
    )


def _look(target: Target, so_far: Round, *, after_push: bool = False, whole: bool = False) -> str:
    """Return the tip, tried again within bounds: after a push it is worth more patience than before."""
    for left in reversed(range(FAILURES if after_push else 2)):
        try:
            return target.refresh(whole=whole)
        except Unreachable as error:
            if left and so_far.deadline.remaining() > 0:
                so_far.progress.detail(f"{error.message}; looking again")
                so_far.failed += 1
                so_far.pause()
                so_far.failed -= 1
                continue
            if after_push:
                error.message += "; the push before it may have landed or not"
                error.hint = (
                    "look with `ledger get`, or run it again: a publish is harmless if the record is already there"
                )
            raise
    raise AssertionError("unreachable")
