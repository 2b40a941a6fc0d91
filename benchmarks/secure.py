"""One publish over ssh, to a server on this machine, beside bare git over the same ssh."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import clock, contenders, data
from benchmarks.report import Beside, Row
from benchmarks.world import HERE, World, ledger_program, require

_RECORDS = 10_000
_SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


@dataclass(frozen=True, slots=True)
class _Server:
    """A running sshd: where it is, the key that it lets in, and the file with its own."""

    place: str
    key: Path
    known_hosts: Path

    @property
    def ssh(self) -> str:
        """The ssh that a script would use."""
        options = {"UserKnownHostsFile": self.known_hosts, "IdentitiesOnly": "yes", "BatchMode": "yes"}
        words = ["ssh", "-F", os.devnull, "-i", str(self.key)]
        return shlex.join(words + [word for name, value in options.items() for word in ("-o", f"{name}={value}")])


def publish(world: World, quick: bool) -> Iterator[Row]:
    """Measure one publish, each to a fresh copy of one remote."""
    require("ssh-keygen", _SSHD)
    publication = data.publications(_RECORDS, 1)[0]
    prepared = world.path("prepared.json")
    prepared.write_bytes(data.ledger_with(_RECORDS, publication))
    with _server(world) as server:

        def plumbing(url: str) -> contenders.Words:
            return ["env", f"GIT_SSH_COMMAND={server.ssh}", str(HERE / "floor.sh"), url, str(prepared)]

        def ours(url: str) -> contenders.Words:
            arguments = contenders.publish_arguments(Path("/"), publication)
            arguments[arguments.index("--repo") + 1] = url
            keys = ["--deploy-key", str(server.key), "--known-hosts", str(server.known_hosts)]
            return [ledger_program(), *arguments, *keys]

        def on_a_fresh_remote(words: Callable[[str], contenders.Words]) -> Callable[[], float]:
            def contender() -> float:
                with world.remote(_RECORDS) as remote:
                    return clock.seconds(world, words(f"ssh://{server.place}{remote}"))

            return contender

        times = clock.in_turn(
            {"git": on_a_fresh_remote(plumbing), "ledger": on_a_fresh_remote(ours)}, 3 if quick else 11
        )
    yield Row(
        f"publish over ssh, {_RECORDS:,} records", times["ledger"], limit=Beside("git", times["git"]), target="<= 1.2 x"
    )


@contextmanager
def _server(world: World) -> Iterator[_Server]:
    """Run sshd on a free port of loopback, with its own defaults for everything that takes time."""
    folder = world.path("ssh")
    folder.mkdir(mode=0o700)
    key, host = folder / "key", folder / "host"
    for path in (key, host):
        world.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "benchmark", "-f", path])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {host}\nAuthorizedKeysFile {key}.pub\nPidFile none\nUsePAM no\n"
        f"StrictModes no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nSetEnv HOME={folder}\n"
    )
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{port} {' '.join(host.with_suffix('.pub').read_text().split()[:2])}\n")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd as root keeps its privilege separation
    user = world.run(["id", "-un"]).decode().strip()
    server = subprocess.Popen([_SSHD, "-D", "-q", "-f", str(folder / "config")], stdin=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield _Server(f"{user}@127.0.0.1:{port}", key, known_hosts)
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    """Wait until something listens on a port of loopback."""
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit("error: sshd did not start")
