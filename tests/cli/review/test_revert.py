"""Commits that are undone with git's `revert`, a host's button, or both in one squash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.pull import Pull
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def branch(upstream: Upstream, tmp_path: Path, ledger: Run) -> Pull:
    """Return a clone on its main branch; what is committed there is never pushed."""
    made = Pull.open(upstream, tmp_path / "clone", ledger)
    made.git("checkout", "--quiet", "main")
    return made


def revert(branch: Pull, *commits: str) -> str:
    branch.git("revert", "--no-edit", *commits)
    return branch.git("rev-parse", "HEAD")


def rules(branch: Pull) -> list[str]:
    """Return the rules that an audit finds broken."""
    done = branch.run("audit", "--repo", branch.folder, "--format", "json")
    assert done.code in (0, 1), done.err
    return [one["rule"] for one in done.json["findings"]]


def reworded(branch: Pull, message: str, *, keep: int = 1) -> str:
    """Squash the last `keep` commits under a message, as a host does."""
    branch.git("reset", "--quiet", "--soft", f"HEAD~{keep}")
    branch.git("commit", "--quiet", "-m", message)
    return branch.git("rev-parse", "HEAD")


def test_the_revert_of_a_publish_a_move_a_yank_or_a_removal_is_explained(branch: Pull) -> None:
    branch.publish("app:v1", "a")
    revert(branch, branch.publish("app:v2", "b"))
    branch.ledger("yank", "app:v1", "--reason", "bad")
    revert(branch, "HEAD")
    revert(branch, branch.publish("app:v1", "c", "--force", "--reason", "rebuilt"))
    branch.ledger("remove", "app:v1", "--reason", "over")
    revert(branch, "HEAD")
    assert rules(branch) == []
    assert [one["tag"] for one in branch.run("list", "--format", "json", "--repo", branch.folder).json] == ["v1"]


def test_the_revert_of_a_revert_is_explained_and_so_is_a_range_in_one_squash(branch: Pull) -> None:
    first = branch.publish("app:v1", "a")
    second = branch.publish("app:v1", "b", "--force", "--reason", "rebuilt")
    third = branch.publish("app:v2", "c")
    revert(branch, third)
    revert(branch, "HEAD")
    revert(branch, third, second, first)
    said = branch.git("log", "-3", "--format=* %B")
    reworded(branch, f"Undo the release (#7)\n\n{said}", keep=3)
    assert rules(branch) == []
    assert branch.run("list", "--format", "json", "--repo", branch.folder).json == []


WORDS = [
    'Revert "publish app:v1 (#12)" (#13)\n\nThis reverts commit {commit}.',
    'Revert "publish app:v1 (#12)" (#13)\n\nReverts team/ledger#12',
    'Revert "publish app:v1" (#13)\n\nReverts team/ledger#12',
    'Merged PR 13: Revert "publish app:v1"\n\nReverted commit `{commit:.8}`.',
    'Undo (#13)\n\n* Revert "publish app:v1 (#12)"\n\nThis reverts commit\n{commit}.\n\n---------\n\n',
    "back it out\n\nThis reverts commit {commit:.7} (publish app:v1, 2026-11-27).",
]


def test_a_host_s_words_for_a_revert_are_understood(branch: Pull) -> None:
    branch.publish("app:v0", "z")
    branch.publish("app:v1", "a")
    body = branch.git("log", "-1", "--format=%b")
    commit = reworded(branch, f"publish app:v1 (#12)\n\n{body}")
    for message in WORDS:
        branch.git("reset", "--quiet", "--hard", commit)
        revert(branch, commit)
        reworded(branch, message.format(commit=commit))
        assert rules(branch) == [], message


def test_what_only_claims_to_be_a_revert_is_unexplained(branch: Pull) -> None:
    two = branch.publish("app:v1", "a")
    other = branch.publish("app:v2", "b")
    branch.ledger("remove", "app:v1", "--reason", "over")
    reworded(branch, f"undo\n\nThis reverts commit {other}.\n")  # it undoes another one
    assert rules(branch) == ["unexplained", "reason"]
    branch.git("reset", "--quiet", "--hard", other)
    branch.git("checkout", "--quiet", "-b", "side", two)
    branch.git("commit", "--quiet", "--allow-empty", "-m", "side")
    hidden = branch.publish("app:v2", "b")
    branch.git("checkout", "--quiet", "main")
    revert(branch, other)
    reworded(branch, f"undo\n\nThis reverts commit {hidden}.\n")  # not in this branch's past
    assert rules(branch) == ["unexplained", "reason"]


def test_a_revert_of_a_part_of_a_commit_is_unexplained(branch: Pull, tmp_path: Path) -> None:
    lines = "\n".join(
        f'{{"image": "app", "tag": "{tag}", "digest": "{digest(tag)}", "sourceRef": "{SOURCE}"}}'
        for tag in ("v1", "v2")
    )
    (tmp_path / "batch").write_text(lines)
    branch.ledger("publish", "--offline", "--from", tmp_path / "batch")
    batch = branch.git("rev-parse", "HEAD")
    branch.ledger("remove", "app:v1", "--reason", "over")
    reworded(branch, f"undo\n\nThis reverts commit {batch}.\n")
    assert rules(branch) == ["unexplained", "reason"]
    branch.ledger("remove", "app:v2", "--reason", "over")
    reworded(branch, f"undo the rest\n\nThis reverts commit {batch}.\n")
    assert rules(branch) == ["unexplained", "reason"]  # the second one completes it


def test_the_gate_passes_a_pull_request_that_reverts_a_publish_or_its_own_forced_move(
    branch: Pull, upstream: Upstream
) -> None:
    branch.publish("app:v2", "b")
    wrong = branch.publish("app:v1", "a")
    git("-C", branch.folder, "push", "--quiet", upstream.url, "HEAD:main")
    branch.git("fetch", "--quiet", "origin")
    revert(branch, wrong)
    revert(branch, branch.publish("app:v2", "c", "--force", "--reason", "rebuilt"))
    assert branch.findings() == []


def test_a_reviewer_sees_which_commit_a_revert_of_a_forced_move_undoes(branch: Pull, upstream: Upstream) -> None:
    branch.publish("app:v1", "a")
    forced = branch.publish("app:v1", "b", "--force", "--reason", "rebuilt")
    git("-C", branch.folder, "push", "--quiet", upstream.url, "HEAD:main")
    branch.git("fetch", "--quiet", "origin")
    revert(branch, forced)
    assert branch.findings() == []
    words = "this tag is immutable, and moves back: a revert of "
    assert f"    {words}{forced[:12]}\n" in branch.diff().out
    assert f"**{words}`{forced[:12]}`**" in branch.diff("--format", "markdown").out
    assert branch.diff("--format", "json").json["changes"][0]["reverts"] == forced[:12]
    branch.publish("app:v1", "c", "--force", "--reason", "again")
    assert "moves back" not in branch.diff().out


def test_a_revert_whose_target_a_shallow_clone_may_lack_is_refused(
    branch: Pull, upstream: Upstream, tmp_path: Path, ledger: Run
) -> None:
    branch.publish("app:v2", "b")
    wrong = branch.publish("app:v1", "a")
    git("-C", branch.folder, "push", "--quiet", upstream.url, "HEAD:main")
    revert(branch, wrong)
    git("-C", branch.folder, "push", "--quiet", upstream.url, "HEAD:pr")
    git("clone", "--quiet", "--depth=2", "--branch=pr", f"file://{upstream.path}", tmp_path / "shallow")
    done = ledger("check", "--base", "HEAD~1", "--repo", tmp_path / "shallow")
    assert done.code == 2
    assert "git fetch --unshallow" in done.err
