"""`--timeout` bounds a run whatever hangs and however: it ends with exit 5, and says at which host its time went."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.git.processes import together
from tests.support.git.servers import make_key, silent_server
from tests.support.git.upstream import Upstream
from tests.support.registries.wire import Reply, Wire, unauthorized, wire_server
from tests.support.stage.terminal import at_terminal
from tests.support.values.make import SOURCE, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
SOON = ("--timeout", "1")
LONGER = "give it longer with `--timeout`"


@contextmanager
def _full_server() -> Iterator[int]:
    """Listen on a port of loopback that takes no more connections, and does not refuse them either."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def _scripted(wire: Wire, way: str, silent: int) -> None:
    """Have a server hang: in its headers, in its body, behind a redirect or a token server, or as too busy."""
    scripts = {
        "headers": wire.dawdling(b"HTTP/1.1 200 OK\r\nX: ", in_headers=True),
        "body": wire.dawdling(b"{"),
        "redirect": Reply(307, {"Location": f"http://localhost:{silent}/v2/"}),
        "token server": unauthorized(f'Bearer realm="http://localhost:{silent}/token"'),
        "rate limit": Reply(429, {"Retry-After": "30"}),
        "busy": Reply(503),
    }
    wire.root = scripts[way]
    wire.on("*", scripts[way])


@contextmanager
def hanging_registry(way: str) -> Iterator[tuple[str, str]]:
    """Run a registry that hangs in this way; yield its address for `ledger.yaml`, and the host to be named."""
    with silent_server() as silent, _full_server() as full, wire_server() as wire:
        if way == "silence behind TLS":
            yield f"127.0.0.1:{silent}", f"127.0.0.1:{silent}"
        elif way == "silence":
            yield f"http://127.0.0.1:{silent}", f"127.0.0.1:{silent}"
        elif way == "connection":
            yield f"http://127.0.0.1:{full}", f"127.0.0.1:{full}"
        else:
            _scripted(wire, way, silent)
            yield wire.url, f"localhost:{silent}" if way in ("redirect", "token server") else wire.host


WAYS = [
    *("silence behind TLS", "silence", "connection", "headers", "body"),
    *("redirect", "token server", "rate limit", "busy"),
]


@pytest.mark.parametrize("way", WAYS)
def test_a_registry_that_hangs_is_left_in_time_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setenv("LEDGER_REGISTRY_USERNAME", "ci")
    monkeypatch.setenv("LEDGER_REGISTRY_PASSWORD", "hunter22")
    with hanging_registry(way) as (address, host):
        upstream = Upstream.create(tmp_path / "ledger.git", settings=f"registries:\n  - host: {address}\n")
        upstream.commit_as_other_writer({"ledger.json": ledger_bytes(record("app", "v1"), record("app", "v2"))})
        before = upstream.tip()
        commands = (
            ["doctor", address],
            ["verify", "app:v1"],
            ["reconcile"],
            ["publish", "app:v3", "--source", SOURCE],
        )
        ends = together([[*words, "--repo", upstream.url, *SOON] for words in commands], forked=True)
        for words, done in zip(commands, ends, strict=True):
            assert (done.code, host in done.out + done.err) == (5, True), (words, done)
            assert "hunter22" not in done.out + done.err
            if way not in ("rate limit", "busy"):
                assert LONGER in done.out + done.err or words[0] in ("verify", "reconcile"), (words, done)
        assert upstream.tip() == before


@pytest.mark.parametrize(
    ("scheme", "words"),
    [
        ("https", ["list"]),
        ("http", ["log"]),
        ("ssh", ["publish", f"app:v1@{digest()}", "--source", SOURCE, "--offline"]),
        ("https", ["doctor"]),
    ],
)
def test_a_git_host_that_hangs_is_left_in_time_and_named(ledger: Run, scheme: str, words: list[str]) -> None:
    with silent_server() as port:
        done = ledger(*words, "--repo", f"{scheme}://git@127.0.0.1:{port}/ledger.git", *SOON)
    said = done.out + done.err
    assert done.code == 5
    assert f"127.0.0.1:{port}/ledger.git: timed out after 1 s in " in said
    assert LONGER in said


def test_an_ssh_server_that_hangs_is_said_to_have_taken_the_whole_time(ledger: Run, tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    words = ["publish", f"app:v1@{digest()}", "--source", SOURCE, "--offline", "--deploy-key", str(key)]
    with silent_server() as port:
        done = ledger(*words, "--repo", f"ssh://git@127.0.0.1:{port}/ledger.git", "--timeout", "4")
    assert done.code == 5
    assert re.search(r"/ledger\.git: timed out after [34] s in fetch", done.err), done.err


@pytest.mark.parametrize("way", ["silence behind TLS", "silence", "headers", "body"])
def test_a_forge_that_hangs_is_left_in_time_and_named(
    ledger: Run, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    with hanging_registry(way) as (address, host):
        monkeypatch.setenv("LEDGER_FORGE_URL", address if "://" in address else f"https://{address}")
        monkeypatch.setenv("LEDGER_FORGE_TOKEN", "forge-token-0123456789")
        words = ("publish", f"app:v1@{digest()}", "--source", SOURCE, "--offline", "--pull-request")
        done = ledger(*words, "--forge", "gitlab", "--repo", f"https://{host}/team/ledger.git", *SOON)
    assert (done.code, done.out) == (5, "")
    assert host in done.err
    assert LONGER in done.err


def test_what_there_is_no_time_for_is_unknown_and_not_asked(ledger: Run, tmp_path: Path) -> None:
    with silent_server() as port, wire_server() as wire:
        hosts = [f"http://127.0.0.1:{port}", wire.url]
        settings = "registries:\n" + "".join(f"  - host: {host}\n" for host in hosts)
        upstream = Upstream.create(tmp_path / "ledger.git", settings=settings)
        done = ledger("doctor", "--repo", upstream.url, "--format", "json", *SOON)
        registries = [check for check in done.json["checks"] if check["about"] == "registry"]
    assert [check["code"] for check in registries] == [5, 5]
    assert "it takes connections, but said nothing within" in registries[0]["message"]
    assert registries[1]["message"] == f"{wire.url} was not asked: the 1 s of `--timeout` are over"
    assert wire.count() == 0


def test_a_registry_that_doctor_waits_for_is_shown_at_a_terminal() -> None:
    with silent_server() as port:
        done = at_terminal("doctor", f"http://127.0.0.1:{port}", "--timeout", "2", columns=200)
    assert done.code == 5
    assert f"waiting for http://127.0.0.1:{port}" in done.err
