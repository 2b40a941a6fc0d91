"""HTTP to one host, a registry or a forge: bounded, patient, and careful about who sees a credential.

One `Host` serves all threads of a run. If a host limits our rate (429) or fails (5xx), all requests to it slow down,
not just one; if it asks for more patience than a run has, or nothing answers, every later request is refused at once.
Redirects are followed here, not by `requests` (docs/adr/0015).
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
    """A request that must not be sent twice got no answer: it may have taken effect."""


class Host:
    """A host, reached through a `Line` to its origin or to the URL above everything.

    `name` is what messages call it, and `rate_limit` returns the seconds that an answer's rate limit asks us to wait,
    if more than 429 and `Retry-After` can say so. `backoff_seconds` limits the first random pause, `run_seconds` all
    pauses of a run. For a host that `stays`, only a GET follows redirects, and only within its origin.
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
        """Send a request, again while that may help, and return its answer, whatever its status.

        `limit` is the most bytes of the answer's body; `authorization` is sent to `url`'s own origin and to no other.
        `once` is for a request that must not happen twice: it is sent again only if the host said that nothing was
        done. Raises Unreachable if there is no answer within our patience, or Lost if a `once` request may have taken
        effect.
        """
        unanswered = Lost if once else Unreachable
        for tries_left in reversed(range(TRIES)):
            self._wait_for_opening()
            try:
                answer = self._follow(method, url, headers, limit, authorization, body)
            except AnswerRefused as error:
                raise unanswered(f"{self.name}: {error}", "check its address, and any proxy in front of it") from None
            except requests.RequestException as error:
                self._note_failure()
                is_untrusted = isinstance(error, requests.exceptions.SSLError)
                if once or is_untrusted or not tries_left:
                    kind = Unreachable if is_untrusted else unanswered
                    hint = "run it again; if that keeps failing, check the network, the proxy and the CA"
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
        """Make all requests wait for a random time, which grows with the number of tries."""
        longest = self._backoff_seconds * 2.0 ** (TRIES - 1 - tries_left)
        self._slow_down(random.uniform(0.0, longest))  # noqa: S311 - jitter, not a secret

    def _is_worth_waiting(self, answer: Answer, seconds: float | None, tries_left: int) -> bool:
        """Slow down after an answer that says that the host is busy; return whether to ask again."""
        if seconds is None:
            seconds = retry_after(answer.headers.get("retry-after", ""))
        is_too_long = seconds is not None and seconds > min(PATIENCE_SECONDS, self._run_seconds)
        if seconds is None:
            self.back_off(tries_left)
        else:
            self._slow_down(seconds)
        is_over = is_too_long or not tries_left
        if is_over and answer.status in (429, 503):  # a host that stays busy counts as down for this run
            self._note_failure()
        return not is_over

    def _wait_for_opening(self) -> None:
        with self._lock:
            seconds, failures = self._open_at - time.monotonic(), self._failures
        if failures >= FAILURES_TO_BE_DOWN:
            raise Unreachable(f"{self.name} keeps failing or limiting the rate of requests", "run it again later")
        if seconds > PATIENCE_SECONDS:
            raise Unreachable(f"{self.name} asks us to wait {seconds:.0f} s", "run it again later")
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
                # A form contains a credential, and so do the headers of a host that stays.
                if origin_of(target) != origin and (self._stays or body or method == "DELETE"):
                    raise AnswerRefused("a redirect of a login or a write to another host is not followed")
            except AnswerRefused:
                if self._stays:
                    return answer
                raise
            url = target
        raise AnswerRefused(f"more than {REDIRECTS} redirects")


def _target(url: str, location: str) -> str:
    """Return the target of a redirect. Raises AnswerRefused for a malformed URL, and for https to http."""
    try:
        target = urljoin(url, location)
        scheme, host = origin_of(target)
    except ValueError:
        raise AnswerRefused("a redirect to a malformed URL is not followed") from None
    if scheme not in ("https", "http") or (scheme == "http" and url.startswith("https:")) or "@" in host:
        raise AnswerRefused(f"a redirect to {shown(f'{scheme}://{host}')} is not followed")
    return target
