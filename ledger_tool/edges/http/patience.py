"""One patience with the hosts of a run, for all its threads: when each may be asked again, and when it no longer is."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ledger_tool.edges.deadline import Deadline
from ledger_tool.edges.http.client import Answer, Origin, origin_of, retry_after
from ledger_tool.edges.http.failure import Failure
from ledger_tool.errors import Unreachable

PATIENCE_SECONDS = 60.0  # the longest single wait that a host may ask for
TRIES = 4
FAILURES_TO_BE_DOWN = 8
LONGER = "give it longer with `--timeout`"


@dataclass(slots=True)
class _State:
    """What the answers of one origin ask of all threads."""

    open_at: float = 0.0
    failures: int = 0  # in a row
    last: Failure | None = None
    limits: bool = False  # a 429 outlasted our patience


class Patience:
    """How long a host and those that it sends us to are waited for.

    `backoff_seconds` limits the first random pause, `run_seconds` all pauses, and `deadline` everything.
    """

    def __init__(
        self, deadline: Deadline, sleep: Callable[[float], None], backoff_seconds: float, run_seconds: float
    ) -> None:
        self._deadline = deadline
        self._sleep = sleep
        self._backoff_seconds = backoff_seconds
        self._run_seconds = run_seconds
        self._lock = threading.Lock()
        self._states: dict[Origin, _State] = {}

    def check_time(self, called: str) -> None:
        """Raise Unreachable, with what messages call a host, if there is no time to ask it."""
        if self._deadline.is_over:
            limit = self._deadline.seconds
            raise Unreachable(f"{called} was not asked: the {limit:g} s of `--timeout` are over", LONGER)

    def wait(self, origin: Origin, called: str) -> None:
        """Wait until an origin may be asked. Raises Unreachable if that is not in this run."""
        with self._lock:
            state = self._of(origin)
            seconds, failures, limits = state.open_at - time.monotonic(), state.failures, state.limits
        if failures >= FAILURES_TO_BE_DOWN:
            reason, hint = (f": {state.last.says}", state.last.hint) if state.last else ("", "")
            raise Unreachable(f"{called} keeps failing{reason}", hint or "run it again later")
        if seconds > PATIENCE_SECONDS:
            raise Unreachable(f"{called} asks us to wait {seconds:.0f} s", "run it again later")
        if limits:
            message = f"{called} keeps limiting the rate of requests (429)"
            raise Unreachable(message, "run it again later, or with fewer `--jobs`")
        if seconds > 0:
            seconds += random.uniform(0.0, 0.25)  # noqa: S311 - jitter, not a secret
            self._sleep(min(seconds, self._deadline.remaining()))
            self.check_time(called)

    def is_worth_waiting(self, answer: Answer, seconds: float | None, tries_left: int) -> bool:
        """Slow down after an answer that says that the host is busy; return whether to ask again.

        `seconds` is how long its rate limit asks us to wait, if that is known.
        """
        origin = origin_of(answer.url)
        if seconds is None:
            seconds = retry_after(answer.headers.get("retry-after", ""))
        left = self._deadline.remaining()
        is_too_long = seconds is not None and seconds > min(PATIENCE_SECONDS, self._run_seconds, left)
        if seconds is None:
            self.back_off(origin, tries_left)
        else:
            self._slow_down(origin, seconds)
        is_over = is_too_long or not tries_left or left <= 0
        if is_over and answer.status == 429:
            self._of(origin).limits = True
        elif is_over and answer.status == 503:  # a host that stays busy counts as down for this run
            self.note_failure(origin)
        return not is_over

    def back_off(self, origin: Origin, tries_left: int) -> None:
        """Make all requests to an origin wait for a random time, which grows with the number of tries."""
        longest = self._backoff_seconds * 2.0 ** (TRIES - 1 - tries_left)
        self._slow_down(origin, random.uniform(0.0, longest))  # noqa: S311 - jitter, not a secret

    def note_answer(self, origin: Origin) -> None:
        """Take note that an origin works."""
        self._of(origin).failures = 0

    def note_failure(self, origin: Origin) -> None:
        """Count a failure of an origin."""
        with self._lock:
            self._of(origin).failures += 1

    def keep_reason(self, origin: Origin, told: Failure) -> None:
        """Keep why an origin failed, for the requests that are not sent after it."""
        self._of(origin).last = told

    def _of(self, origin: Origin) -> _State:
        return self._states.setdefault(origin, _State())

    def _slow_down(self, origin: Origin, seconds: float) -> None:
        with self._lock:
            state, now = self._of(origin), time.monotonic()
            open_at = max(state.open_at, now + seconds)
            self._run_seconds -= open_at - max(state.open_at, now)
            state.open_at = open_at
