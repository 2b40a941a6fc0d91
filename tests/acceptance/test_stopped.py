"""A publisher that was stopped, and keeps its lock, holds nobody else up for long, and not in silence."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path

from tests.support.git.processes import finish, start
from tests.support.git.upstream import Upstream
from tests.support.values.make import SOURCE, digest


def _words(repo: object, tag: str, *options: object) -> list[object]:
    return ["publish", f"myorg/app:{tag}@{digest(tag)}", "--source", SOURCE, "--offline", "--repo", repo, *options]


def test_a_stopped_publisher_on_the_same_machine_is_waited_for_a_moment_and_named(
    upstream: Upstream, tmp_path: Path
) -> None:
    pushing, go = tmp_path / "pushing", tmp_path / "go"
    machine = {"TMPDIR": str(tmp_path)}
    upstream.hook("pre-receive", f"touch {pushing}; while [ ! -e {go} ]; do sleep 0.05; done")
    stopped = start(*_words(upstream.url, "v1"), environment=machine)
    while not pushing.exists():
        time.sleep(0.02)
    os.kill(stopped.pid, signal.SIGSTOP)
    go.touch()
    began = time.monotonic()
    done = finish(start(*_words(upstream.url, "v2", "--timeout", "30"), environment=machine))
    assert time.monotonic() - began < 15
    assert done.code == 0, done.err
    assert f"note: waiting a moment for another `ledger` (process {stopped.pid})" in done.err
    os.kill(stopped.pid, signal.SIGCONT)
    assert finish(stopped).code == 0
    assert upstream.tags() == {"v1", "v2"}


def test_a_stopped_run_in_the_same_checkout_is_waited_for_a_moment_and_then_said(checkout: Path) -> None:
    with (checkout / ".git" / "ledger.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        began = time.monotonic()
        done = finish(start(*_words(checkout, "v1", "--no-push", "--timeout", "15")))
        assert time.monotonic() - began < 12
    assert done.code == 5
    assert f"note: waiting a moment for another `ledger` in {checkout}" in done.err
    assert "another `ledger` is still running" in done.err
