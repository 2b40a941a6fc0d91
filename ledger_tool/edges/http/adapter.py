"""Sending to one origin over and over, without what `requests` works out anew for each request.

A reconcile sends thousands of HEADs to one host, and half of their time would go into parsing the same URL, choosing
the same pool, checking the same CA file and looking for cookies that nobody reads.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict


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
