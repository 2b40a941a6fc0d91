"""`bump --commit`: the edits are committed, and nothing of anybody else's is touched."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.deployed import IMAGE, NEW, POD, Deployed, moved
from tests.support.git.upstream import git
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def bump(deployed: Deployed, ledger: Run) -> Callable[..., Outcome]:
    return lambda *words: ledger("bump", "--policy", "semver:^1", *words)


def test_the_edits_are_one_commit_with_old_new_digest_and_compare_link(
    deployed: Deployed, bump: Callable[..., Outcome]
) -> None:
    before = deployed.git("rev-parse", "HEAD")
    done = bump("pods", "--commit", "--format", "json")
    assert done.code == 0, done.err
    assert done.json["commit"] == deployed.git("rev-parse", "HEAD")
    assert deployed.git("rev-parse", "HEAD^") == before
    assert deployed.git("status", "--porcelain") == ""
    assert deployed.git("diff-index", "--name-only", "HEAD") == ""
    assert deployed.git("diff", "--name-only", "HEAD^", "HEAD").split() == ["pods/a.yaml", "pods/b.yaml"]
    assert deployed.read("pods/a.yaml") == deployed.at("HEAD", "pods/a.yaml") == moved(POD)
    subject, empty, *body = deployed.git("log", "-1", "--format=%B").rstrip().split("\n")
    assert (subject, empty) == ("bump myorg/app to v1.1.0", "")
    assert body[:2] == ["myorg/app v1.0.0 -> v1.1.0", f"  {NEW}"]
    assert body[2].startswith("  https://gitlab.example.com/team/app/-/compare/")
    trailers = git("interpret-trailers", "--parse", stdin=deployed.git("log", "-1", "--format=%B").encode())
    assert trailers == "Ledger-Bump: commit"


def test_what_others_staged_and_changed_stays_as_it_was(deployed: Deployed, bump: Callable[..., Outcome]) -> None:
    deployed.write("staged.txt", "staged\n")
    deployed.git("add", "staged.txt")
    deployed.write("README.md", "# Ours, changed\n")
    deployed.write("untracked.yaml", "a: 1\n")
    status = deployed.git("status", "--porcelain")
    assert bump("pods", "--commit").code == 0
    assert deployed.git("status", "--porcelain") == status
    assert deployed.git("diff", "--name-only", "HEAD^", "HEAD").split() == ["pods/a.yaml", "pods/b.yaml"]


def test_a_file_with_work_in_it_is_committed_without_that_work(
    deployed: Deployed, bump: Callable[..., Outcome]
) -> None:
    staged, changed = f"# staged\n{POD}", f"# staged\n{POD}# changed\n"
    deployed.write("pods/a.yaml", staged)
    deployed.git("add", "pods/a.yaml")
    deployed.write("pods/a.yaml", changed)
    assert bump("pods", "--commit").code == 0
    assert deployed.at("HEAD", "pods/a.yaml") == moved(POD)
    assert deployed.at("", "pods/a.yaml") == moved(staged)
    assert deployed.read("pods/a.yaml") == moved(changed)
    assert deployed.git("status", "--porcelain") == "MM pods/a.yaml"


def test_no_hook_runs_and_the_mode_stays(deployed: Deployed, bump: Callable[..., Outcome]) -> None:
    for name in ("pre-commit", "commit-msg", "prepare-commit-msg", "post-commit", "reference-transaction"):
        hook = deployed.folder / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {deployed.folder}/hooked\nexit 1\n")
        hook.chmod(0o755)
    (deployed.folder / "pods/a.yaml").chmod(0o755)
    deployed.git("-c", "core.hooksPath=/dev/null", "commit", "--quiet", "-am", "mode")
    assert bump("pods", "--commit").code == 0
    assert not (deployed.folder / "hooked").exists()
    assert deployed.git("ls-tree", "HEAD", "pods/a.yaml").startswith("100755 ")
    assert os.access(deployed.folder / "pods/a.yaml", os.X_OK)


def test_files_with_crlf_in_the_work_tree_only_are_committed_as_they_are_stored(
    deployed: Deployed, bump: Callable[..., Outcome]
) -> None:
    deployed.git("config", "core.autocrlf", "true")
    deployed.git("rm", "--quiet", "--cached", "-r", ".")
    deployed.git("reset", "--quiet", "--hard")
    assert "\r\n" in deployed.read("pods/a.yaml")
    assert bump("pods", "--commit").code == 0
    assert deployed.at("HEAD", "pods/a.yaml") == moved(POD)
    assert deployed.read("pods/a.yaml") == moved(POD).replace("\n", "\r\n")
    assert deployed.git("status", "--porcelain") == ""


def test_nothing_to_move_makes_no_commit(deployed: Deployed, bump: Callable[..., Outcome]) -> None:
    assert bump("pods", "--commit").code == 0
    tip = deployed.git("rev-parse", "HEAD")
    done = bump("pods", "--commit", "--format", "json")
    assert (done.code, done.json["commit"], done.json["edits"]) == (0, "", [])
    assert deployed.git("rev-parse", "HEAD") == tip


def test_a_detached_head_and_a_linked_work_tree_are_committed_to(
    deployed: Deployed, ledger: Run, tmp_path: Path
) -> None:
    linked = tmp_path / "linked"
    deployed.git("worktree", "add", "--quiet", "--detach", linked)
    done = ledger("bump", linked / "pods", "--policy", "semver:^1", "--repo", deployed.ledger, "--commit")
    assert done.code == 0, done.err
    assert git("-C", linked, "log", "-1", "--format=%s") == "bump myorg/app to v1.1.0"
    assert git("-C", linked, "status", "--porcelain") == ""
    assert deployed.git("log", "-1", "--format=%s") == "start"
    assert deployed.read("pods/a.yaml") == POD


def test_what_cant_be_committed_so_is_refused_before_anything_changes(
    deployed: Deployed, bump: Callable[..., Outcome], ledger: Run, tmp_path: Path
) -> None:
    deployed.write("pods/new.yaml", POD)
    refused = bump("pods", "--commit")
    assert refused.code == 2
    assert "pods/new.yaml is not in the last commit" in refused.err
    assert deployed.read("pods/a.yaml") == POD
    (deployed.folder / ".git/MERGE_HEAD").write_text(deployed.git("rev-parse", "HEAD") + "\n")
    assert "is in progress" in bump("pods/a.yaml", "--commit").err
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.yaml").write_text(POD)
    outside = ledger("bump", elsewhere, "--policy", "semver:^1", "--repo", deployed.ledger, "--commit")
    assert (outside.code, (elsewhere / "a.yaml").read_text()) == (2, POD)
    assert "is not in a git repository" in outside.err


def test_no_words_of_a_manifest_reach_the_message(deployed: Deployed, bump: Callable[..., Outcome]) -> None:
    evil = f"image: {IMAGE}:v1.0.0 # ledger: semver:^1 [skip ci]\nx: |\n  Signed-off-by: nobody\n"
    deployed.write("pods/a.yaml", evil.replace(" [skip ci]", ""))
    deployed.write("pods/b [skip ci].yaml", POD)
    deployed.git("add", "--all")
    deployed.git("commit", "--quiet", "-m", "more")
    assert bump("pods", "--commit").code == 0
    message = deployed.git("log", "-1", "--format=%B")
    assert "skip ci" not in message
    assert "Signed-off-by" not in message
