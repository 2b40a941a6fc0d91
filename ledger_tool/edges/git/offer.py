"""One offer of a commit to a ref, and one judgement of how it went: for every push, and for a local branch.

An offer is a compare-and-swap on the commit that the ref is expected to have. If it fails, the ref is looked up again,
and its state decides, not the text of the answer (`server_words` says why):

========================  =====================================================================
our commit is in the ref  it landed; only the answer was lost
the ref moved             another writer won; the caller decides what to do
the ref stayed            nothing was written: a broken connection or a lock is retried, within
                          bounds; a repeated refusal is final, and one that the server calls so is
                          final at once (`refusals`)
========================  =====================================================================

A deadline bounds the time. The pauses have full jitter (random between zero and a growing window), which lets many
writers through with few attempts.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from ledger_tool.edges.deadline import Deadline
from ledger_tool.edges.git.refusals import rule_in
from ledger_tool.edges.git.server_words import PushAnswer, PushStatus
from ledger_tool.errors import Contended, PushRefused, Unreachable

T = TypeVar("T")
REFUSALS = 3  # in a row, before a refusal is believed
FAILURES = 5  # in a row, before the remote is reported as broken
LONGEST_PAUSE = 30.0  # seconds
SHORTEST_ROUND = 0.05  # seconds


class Messages(Protocol):
    """Where a run reports its progress."""

    def note(self, text: str) -> None:
        """Show a note to everyone."""

    def detail(self, text: str) -> None:
        """Show a detail to users who asked for details."""


class Ref(Protocol):
    """A ref that commits can be offered to.

    `shown` is its address, fit for messages. `landed` begins a sentence about what landed, such as `the record is`.
    `refusal_hint` says what to do if the remote's rules refuse the commit.
    """

    landed: str
    refusal_hint: str

    @property
    def shown(self) -> str: ...  # noqa: D102

    def push(self, commit: str, expected: str) -> PushAnswer:
        """Move the ref from exactly `expected` (`""`: no such ref) to `commit`, or say how that failed."""

    def look(self, *, whole: bool = False) -> str:
        """Return the ref's commit id, just looked up, or `""` if there is no such ref. Raises TryAgain or Denied.

        `whole` also fetches what `contains` needs.
        """

    def contains(self, tip: str, commit: str) -> bool:
        """Return whether `commit` is in the history of `tip`, which `look(whole=True)` returned."""

    def deepen(self) -> bool:
        """Fetch the history that a shallow clone of ours lacks; return whether there was any."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long to keep trying, and where to report it; 0 attempts means as many as the time allows."""

    deadline: Deadline
    messages: Messages
    max_attempts: int = 0


@dataclass
class Attempts:
    """The offers of one write so far, and the waiting in between."""

    bounds: Bounds
    made: int = 0
    lost: int = 0
    refused: int = 0
    failed: int = 0
    _busy: float = 0.0  # seconds spent on attempts, pauses not counted
    _since: float = field(init=False)

    def __post_init__(self) -> None:
        self._since = self.bounds.deadline.elapsed()

    @property
    def spent(self) -> bool:
        """Whether no further attempt may be made."""
        return self.bounds.deadline.remaining() <= 0 or self.made == self.bounds.max_attempts

    def pause(self, more: int = 0) -> None:
        """Sleep for a random part of a window: twice the mean time of an attempt, a fifth more with each failure.

        Simulated for 2 to 64 writers, on one machine and each on its own: a narrower window multiplies the attempts of
        64, a wider or faster growing one makes 4 or 16 wait needlessly.
        """
        deadline = self.bounds.deadline
        self._busy += deadline.elapsed() - self._since
        failures = min(self.lost + self.refused + self.failed + more, 16)
        mean = self._busy / max(self.made, 1)
        window = min(LONGEST_PAUSE, 2.0 * max(mean, SHORTEST_ROUND) * 1.2**failures, deadline.remaining())
        with deadline.in_git():
            time.sleep(random.uniform(0.0, window))  # noqa: S311 - jitter, not a secret
        self._since = deadline.elapsed()

    def look(self, look: Callable[[], T], tries: int = 2) -> T:
        """Return the result of `look`, repeated within bounds while the remote cannot be reached."""
        for tries_left in reversed(range(tries)):
            try:
                return look()
            except Unreachable as error:
                if not tries_left or self.bounds.deadline.remaining() <= 0:
                    raise
                self.bounds.messages.detail(f"{error.message}; trying again")
                self.pause(more=1)
        raise AssertionError("unreachable")


def offer(ref: Ref, commit: str, expected: str, attempts: Attempts) -> str | None:
    """Move a ref from exactly `expected` (`""`: no such ref) to `commit`; see the module's docstring.

    Return None once the commit has landed, or the commit that the ref has moved to (`""`: it is gone). Raises
    PushRefused, Denied, Unreachable, or Contended for a ref that stays locked; then nothing was written, unless the
    message says that the outcome is unknown.
    """
    may_have_landed = False
    while commit != expected:
        attempts.made += 1
        answer = ref.push(commit, expected)
        if answer.status is PushStatus.LANDED:
            return None
        attempts.pause()
        # A server that refuses a commit did not take it; one that breaks off may have, then or later.
        may_have_landed = may_have_landed or answer.status is not PushStatus.REJECTED
        now, has_landed = _look_after(ref, commit, expected, attempts, whole=may_have_landed)
        if has_landed:
            attempts.bounds.messages.note(
                f"note: the push reported an error, but {ref.landed} in the branch as {commit[:12]}"
            )
            return None
        moved = now != expected
        why = "another writer was first" if moved else answer.words or answer.status.value
        attempts.bounds.messages.detail(f"attempt {attempts.made} did not land: {why}")
        if answer.refusal and not (not moved and _is_about_history(answer, attempts) and _deepened(ref, attempts)):
            raise answer.refusal.error(ref.shown, answer.words)
        if moved:
            attempts.lost, attempts.refused, attempts.failed = attempts.lost + 1, 0, 0
            return now
        _count_failure(ref, answer, attempts)
        if not answer.refusal and _is_about_history(answer, attempts):
            _deepened(ref, attempts)
    return None


def _is_about_history(answer: PushAnswer, attempts: Attempts) -> bool:
    """Return whether a push may have failed because a shallow clone lacks history: some servers do not say so."""
    is_vague = answer.refusal is not None and answer.refusal.is_vague
    return answer.is_about_history or is_vague or (answer.refusal is None and attempts.failed > 1)


def _deepened(ref: Ref, attempts: Attempts) -> bool:
    """Fetch the history that a shallow clone lacks; return whether there was any."""
    if not ref.deepen():
        return False
    attempts.bounds.messages.detail("fetched the whole history, since some servers take no push without it")
    return True


def offer_once(ref: Ref, commit: str, expected: str, bounds: Bounds) -> None:
    """Offer a commit that cannot be rebuilt on a moved ref: if another writer wins, this raises Contended."""
    if offer(ref, commit, expected, Attempts(bounds)) is not None:
        raise Contended(
            f"somebody else moved or deleted {ref.shown} in the meantime; nothing was written", "run it again"
        )


def _look_after(ref: Ref, commit: str, expected: str, attempts: Attempts, *, whole: bool) -> tuple[str, bool]:
    """Return the ref's commit after a push, and whether ours is in it, with more tries than before a push."""

    def look() -> tuple[str, bool]:
        now = ref.look(whole=whole)
        return now, now == commit or (whole and now != expected and ref.contains(now, commit))

    try:
        return attempts.look(look, FAILURES)
    except Unreachable as error:
        raise type(error)(
            f"{error.message}; it is unknown whether the push before it landed",
            "check the branch, or run it again: that is harmless if the push landed",
        ) from None


def _count_failure(ref: Ref, answer: PushAnswer, attempts: Attempts) -> None:
    """Count an offer that failed while the ref stayed the same. Raises if no further one may be made."""
    if answer.status is PushStatus.REJECTED and not answer.is_lock:
        attempts.refused += 1
        hint = rule_in(answer.words)
        if hint is not None and not answer.is_about_history:
            raise PushRefused(f"{ref.shown} refused the push: {answer.words}", hint or ref.refusal_hint)
    else:
        attempts.failed += 1
    if attempts.refused >= REFUSALS or (attempts.spent and attempts.refused):
        raise PushRefused(f"{ref.shown} refused the push: {answer.words}", ref.refusal_hint)
    if attempts.failed < FAILURES and not attempts.spent:
        return
    words = answer.words or "the remote closed the connection"
    if answer.is_lock:
        raise Contended(
            f"{ref.shown} could not lock its branch; nothing was written: {words}",
            "run it again; if that keeps failing, a crash left a `.lock` file in the remote repository",
        )
    raise Unreachable(
        f"the push to {ref.shown} failed and nothing was written: {words}",
        "run it again; if that keeps failing, check the network and the remote's disk",
    )
