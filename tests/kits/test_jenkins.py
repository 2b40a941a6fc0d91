"""The Jenkins kit runs: the shell steps of its pipelines, against a real remote over SSH with a deploy key."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.kits.conftest import EVIL_BRANCH, EVIL_TITLE, Proposal
from tests.support import ROOT
from tests.support.git.upstream import git
from tests.support.stage.jenkins import shell_steps
from tests.support.stage.stage import Stage

KIT = ROOT / "ledger_tool/kits/jenkins"
COMMIT = "4ef5a3030654728decc420aa363a57670ae53de4"
PIPELINE = (KIT / "Jenkinsfile").read_text("utf-8")


def run(stage: Stage, steps: list[str], more: dict[str, str]) -> tuple[int, str]:
    """Run steps one after the other, until one fails; return its exit code and what they wrote, tracing included."""
    output = ""
    ours = {"WORKSPACE_TMP": str(stage.root / "workspace tmp"), "LEDGER_TOOL": "ledger-tool"}
    for step in steps:
        done = subprocess.run(
            ["sh", "-xe", "-c", step], cwd=stage.work, env={**stage.environment, **ours, **more}, check=False,
            stdin=subprocess.DEVNULL, timeout=120, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        output += done.stdout
        if done.returncode:
            return done.returncode, output
    return 0, output


@pytest.fixture
def change(stage: Stage, proposal: Proposal, access: dict[str, str]) -> dict[str, str]:
    """Return what a pull request's build finds in its environment, beside a checkout of its head."""
    git("init", "--quiet", stage.work)
    git("remote", "add", "origin", access["LEDGER_REPO"], cwd=stage.work)
    git("fetch", "--quiet", stage.upstream.url, proposal.head, cwd=stage.work)
    git("checkout", "--quiet", "--detach", "FETCH_HEAD", cwd=stage.work)
    return access | {
        "CHANGE_TARGET": f"{EVIL_BRANCH}-base",
        "CHANGE_BRANCH": EVIL_BRANCH,
        "CHANGE_TITLE": EVIL_TITLE,
        "LEDGER_REPO": "",
    }


def check_steps() -> list[str]:
    return [*shell_steps(PIPELINE, "Install ledger"), *shell_steps(PIPELINE, "Check")]


def test_a_good_pull_request_leaves_a_report_and_a_review(stage: Stage, change: dict[str, str]) -> None:
    code, output = run(stage, check_steps(), change)
    assert code == 0, output
    assert (stage.work / "ledger-junit.xml").read_text().startswith("<?xml")
    assert "v1.1" in (stage.work / "ledger-review.md").read_text()


def test_a_bad_pull_request_fails_with_both(stage: Stage, change: dict[str, str]) -> None:
    text = (stage.work / "ledger.json").read_text()
    (stage.work / "ledger.json").write_text(re.sub(r'(?<="digest": "sha256:)[0-9a-f]{64}', "0" * 64, text))
    git("commit", "--quiet", "--all", "-m", "by hand", cwd=stage.work)
    code, output = run(stage, check_steps(), change)
    assert code == 1, output
    assert "failure" in (stage.work / "ledger-junit.xml").read_text()
    assert "v1.0" in (stage.work / "ledger-review.md").read_text()


def test_another_host_key_than_the_known_one_is_refused(stage: Stage, change: dict[str, str], tmp_path: Path) -> None:
    known = tmp_path / "none"
    known.write_text("")
    code, output = run(stage, check_steps(), change | {"LEDGER_KNOWN_HOSTS": str(known)})
    assert code != 0
    assert "Host key verification failed" in output


def test_the_nightly_comparison_fails_on_drift_and_leaves_a_report(
    stage: Stage, access: dict[str, str], tmp_path: Path
) -> None:
    login = {"LEDGER_REGISTRY_USERNAME": "ci", "LEDGER_REGISTRY_PASSWORD": "secret"}
    source = f"https://git.example.com/team/app@{COMMIT}"
    steps = [*shell_steps(PIPELINE, "Install ledger"), *shell_steps(PIPELINE, "Compare with the registries")]
    pushing = "docker buildx build --push --tag registry.example.com/myorg/app:v1 app"
    stage.run([pushing, f"ledger publish myorg/app:v1 --repo {stage.upstream.path} --source {source}"])
    git("clone", "--quiet", stage.upstream.url, tmp_path / "night")
    for name in (".git", "ledger.json", "ledger.yaml"):
        (tmp_path / "night" / name).rename(stage.work / name)
    assert run(stage, steps, login)[0] == 0
    (stage.work / "app/Dockerfile").write_text("FROM scratch\n# other\n")
    stage.run([pushing])
    code, output = run(stage, steps, login)
    assert code == 1, output
    assert "tag-moved" in (stage.work / "ledger-junit.xml").read_text()
    assert "secret" not in output


def test_the_example_of_the_kit_publishes(stage: Stage, access: dict[str, str]) -> None:
    """The image that it is given is the tag's; that nothing else of it is read shows in one with a shell's words."""
    given = access | {
        "JENKINS_URL": "https://ci", "GIT_URL": "https://git.example.com/team/app.git", "GIT_COMMIT": COMMIT,
        "TAG": "v1.5.0", "TAG_NAME": "v1.5.0",
    }  # fmt: skip
    text = (KIT / "examples/publish.Jenkinsfile").read_text()
    code, output = run(stage, shell_steps(text), given)
    assert code == 0, output
    assert {one["image"] for one in stage.upstream.records()} == {"myorg/app", "myorg/worker"}
    assert {one["sourceRef"] for one in stage.upstream.records()} == {f"https://git.example.com/team/app.git@{COMMIT}"}
