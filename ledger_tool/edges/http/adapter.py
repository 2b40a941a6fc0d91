"""Sending to one origin over and over, without what `requests` works out anew for each request.

A reconcile sends thousands of HEADs to one host, and half of their time would go into parsing the same URL, choosing
the same pool, checking the same CA file and looking for cookies that nobody reads.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from requests import ConnectionError as NoConnection
from requests import PreparedRequest, ReadTimeout, Response
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from ledger_tool.edges.http.heads import Dropped, HeadAnswer, Unusual, exchange, head_request


class OriginAdapter(HTTPAdapter):
    """Sends requests to one origin, with the same CA and the same proxy each time, over at most `jobs` connections.

    `origin` may have a path, the URL above everything: a forge's API has one.
    """

    def __init__(self, origin: str, *, jobs: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=jobs, max_retries=0)
        scheme, host = urlsplit(origin)[:2]
        self._in_front = len(f"{scheme}://{host}")  # of the path
        self._pool: Any = None
        self._is_verified = False
        self._is_usual = True  # so far, in its answers to HEAD

    def get_connection_with_tls_context(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the origin's pool of connections."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(request, *args, **kwargs)
        return self._pool

    def cert_verify(self, conn: Any, *args: Any) -> None:
        """Prepare the pool for TLS."""
        if not self._is_verified:
            super().cert_verify(conn, *args)  # type: ignore[no-untyped-call]
            self._is_verified = True

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        """Return what to ask for: the path, except of a proxy for plain HTTP."""
        return super().request_url(request, proxies) if proxies else str(request.url)[self._in_front :]

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """Return a response without cookies and history."""
        response = Response()
        response.status_code, response.headers = resp.status, CaseInsensitiveDict(resp.headers)
        response.raw, response.url, response.request = resp, str(req.url), req
        return response

    def head(self, url: str, headers: Mapping[str, str], *, silent_seconds: float, until: float) -> HeadAnswer | None:
        """Return the answer to a HEAD without a proxy, None if it has to be sent as any other request.

        That is so as long as no connection is open, and if what is asked or answered is not of the usual form: a HEAD
        may be sent twice. Raises requests.RequestException, and TimeoutError at `until`. See `edges.http.heads`.
        """
        if self._pool is None or not self._is_usual:
            return None
        connection = self._pool._get_conn()
        keeps = False
        try:
            port = None if connection.port == connection.default_port else connection.port
            request = head_request(connection.host, port, url[self._in_front :], headers)
            if connection.sock is None or not request:
                keeps = True
                return None
            answer = exchange(connection.sock, request, silent_seconds=silent_seconds, until=until)
            keeps = answer.keeps
            return answer
        except Dropped:
            return None
        except Unusual:
            self._is_usual = False
            return None
        except TimeoutError as error:
            if time.monotonic() > until:
                raise
            raise ReadTimeout(error) from None
        except OSError as error:
            raise NoConnection(error) from None
        finally:
            if not keeps:
                connection.close()
            self._pool._put_conn(connection)
