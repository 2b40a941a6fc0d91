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
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

from ledger_tool.core.names import shown
from ledger_tool.errors import Unreachable

CONNECT_SECONDS, READ_SECONDS = 10.0, 20.0
REQUEST_SECONDS = 60.0  # for one body, however slowly it comes
PATIENCE_SECONDS = 60.0  # the longest that a run waits at a registry's wish
TRIES = 4
REDIRECTS = 5
FAILURES_TO_BE_DOWN = 8
_TRANSIENT = {429, 500, 502, 503, 504}


class _Refused(requests.RequestException):
    """The host answered, and the answer is not taken; to ask again would not change it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: the status, its headers (names in any case) and the body, which is whole and bounded."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


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
        self._read_seconds = read_seconds
        self._request_seconds = request_seconds
        self._session = requests.Session()
        self._session.trust_env = False  # a ~/.netrc would override our own Authorization
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=jobs, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._verify: str | bool = ca_file or True
        self._lock = threading.Lock()
        self._open_at = 0.0
        self._failures = 0
        self._proxies: dict[tuple[str, str], dict[str, str]] = {}

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

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
            except _Refused as error:
                raise Unreachable(f"{self.origin}: {error}", "look at the registry, and at what is in front") from None
            except requests.RequestException as error:
                self._note_failure()
                if not left or isinstance(error, requests.exceptions.SSLError):
                    raise Unreachable(
                        f"{self.origin} did not answer: {_words(error)}", "check the registry, the network and the CA"
                    ) from None
                self._slow_down(self._backoff(left))
                continue
            if answer.status not in _TRANSIENT:
                self._failures = 0
                return answer
            wait = _retry_after(answer.headers.get("retry-after", ""))
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
        origin = _origin(url)
        for _ in range(REDIRECTS + 1):
            sent = dict(headers) | {"Accept-Encoding": "identity", "User-Agent": "ledger-tool"}
            if authorization and _origin(url) == origin:
                sent["Authorization"] = authorization
            answer = self._send(method, url, sent, limit, body)
            location = answer.headers.get("location", "")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return answer
            following = _target(url, location)
            if (body or method == "DELETE") and _origin(following) != origin:  # a form holds a credential
                raise _Refused("a redirect of a login or a write to another host is not followed")
            url = following
        raise _Refused(f"more than {REDIRECTS} redirects")

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], limit: int, body: Mapping[str, str] | bytes
    ) -> Answer:
        """Send one request without `requests`' own redirects, cookies and hooks, and read a bounded body."""
        deadline = time.monotonic() + self._request_seconds
        try:
            response = self._session.get_adapter(url).send(
                self._prepared(method, url, headers, body),
                stream=True,
                timeout=(CONNECT_SECONDS, self._read_seconds),
                verify=self._verify,
                proxies=self._proxies_for(url),
            )
        except (HTTPError, UnicodeError, requests.exceptions.InvalidURL):  # of a redirect, a `Link` or a realm
            raise _Refused("it names a URL that is none") from None
        lowered = {name.lower(): value for name, value in response.headers.items()}
        if method == "HEAD" or response.is_redirect:
            response.raw.release_conn() if method == "HEAD" else response.close()
            return Answer(response.status_code, lowered, b"", url)
        if lowered.get("content-encoding", "identity") != "identity":
            response.close()
            raise _Refused("the body is compressed, though we asked for it as it is")
        return Answer(response.status_code, lowered, _body(response, limit, deadline), url)

    def _prepared(
        self, method: str, url: str, headers: Mapping[str, str], body: Mapping[str, str] | bytes
    ) -> requests.PreparedRequest:
        """Return a request; for our own URLs without the parsing and encoding, a tenth of a look's time."""
        if body or not url.startswith(self.origin + "/"):
            data = body if isinstance(body, bytes) else dict(body)
            return requests.Request(method, url, headers=dict(headers), data=data or None).prepare()
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url, prepared.headers = method, url, CaseInsensitiveDict(headers)
        return prepared

    def _proxies_for(self, url: str) -> dict[str, str]:
        origin = _origin(url)
        if origin not in self._proxies:
            self._proxies[origin] = dict(get_environ_proxies(url))
        return self._proxies[origin]


def _body(response: requests.Response, limit: int, deadline: float) -> bytes:
    found = bytearray()
    try:
        # `read1` returns what has come; `read` would wait for all that was asked for, however slowly it comes
        while chunk := response.raw.read1(64 * 1024, decode_content=False):
            found += chunk
            if len(found) > limit:
                raise _Refused(f"the body is larger than {limit // 2**20} MiB")
            if time.monotonic() > deadline:
                raise _Refused("the body comes too slowly")
    except HTTPError as error:
        raise requests.exceptions.ConnectionError(error) from None
    finally:
        response.close()
    return bytes(found)


def _target(url: str, location: str) -> str:
    """Return where a redirect leads. Raises _Refused for what is no URL, and for a way from https to http."""
    try:
        following = urljoin(url, location)
        scheme, host = _origin(following)
    except ValueError:
        raise _Refused("a redirect to what is no URL is not followed") from None
    if scheme not in ("https", "http") or (scheme == "http" and url.startswith("https:")) or "@" in host:
        raise _Refused(f"a redirect to {shown(f'{scheme}://{host}')} is not followed")
    return following


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _retry_after(value: str) -> float | None:
    """Return the seconds of a `Retry-After` (RFC 9110 section 10.2.3: seconds or a date), or None for rubbish."""
    if value.isascii() and value.isdigit():
        return float(min(int(value[:9]), 10**8))
    try:
        moment = parsedate_to_datetime(value)
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _words(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    if isinstance(error, requests.Timeout):
        return "timed out"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy failed"
    if isinstance(error, requests.ConnectionError):
        return "the connection failed"
    return shown(str(error), 200)
