"""Open requests of `ledger` stay mergeable: those that conflict after a push to the base are rebased, if unsigned."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.kits.conftest import publish
from tests.support import ROOT
from tests.support.git.upstream import git
from tests.support.stage.github import Runner, workflow_commands
from tests.support.stage.github import load as load_workflow
from tests.support.stage.gitlab import load as load_pipeline
from tests.support.stage.gitlab import run_job
from tests.support.stage.jenkins import environment, shell_steps
from tests.support.stage.kits import WHEEL, kit_files
from tests.support.stage.stage import Stage

Job = Callable[[Stage, Mapping[str, str]], tuple[int, str]]


def on_github(stage: Stage, access: Mapping[str, str]) -> tuple[int, str]:
    key = Path(access["LEDGER_DEPLOY_KEY"]).read_text() if access else ""
    contexts: dict[str, Any] = {
        "github": {
            "repository": "team/ledger", "sha": stage.upstream.tip(), "ref_name": "main", "ref_type": "branch",
            "event": {"repository": {"default_branch": "main"}},
        },
        "vars": {"LEDGER_REPO": "ssh://git@git.example.com/another/ledger.git"},  # for jobs of other repositories
        "secrets": {"LEDGER_DEPLOY_KEY": key},
    }  # fmt: skip
    if access:
        contexts["vars"]["LEDGER_KNOWN_HOSTS"] = Path(access["LEDGER_KNOWN_HOSTS"]).read_text()
    files = kit_files("github", url=access.get("LEDGER_REPO", ""))
    workflow = load_workflow(files[".github/workflows/ledger-rebase.yml"])
    done = Runner(stage, contexts).run_job(workflow, "rebase")
    assert workflow_commands(done.output) in (["stop-commands"], ["notice"])
    return done.failed, done.output


def checkout(stage: Stage, url: str) -> None:
    git("init", "--quiet", stage.work)
    git("config", "remote.origin.url", url, cwd=stage.work)
    git("fetch", "--quiet", stage.upstream.url, "main", cwd=stage.work)
    git("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD", cwd=stage.work)


def on_gitlab(stage: Stage, access: Mapping[str, str], text: str = "") -> tuple[int, str]:
    checkout(stage, stage.upstream.url)
    config = (
        load_pipeline(text, {"ledger-tool": WHEEL}) if text else load_pipeline(kit_files("gitlab")[".gitlab-ci.yml"])
    )
    done = run_job(stage, config, "ledger-rebase", access)
    return done.returncode, done.stdout


def as_component(stage: Stage, access: Mapping[str, str]) -> tuple[int, str]:
    return on_gitlab(stage, access, (ROOT / "templates/rebase.yml").read_text())


def on_jenkins(stage: Stage, access: Mapping[str, str]) -> tuple[int, str]:
    text = kit_files("jenkins")["Jenkinsfile"]
    checkout(stage, access["LEDGER_REPO"])
    ours = environment(text) | {"WORKSPACE_TMP": str(stage.root / "workspace tmp")}
    output = ""
    for step in [*shell_steps(text, "Install ledger"), *shell_steps(text, "Rebase requests")]:
        done = subprocess.run(
            ["sh", "-xe", "-c", step], cwd=stage.work, check=False, timeout=120, stdin=subprocess.DEVNULL, text=True,
            env={**stage.environment, **ours, **access}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        output += done.stdout
        if done.returncode:
            return done.returncode, output
    return 0, output


@pytest.fixture(scope="session")
def requested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a ledger, `upstream.git`, and a clone of it, which have the requests of `requests`."""
    root = tmp_path_factory.mktemp("requested")
    with Stage.set_up(root / "stage") as stage:
        _request(stage, root / "clone", root / "signing")
        shutil.copytree(stage.upstream.path, root / "upstream.git")
    return root


def _request(stage: Stage, clone: Path, key: Path) -> None:
    git("clone", "--quiet", stage.upstream.url, clone)
    publish(stage, clone, "v1.0", "first")
    git("push", "--quiet", "origin", "HEAD:main", cwd=clone)
    start = git("rev-parse", "HEAD", cwd=clone)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    for branch, tag, seed in (
        ("ledger/publish-v1.2", "v1.2", "ours"), ("ledger/signed", "v1.3", "signed"), ("ledger/collides", "v1.1", "x"),
        ("ledger/$(touch${IFS}pwned)", "v1.4", "evil"), ("person", "v1.5", "person"), ("ledger/alice", "v1.6", "alice"),
        ("ledger/eve", "v1.7", "eve"),
    ):  # fmt: skip
        git("checkout", "--quiet", "-b", branch, start, cwd=clone)
        publish(stage, clone, tag, seed)
        if branch == "ledger/signed":
            signing = ["-c", "gpg.format=ssh", "-c", f"user.signingKey={key}"]
            git(*signing, "commit", "--quiet", "--amend", "--no-edit", "-S", cwd=clone)
        if branch == "ledger/alice":
            git("commit", "--quiet", "--amend", "-m", "work in progress", cwd=clone)
        if branch == "ledger/eve":  # the message stays, with the transaction
            (clone / "README.md").write_text("eve's\n")
            git("commit", "--quiet", "--all", "--amend", "--no-edit", cwd=clone)
        git("push", "--quiet", "origin", "HEAD", cwd=clone)
    git("checkout", "--quiet", "-b", "ledger/other-file", start, cwd=clone)
    (clone / "README.md").write_text("other\n")
    git("commit", "--quiet", "--all", "-m", "words", cwd=clone)
    git("push", "--quiet", "origin", "HEAD", cwd=clone)
    git("checkout", "--quiet", "--orphan", "ledger/orphan", cwd=clone)
    git("commit", "--quiet", "-m", "another beginning", cwd=clone)
    git("push", "--quiet", "origin", "HEAD", cwd=clone)
    git("checkout", "--quiet", "main", cwd=clone)
    publish(stage, clone, "v1.1", "base")
    git("push", "--quiet", "origin", "HEAD:main", cwd=clone)


@pytest.fixture
def requests(stage: Stage, requested: Path, tmp_path: Path) -> Path:
    """Return a clone of a ledger with requests: some conflict with what has come to the base since.

    One is signed, one has the same tag with another digest, and one merges as it is. Others belong to people: one by
    its name, one by its commit, and one has nothing in common with the base.
    """
    shutil.rmtree(stage.upstream.path)
    shutil.copytree(requested / "upstream.git", stage.upstream.path)
    clone = shutil.copytree(requested / "clone", tmp_path / "clone")
    git("remote", "set-url", "origin", stage.upstream.url, cwd=clone)
    return clone


def branches(stage: Stage) -> dict[str, str]:
    lines = stage.upstream.git("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads").splitlines()
    return dict(line.split(" ") for line in lines)


@pytest.mark.parametrize("job", [on_github, on_gitlab, as_component, on_jenkins])
def test_requests_that_conflict_are_rebased_unless_they_are_signed_or_collide(
    job: Job, stage: Stage, access: dict[str, str], requests: Path
) -> None:
    before = branches(stage)
    code, output = job(stage, access)
    assert code == 0, output
    after = branches(stage)
    moved = {name for name in before if before[name] != after[name]}
    assert moved == {"ledger/publish-v1.2", "ledger/$(touch${IFS}pwned)"}
    for name in moved:
        assert stage.upstream.git("rev-parse", f"{after[name]}^") == after["main"]
    assert "its signature" in output
    assert "ledger/signed is left for a person to decide" in output
    assert "ledger/collides is left for a person to decide" in output
    for name in ("ledger/alice", "ledger/eve"):
        assert f"{name} is left for a person to decide" in output
    assert output.count("is not as `ledger` made it") == 2
    assert "ledger/orphan is left alone, because it has nothing in common with the base branch" in output
    assert not [line for line in output.splitlines() if line.startswith("fatal:")]
    assert "person conflicts" not in output
    again = job(stage, access)[1]
    assert "ledger/publish-v1.2 conflicts" not in again
    assert branches(stage) == after


@pytest.mark.parametrize("job", [on_gitlab, as_component, on_jenkins])
def test_a_branch_that_is_gone_is_not_looked_for_again(
    job: Job, stage: Stage, access: dict[str, str], requests: Path
) -> None:
    """GitLab and Jenkins keep a checkout, and in it what they fetched before."""
    assert job(stage, access)[0] == 0
    git("push", "--quiet", "origin", "--delete", "ledger/collides", "ledger/alice", cwd=requests)
    code, output = job(stage, access)
    assert code == 0, output
    assert "ledger/collides" not in output.replace("[deleted]", "").partition("ledger/signed conflicts")[2]


@pytest.mark.parametrize("job", [on_github, on_gitlab, as_component])
def test_without_a_key_nothing_is_rebased_and_it_is_said(job: Job, stage: Stage, requests: Path) -> None:
    before = branches(stage)
    code, output = job(stage, {})
    assert code == 0, output
    assert "request is rebased, because" in output
    assert branches(stage) == before


def test_in_a_shallow_checkout_nothing_is_rebased_and_the_job_fails(
    stage: Stage, access: dict[str, str], requests: Path
) -> None:
    """Git would take each branch for one that has nothing in common with the base."""
    git("init", "--quiet", stage.work)
    git("fetch", "--quiet", "--depth=1", f"file://{stage.upstream.path}", "main", cwd=stage.work)
    before = branches(stage)
    code, output = on_gitlab(stage, access)
    assert code == 2, output
    assert "error: the checkout is shallow" in output
    assert branches(stage) == before


def test_a_key_that_may_not_write_fails_the_job(stage: Stage, access: dict[str, str], requests: Path) -> None:
    hook = stage.upstream.path / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'not allowed' >&2\nexit 1\n")
    hook.chmod(0o755)
    code, output = on_gitlab(stage, access)
    assert code == 6, output
    assert "not allowed" in output


@pytest.mark.parametrize("job", [on_gitlab, on_jenkins])
def test_a_job_that_is_not_set_up_rightly_fails(
    job: Job, stage: Stage, access: dict[str, str], requests: Path, tmp_path: Path
) -> None:
    """What is wrong with every branch is not for a person to decide about one."""
    before = branches(stage)
    known = tmp_path / "known"
    known.write_text("")
    code, output = job(stage, {**access, "LEDGER_KNOWN_HOSTS": str(known)})
    assert code not in (0, 3), output
    assert "left for a person" not in output
    assert branches(stage) == before


def test_a_git_that_cannot_tell_what_conflicts_is_named(stage: Stage, access: dict[str, str], requests: Path) -> None:
    program = stage.root / "programs/git"
    real = program.read_text()
    program.write_text(
        real.replace("exec ", 'case $1 in merge-tree) echo "usage: git merge-tree" >&2; exit 129 ;; esac\nexec ')
    )
    code, output = on_gitlab(stage, access)
    assert code == 2, output
    assert "error: git 2.38 or newer is needed to see what conflicts, and this is git version 2" in output
    assert "usage:" not in output
