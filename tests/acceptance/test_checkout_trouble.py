"""A user's own checkout that is locked, switched or cut short while `ledger` follows the remote in it."""

from __future__ import annotations

import fcntl
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.processes import finish, killing_git, start
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have it try only twice to lock the index, and not for seconds."""
    monkeypatch.setattr("ledger_tool.edges.git.trees._TRIES", 2)


def _words(repo: object, tag: str = "v1", *options: object) -> list[object]:
    return ["publish", f"a/b:{tag}@{digest(tag)}", "--source", SOURCE, "--repo", repo, *options]


@pytest.mark.usefixtures("hurry")
def test_a_foreign_index_lock_keeps_the_checkout_behind_and_never_stages_the_reverse(
    ledger: Run, checkout: Path, upstream: Upstream
) -> None:
    lock = checkout / ".git" / "index.lock"
    lock.touch()
    done = ledger(*_words(checkout))
    assert done.code == 0, done.err
    assert done.json["commit"] == upstream.tip()
    assert "is now behind the remote" in done.err
    lock.unlink()
    (checkout / "README.md").write_text("mine\n")
    git("commit", "--quiet", "-am", "docs", cwd=checkout)
    git("pull", "--quiet", "--rebase", cwd=checkout)
    git("push", "--quiet", cwd=checkout)
    assert upstream.tags() == {"v1"}


@pytest.mark.usefixtures("hurry")
def test_a_foreign_index_lock_makes_a_local_commit_try_again(ledger: Run, checkout: Path) -> None:
    git("remote", "remove", "origin", cwd=checkout)
    (checkout / ".git" / "index.lock").touch()
    done = ledger(*_words(checkout))
    assert done.code == 5
    assert "index.lock" in done.err
    (checkout / ".git" / "index.lock").unlink()
    assert ledger(*_words(checkout)).code == 0
    assert git("status", "--porcelain", cwd=checkout) == ""


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL], ids=lambda number: number.name
)
def test_a_following_checkout_that_is_cut_short_is_finished_or_left_and_loses_nothing(
    ledger: Run, upstream: Upstream, tmp_path: Path, number: signal.Signals
) -> None:
    tags = set()
    for step in range(8, 26, 2):
        checkout = tmp_path / f"checkout{step}"
        git("clone", "--quiet", upstream.path, checkout)
        wrapped = killing_git(tmp_path / f"bin{step}", step, "before", number)
        finish(start(*_words(checkout, f"v{step}"), environment=wrapped, forked=True))
        if (checkout / ".git" / "index.lock").exists():
            (checkout / ".git" / "index.lock").unlink()
        tags.add(f"v{step}")
        (checkout / "README.md").write_text(f"mine {step}\n")
        git("commit", "--quiet", "-am", "docs", cwd=checkout, check=False)  # the user goes on, unaware
        git("pull", "--quiet", "--rebase", "-X", "theirs", cwd=checkout, check=False)
        git("push", "--quiet", cwd=checkout, check=False)
        again = ledger(*_words(upstream.url, f"v{step}"))
        assert again.code == 0, again.err
        assert upstream.tags() == tags


def test_trouble_while_following_is_a_note_and_not_an_error(ledger: Run, checkout: Path, upstream: Upstream) -> None:
    with (checkout / ".git" / "ledger.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = ledger(*_words(checkout, "v1", "--timeout", "3"))
    assert done.code == 0, done.err
    assert done.json["changed"] is True
    assert "is now behind the remote" in done.err
    assert upstream.tags() == {"v1"}


def test_a_branch_that_is_switched_during_the_push_is_not_written_to(
    checkout: Path, upstream: Upstream, tmp_path: Path
) -> None:
    pushing, go = tmp_path / "pushing", tmp_path / "go"
    upstream.hook("pre-receive", f"touch {pushing}; while [ ! -e {go} ]; do sleep 0.05; done")
    running = start(*_words(checkout))
    while not pushing.exists():
        time.sleep(0.02)
    git("switch", "--quiet", "-c", "feature", cwd=checkout)
    go.touch()
    done = finish(running)
    assert done.code == 0, done.err
    assert "another branch was checked out in the meantime" in done.err
    assert git("status", "--porcelain", cwd=checkout) == ""
