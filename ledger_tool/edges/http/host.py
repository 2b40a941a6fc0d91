"""HTTP to one host, a registry or a forge: bounded, patient, and careful about who sees a credential.

One `Host` serves all threads of a run. If a host limits our rate (429) or fails (5xx), all requests to it slow down,
not just one; if it asks for more patience than a run has, or nothing answers, every later request is refused at once.
Redirects are followed here, not by `requests` (docs/adr/0015). A host that one leads to, or that issues the tokens, has
patience of its own: a failing store of blobs does not make the registry look down.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urldefrag, urljoin, urlsplit

import requests

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.registry.address import is_plain_host, why_internal
from ledger_tool.edges.http.causes import cause_of
from ledger_tool.edges.http.client import (
    TRANSIENT,
    Answer,
    AnswerRefused,
    Body,
    BodyTooLarge,
    Line,
    origin_of,
    retry_after,
)
from ledger_tool.edges.http.failure import ELSEWHERE, REGISTRY, Cause, Failure, Setup, failure, is_lasting, is_unsent
from ledger_tool.edges.http.probe import sharpened, speaks_tls
from ledger_tool.edges.waiting import waiting_for
from ledger_tool.errors import Denied, LedgerError, Unreachable

PATIENCE_SECONDS = 60.0  # the longest single wait that a host may ask for
TRIES = 4
REDIRECTS = 5
FAILURES_TO_BE_DOWN = 8
Origin = tuple[str, str]


class Lost(Unreachable):
    """A request that must not be sent twice got no answer: it may have taken effect."""


class TooLarge(Unreachable):
    """The answer is larger than the limit of its kind."""


class _Silence(Exception):
    """A request to an origin got no answer; `detail` is what else is known of the cause."""

    def __init__(self, url: str, cause: Cause, detail: str = "") -> None:
        super().__init__(url, cause, detail)
        self.url = url
        self.origin = origin_of(url)
        self.cause = cause
        self.detail = detail


@dataclass(slots=True)
class _Patience:
    """What the answers of one origin ask of all threads."""

    open_at: float = 0.0
    failures: int = 0  # in a row
    last: Failure | None = None
    limits: bool = False  # a 429 outlasted our patience


class Host:
    """A host, reached through a `Line` to its origin or to the URL above everything.

    `name` is what messages call it, and `rate_limit` returns the seconds that an answer's rate limit asks us to wait,
    if more than 429 and `Retry-After` can say so. `backoff_seconds` limits the first random pause, `run_seconds` all
    pauses of a run. For a host that `stays`, only a GET follows redirects, and only within its origin. `setup` says
    where a person sets how it is reached.
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
        setup: Setup = REGISTRY,
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
        self._setup = setup
        self._lock = threading.Lock()
        self._own = origin_of(line.origin)
        self._patience: dict[Origin, _Patience] = {}
        self._vetted: set[Origin] = {self._own}
        self._plain: set[Origin] = set()  # seen not to speak TLS

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
        done. Raises Unreachable if there is no answer within our patience, Lost if a `once` request may have taken
        effect, and Denied if a proxy wants a login, or the host a client certificate.
        """
        unanswered = Lost if once else Unreachable
        for tries_left in reversed(range(TRIES)):
            try:
                with waiting_for(self.name):
                    answer = self._follow(method, url, headers, limit, authorization, body)
            except AnswerRefused as error:
                refused = TooLarge if isinstance(error, BodyTooLarge) and not once else unanswered
                raise refused(f"{self.name}: {error}", "check its address, and any proxy in front of it") from None
            except _Silence as silence:
                if once or is_lasting(silence.cause) or not tries_left:
                    raise self._unanswered(silence, unanswered) from None
                self._back_off(silence.origin, tries_left)
                continue
            seconds = self._rate_limit(answer)
            if seconds is None and answer.status not in TRANSIENT:
                self._of(origin_of(answer.url)).failures = 0
                return answer
            if once and seconds is None and answer.status != 429:
                raise Lost(f"{self.name} answers {answer.status}", "run it again later")
            if not self._is_worth_waiting(answer, seconds, tries_left):
                return answer
        raise AssertionError("unreachable")

    def is_own(self, answer: Answer) -> bool:
        """Return whether an answer is from this host itself, and not from another that a redirect led to."""
        return origin_of(answer.url) == self._own

    def back_off(self, tries_left: int) -> None:
        """Make all requests wait for a random time, which grows with the number of tries."""
        self._back_off(self._own, tries_left)

    def _back_off(self, origin: Origin, tries_left: int) -> None:
        longest = self._backoff_seconds * 2.0 ** (TRIES - 1 - tries_left)
        self._slow_down(origin, random.uniform(0.0, longest))  # noqa: S311 - jitter, not a secret

    def _unanswered(self, silence: _Silence, kind: type[Unreachable]) -> LedgerError:
        """Return the error for a request without an answer, and keep its cause for those that are not sent after it."""
        route = self._line.route(silence.url, self._setup if silence.origin == self._own else ELSEWHERE)
        told = failure(sharpened(silence.cause, route), route, silence.detail)
        self._of(silence.origin).last = told
        message = f"{self._called(silence.origin)} did not answer: {told.says}"
        if told.is_denied:
            return Denied(message, told.hint)
        return (Unreachable if is_unsent(silence.cause) else kind)(message, told.hint)

    def _called(self, origin: Origin) -> str:
        """Return what messages call an origin."""
        return self.name if origin == self._own else f"{shown('://'.join(origin))}, where {self.name} sends us,"

    def _of(self, origin: Origin) -> _Patience:
        return self._patience.setdefault(origin, _Patience())

    def _is_worth_waiting(self, answer: Answer, seconds: float | None, tries_left: int) -> bool:
        """Slow down after an answer that says that the host is busy; return whether to ask again."""
        origin = origin_of(answer.url)
        if seconds is None:
            seconds = retry_after(answer.headers.get("retry-after", ""))
        is_too_long = seconds is not None and seconds > min(PATIENCE_SECONDS, self._run_seconds)
        if seconds is None:
            self._back_off(origin, tries_left)
        else:
            self._slow_down(origin, seconds)
        is_over = is_too_long or not tries_left
        if is_over and answer.status == 429:
            self._of(origin).limits = True
        elif is_over and answer.status == 503:  # a host that stays busy counts as down for this run
            self._note_failure(origin)
        return not is_over

    def _wait_for_opening(self, origin: Origin) -> None:
        with self._lock:
            patience = self._of(origin)
            seconds, failures, limits = patience.open_at - time.monotonic(), patience.failures, patience.limits
        if failures >= FAILURES_TO_BE_DOWN:
            reason, hint = (f": {patience.last.says}", patience.last.hint) if patience.last else ("", "")
            raise Unreachable(f"{self._called(origin)} keeps failing{reason}", hint or "run it again later")
        if seconds > PATIENCE_SECONDS:
            raise Unreachable(f"{self._called(origin)} asks us to wait {seconds:.0f} s", "run it again later")
        if limits:
            message = f"{self._called(origin)} keeps limiting the rate of requests (429)"
            raise Unreachable(message, "run it again later, or with fewer `--jobs`")
        if seconds > 0:
            self._sleep(seconds + random.uniform(0.0, 0.25))  # noqa: S311 - jitter, not a secret

    def _slow_down(self, origin: Origin, seconds: float) -> None:
        with self._lock:
            patience, now = self._of(origin), time.monotonic()
            open_at = max(patience.open_at, now + seconds)
            self._run_seconds -= open_at - max(patience.open_at, now)
            patience.open_at = open_at

    def _note_failure(self, origin: Origin) -> None:
        with self._lock:
            self._of(origin).failures += 1

    def _follow(
        self, method: str, url: str, headers: Mapping[str, str], limit: int, authorization: str, body: Body
    ) -> Answer:
        first = origin_of(url)
        for _ in range(REDIRECTS + 1):
            origin = origin_of(url)
            self._vet(url, origin)
            self._wait_for_opening(origin)
            sent = dict(headers)
            if authorization and origin == first:
                sent["Authorization"] = authorization
            answer = self._sent(method, url, sent, limit, body)
            if not answer.redirect or (self._stays and method != "GET"):
                return answer
            try:
                target = _target(url, answer.redirect)
                # A form contains a credential, and so do the headers of a host that stays.
                if origin_of(target) != first and (self._stays or body or method == "DELETE"):
                    raise AnswerRefused("a redirect of a login or a write to another host is not followed")
            except AnswerRefused:
                if self._stays:
                    return answer
                raise
            url = target
        raise AnswerRefused(f"more than {REDIRECTS} redirects")

    def _sent(self, method: str, url: str, headers: Mapping[str, str], limit: int, body: Body) -> Answer:
        """Send one request; an answer that only says that the way to the host is wrong is none."""
        try:
            answer = self._line.send(method, url, headers, limit=limit, data=body or None)
        except AnswerRefused:
            raise
        except requests.RequestException as error:
            silence = _Silence(url, *cause_of(error))
        else:
            if answer.status == 407 and self._line.route(url, self._setup).proxy:
                silence = _Silence(url, Cause.PROXY_LOGIN, "it answers 407")
            elif answer.status == 400 and self._is_only_tls(url):
                silence = _Silence(url, Cause.ONLY_TLS)
            else:
                return answer
        self._note_failure(silence.origin)
        raise silence from None

    def _is_only_tls(self, url: str) -> bool:
        """Return whether plain HTTP is refused with an answer, as most servers do at a port for TLS."""
        origin = origin_of(url)
        if origin[0] != "http" or origin in self._plain:
            return False
        if speaks_tls(self._line.route(url, self._setup)):
            return True
        self._plain.add(origin)
        return False

    def _vet(self, url: str, origin: Origin) -> None:
        """Raise AnswerRefused for another origin that this host must not send us to; see `why_internal`."""
        if origin in self._vetted:
            return
        host, own = (urlsplit(place).hostname or "" for place in (url, self.origin))
        reason = "" if is_plain_host(host) else "is not a plain host"
        reason = reason or why_internal([host, *self._line.addresses(url)], [own, *self._line.addresses(self.origin)])
        if reason:
            raise AnswerRefused(f"{shown('://'.join(origin))}, where it sends us, {reason}")
        self._vetted.add(origin)


def _target(url: str, location: str) -> str:
    """Return the target of a redirect. Raises AnswerRefused for a malformed URL, and for https to http."""
    try:
        target = urldefrag(urljoin(url, location)).url
        scheme, host = origin_of(target)
    except ValueError:
        raise AnswerRefused("a redirect to a malformed URL is not followed") from None
    if scheme not in ("https", "http") or (scheme == "http" and url.startswith("https:")) or "@" in host:
        raise AnswerRefused(f"a redirect to {shown(f'{scheme}://{host}')} is not followed")
    return target
