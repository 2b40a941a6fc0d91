"""The dates of what is written: of commits, and of the records in them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.clone import Clone
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


def ahead(upstream: Upstream, seconds: int) -> int:
    """Put a commit on the branch that is dated some seconds from now; return its date."""
    date = int(time.time()) + seconds
    who = f"Other Writer <other@example.com> {date} +0000"
    tree, parent = upstream.git("rev-parse", "main^{tree}"), upstream.tip()
    text = f"tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\nby a clock that is ahead\n"
    commit = upstream.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode())
    upstream.git("update-ref", "refs/heads/main", commit)
    return date


def publish(ledger: Run, repo: object, *options: object) -> Outcome:
    return ledger("publish", f"app:v1@{digest()}", "--source", SOURCE, "--repo", repo, *options)


def test_a_commit_is_never_dated_before_its_parent(ledger: Run, upstream: Upstream, tmp_path: Path) -> None:
    """On a remote, in a checkout, and by a rebase."""
    date = ahead(upstream, 500)
    git("clone", "--quiet", upstream.url, tmp_path / "clone")
    assert publish(ledger, upstream.url).code == 0
    assert publish(ledger, tmp_path / "clone", "--no-push").code == 0
    clone = Clone(tmp_path / "clone", ledger)
    assert upstream.git("log", "-1", "--format=%at %ct", "main") == f"{date} {date}"
    assert clone.git("log", "-1", "--format=%at %ct") == f"{date} {date}"
    upstream.commit_as_other_writer({"README.md": b"# Moved on\n"})
    later = ahead(upstream, 550)
    clone.git("fetch", "--quiet")
    assert clone.ledger("rebase", "origin/main").code == 0
    assert int(clone.git("log", "-1", "--format=%ct")) >= later


@pytest.mark.parametrize("command", ["publish", "rebase"])
def test_nothing_is_written_on_a_commit_of_over_ten_minutes_ahead(
    ledger: Run, upstream: Upstream, tmp_path: Path, command: str
) -> None:
    assert publish(ledger, upstream.url).code == 0
    git("clone", "--quiet", upstream.url, tmp_path / "clone")
    clone = Clone(tmp_path / "clone", ledger)
    clone.publish("app:v2", 2)
    clone.git("fetch", "--quiet")
    ahead(upstream, 700)
    tip = upstream.tip()
    match command:
        case "publish":
            done = ledger("publish", f"app:v3@{digest()}", "--source", SOURCE, "--repo", upstream.url)
        case _:
            clone.git("fetch", "--quiet")
            done = clone.ledger("rebase", "origin/main")
    assert done.code == 5
    assert "over ten minutes ahead of this machine's clock" in done.err
    assert "`date -u`" in done.err
    assert upstream.tip() == tip


def test_a_published_at_of_over_ten_minutes_ahead_is_refused(ledger: Run, upstream: Upstream, tmp_path: Path) -> None:
    tip = upstream.tip()
    done = publish(ledger, upstream.url, "--published-at", "2999-01-01T00:00:00Z")
    assert done.code == 2
    assert "publishedAt 2999-01-01T00:00:00Z is over ten minutes ahead of this machine's clock" in done.err
    assert upstream.tip() == tip
