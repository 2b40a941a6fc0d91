"""A ledger in the user's own checkout: with a remote, without one, and never at the cost of their work."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.checker import check_history
from tests.support.git.processes import together
from tests.support.git.upstream import Upstream, git
from tests.support.values.make import SOURCE, digest, fields, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def alone(checkout: Path) -> Path:
    """A checkout without a remote."""
    git("remote", "remove", "origin", cwd=checkout)
    return checkout


def _publish(ledger: Run, repo: object, tag: str = "v1", *options: object) -> Outcome:
    return ledger("publish", f"myorg/app:{tag}@{digest(tag)}", "--source", SOURCE, "--repo", repo, *options)


def _status(checkout: Path) -> str:
    return git("status", "--porcelain", "--branch", cwd=checkout)


def test_a_checkout_with_a_remote_publishes_there_and_follows(ledger: Run, checkout: Path, upstream: Upstream) -> None:
    done = _publish(ledger, checkout)
    assert done.code == 0, done.err
    assert upstream.tip() == done.json["commit"] == git("rev-parse", "HEAD", cwd=checkout)
    assert (checkout / "ledger.json").read_bytes() == upstream.content()
    assert _status(checkout) == "## main...origin/main"


def test_the_folder_itself_is_the_default(
    ledger: Run, checkout: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    done = ledger("publish", f"myorg/app:v1@{digest()}", "--source", SOURCE)
    assert done.code == 0, done.err
    assert ledger("get", "myorg/app:v1", "--format", "digest").out == digest() + "\n"


def test_a_checkout_that_is_behind_publishes_on_the_remotes_tip(
    ledger: Run, checkout: Path, upstream: Upstream
) -> None:
    upstream.commit_as_other_writer({"ledger.json": ledger_bytes(record(tag="theirs"))}, "theirs")
    done = _publish(ledger, checkout)
    assert done.code == 0, done.err
    assert upstream.tags() == {"theirs", "v1"}
    assert _status(checkout) == "## main...origin/main"


def test_uncommitted_work_stays_and_the_record_lands_on_the_remote(
    ledger: Run, checkout: Path, upstream: Upstream
) -> None:
    (checkout / "ledger.json").write_text("my work in progress")
    (checkout / "README.md").write_text("my readme")
    (checkout / "new.txt").write_text("mine")
    git("add", "new.txt", cwd=checkout)
    done = _publish(ledger, checkout)
    assert done.code == 0, done.err
    assert "git pull --rebase" in done.err
    assert "ledger.json has uncommitted changes" in done.err
    assert (checkout / "ledger.json").read_text() == "my work in progress"
    assert (checkout / "README.md").read_text() == "my readme"
    assert _status(checkout).split("\n")[1:] == [" M README.md", " M ledger.json", "A  new.txt"]
    assert len(upstream.records()) == 1


def test_other_uncommitted_work_does_not_keep_the_checkout_from_following(
    ledger: Run, checkout: Path, upstream: Upstream
) -> None:
    (checkout / "README.md").write_text("my readme")
    (checkout / "new.txt").write_text("mine")
    git("add", "new.txt", cwd=checkout)
    assert _publish(ledger, checkout).code == 0
    assert git("rev-parse", "HEAD", cwd=checkout) == upstream.tip()
    assert _status(checkout).split("\n")[1:] == [" M README.md", "A  new.txt"]


def test_unpushed_commits_stay_and_are_not_pushed(ledger: Run, checkout: Path, upstream: Upstream) -> None:
    (checkout / "notes.txt").write_text("mine")
    git("add", "notes.txt", cwd=checkout)
    git("commit", "--quiet", "-m", "mine", cwd=checkout)
    mine = git("rev-parse", "HEAD", cwd=checkout)
    done = _publish(ledger, checkout)
    assert done.code == 0, done.err
    assert "unpushed commits" in done.err
    assert git("rev-parse", "HEAD", cwd=checkout) == mine
    assert mine not in upstream.commits()
    git("pull", "--quiet", "--rebase", cwd=checkout)
    assert len(git("rev-list", "HEAD", cwd=checkout).split()) == 3


def test_a_remote_that_changed_other_files_too_is_left_to_git_pull(
    ledger: Run, checkout: Path, upstream: Upstream
) -> None:
    upstream.commit_as_other_writer({"ledger.yaml": b"tags: {mutable: [v1]}\n"})
    done = _publish(ledger, checkout)
    assert done.code == 0, done.err
    assert "other files changed too" in done.err
    assert not (checkout / "ledger.yaml").exists()
    git("pull", "--quiet", "--ff-only", cwd=checkout)
    assert git("rev-parse", "HEAD", cwd=checkout) == upstream.tip()


def test_a_detached_checkout_as_ci_makes_it_publishes_to_the_remotes_branch(
    ledger: Run, checkout: Path, upstream: Upstream
) -> None:
    git("checkout", "--quiet", "--detach", cwd=checkout)
    before = git("rev-parse", "HEAD", cwd=checkout)
    done = _publish(ledger, checkout)
    assert done.code == 0, done.err
    assert upstream.tip() == done.json["commit"]
    assert git("rev-parse", "HEAD", cwd=checkout) == before
    assert (
        "since no branch is checked out (detached HEAD); `git checkout origin/main` brings the record here" in done.err
    )
    git("checkout", "--quiet", "origin/main", cwd=checkout)
    assert "v1" in (checkout / "ledger.json").read_text()


def test_a_checkout_on_another_branch_says_that_the_record_is_not_there(
    ledger: Run, checkout: Path, upstream: Upstream
) -> None:
    git("checkout", "--quiet", "-b", "mine", cwd=checkout)
    done = _publish(ledger, checkout, "v1", "--branch", "main")
    assert (done.code, done.json["commit"]) == (0, upstream.tip())
    assert "`mine` is checked out, which does not follow `main`; the record is in `origin/main`" in done.err


def test_a_shallow_checkout_publishes_and_follows(ledger: Run, upstream: Upstream, tmp_path: Path) -> None:
    upstream.commit_as_other_writer({"ledger.json": ledger_bytes(record(tag="theirs"))})
    git("clone", "--quiet", "--depth=1", upstream.url, tmp_path / "shallow")
    done = _publish(ledger, tmp_path / "shallow")
    assert done.code == 0, done.err
    assert _status(tmp_path / "shallow") == "## main...origin/main"
    assert len(upstream.commits()) == 3


def test_a_linked_worktree_works_like_a_checkout(
    ledger: Run, checkout: Path, upstream: Upstream, tmp_path: Path
) -> None:
    git("checkout", "--quiet", "-b", "aside", cwd=checkout)
    git("worktree", "add", "--quiet", tmp_path / "linked", "main", cwd=checkout)
    done = _publish(ledger, tmp_path / "linked")
    assert done.code == 0, done.err
    assert git("rev-parse", "main", cwd=checkout) == upstream.tip()
    assert git("status", "--porcelain", cwd=tmp_path / "linked") == ""


def test_no_push_commits_here_and_nowhere_else(ledger: Run, checkout: Path, upstream: Upstream) -> None:
    before = upstream.tip()
    done = _publish(ledger, checkout, "v1", "--no-push")
    assert done.code == 0, done.err
    assert upstream.tip() == before
    assert git("rev-parse", "HEAD", cwd=checkout) == done.json["commit"]
    assert _status(checkout) == "## main...origin/main [ahead 1]"


def test_no_push_needs_a_checkout(ledger: Run, upstream: Upstream) -> None:
    done = _publish(ledger, upstream.url, "v1", "--no-push")
    assert done.code == 2
    assert "needs a checkout" in done.err


def test_without_a_remote_the_commit_is_local(ledger: Run, alone: Path) -> None:
    (alone / "README.md").write_text("my readme")
    mode = 0o600
    (alone / "ledger.json").chmod(mode)
    done = _publish(ledger, alone)
    assert done.code == 0, done.err
    assert git("rev-parse", "HEAD", cwd=alone) == done.json["commit"]
    assert git("status", "--porcelain", cwd=alone) == " M README.md"
    assert (alone / "ledger.json").stat().st_mode & 0o777 == mode
    assert len(check_history(alone / ".git")) == 2


@pytest.mark.parametrize("staged", [False, True])
def test_a_local_commit_is_refused_over_uncommitted_work_on_the_ledger(ledger: Run, alone: Path, staged: bool) -> None:
    work = ledger_bytes(record(tag="mine"))
    (alone / "ledger.json").write_bytes(work)
    if staged:
        git("add", "ledger.json", cwd=alone)
    before = git("rev-parse", "HEAD", cwd=alone)
    done = _publish(ledger, alone)
    assert done.code == 2
    assert "changes" in done.err
    assert "git restore" in done.err
    assert (alone / "ledger.json").read_bytes() == work
    assert git("rev-parse", "HEAD", cwd=alone) == before


def test_many_local_publishers_at_once_all_land(alone: Path) -> None:
    commands = [["publish", f"a/b:v{at}@{digest(at)}", "--source", SOURCE, "--repo", alone] for at in range(8)]
    done = together(commands)
    assert [one.code for one in done] == [0] * 8, [one.err for one in done]
    assert len(check_history(alone / ".git")) == 9
    assert git("status", "--porcelain", cwd=alone) == ""


def test_a_branch_without_a_commit_says_to_commit_first(ledger: Run, tmp_path: Path) -> None:
    git("init", "--quiet", tmp_path / "new")
    (tmp_path / "new" / "ledger.json").write_bytes(ledger_bytes())
    done = _publish(ledger, tmp_path / "new")
    assert done.code == 2
    assert "git commit" in done.err


def test_a_folder_outside_git_can_be_read_but_not_written(ledger: Run, tmp_path: Path) -> None:
    (tmp_path / "ledger.json").write_bytes(ledger_bytes(record()))
    assert ledger("list", "--repo", tmp_path).code == 0
    done = _publish(ledger, tmp_path, "v2")
    assert done.code == 2
    assert f"{tmp_path} is not in a git repository" in done.err


def test_hooks_and_filters_of_the_checkout_do_not_run(ledger: Run, checkout: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-commit", "pre-push", "post-commit", "reference-transaction", "post-checkout", "commit-msg"):
        for folder in (hooks, checkout / ".git" / "hooks"):
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(f"#!/bin/sh\necho {name} >>{ran}\n")
            (folder / name).chmod(0o755)
    git("config", "core.hooksPath", hooks, cwd=checkout)
    git("config", "core.fsmonitor", f"touch {ran}", cwd=checkout)
    done = _publish(ledger, checkout)
    assert done.code == 0, done.err
    assert not ran.exists()


def test_a_file_that_cannot_be_replaced_is_named_and_whole(ledger: Run, alone: Path) -> None:
    """A folder in the place of the file is the one obstacle that root meets too."""
    (alone / "ledger.json").unlink()
    (alone / "ledger.json").mkdir()
    done = _publish(ledger, alone)
    assert done.code == 2
    assert "ledger.json" in done.err


def test_reading_a_branch_of_a_checkout_reads_git_not_the_files(ledger: Run, checkout: Path) -> None:
    (checkout / "ledger.json").write_bytes(ledger_bytes(record(tag="wip")))
    assert ledger("list", "--repo", checkout, "--format", "json").json == [fields(tag="wip")]
    assert ledger("list", "--repo", checkout, "--branch", "main", "--format", "json").json == []


def test_a_relative_path_to_the_remote_is_relative_to_the_checkout(
    ledger: Run, checkout: Path, upstream: Upstream
) -> None:
    git("remote", "set-url", "origin", os.path.relpath(upstream.path, checkout), cwd=checkout)
    done = _publish(ledger, checkout)
    assert done.code == 0, done.err
    assert upstream.tip() == done.json["commit"]


def test_a_submodule_works_from_a_folder_below_it(
    ledger: Run, upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", "--quiet", tmp_path / "outer")
    git(
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        upstream.url,
        "ledger",
        cwd=tmp_path / "outer",
    )
    (tmp_path / "outer" / "ledger" / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "outer" / "ledger" / "sub")
    done = _publish(ledger, "..", "v1", "--no-push")
    assert done.code == 0, done.err
    assert git("status", "--porcelain", cwd=tmp_path / "outer" / "ledger") == ""


def test_several_remotes_without_an_upstream_are_a_usage_error(ledger: Run, checkout: Path, upstream: Upstream) -> None:
    git("remote", "rename", "origin", "one", cwd=checkout)
    git("remote", "add", "two", upstream.path, cwd=checkout)
    git("branch", "--unset-upstream", cwd=checkout)
    done = _publish(ledger, checkout)
    assert done.code == 2
    assert "several remotes" in done.err
    assert upstream.tags() == set()


def test_an_upstream_that_is_a_url_is_followed(ledger: Run, checkout: Path, upstream: Upstream) -> None:
    git("config", "branch.main.remote", upstream.url, cwd=checkout)
    assert _publish(ledger, checkout).code == 0
    assert upstream.tags() == {"v1"}


def test_a_commit_that_is_not_pushed_says_so(ledger: Run, checkout: Path) -> None:
    assert "committed in this checkout, but not pushed" in _publish(ledger, checkout, "v1", "--no-push").err
