"""One HTTP request and its answer: bounded, and without what `requests` does on its own (see docs/adr/0015).

The sender, `edges.http.host`, decides about patience, redirects and credentials.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import HTTPError

from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.deadline import UNLIMITED, Deadline, within
from ledger_tool.edges.http.adapter import OriginAdapter
from ledger_tool.edges.http.failure import Route, Setup
from ledger_tool.edges.http.proxies import check_proxy, place_of, set_in
from ledger_tool.errors import UsageError

CONNECT_SECONDS = 10.0
_LEAST_SECONDS = 0.1  # a socket cannot be told to wait for no time
_GRACE = 0.5  # for what gives up by itself, and says why
TRANSIENT = {429, 500, 502, 503, 504}
Origin = tuple[str, str]
Body = bytes | Mapping[str, str]  # bytes, or the fields of a form


class AnswerRefused(requests.RequestException):
    """The host answered, but the answer is not accepted; asking again would not change it."""


class BodyTooLarge(AnswerRefused):
    """The body of the answer is larger than any that is expected."""


class Limits(NamedTuple):
    """How long one request may take, in seconds: to connect, with nothing said, and as a whole."""

    connect: float
    read: float
    whole: float


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: its status, its headers (names in lower case) and its body, which is complete and bounded."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def redirect(self) -> str:
        """The target of a redirect as the header has it, or `""`."""
        return self.headers.get("location", "") if self.status in (301, 302, 303, 307, 308) else ""


class Line:
    """A pool of connections that sends one request at a time, for several threads.

    `request_seconds` limits the time of one request, whatever its host does, and `deadline` that of all of them. Raises
    UsageError if the environment names a malformed proxy for `origin`.
    """

    def __init__(
        self,
        origin: str,
        *,
        jobs: int = 1,
        ca_file: str = "",
        read_seconds: float = 20.0,
        request_seconds: float = 60.0,
        deadline: Deadline = UNLIMITED,
    ) -> None:
        self.origin = origin
        self._read_seconds = read_seconds
        self._request_seconds = request_seconds
        self.deadline = deadline
        # Without a session of `requests`, since a ~/.netrc would override our own Authorization.
        self._own = OriginAdapter(origin, jobs=jobs)
        self._others = HTTPAdapter(pool_connections=4, pool_maxsize=jobs, max_retries=0)
        self._verify: str | bool = ca_file or True
        self._proxies = {origin_of(origin): _proxies_of(origin)}

    def close(self) -> None:
        """Close all connections."""
        self._own.close()
        self._others.close()

    def limits(self, silent_seconds: float) -> Limits:
        """Return how long the next request may take, where a host may say nothing for `silent_seconds`."""
        left = self.deadline.remaining(at_least=_LEAST_SECONDS)
        silent = max(min(silent_seconds, left), _LEAST_SECONDS)
        return Limits(min(CONNECT_SECONDS, silent), min(self._read_seconds, silent), min(self._request_seconds, left))

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        limit: int,
        limits: Limits,
        data: Body | None = None,
    ) -> Answer:
        """Send one request without `requests`' own redirects, cookies and hooks, and read a body of `limit` bytes.

        Raises requests.RequestException, AnswerRefused among them, TimeoutError if it is not answered as a whole within
        its `limits`, and UsageError for a malformed proxy.
        """

        def exchange() -> Answer:
            return self._exchange(method, url, headers, limit, limits, data)

        # Whoever waits for a daemon gives it up by itself (`commands.parallel`).
        if self.deadline is UNLIMITED and threading.current_thread().daemon:
            return exchange()
        return within(limits.whole + _GRACE, exchange)

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], limit: int, limits: Limits, data: Body | None
    ) -> Answer:
        until = time.monotonic() + limits.whole
        sent = dict(headers) | {"Accept-Encoding": "identity", "User-Agent": "ledger-tool"}
        is_own = url.startswith(self.origin + "/")
        if method == "HEAD" and is_own and not self._proxies_for(url):
            head = self._own.head(url, sent, silent_seconds=limits.read, until=until)
            if head:
                return Answer(head.status, head.headers, b"", url)
        try:
            adapter = self._own if is_own else self._others
            response = adapter.send(
                self._prepared(method, url, sent, data),
                stream=True,
                timeout=(limits.connect, limits.read),
                verify=self._verify,
                proxies=self._proxies_for(url),
            )
        except (HTTPError, UnicodeError, requests.exceptions.InvalidURL):  # from a redirect, a `Link` or a realm
            raise AnswerRefused("it names a malformed URL") from None
        lowered = {name.lower(): value for name, value in response.headers.items()}
        if method == "HEAD" or response.is_redirect:
            response.raw.release_conn() if method == "HEAD" else response.close()
            return Answer(response.status_code, lowered, b"", url)
        if lowered.get("content-encoding", "identity") != "identity":
            response.close()
            raise AnswerRefused("the body is compressed, although we did not ask for that")
        return Answer(response.status_code, lowered, _body(response, limit, until), url)

    def _prepared(
        self, method: str, url: str, headers: Mapping[str, str], data: Body | None
    ) -> requests.PreparedRequest:
        """Return a request; for our own URLs without parsing and encoding, which would be a tenth of its time."""
        if data is not None or not url.startswith(self.origin + "/"):
            return requests.Request(method, url, headers=dict(headers), data=data).prepare()
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url, prepared.headers = method, url, CaseInsensitiveDict(headers)
        return prepared

    def addresses(self, url: str) -> list[str]:
        """Return what the host of a URL resolves to here: nothing if a proxy resolves it, or if nobody can.

        Raises TimeoutError if the name server says nothing.
        """
        if self._proxies_for(url):
            return []
        seconds = self.deadline.remaining(at_least=_LEAST_SECONDS)
        try:
            infos = within(min(CONNECT_SECONDS, seconds), lambda: socket.getaddrinfo(urlsplit(url).hostname, None))
            return sorted({str(info[4][0]) for info in infos})
        except TimeoutError:
            raise
        except (OSError, UnicodeError):
            return []

    def route(self, url: str, setup: Setup, limits: Limits | None = None) -> Route:
        """Return how a URL's host is asked, and with which limits; `setup` says where a person sets that."""
        scheme, host = origin_of(url)
        proxy = self._proxies_for(url).get("all", "")
        return Route(
            scheme,
            host.rpartition("@")[2],
            setup,
            proxy=place_of(proxy) if proxy else "",
            proxy_from=set_in(proxy, os.environ) if proxy else "",
            connect_seconds=limits.connect if limits else 0.0,
            read_seconds=limits.read if limits else 0.0,
            whole_seconds=limits.whole if limits else 0.0,
        )

    def _proxies_for(self, url: str) -> dict[str, str]:
        origin = origin_of(url)
        if origin not in self._proxies:
            self._proxies[origin] = _proxies_of(url)
        return self._proxies[origin]


def _proxies_of(url: str) -> dict[str, str]:
    """Return the proxy of the environment for a URL, as `requests` takes it. Raises UsageError if it is malformed."""
    proxy = select_proxy(url, get_environ_proxies(url))
    if not proxy:
        return {}
    check_proxy(proxy, os.environ)
    return {"all": proxy}


def _body(response: requests.Response, limit: int, until: float) -> bytes:
    body = bytearray()
    try:
        # `read1` returns what has arrived; `read` would wait for the whole amount, however slowly it comes
        while chunk := response.raw.read1(64 * 1024, decode_content=False):
            body += chunk
            if len(body) > limit:
                raise BodyTooLarge(f"the body is larger than {limit // 2**20} MiB")
            if time.monotonic() > until:
                raise TimeoutError
    except HTTPError as error:
        raise requests.exceptions.ConnectionError(error) from None
    finally:
        response.close()
    return bytes(body)


def ca_of(given: str, environ: Mapping[str, str]) -> str:
    """Return the path of CA certificates, or `""` for those of `requests`. Raises UsageError if a file has none."""
    path = given or environ.get("REQUESTS_CA_BUNDLE", "") or environ.get("SSL_CERT_FILE", "")
    if not path or Path(path).is_dir():
        return path
    try:
        ssl.create_default_context(cafile=path)
    except OSError:
        raise UsageError(
            f"{shown(path, 300)} cannot be read as a file of CA certificates",
            "name a PEM file with `--ca-file` or REQUESTS_CA_BUNDLE",
        ) from None
    return path


@lru_cache(maxsize=1024)
def origin_of(url: str) -> Origin:
    """Return the scheme, and the host with its port if that is not the usual one (RFC 6454 section 4).

    A user name stays in front of the host. Raises ValueError for a malformed URL.
    """
    parts = urlsplit(url)
    usual = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return parts.scheme, parts.netloc.lower().removesuffix(usual or ":")


def retry_after(value: str) -> float | None:
    """Return the seconds of a `Retry-After` (RFC 9110 section 10.2.3: seconds or a date), or None if malformed."""
    if value.isascii() and value.isdigit():
        return float(min(int(value[:9]), 10**8))
    try:
        moment = parsedate_to_datetime(value)
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
