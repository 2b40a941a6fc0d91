"""A way to a server that loses what goes over its open connections, as a firewall does that has forgotten them."""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def lossy_way(port: int, marker: Path) -> Iterator[int]:
    """Lead to a port of loopback; yield the port that leads there.

    Once the marker exists, the connections that were open then carry nothing more, and nobody is told; new ones work.
    """

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            here, is_old = self.request, not marker.exists()
            with socket.create_connection(("127.0.0.1", port)) as there, suppress(OSError):
                while True:
                    for one in select.select([here, there], [], [], 60)[0]:
                        chunk = one.recv(65_536)
                        if not chunk:
                            return
                        if not (is_old and marker.exists()):
                            (there if one is here else here).sendall(chunk)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
