"""HTTP to one host, a registry or a forge: bounded, patient, and careful with whom it shows a credential.

One `Host` serves all threads of a run. When a host limits our rate (429) or fails (5xx), all requests to it slow down,
not just one; when it asks for more patience than a run has, or nothing answers, every request that is still to come
is refused at once. Redirects are followed by hand (docs/adr/0015).
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from urllib.parse import urljoin

import requests

from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.http.client import TRANSIENT, Answer, AnswerRefused, Body, Line, origin_of, retry_after, words
from ledger_tool.errors import Unreachable

PATIENCE_SECONDS = 60.0  # the longest single wait that a host may ask for
TRIES = 4
REDIRECTS = 5
FAILURES_TO_BE_DOWN = 8


class Lost(Unreachable):
    """Nobody answered a request that must not be sent twice: it may have taken effect."""


class Host:
    """A host, reached by a `Line` to its origin or to a URL below which everything lies.

    `name` is what messages call it, and `rate_limit` returns the seconds that an answer's rate limit asks us to wait,
    where more than 429 and `Retry-After` says so. `backoff_seconds` bounds the first random pause, `run_seconds` all
    pauses of a run. A host that `stays` has a redirect followed by GET alone, and within its origin.
    """

    def __init__(
        self,
        line: Line,
        *,
        name: str = "",
        sleep: Callable[[float], None] = time.sleep,
        rate_limit: Callable[[Answer], float | None] = lambda _: None,
        backoff_seconds: float = 0.5,
        run_seconds: float = math.inf,
        stays: bool = False,
    ) -> None:
        self.origin = line.origin
        self.name = name or line.origin
        self.close = line.close
        self._line = line
        self._sleep = sleep
        self._rate_limit = rate_limit
        self._backoff_seconds = backoff_seconds
        self._run_seconds = run_seconds
        self._stays = stays
        self._lock = threading.Lock()
        self._open_at = 0.0
        self._failures = 0

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        limit: int,
        authorization: str = "",
        body: Body = b"",
        once: bool = False,
    ) -> Answer:
        """Send a request, again while that may help, and return the answer to it, whatever its status.

        `limit` bounds the answer's body in bytes; `authorization` goes to `url`'s own origin and to no other. `once` is
        for what must not happen twice: it is only sent again where the host said that nothing was done. Raises
        Unreachable where there is no answer, or none within our patience; then Lost where `once` leaves it open whether
        the request took effect.
        """
        unanswered = Lost if once else Unreachable
        for tries_left in reversed(range(TRIES)):
            self._wait_for_opening()
            try:
                answer = self._follow(method, url, headers, limit, authorization, body)
            except AnswerRefused as error:
                raise unanswered(f"{self.name}: {error}", "check its address, and what is in front of it") from None
            except requests.RequestException as error:
                self._note_failure()
                is_untrusted = isinstance(error, requests.exceptions.SSLError)
                if once or is_untrusted or not tries_left:
                    kind = Unreachable if is_untrusted else unanswered
                    hint = "run it again; check the network, the proxy and the CA if it keeps failing"
                    raise kind(f"{self.name} did not answer: {words(error)}", hint) from None
                self.back_off(tries_left)
                continue
            seconds = self._rate_limit(answer)
            if seconds is None and answer.status not in TRANSIENT:
                self._failures = 0
                return answer
            if once and seconds is None and answer.status != 429:
                raise Lost(f"{self.name} answers {answer.status}", "run it again later")
            if not self._is_worth_waiting(answer, seconds, tries_left):
                return answer
        raise AssertionError("unreachable")

    def back_off(self, tries_left: int) -> None:
        """Have all requests wait for a random time, which grows with the tries that were made."""
        longest = self._backoff_seconds * 2.0 ** (TRIES - 1 - tries_left)
        self._slow_down(random.uniform(0.0, longest))  # noqa: S311 - jitter, not a secret

    def _is_worth_waiting(self, answer: Answer, seconds: float | None, tries_left: int) -> bool:
        """Slow the host down after an answer that says that it is busy; return whether to ask again."""
        if seconds is None:
            seconds = retry_after(answer.headers.get("retry-after", ""))
        is_too_long = seconds is not None and seconds > min(PATIENCE_SECONDS, self._run_seconds)
        if seconds is None:
            self.back_off(tries_left)
        else:
            self._slow_down(seconds)
        is_over = is_too_long or not tries_left
        if is_over and answer.status in (429, 503):  # a storm that goes on is a host that is down, for this run
            self._note_failure()
        return not is_over

    def _wait_for_opening(self) -> None:
        with self._lock:
            seconds, failures = self._open_at - time.monotonic(), self._failures
        if failures >= FAILURES_TO_BE_DOWN:
            raise Unreachable(f"{self.name} keeps failing or limiting our rate", "run it again later")
        if seconds > PATIENCE_SECONDS:
            raise Unreachable(f"{self.name} asks us to wait for {seconds:.0f} s", "run it again later")
        if seconds > 0:
            self._sleep(seconds + random.uniform(0.0, 0.25))  # noqa: S311 - jitter, not a secret

    def _slow_down(self, seconds: float) -> None:
        with self._lock:
            now = time.monotonic()
            open_at = max(self._open_at, now + seconds)
            self._run_seconds -= open_at - max(self._open_at, now)
            self._open_at = open_at

    def _note_failure(self) -> None:
        with self._lock:
            self._failures += 1

    def _follow(
        self, method: str, url: str, headers: Mapping[str, str], limit: int, authorization: str, body: Body
    ) -> Answer:
        origin = origin_of(url)
        for _ in range(REDIRECTS + 1):
            sent = dict(headers)
            if authorization and origin_of(url) == origin:
                sent["Authorization"] = authorization
            answer = self._line.send(method, url, sent, limit=limit, data=body or None)
            if not answer.redirect or (self._stays and method != "GET"):
                return answer
            try:
                target = _target(url, answer.redirect)
                # A form holds a credential, and so do the headers of a host that stays.
                if origin_of(target) != origin and (self._stays or body or method == "DELETE"):
                    raise AnswerRefused("a redirect of a login or a write to another host is not followed")
            except AnswerRefused:
                if self._stays:
                    return answer
                raise
            url = target
        raise AnswerRefused(f"more than {REDIRECTS} redirects")


def _target(url: str, location: str) -> str:
    """Return where a redirect leads. Raises AnswerRefused for a malformed URL, and for a way from https to http."""
    try:
        target = urljoin(url, location)
        scheme, host = origin_of(target)
    except ValueError:
        raise AnswerRefused("a redirect to a malformed URL is not followed") from None
    if scheme not in ("https", "http") or (scheme == "http" and url.startswith("https:")) or "@" in host:
        raise AnswerRefused(f"a redirect to {shown(f'{scheme}://{host}')} is not followed")
    return target
