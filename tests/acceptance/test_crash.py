"""Killed at any moment: the remote is old or new, never between, and the next run needs no cleaning up."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.checker import check_history
from tests.support.git.processes import finish, killing_git, start
from tests.support.git.servers import make_key
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import digest, source
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
# A publish to a remote is five git commands; past the last one nothing happens any more.
_STEPS = range(1, 7)


def _command(repo: object, tag: str) -> list[object]:
    return ["publish", f"myorg/app:{tag}@{digest(tag)}", "--source", source(tag), "--repo", repo]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_publish_that_is_killed_at_a_step_leaves_old_or_new(
    ledger: Run, upstream: Upstream, tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    tags = set()
    codes = []
    for step in _STEPS:
        before = upstream.tip()
        wrapped = killing_git(tmp_path / f"bin{step}", step, moment, number)
        killed = finish(start(*_command(upstream.url, f"v{step}"), environment=wrapped, forked=True))
        codes.append(killed.code)
        assert killed.code in (0, -number.value, 130), killed.err
        assert upstream.tip() == before or upstream.git("rev-parse", "main^") == before
        again = ledger(*_command(upstream.url, f"v{step}"))
        assert again.code == 0, again.err
        tags.add(f"v{step}")
        assert upstream.tags() == tags
    assert len(codes) - codes.count(0) >= 4  # the signals did arrive
    assert len(check_history(upstream.path)) == len(tags) + 1


def test_a_publish_that_is_killed_at_any_time_leaves_old_or_new(ledger: Run, upstream: Upstream) -> None:
    for at in range(20):
        running = start(*_command(upstream.url, f"v{at}"))
        time.sleep(random.uniform(0.02, 0.4))
        running.kill()
        finish(running)
        again = ledger(*_command(upstream.url, f"v{at}"))
        assert again.code == 0, again.err
    assert len(check_history(upstream.path)) == 21


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_commit_in_a_checkout_that_is_killed_at_a_step_is_finished_by_the_next_run(
    ledger: Run, upstream: Upstream, tmp_path: Path, moment: str
) -> None:
    """No remote: the branch, the file and the index have to come out the same, whatever was cut short."""
    checkout = tmp_path / "checkout"
    git("clone", "--quiet", upstream.path, checkout)
    git("remote", "remove", "origin", cwd=checkout)
    for step in range(1, 20):
        wrapped = killing_git(tmp_path / f"bin{step}", step, moment, signal.SIGKILL)
        killed = finish(start(*_command(checkout, f"v{step}"), environment=wrapped, forked=True))
        assert killed.code in (0, -signal.SIGKILL.value), killed.err
        again = ledger(*_command(checkout, f"v{step}"))
        assert again.code == 0, again.err
        assert git("status", "--porcelain", cwd=checkout) == ""
        assert not list(checkout.glob(".ledger.json.*"))
    assert len(check_history(checkout / ".git")) == 20


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_run_that_is_killed_leaves_no_key_file(upstream: Upstream, tmp_path: Path, number: signal.Signals) -> None:
    key = make_key(tmp_path / "key").read_text()
    folder = tmp_path / "tmp"
    folder.mkdir()
    wrapped = killing_git(tmp_path / "bin", 3, "before", number)
    finish(
        start(*_command(upstream.url, "v1"), environment={**wrapped, "LEDGER_DEPLOY_KEY": key, "TMPDIR": str(folder)})
    )
    secret = key.split("\n")[1].encode()
    assert not [path for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()]
    if number is not signal.SIGKILL:
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_an_interrupted_run_exits_130_without_a_traceback(
    upstream: Upstream, tmp_path: Path, number: signal.Signals
) -> None:
    wrapped = killing_git(tmp_path / "bin", 3, "before", number)
    done = finish(start(*_command(upstream.url, "v1"), environment=wrapped))
    assert done.code == 130
    assert "Traceback" not in done.err


@pytest.mark.parametrize("how", ["SIGTERM", "timeout"])
def test_a_run_that_is_ended_takes_its_lock_files_along(upstream: Upstream, tmp_path: Path, how: str) -> None:
    locked = tmp_path / "locked"
    upstream.hook("reference-transaction", f'[ "$1" = prepared ] && touch {locked} && sleep 20; exit 0')
    running = start(*_command(upstream.url, "v1"), "--timeout", "3" if how == "timeout" else "60")
    while not locked.exists():
        time.sleep(0.02)
    if how == "SIGTERM":
        running.send_signal(signal.SIGTERM)
    done = finish(running)
    assert done.code == (130 if how == "SIGTERM" else 5), done.err
    assert not list(upstream.path.rglob("*.lock"))
    (upstream.path / "hooks" / "reference-transaction").unlink()
    assert finish(start(*_command(upstream.url, "v1"))).code == 0
