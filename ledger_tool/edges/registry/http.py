"""HTTP to one registry: bounded, patient, and careful with whom it tells a credential.

One `Host` serves all threads of a run. When a registry says that it is too much (429) or fails (5xx), the
whole host slows down, not one request; when it asks for more patience than a run has, or nothing answers,
everything that is still to come is told so at once. Redirects are followed by hand, without credentials.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from urllib.parse import urljoin

import requests

from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.http.client import (
    READ_SECONDS,
    REQUEST_SECONDS,
    TRANSIENT,
    Answer,
    Line,
    Refused,
    origin_of,
    retry_after,
    words,
)
from ledger_tool.errors import Unreachable

PATIENCE_SECONDS = 60.0  # the longest that a run waits at a registry's wish
TRIES = 4
REDIRECTS = 5
FAILURES_TO_BE_DOWN = 8


class Host:
    """A registry's origin, such as `https://registry.example.com`."""

    def __init__(
        self,
        origin: str,
        *,
        jobs: int,
        ca_file: str = "",
        sleep: Callable[[float], None] = time.sleep,
        read_seconds: float = READ_SECONDS,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self.origin = origin
        self._sleep = sleep
        self._line = Line(
            origin, jobs=jobs, ca_file=ca_file, read_seconds=read_seconds, request_seconds=request_seconds
        )
        self._lock = threading.Lock()
        self._open_at = 0.0
        self._failures = 0

    def close(self) -> None:
        """Close the connections."""
        self._line.close()

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        limit: int,
        authorization: str = "",
        body: Mapping[str, str] | bytes = b"",
    ) -> Answer:
        """Send a request, again while that may help, and return the answer to it, whatever its status.

        `body` is a form or bytes; `limit` bounds the answer's body in bytes; `authorization` goes to `url`'s own
        origin and to no other. Raises Unreachable where there is no answer, or none within our patience.
        """
        for left in reversed(range(TRIES)):
            self._wait_for_opening()
            try:
                answer = self._follow(method, url, headers, limit, authorization, body)
            except Refused as error:
                raise Unreachable(f"{self.origin}: {error}", "look at the registry, and at what is in front") from None
            except requests.RequestException as error:
                self._note_failure()
                if not left or isinstance(error, requests.exceptions.SSLError):
                    raise Unreachable(
                        f"{self.origin} did not answer: {words(error)}", "check the registry, the network and the CA"
                    ) from None
                self._slow_down(self._backoff(left))
                continue
            if answer.status not in TRANSIENT:
                self._failures = 0
                return answer
            wait = retry_after(answer.headers.get("retry-after", ""))
            if wait is None:
                wait = self._backoff(left)
            self._slow_down(wait)
            if not left or wait > PATIENCE_SECONDS:
                if answer.status in (429, 503):  # a storm that goes on is a host that is down, for this run
                    self._note_failure()
                return answer
        raise AssertionError("unreachable")

    def _wait_for_opening(self) -> None:
        with self._lock:
            wait, failures = self._open_at - time.monotonic(), self._failures
        if failures >= FAILURES_TO_BE_DOWN:
            raise Unreachable(f"{self.origin} fails or limits our rate all the time", "run it again later")
        if wait > PATIENCE_SECONDS:
            raise Unreachable(f"{self.origin} asks to be left alone for {wait:.0f} s", "run it again later")
        if wait > 0:
            self._sleep(wait + random.uniform(0.0, 0.25))  # noqa: S311 - jitter, not a secret

    def _slow_down(self, seconds: float) -> None:
        with self._lock:
            self._open_at = max(self._open_at, time.monotonic() + seconds)

    def _note_failure(self) -> None:
        with self._lock:
            self._failures += 1

    def _backoff(self, left: int) -> float:
        return random.uniform(0.0, 0.25 * 2.0 ** (TRIES - left))  # noqa: S311 - jitter, not a secret

    def _follow(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        limit: int,
        authorization: str,
        body: Mapping[str, str] | bytes,
    ) -> Answer:
        origin = origin_of(url)
        for _ in range(REDIRECTS + 1):
            sent = dict(headers)
            if authorization and origin_of(url) == origin:
                sent["Authorization"] = authorization
            answer = self._line.send(method, url, sent, limit=limit, data=body or None)
            if not answer.redirect:
                return answer
            following = _target(url, answer.redirect)
            if (body or method == "DELETE") and origin_of(following) != origin:  # a form holds a credential
                raise Refused("a redirect of a login or a write to another host is not followed")
            url = following
        raise Refused(f"more than {REDIRECTS} redirects")


def _target(url: str, location: str) -> str:
    """Return where a redirect leads. Raises Refused for what is no URL, and for a way from https to http."""
    try:
        following = urljoin(url, location)
        scheme, host = origin_of(following)
    except ValueError:
        raise Refused("a redirect to what is no URL is not followed") from None
    if scheme not in ("https", "http") or (scheme == "http" and url.startswith("https:")) or "@" in host:
        raise Refused(f"a redirect to {shown(f'{scheme}://{host}')} is not followed")
    return following
