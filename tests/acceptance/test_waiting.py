"""At a terminal, whom we wait for is shown within a second, on a line that goes away; elsewhere nothing is."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest

from ledger_tool.render.live import LIVE
from ledger_tool.render.screen import Screen
from tests.support.git.upstream import Upstream
from tests.support.registries.wire import Asked, Reply, image, served, sha256, wire_server
from tests.support.stage.terminal import at_terminal
from tests.support.values.make import digest, ledger_bytes, record

CLEAR = "\r\x1b[K"


def left_over(shown: str) -> str:
    """Return what is on the terminal at the end, where the line has been cleared."""
    return "\n".join(line.rpartition(CLEAR)[2] for line in shown.split("\n"))


def test_a_slow_remote_is_named_until_it_answers(upstream: Upstream, tmp_path: Path) -> None:
    upstream.hook("pre-receive", f"while [ ! -e {tmp_path / 'go'} ]; do sleep 0.02; done")
    waited = f"waiting for {upstream.path}"

    def watch(shown: str) -> None:
        if waited in shown:
            (tmp_path / "go").touch()

    source = ("--source", f"https://git.example.com/team/app@{'5' * 40}", "--offline", "--repo", upstream.url)
    done = at_terminal("publish", f"app:v1@{digest()}", *source, columns=300, watch=watch)
    assert done.code == 0
    assert f"{CLEAR}{waited}" in done.err
    assert left_over(done.err) == "note: offline: no registry was asked; recorded as given\n".replace(
        "note:", "\x1b[36mnote:\x1b[0m"
    )
    assert done.out.startswith("published app:v1 (added) in ")


def test_a_slow_registry_is_named_on_one_line_of_a_narrow_terminal(tmp_path: Path) -> None:
    raw, is_seen = image(), threading.Event()

    def answer(_: Asked) -> Reply:
        is_seen.wait(60)
        return served(raw)

    def watch(shown: str) -> None:
        if "waiting for " in shown:
            is_seen.set()

    with wire_server() as wire:
        wire.on("/v2/app/manifests/v1", answer)
        wire.on(f"/v2/app/manifests/{sha256(raw)}", served(raw))
        upstream = Upstream.create(tmp_path / "slow.git", ledger_bytes(record("app", "v1", digest=sha256(raw))))
        settings = f"registries:\n  - host: {wire.url}\n    images: ['*']\n"
        upstream.commit_as_other_writer({"ledger.yaml": settings.encode()})
        done = at_terminal("verify", "app:v1", "--repo", upstream.url, columns=24, watch=watch)
    assert done.code == 0, done
    assert f"{CLEAR}{f'waiting for {wire.url}'[:23]}{CLEAR}" in done.err
    assert all(len(part) < 24 for part in done.err.split(CLEAR))
    assert left_over(done.err) == ""
    assert "waiting" not in done.out


@pytest.mark.parametrize("name", ["CI", "TERM"])
def test_the_log_of_a_ci_system_is_not_flooded(
    name: str, monkeypatch: pytest.MonkeyPatch, upstream: Upstream, tmp_path: Path
) -> None:
    monkeypatch.setenv(name, "dumb")
    upstream.hook("pre-receive", "sleep 1")
    source = ("--source", f"https://git.example.com/team/app@{'5' * 40}", "--offline", "--repo", upstream.url)
    done = at_terminal("publish", f"app:v1@{digest()}", *source)
    assert done.code == 0
    assert "waiting" not in done.err
    assert CLEAR not in done.err


def test_what_is_written_while_something_is_shown_has_lines_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    screen = Screen()
    LIVE.draw("waiting for a")
    screen.note("a note")
    LIVE.draw("waiting for b")
    screen.data(["data"])
    with screen.progress("tags") as progress:
        progress(1, 2)
        LIVE.draw("waiting for c")
    out, err = capsys.readouterr()
    assert out == "data\n"
    assert err.startswith(f"{CLEAR}waiting for a{CLEAR}a note\n{CLEAR}waiting for b{CLEAR}{CLEAR}[####")
    assert "waiting for c" not in err
    assert err.endswith(CLEAR)


class Terminal(io.StringIO):
    """A terminal that says when something has been drawn on it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_drawn = threading.Event()

    def isatty(self) -> bool:
        return True

    def flush(self) -> None:
        self.is_drawn.set()


def test_a_name_from_outside_cannot_act_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with Screen(["SECRET-TOKEN"]).watching(lambda: "SECRET-TOKEN@host\x1b]0;owned\x07"):
        assert terminal.is_drawn.wait(60)
    assert terminal.getvalue() == f"{CLEAR}waiting for ***@host\\x1b]0;owned\\x07{CLEAR}"


def test_nobody_looks_while_the_process_is_forked_and_afterwards_the_wait_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    screen, before = Screen(), threading.enumerate()
    with screen.watching(lambda: "somebody"):
        with screen.unwatched():
            assert threading.enumerate() == before
        assert terminal.is_drawn.wait(60)
    assert threading.enumerate() == before
    with screen.unwatched():
        assert threading.enumerate() == before


def test_where_nobody_looks_nobody_asks() -> None:
    def waited_for() -> str:
        raise AssertionError

    before = threading.enumerate()
    with Screen().watching(waited_for):
        assert threading.enumerate() == before
