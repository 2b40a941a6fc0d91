"""What an exception of `requests` means: which `Cause`, found in the exceptions below it.

`requests` and urllib3 wrap what the socket and TLS layers raised, and their own classes mix causes up (an SSLError is
also raised for a server that closes the connection). So what lies deepest decides.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import Any

import requests
import urllib3.exceptions as urllib3

from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.http.failure import Cause

_DEEPEST = 20
_NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "RECORD_LAYER_FAILURE")
_OLD_TLS = (
    "PROTOCOL_VERSION",
    "UNSUPPORTED_PROTOCOL",
    "NO_PROTOCOLS_AVAILABLE",
    "INAPPROPRIATE_FALLBACK",
    "VERSION_TOO",
)
_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EACCES, errno.EPERM}
# X509_V_ERR_… of OpenSSL (openssl-verification-options(1), x509_vfy.h).
_CERTIFICATE = {
    2: Cause.UNKNOWN_CA, 20: Cause.UNKNOWN_CA, 21: Cause.UNKNOWN_CA, 27: Cause.UNKNOWN_CA,
    18: Cause.SELF_SIGNED, 19: Cause.SELF_SIGNED,
    9: Cause.NOT_YET_VALID, 10: Cause.EXPIRED, 23: Cause.REVOKED,
    62: Cause.OTHER_NAME, 63: Cause.OTHER_NAME, 64: Cause.OTHER_NAME,
}  # fmt: skip
_OF_TLS = {Cause.NO_TLS, Cause.OLD_TLS, Cause.NO_HANDSHAKE, Cause.UNTRUSTED, *_CERTIFICATE.values()}


# The first that fits. A timeout of the socket does not say what was waited for, but urllib3's does.
_KINDS: tuple[tuple[Any, Cause], ...] = (
    ((urllib3.ConnectTimeoutError, requests.ConnectTimeout), Cause.NO_CONNECTION),
    ((urllib3.ReadTimeoutError, requests.ReadTimeout), Cause.NO_ANSWER),
    (ConnectionRefusedError, Cause.REFUSED),
    ((ConnectionResetError, BrokenPipeError, ConnectionAbortedError, RemoteDisconnected), Cause.CLOSED),
    ((IncompleteRead, urllib3.IncompleteRead), Cause.CLOSED),
    ((HTTPException, urllib3.HeaderParsingError, urllib3.InvalidChunkLength), Cause.NOT_HTTP),
)


def cause_of(error: BaseException) -> tuple[Cause, str]:
    """Return the cause of a request's failure, and what a proxy answered or what is all that is known."""
    below = list(_below(error))
    is_proxy = any(isinstance(one, requests.exceptions.ProxyError | urllib3.ProxyError) for one in below)
    for one in below:
        if is_proxy and (answer := re.search(r"Tunnel connection failed: (\d{3})", str(one))):
            return (Cause.PROXY_LOGIN if answer[1] == "407" else Cause.PROXY_REFUSES), f"it answers {answer[1]}"
    cause = next(filter(None, map(_one, reversed(below))), None)
    if is_proxy and cause in _OF_TLS:
        return (Cause.PROXY_WITHOUT_TLS if cause is Cause.NO_TLS else Cause.PROXY_UNTRUSTED), ""
    # What `requests` says of a connection may repeat a URL with a login.
    unknown = "the connection failed" if isinstance(error, requests.ConnectionError) else shown(str(error), 200)
    return (cause, "") if cause else (Cause.UNKNOWN, unknown)


def _below(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it was made from, the deepest last."""
    seen: list[BaseException] = []
    level: list[BaseException] = [error]
    while level and len(seen) < _DEEPEST:
        yield from level
        seen += level
        made_from = [inner for one in level for inner in (*one.args, getattr(one, "reason", None), one.__cause__)]
        level = [one for one in made_from if isinstance(one, BaseException) and not any(one is old for old in seen)]


def _one(error: BaseException) -> Cause | None:
    """Return what one exception says by itself, or None."""
    if isinstance(error, socket.gaierror):
        return Cause.SILENT_NAME_SERVER if error.errno == socket.EAI_AGAIN else Cause.UNKNOWN_NAME
    if isinstance(error, ssl.SSLError):
        return _of_tls(error)
    if isinstance(error, OSError) and error.errno == errno.ETIMEDOUT:
        return Cause.NO_CONNECTION
    if isinstance(error, OSError) and error.errno in _NO_ROUTE:
        return Cause.NO_ROUTE
    return next((cause for kinds, cause in _KINDS if isinstance(error, kinds)), None)


def _of_tls(error: ssl.SSLError) -> Cause:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE.get(error.verify_code, Cause.UNTRUSTED)
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Cause.CLOSED
    reason = str(error.reason or "")
    words = ((_NOT_TLS, Cause.NO_TLS), (_OLD_TLS, Cause.OLD_TLS), (("CERTIFICATE_REQUIRED",), Cause.CLIENT_CERTIFICATE))
    return next((cause for parts, cause in words if any(part in reason for part in parts)), Cause.NO_HANDSHAKE)
