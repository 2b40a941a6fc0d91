"""The time that a run has: one limit for all that it waits for, git, registries and forges, whatever they do."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

T = TypeVar("T")
USUAL_SECONDS = 120.0  # of git, if no limit is chosen


class Deadline:
    """The time limit of a whole run, `seconds` from now.

    One that a person has chosen (`--timeout`) is for everything. The usual one is git's: it also runs while a command
    asks registries, but does not end that, since to reconcile a large ledger may take an hour.
    """

    def __init__(self, seconds: float, *, is_chosen: bool = True) -> None:
        self.seconds = seconds
        self._is_chosen = is_chosen
        self._started = time.monotonic()
        self._end = self._started + seconds
        self._in_git = 0.0

    @property
    def of_hosts(self) -> Deadline:
        """The limit for hosts that are asked by HTTP."""
        return self if self._is_chosen else UNLIMITED

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return self.remaining() <= 0

    @contextmanager
    def in_git(self) -> Iterator[None]:
        """Count the time of this context as git's: a command, or a pause between two."""
        since = time.monotonic()
        try:
            yield
        finally:
            self._in_git += time.monotonic() - since

    @property
    def spent_elsewhere(self) -> str:
        """Where the time went, as the end of a message, if it is up and git had less than half of it; else `""`."""
        elsewhere = self.elapsed() - self._in_git
        if not self.is_over or elsewhere < self.elapsed() / 2:
            return ""
        return f": {elsewhere:.0f} of {self.elapsed():.0f} s had gone elsewhere, such as to registries"

    def remaining(self, at_least: float = 0.0) -> float:
        """Return the remaining seconds, never less than `at_least`."""
        return max(self._end - time.monotonic(), at_least)

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._started


UNLIMITED = Deadline(math.inf, is_chosen=False)


def usual_deadline() -> Deadline:
    """Return the deadline of a run for which no limit is chosen."""
    return Deadline(USUAL_SECONDS, is_chosen=False)


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return what `work` returns, or raise what it raises; TimeoutError if it has not ended after these seconds.

    It runs in a thread of its own, which is left behind then: what a library waits for (a name server, a host that
    sends a byte a second) cannot be ended from outside.
    """
    ended: SimpleQueue[tuple[bool, T | BaseException]] = SimpleQueue()

    def run() -> None:
        try:
            ended.put((True, work()))
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            ended.put((False, error))

    try:
        Thread(target=run, name="exchange", daemon=True).start()
    except RuntimeError:
        raise MemoryError from None
    try:
        is_done, result = ended.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if is_done:
        return result  # type: ignore[return-value]
    assert isinstance(result, BaseException)
    raise result
