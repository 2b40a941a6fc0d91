"""`python -m benchmarks.heads HOST:PORT CONNECTIONS FILE`: a HEAD of each path in a file, as bare as it gets; its rate.

One thread, one event loop, bytes that were made beforehand, connections that are kept: it parses nothing but the status
and the end of the headers, so what it reaches is the server's own rate.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ACCEPT = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)


def rate(host: str, port: int, paths: Sequence[str], connections: int) -> float:
    """Return the requests per second of a HEAD of each path."""
    requests = iter(
        [f"HEAD {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: {ACCEPT}\r\n\r\n".encode() for path in paths]
    )
    selector = selectors.DefaultSelector()
    began = time.perf_counter()
    for _ in range(connections):
        connection = socket.create_connection((host, port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(next(requests))
        selector.register(connection, selectors.EVENT_READ, bytearray())
    answered = 0
    while answered < len(paths):
        for key, _ in selector.select():
            assert isinstance(key.fileobj, socket.socket)
            received: bytearray = key.data
            received += key.fileobj.recv(65536)
            if not received.endswith(b"\r\n\r\n"):
                continue
            if not received.startswith(b"HTTP/1.1 200 "):
                raise SystemExit(f"error: the registry answered {bytes(received[:80])!r}")
            received.clear()
            answered += 1
            if request := next(requests, b""):
                key.fileobj.sendall(request)
    return len(paths) / (time.perf_counter() - began)


if __name__ == "__main__":
    name, _, number = sys.argv[1].partition(":")
    sys.stdout.write(f"{rate(name, int(number), Path(sys.argv[3]).read_text().split(), int(sys.argv[2]))}\n")
