"""A scripted HTTP server for what no real registry does on demand; it counts what it is asked and keeps the headers."""

from __future__ import annotations

import hashlib
import json
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True)
class Asked:
    """A request as it came in; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def authorization(self) -> str:
        return self.headers.get("authorization", "")


@dataclass(frozen=True)
class Reply:
    """What to answer. `stream` is a body of unknown length; `raw` are the bytes of a whole answer, headers too."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    stream: Callable[[], Iterable[bytes]] | None = None
    raw: Callable[[], Iterable[bytes]] | None = None


Script = Reply | Callable[[Asked], Reply]


def sha256(raw: bytes) -> str:
    """Return the digest of bytes."""
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def served(raw: bytes, media_type: str = MANIFEST, **headers: str) -> Reply:
    """Answer a manifest as an honest registry does; `headers` add to it (`_` for `-`), and `""` takes one away."""
    honest = {"Content-Type": media_type, "Docker-Content-Digest": sha256(raw)}
    honest |= {name.replace("_", "-").title(): value for name, value in headers.items()}
    return Reply(headers={name: value for name, value in honest.items() if value}, body=raw)


def image(seed: str = "a", **more: Any) -> bytes:
    """Return the manifest of an image."""
    described = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256(config()), "size": 2}
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": sha256(seed.encode()), "size": 1}
    fields = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": [layer]} | more
    return json.dumps(fields).encode()


def config(**labels: str) -> bytes:
    """Return an image's config."""
    return json.dumps({"os": "linux", "architecture": "amd64", "config": {"Labels": labels}}).encode()


def as_json(value: Any, status: int = 200, *, link: str = "") -> Reply:
    """Answer JSON, with the next page at `link`."""
    following = {"Link": f'<{link}>; rel="next"'} if link else {}
    return Reply(status, {"Content-Type": "application/json"} | following, json.dumps(value).encode())


def unauthorized(challenge: str) -> Reply:
    """Answer 401 with a challenge."""
    return Reply(401, {"WWW-Authenticate": challenge})


def unknown(asked: Asked) -> Reply:
    """Answer 404 as distribution does."""
    code = next((code for part, code in _UNKNOWN.items() if f"/{part}/" in asked.path), "NAME_UNKNOWN")
    return as_json({"errors": [{"code": code, "message": code.lower(), "detail": {}}]}, 404)


_UNKNOWN = {"manifests": "MANIFEST_UNKNOWN", "blobs": "BLOB_UNKNOWN"}
API_ROOT = Reply(200, {"Content-Type": "application/json", "Docker-Distribution-Api-Version": "registry/2.0"}, b"{}")


class Wire:
    """A running server. Whatever has no script is answered by `otherwise`, `/v2/` as an open registry does."""

    def __init__(self, scheme: str, port: int) -> None:
        self.scheme = scheme
        self.port = port
        self.asked: list[Asked] = []
        self.otherwise: Script = unknown
        self.root: Script = API_ROOT
        self.over = threading.Event()  # for scripts that dawdle: set when the server stops
        self._scripts: dict[str, list[Script]] = {}
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The origin."""
        return f"{self.scheme}://{self.host}"

    def on(self, path: str, *scripts: Script) -> None:
        """Answer a path (`GET /path`: that method only) by these, one after the other, and the last one for ever.

        The path `*` is all that has no script.
        """
        self._scripts[path] = list(scripts)

    def reset(self) -> None:
        """Forget all scripts."""
        self._scripts.clear()

    def count(self, path: str = "", method: str = "") -> int:
        """Return how often a path (or what is below it) was asked for."""
        return sum(one.path.startswith(path) and one.method in (method or one.method) for one in self.asked)

    def answer(self, asked: Asked) -> Reply:
        """Return the scripted answer, and take note of the request."""
        plain = asked.path.partition("?")[0]
        with self._lock:
            self.asked.append(asked)
            for key in (f"{asked.method} {asked.path}", f"{asked.method} {plain}", asked.path, plain, "*"):
                if scripts := self._scripts.get(key):
                    script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
                    break
            else:
                script = self.root if plain == "/v2/" else self.otherwise
        return script if isinstance(script, Reply) else script(asked)

    def endless(self, chunk: bytes = b" " * 65536) -> Reply:
        """Answer a body that never ends."""

        def stream() -> Iterator[bytes]:
            while not self.over.is_set():
                yield chunk

        return Reply(headers={"Content-Type": MANIFEST}, stream=stream)

    def dawdling(self, text: bytes, *, in_headers: bool = False, pause: float = 0.05) -> Reply:
        """Answer a byte now and then, for ever: in the body, or before the headers end."""

        def stream() -> Iterator[bytes]:
            yield text
            while not self.over.wait(pause):
                yield b" "

        return Reply(raw=stream) if in_headers else Reply(headers={"Content-Type": MANIFEST}, stream=stream)


def _handler(wire: Wire) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = wire.answer(Asked(self.command, self.path, headers, body))
            with suppress(OSError):  # a client that has heard enough hangs up
                self._send(reply)

        do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_CONNECT = do_GET  # noqa: N815

        def _send(self, reply: Reply) -> None:
            if reply.raw:
                self.close_connection = True
                self._write(reply.raw())
                return
            if "Date" in reply.headers:
                self.send_response_only(reply.status)
            else:
                self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.stream:
                self.send_header("Connection", "close")
            else:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self._write(reply.stream() if reply.stream else [reply.body])

        def _write(self, chunks: Iterable[bytes]) -> None:
            for chunk in chunks:
                self.wfile.write(chunk)
                self.wfile.flush()

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients hang up, and some do not trust our certificate."""


@contextmanager
def wire_server(certificate: tuple[Path, Path] | None = None) -> Iterator[Wire]:
    """Run a scripted server on a free port of loopback; TLS with a certificate."""
    server = _Server(("127.0.0.1", 0), BaseHTTPRequestHandler)
    wire = Wire("https" if certificate else "http", server.server_address[1])
    server.RequestHandlerClass = _handler(wire)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        wire.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
