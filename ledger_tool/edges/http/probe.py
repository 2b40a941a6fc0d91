"""What a port speaks, found out without a credential, so that nobody is told to change a scheme on a guess."""

from __future__ import annotations

import socket
import ssl

from ledger_tool.edges.http.failure import Cause, Route

PROBE_SECONDS = 3.0


def sharpened(cause: Cause, route: Route, seconds: float = PROBE_SECONDS) -> Cause:
    """Return a cause, or a more certain one if the port is seen to speak the other scheme within some seconds.

    Behind a proxy, nobody looks.
    """
    if route.proxy or seconds <= 0:
        return cause
    host, port = route.name.strip("[]"), int(route.port)
    if cause is Cause.NO_TLS and _speaks_plain_http(host, port, seconds):
        return Cause.PLAIN_HTTP
    if cause in (Cause.CLOSED, Cause.NOT_HTTP) and route.scheme == "http" and speaks_tls(route, seconds):
        return Cause.ONLY_TLS
    return cause


def speaks_tls(route: Route, seconds: float = PROBE_SECONDS) -> bool:
    """Return whether a port that is reached without a proxy ends a TLS handshake, with whatever certificate."""
    if route.proxy or seconds <= 0:
        return False
    host, port = route.name.strip("[]"), int(route.port)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent, and nothing is believed
    try:
        with (
            socket.create_connection((host, port), seconds) as connection,
            context.wrap_socket(connection, server_hostname=host),
        ):
            return True
    except (OSError, ValueError):
        return False


def _speaks_plain_http(host: str, port: int, seconds: float) -> bool:
    """Return whether a port answers a request that carries nothing by plain HTTP."""
    asked = f"GET / HTTP/1.0\r\nHost: {host}\r\nUser-Agent: ledger-tool\r\n\r\n"
    try:
        with socket.create_connection((host, port), seconds) as connection, connection.makefile("rb") as answer:
            connection.sendall(asked.encode("ascii", "replace"))
            return answer.read(5) == b"HTTP/"
    except (OSError, ValueError):
        return False
