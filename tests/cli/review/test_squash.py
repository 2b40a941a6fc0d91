"""A pull request of several commits that a host squashes: told before, explained after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.pull import Pull
from tests.support.git.upstream import Upstream
from tests.support.values import squashes
from tests.support.values.make import digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def pull(upstream: Upstream, tmp_path: Path, ledger: Run) -> Pull:
    return Pull.open(upstream, tmp_path / "pull", ledger)


def test_a_squash_is_explained_whatever_host_made_it(pull: Pull) -> None:
    """All the commits that a pull request may have, with steps that undo each other."""
    pull.publish("app:v1", "a", "--platform", "linux/amd64")
    pull.publish("app:v2", "b", "--label", "env=prod")
    pull.publish(
        "app:v1", "c", "--force", "--reason", "rebuilt with a patch for a CVE that is very long to explain " * 2
    )
    pull.ledger("yank", "app:v2", "--reason", "bad")
    pull.publish("app:v3", "d")
    pull.ledger("remove", "app:v3", "--reason", "a mistake")
    pull.ledger("set", "app:v1", "--label", "env=test", "--ttl", "999w")
    assert pull.findings() == []
    messages = pull.git("log", "--reverse", "--format=%B%x00", "origin/main..").split("\0")[:-1]
    for host in ("bitbucket", "git", "wrapped"):  # the property of the judge has all of them
        write = squashes.FORMATS[host]
        pull.git("reset", "--quiet", "--soft", "origin/main")
        pull.git("commit", "--quiet", "-m", write(messages))
        audited = pull.run("audit", "--repo", pull.folder)
        assert audited.code == 0, f"{host}: {audited.out}"
    log = pull.run("log", "--repo", pull.folder, "--format", "json").json["entries"]
    assert [(one["tag"], one["action"], one["digest"], one["reason"][:7]) for one in log] == [
        ("v1", "added", digest("c"), "rebuilt"),
        ("v2", "added", digest("b"), "bad"),
    ]


def test_the_gate_says_what_a_squash_would_lose(pull: Pull) -> None:
    pull.publish("app:v1", "a")
    wrong = pull.publish("app:v2", "b")
    assert "squash" not in pull.check().err
    pull.publish("app:v2", "c", "--force", "--reason", "rebuilt")
    done = pull.check()
    assert done.code == 0
    lost = f"history would not have app:v2 as {digest('b')}, which commit {wrong[:12]} brings"
    assert f"note: if the host squashes these commits, {lost}\n" in done.err
    assert done.err.count("squashes") == 1
