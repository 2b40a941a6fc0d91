"""What a port speaks, found out without a credential, so that nobody is told to change a scheme on a guess."""

from __future__ import annotations

import socket
import ssl

from ledger_tool.edges.http.failure import Cause, Route

_SECONDS = 3.0


def sharpened(cause: Cause, route: Route) -> Cause:
    """Return a cause, or a more certain one if the port is seen to speak the other scheme. Behind a proxy, no look."""
    if route.proxy:
        return cause
    host, port = route.name.strip("[]"), int(route.port)
    if cause is Cause.NO_TLS and _speaks_plain_http(host, port):
        return Cause.PLAIN_HTTP
    if cause in (Cause.CLOSED, Cause.NOT_HTTP) and route.scheme == "http" and speaks_tls(route):
        return Cause.ONLY_TLS
    return cause


def speaks_tls(route: Route) -> bool:
    """Return whether a port that is reached without a proxy ends a TLS handshake, with whatever certificate."""
    if route.proxy:
        return False
    host, port = route.name.strip("[]"), int(route.port)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent, and nothing is believed
    try:
        with (
            socket.create_connection((host, port), _SECONDS) as connection,
            context.wrap_socket(connection, server_hostname=host),
        ):
            return True
    except (OSError, ValueError):
        return False


def _speaks_plain_http(host: str, port: int) -> bool:
    """Return whether a port answers a request that carries nothing by plain HTTP."""
    asked = f"GET / HTTP/1.0\r\nHost: {host}\r\nUser-Agent: ledger-tool\r\n\r\n"
    try:
        with socket.create_connection((host, port), _SECONDS) as connection, connection.makefile("rb") as answer:
            connection.sendall(asked.encode("ascii", "replace"))
            return answer.read(5) == b"HTTP/"
    except (OSError, ValueError):
        return False
