"""Real host names for servers on loopback: a certificate for the names, and a proxy that leads from them to a port."""

from __future__ import annotations

import select
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def certificate_for(folder: Path, *hosts: str) -> tuple[Path, Path]:
    """Make a self-signed certificate of these hosts; return its path, which is also the CA's, and its key's."""
    certificate, key = folder / "ca.pem", folder / "key.pem"
    names = ",".join(f"DNS:{host}" for host in hosts)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", f"/CN={hosts[0]}", "-addext", f"subjectAltName={names}",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@contextmanager
def tunnel(port: int, *hosts: str) -> Iterator[int]:
    """Run an HTTP proxy that leads from port 443 of these hosts to a port of loopback only; yield its own port."""
    allowed = {f"CONNECT {host}:443" for host in hosts}

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked = self.rfile.readline().decode("latin-1")
            while self.rfile.readline().strip():
                pass
            if asked.rpartition(" ")[0] not in allowed:
                self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", port)) as there, suppress(OSError):
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                here = self.connection
                while ready := select.select([here, there], [], [], 60)[0]:
                    for one in ready:
                        if not (chunk := one.recv(65_536)):
                            return
                        (there if one is here else here).sendall(chunk)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
