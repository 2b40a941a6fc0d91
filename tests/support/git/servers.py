"""Real servers on loopback: sshd that knows one key, and git's own HTTP backend behind a token."""

from __future__ import annotations

import base64
import io
import os
import re
import shlex
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TextIO
from wsgiref.simple_server import WSGIRequestHandler, make_server

from dulwich.repo import Repo
from dulwich.server import BackendRepo, DictBackend
from dulwich.web import make_wsgi_chain

_SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


def make_key(path: Path, passphrase: str = "") -> Path:
    """Make an ed25519 key pair; return the private half's path."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", str(path)], check=True)
    return path


@dataclass(frozen=True)
class SshServer:
    """A running sshd: `url(path)` for a repository, the key that may write, one that may read, the known hosts."""

    port: int
    user: str
    key: Path
    read_only_key: Path
    unknown_key: Path
    known_hosts: Path
    log: Path

    def logins(self) -> int:
        """Return how often somebody has logged in so far."""
        return self.log.read_text().count("Accepted publickey")

    def url(self, repository: Path) -> str:
        """Return the ssh:// URL of a repository."""
        return f"ssh://{self.user}@127.0.0.1:{self.port}{repository}"


@contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    """Run sshd on a free port of loopback. It lets in two keys, and lets them run git and nothing else."""
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    key, read_only, unknown = (make_key(folder / name) for name in ("deploy", "readonly", "unknown"))
    serve = folder / "serve"
    serve.write_text(
        '#!/bin/sh\nexport GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1\ncase "$SSH_ORIGINAL_COMMAND" in\n'
        '  "git-upload-pack "*) ;;\n'
        '  "git-receive-pack "*)\n'
        '    [ "$1" = write ] || { echo "ERROR: this deploy key is read-only" >&2; exit 1; } ;;\n'
        '  *) echo "only git is served here" >&2; exit 1 ;;\nesac\nexec sh -c "git ${SSH_ORIGINAL_COMMAND#git-}"\n'
    )
    serve.chmod(0o755)
    authorized = folder / "authorized_keys"
    authorized.write_text(
        "".join(
            f'restrict,command="{serve} {may}" {path.with_suffix(".pub").read_text().strip()}\n'
            for may, path in (("write", key), ("read", read_only))
        )
    )
    with run_sshd(folder, authorized) as (port, known_hosts):
        yield SshServer(port, user_name(), key, read_only, unknown, known_hosts, folder / "log")


def user_name() -> str:
    """Return the name of the user who runs the tests, and who therefore logs in."""
    return subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def run_sshd(folder: Path, authorized: Path) -> Iterator[tuple[int, Path]]:
    """Run sshd on a free port of loopback for the keys of an authorized_keys file; give its port and known hosts."""
    host_key = make_key(folder / "host")
    port = free_port()
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nAuthorizedKeysFile {authorized}\n"
        f"PidFile {folder / 'pid'}\nUsePAM no\nStrictModes no\nPasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nMaxStartups 200\nMaxSessions 200\n"
        f"SetEnv HOME={folder}\n"  # the user's own .bashrc would run in each session
        "KexAlgorithms curve25519-sha256\n"  # the default takes longer than all the rest of a session
    )
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd as root keeps its privilege separation
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {' '.join(host_key.with_suffix('.pub').read_text().split()[:2])}\n")
    server = subprocess.Popen(
        [_SSHD, "-D", "-E", str(folder / "log"), "-f", str(folder / "sshd_config")], stdin=subprocess.DEVNULL
    )
    try:
        wait_for_port(port)
        yield port, known
    finally:
        server.terminate()
        server.wait(10)


def free_port() -> int:
    """Return a port of loopback that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, seconds: float = 20.0) -> None:
    """Wait until something listens on a port of loopback."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


@dataclass
class HttpServer:
    """A running git HTTP backend; `requests` are the (method, path, user name) of what came in with a valid token.

    `echo` makes a refusal from what came in as the login and its parts, for a server that repeats it; a push of more
    than `limit` bytes is refused, and with `whole_only` one from a shallow clone, without saying why. With
    `open_to_read` only a push needs a login, with `open_to_all` nothing does.
    """

    port: int
    scheme: str
    token: str
    requests: list[tuple[str, str, str]]
    echo: Callable[[str, str, str], str] | None = None
    limit: int = 2**30
    whole_only: bool = False
    open_to_read: bool = False
    open_to_all: bool = False

    def is_open(self, path: str) -> bool:
        """Return whether a request needs no login."""
        return self.open_to_all or (self.open_to_read and "git-receive-pack" not in path)

    def url(self, name: str) -> str:
        """Return the URL of a repository in the served folder."""
        return f"{self.scheme}://127.0.0.1:{self.port}/{name}"


class _GitHandler(BaseHTTPRequestHandler):
    """Answers requests to one server; see `http_server`."""

    protocol_version = "HTTP/1.1"
    root: Path
    running: HttpServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self._body()
        given = re.sub("^basic ", "", self.headers.get("Authorization", ""), flags=re.IGNORECASE)
        user, _, password = base64.b64decode(given).decode().partition(":")
        if len(self.headers.get_all("Authorization", [])) > 1:
            self._refuse(400, "Duplicate header: Authorization")
            return
        if len(body) > self.running.limit and self.path.endswith("git-receive-pack"):
            self._refuse(413, "<html>413 Request Entity Too Large</html>")
            return
        if self.running.whole_only and b"shallow " in body and self.path.endswith("git-receive-pack"):
            self._refuse(400, "Bad Request")
            return
        if given and self.running.echo:
            self._refuse(403, self.running.echo(given, user, password))
            return
        if password != self.running.token and not self.running.is_open(self.path):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.running.requests.append((self.command, self.path.partition("?")[0], user))
        status, headers, content = _from_backend(self.root, self, user, body)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _refuse(self, status: int, words: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")  # git shows such a body
        self.send_header("Content-Length", str(len(words.encode())))
        self.end_headers()
        self.wfile.write(words.encode())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            found = b""
            while size := int(self.rfile.readline(), 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return found
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))


@contextmanager
def http_server(root: Path, token: str, certificate: tuple[Path, Path] | None = None) -> Iterator[HttpServer]:
    """Serve the repositories below `root` by `git http-backend` to whoever has the token; TLS with a certificate.

    Like GitHub, it answers 400 to a request that has two Authorization headers.
    """
    running = HttpServer(0, "https" if certificate else "http", token, [])

    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_GitHandler,), {"root": root, "running": running}))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with _running(server) as port:
        running.port = port
        yield running


def _from_backend(
    root: Path, request: BaseHTTPRequestHandler, user: str, body: bytes
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return the status, headers and body that `git http-backend` answers."""
    path, _, query = request.path.partition("?")
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "REQUEST_METHOD": request.command,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REMOTE_USER": user or "anybody",
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
    }
    done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=environment, check=False)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    headers = [line.partition(": ")[::2] for line in head.decode().split("\r\n") if line]
    status = next((value for name, value in headers if name == "Status"), "200 OK")
    return int(status.split()[0]), [header for header in headers if header[0] != "Status"], content


@contextmanager
def dulwich_server(repository: Path) -> Iterator[str]:
    """Serve a repository by dulwich, which takes no push from a shallow clone; yield its URL."""
    with Repo(str(repository)) as repo:
        served: dict[str, BackendRepo] = {"/ledger.git": repo}
        app = make_wsgi_chain(DictBackend(served))
        server = make_server("127.0.0.1", 0, app, handler_class=_Quiet)
        with _running(server):
            yield f"http://127.0.0.1:{server.server_port}/ledger.git"


@contextmanager
def file_server(root: Path) -> Iterator[str]:
    """Serve files as they are; yield the URL."""
    with _running(ThreadingHTTPServer(("127.0.0.1", 0), partial(_QuietFiles, directory=str(root)))) as port:
        yield f"http://127.0.0.1:{port}"


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def get_stderr(self) -> TextIO:
        return io.StringIO()


class _QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def _running(server: HTTPServer) -> Iterator[int]:
    """Run a server in a thread; yield its port."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def make_certificate(folder: Path, *, days: int = 2) -> tuple[Path, Path]:
    """Make a self-signed certificate for 127.0.0.1; return its path (which is also the CA's) and its key's."""
    certificate, key, request = folder / "cert.pem", folder / "key.pem", folder / "request.pem"
    commands = (
        f"openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=127.0.0.1 "
        f"-addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {request}",
        f"openssl x509 -req -in {request} -signkey {key} -days {days} -copy_extensions copy -out {certificate}",
    )
    for command in commands:
        subprocess.run(shlex.split(command), check=True, capture_output=True)
    return certificate, key


@contextmanager
def speaking_server(words: bytes, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Listen on a port of loopback and answer whatever comes with these words, behind TLS with a context; its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with (
                suppress(OSError),
                context.wrap_socket(self.request, server_side=True) if context else self.request as connection,
            ):
                connection.recv(4096)
                connection.sendall(words)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def silent_server() -> Iterator[int]:
    """Listen on a port of loopback, let everyone connect, and never say a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield listener.getsockname()[1]
