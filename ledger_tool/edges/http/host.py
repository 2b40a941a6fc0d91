"""HTTP to one host, a registry or a forge: bounded, patient, and careful about who sees a credential.

One `Host` serves all threads of a run. If a host limits our rate (429) or fails (5xx), all requests to it slow down,
not just one; if it asks for more patience than a run has, or nothing answers, every later request is refused at once.
Redirects are followed here, not by `requests` (docs/adr/0015). A host that one leads to, or that issues the tokens, has
patience of its own: a failing store of blobs does not make the registry look down.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
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
    Limits,
    Line,
    Origin,
    origin_of,
)
from ledger_tool.edges.http.failure import ELSEWHERE, REGISTRY, Cause, Setup, failure, is_lasting, is_unsent
from ledger_tool.edges.http.patience import LONGER, TRIES, Patience
from ledger_tool.edges.http.probe import PROBE_SECONDS, sharpened, speaks_tls
from ledger_tool.edges.waiting import waiting_for
from ledger_tool.errors import Denied, LedgerError, Unreachable

REDIRECTS = 5
_AGAIN = "run it again"
SILENCE_SECONDS = 30.0  # that one request waits for hosts that say nothing, in all its tries


class Lost(Unreachable):
    """A request that must not be sent twice got no answer: it may have taken effect."""


class TooLarge(Unreachable):
    """The answer is larger than the limit of its kind."""


class _Silence(Exception):
    """A request to an origin got no answer within `limits`; `detail` is what else is known of the cause."""

    def __init__(self, url: str, cause: Cause, detail: str, limits: Limits) -> None:
        super().__init__(url, cause, detail)
        self.limits = limits
        self.url = url
        self.origin = origin_of(url)
        self.cause = cause
        self.detail = detail


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
        self._rate_limit = rate_limit
        self._stays = stays
        self._setup = setup
        self._own = origin_of(line.origin)
        self._patience = Patience(line.deadline, sleep, backoff_seconds, run_seconds)
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
        keep: str = "",
    ) -> Answer:
        """Send a request, again while that may help, and return its answer, whatever its status.

        `limit` is the most bytes of the answer's body; `authorization` is sent to `url`'s own origin and to no other.
        `once` is for a request that must not happen twice: it is sent again only if the host said that nothing was
        done. A redirect to an address without `keep` leads to something else: it is an answer, and not followed.
        Raises Unreachable if there is no answer within our patience, Lost if a `once` request may have taken effect,
        and Denied if a proxy wants a login, or the host a client certificate.
        """
        unanswered = Lost if once else Unreachable
        self._patience.check_time(self.name)
        silent = SILENCE_SECONDS
        for tries_left in reversed(range(TRIES)):
            started = time.monotonic()
            try:
                with waiting_for(self.name):
                    answer = self._follow(method, url, headers, limit, authorization, body, silent, keep)
            except AnswerRefused as error:
                refused = TooLarge if isinstance(error, BodyTooLarge) and not once else unanswered
                raise refused(f"{self.name}: {error}", "check its address, and any proxy in front of it") from None
            except _Silence as silence:
                silent -= time.monotonic() - started
                is_final = once or is_lasting(silence.cause) or silence.cause is Cause.UNFINISHED
                if is_final or not tries_left or silent <= 0 or self._line.deadline.is_over:
                    raise self._unanswered(silence, unanswered) from None
                self._patience.back_off(silence.origin, tries_left)
                continue
            seconds = self._rate_limit(answer)
            if seconds is None and answer.status not in TRANSIENT:
                self._patience.note_answer(origin_of(answer.url))
                return answer
            if once and seconds is None and answer.status != 429:
                raise Lost(f"{self.name} answers {answer.status}", "run it again later")
            if not self._patience.is_worth_waiting(answer, seconds, tries_left):
                return answer
        raise AssertionError("unreachable")

    def is_own(self, answer: Answer) -> bool:
        """Return whether an answer is from this host itself, and not from another that a redirect led to."""
        return origin_of(answer.url) == self._own

    def back_off(self, tries_left: int = TRIES - 2) -> None:
        """Make all requests wait for a random time, which grows with the number of tries."""
        self._patience.back_off(self._own, tries_left)

    def _unanswered(self, silence: _Silence, kind: type[Unreachable]) -> LedgerError:
        """Return the error for a request without an answer, and keep its cause for those that are not sent after it."""
        setup = self._setup if silence.origin == self._own else ELSEWHERE
        route = self._line.route(silence.url, setup, silence.limits)
        told = failure(sharpened(silence.cause, route, self._probe_seconds), route, silence.detail)
        self._patience.keep_reason(silence.origin, told)
        message = f"{self._called(silence.origin)} did not answer: {told.says}"
        hint = told.hint
        if self._line.deadline.is_over:
            hint = hint.replace(_AGAIN, f"{_AGAIN}, or {LONGER}", 1) if _AGAIN in hint else f"{LONGER}; {hint}"
        if told.is_denied:
            return Denied(message, hint)
        return (Unreachable if is_unsent(silence.cause) else kind)(message, hint)

    @property
    def _probe_seconds(self) -> float:
        """How long to find out what a port speaks."""
        return min(PROBE_SECONDS, self._line.deadline.remaining())

    def _called(self, origin: Origin) -> str:
        """Return what messages call an origin."""
        return self.name if origin == self._own else f"{shown('://'.join(origin))}, where {self.name} sends us,"

    def _follow(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        limit: int,
        authorization: str,
        body: Body,
        silent_seconds: float,
        keep: str,
    ) -> Answer:
        first = origin_of(url)
        for _ in range(REDIRECTS + 1):
            origin = origin_of(url)
            limits = self._line.limits(silent_seconds)
            self._vet(url, origin, limits)
            self._patience.wait(origin, self._called(origin))
            sent = dict(headers)
            if authorization and origin == first:
                sent["Authorization"] = authorization
            answer = self._sent(method, url, sent, limit, body, limits)
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
            if keep not in target:
                return answer
            url = target
        raise AnswerRefused(f"more than {REDIRECTS} redirects")

    def _sent(
        self, method: str, url: str, headers: Mapping[str, str], limit: int, body: Body, limits: Limits
    ) -> Answer:
        """Send one request; an answer that only says that the way to the host is wrong is none."""
        try:
            answer = self._line.send(method, url, headers, limit=limit, limits=limits, data=body or None)
        except AnswerRefused:
            raise
        except requests.RequestException as error:
            silence = _Silence(url, *cause_of(error), limits)
        except TimeoutError:
            silence = _Silence(url, Cause.UNFINISHED, "", limits)
        else:
            if answer.status == 407 and self._line.route(url, self._setup).proxy:
                silence = _Silence(url, Cause.PROXY_LOGIN, "it answers 407", limits)
            elif answer.status == 400 and self._is_only_tls(url):
                silence = _Silence(url, Cause.ONLY_TLS, "", limits)
            else:
                return answer
        self._patience.note_failure(silence.origin)
        raise silence from None

    def _is_only_tls(self, url: str) -> bool:
        """Return whether plain HTTP is refused with an answer, as most servers do at a port for TLS."""
        origin = origin_of(url)
        if origin[0] != "http" or origin in self._plain:
            return False
        if speaks_tls(self._line.route(url, self._setup), self._probe_seconds):
            return True
        self._plain.add(origin)
        return False

    def _vet(self, url: str, origin: Origin, limits: Limits) -> None:
        """Raise AnswerRefused for another origin that this host must not send us to; see `why_internal`."""
        if origin in self._vetted:
            return
        host, own = (urlsplit(place).hostname or "" for place in (url, self.origin))
        reason = "" if is_plain_host(host) else "is not a plain host"
        try:
            places, own_places = ([host, *self._line.addresses(url)], [own, *self._line.addresses(self.origin)])
        except TimeoutError:
            raise _Silence(url, Cause.SILENT_NAME_SERVER, "", limits) from None
        reason = reason or why_internal(places, own_places)
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
