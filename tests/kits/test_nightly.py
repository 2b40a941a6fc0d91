"""The nightly comparison keeps one issue: opened when drift appears, updated while it lasts, closed at its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.forges.fake_forge import TOKEN
from tests.support.forges.fake_forges import fake_forge
from tests.support.git.upstream import git
from tests.support.stage.github import Runner, workflow_commands
from tests.support.stage.github import load as load_workflow
from tests.support.stage.gitlab import load as load_pipeline
from tests.support.stage.gitlab import run_job
from tests.support.stage.kits import kit_files
from tests.support.stage.stage import Stage

COMMIT = "4ef5a3030654728decc420aa363a57670ae53de4"


def push(stage: Stage, content: str) -> None:
    context = stage.root / "context"
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(f"FROM scratch\n# {content}\n")
    stage.run([f"docker buildx build --push --tag registry.example.com/myorg/app:v1.5.0 {context}"])


def on_github(stage: Stage, password: str, forge: Any) -> int:
    contexts = {
        "github": {"repository": "team/ledger", "sha": stage.upstream.tip(), "token": TOKEN},
        "vars": {"REGISTRY_USER": "ci"},
        "secrets": {"REGISTRY_PASSWORD": password},
    }
    workflow = load_workflow(kit_files("github")[".github/workflows/ledger-reconcile.yml"])
    done = Runner(stage, contexts, {"LEDGER_FORGE_URL": forge.wire.url}).run_job(workflow, "reconcile")
    assert "records" in done.summary
    assert workflow_commands(done.output) == ["stop-commands"]
    return done.failed


def on_gitlab(stage: Stage, password: str, forge: Any) -> int:
    project = {
        "CI_SERVER_URL": forge.wire.url, "LEDGER_ISSUES_TOKEN": TOKEN, "REGISTRY_USER": "ci",
        "REGISTRY_PASSWORD": password,
    }  # fmt: skip
    git("init", "--quiet", stage.work)
    git("config", "remote.origin.url", forge.remote, cwd=stage.work)
    git("fetch", "--quiet", "--depth=1", stage.upstream.url, "main", cwd=stage.work)
    git("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD", cwd=stage.work)
    pipeline = load_pipeline(kit_files("gitlab")[".gitlab-ci.yml"])
    return run_job(stage, pipeline, "ledger-reconcile", project).returncode


def follow(stage: Stage, night: Callable[[str], int], issues: Callable[[], list[tuple[str, bool]]]) -> None:
    """Live through some nights; one that could observe nothing fails, and leaves the issue as it is."""
    push(stage, "first")
    source = f"https://git.example.com/team/app@{COMMIT}"
    stage.run([f"ledger publish myorg/app:v1.5.0 --repo {stage.upstream.path} --source {source}"])
    assert (night("secret"), issues()) == (0, [])
    push(stage, "second")
    assert (night("secret"), issues()) == (0, [("open", True)])
    assert (night("secret"), issues()) == (0, [("open", True)])
    assert (night("old"), issues()) == (5, [("open", True)])
    push(stage, "first")
    assert (night("secret"), issues()) == (0, [("closed", True)])
    assert (night("secret"), issues()) == (0, [("closed", True)])
    push(stage, "second")
    assert (night("secret"), issues()) == (0, [("closed", True), ("open", True)])


@pytest.mark.parametrize("job", [on_github, on_gitlab])
def test_one_issue_follows_the_drift(job: Callable[[Stage, str, Any], int], stage: Stage) -> None:
    """Not that of somebody else, whatever its label."""
    with fake_forge(job.__name__.removeprefix("on_")) as forge:
        theirs = forge.issue(11, title="The registry differs from the ledger", body="", labels=["ledger-drift"])
        follow(
            stage,
            lambda password: job(stage, password, forge),
            lambda: [(issue["state"], "tag-moved" in issue["body"]) for issue in forge.issues[1:]],
        )
        assert (theirs["state"], theirs["body"]) == ("open", "")
