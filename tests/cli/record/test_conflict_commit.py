"""A conflict names the ledger commit that published what is recorded, or none."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.tamper import commit, move_branch
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def publish(ledger: Run, upstream: Upstream) -> Callable[..., Outcome]:
    """Return a function that publishes offline."""

    def run(name: str, seed: object, *options: object, repo: object = "") -> Outcome:
        words = ("publish", f"{name}@{digest(seed)}", "--source", SOURCE, "--offline", *options)
        return ledger(*words, "--repo", repo or upstream.url)

    return run


def named(refused: Outcome) -> str:
    """Return the commit that a conflict's message names, or an empty text."""
    assert refused.code == 3
    found = re.search(r"published [0-9TZ:-]+ in ledger commit ([0-9a-f]{12})\n\nrecorded sha256", refused.err)
    return found[1] if found else ""


def test_a_conflict_names_the_commit_that_published_the_record(
    publish: Callable[..., Outcome], ledger: Run, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.git("config", "uploadpack.allowFilter", "true")  # the other tests have a server that leaves nothing out
    publish("app:v1", "first")
    publish("app:v1", "a", "--force", "--reason", "rebuilt")
    publisher = upstream.tip()
    publish("app:v1", "a", "--label", "env=prod")
    publish("app:v2", "b")
    ledger("yank", "app:v1", "--reason", "bad", "--repo", upstream.url)
    assert named(publish("app:v1", "c")) == publisher[:12]
    assert named(publish("app:v1", "c", "--dry-run")) == publisher[:12]
    git("clone", "--quiet", upstream.path, tmp_path / "clone")
    assert named(publish("app:v1", "c", repo=tmp_path / "clone")) == publisher[:12]
    assert named(publish("app:v1", "c", "--no-push", repo=tmp_path / "clone")) == publisher[:12]


def test_a_message_that_lies_is_not_believed(publish: Callable[..., Outcome], upstream: Upstream) -> None:
    publish("app:v1", "a")
    publisher = upstream.tip()
    publish("app:v2", "b")
    lie = f"publish app:v1\n\nImage: app:v1\nDigest: {digest('a')}\nSource-Ref: {SOURCE}\n"
    move_branch(upstream, commit(upstream, lie, [upstream.tip()], {"README.md": b"# Other\n"}))
    assert named(publish("app:v1", "c")) == publisher[:12]


def test_what_was_published_in_a_batch_or_by_hand_is_found_by_the_ledgers_alone(
    publish: Callable[..., Outcome], ledger: Run, upstream: Upstream, tmp_path: Path
) -> None:
    lines = [f'{{"image":"app","tag":"v{at}","digest":"{digest(at)}","sourceRef":"{SOURCE}"}}' for at in range(120)]
    (tmp_path / "batch").write_text("\n".join(lines))
    ledger("publish", "--offline", "--from", tmp_path / "batch", "--repo", upstream.url)
    batch = upstream.tip()
    publish("other:v1", "o")
    assert named(publish("app:v7", "c")) == batch[:12]


def test_no_commit_is_named_if_the_publisher_is_not_in_the_clone(
    publish: Callable[..., Outcome], upstream: Upstream, tmp_path: Path
) -> None:
    publish("app:v1", "a")
    publish("app:v2", "b")
    git("clone", "--quiet", "--depth=1", f"file://{upstream.path}", tmp_path / "clone")
    git("-C", tmp_path / "clone", "remote", "remove", "origin")
    assert named(publish("app:v1", "c", "--no-push", repo=tmp_path / "clone")) == ""
