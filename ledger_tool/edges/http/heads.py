"""A HEAD over a connection that is open already, without what a library works out anew for each request.

Neither a HEAD nor its answer has a body (RFC 9110 section 9.3.2): the request is a few lines, and the answer ends with
its headers. A reconcile sends thousands of them. Here, only what is of the usual form is written and read, by two
patterns; everything else is `Unusual`, and left to the library.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from socket import socket
from typing import NamedTuple

_TARGET = re.compile(r"/[A-Za-z0-9/._~:@!$&'()*+,;=?-]*")
_HOST = re.compile(r"[A-Za-z0-9.-]+")
_USUAL = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9]{2})(?: [ -~]*)?\r\n"
    rb"((?:[A-Za-z0-9!#$%&'*+.^_`|~-]+:[ \t]*(?:[!-~](?:[\t -~]*[!-~])?)?\r\n){0,100})\r\n"
)
_PIECE = 64 * 1024  # bytes; no usual answer has more


class Unusual(Exception):
    """An answer that is not of the usual form. The connection is not to be used again."""


class Dropped(Exception):
    """The other end had closed the connection, and did not answer."""


class HeadAnswer(NamedTuple):
    """The status and the headers of an answer (names in lower case), and whether the connection can be used again."""

    status: int
    headers: Mapping[str, str]
    keeps: bool


def head_request(host: str, port: int | None, target: str, headers: Mapping[str, str]) -> bytes:
    """Return a HEAD as it is sent, or `b""` for one that is not of the usual form; a usual port is None."""
    lines = [f"HEAD {target} HTTP/1.1", f"Host: {host}:{port}" if port else f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    is_usual = _TARGET.fullmatch(target) and _HOST.fullmatch(host)
    if not is_usual or not all(line.isascii() and line.isprintable() for line in lines):
        return b""
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def exchange(connection: socket, request: bytes, *, silent_seconds: float, until: float) -> HeadAnswer:
    """Send a HEAD, and return its answer.

    The other end may say nothing for `silent_seconds`, and has to have answered at `until`, of the monotonic clock.
    Raises Unusual, Dropped, TimeoutError if it says nothing, and OSError.
    """
    connection.settimeout(silent_seconds)
    with suppress(BrokenPipeError):  # what was answered before can still be read
        connection.sendall(request)
    received = b""
    while not (usual := _USUAL.fullmatch(received)):
        if len(received) >= _PIECE or received.endswith(b"\r\n\r\n"):
            raise Unusual
        if time.monotonic() > until:
            raise TimeoutError
        more = connection.recv(_PIECE)
        if not more:
            raise Unusual if received else Dropped
        received += more
    headers: dict[str, str] = {}
    for line in usual[2].decode("ascii").splitlines():
        name, _, text = line.partition(":")
        name, text = name.lower(), text.lstrip(" \t")
        # What is there several times is a list (RFC 9110 section 5.3).
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return HeadAnswer(int(usual[1]), headers, "connection" not in headers)
