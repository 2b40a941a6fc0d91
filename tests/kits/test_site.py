"""The jobs that publish pages: with what the last comparison has found, and only where somebody has asked for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.kits.test_nightly import push
from tests.support import ROOT
from tests.support.forges.fake_forges import fake_forge
from tests.support.git.upstream import git
from tests.support.stage import github, gitlab
from tests.support.stage.kits import WHEEL, kit_files
from tests.support.stage.stage import Stage

WORKFLOW = github.load(kit_files("github")[".github/workflows/ledger-site.yml"])
PIPELINE = gitlab.load(kit_files("gitlab")[".gitlab-ci.yml"])


def contexts(**more: Any) -> dict[str, Any]:
    event = {"repository": {"default_branch": "main"}}
    given = {
        "repository": "team/ledger",
        "ref_type": "branch",
        "ref_name": "main",
        "event_name": "push",
        "sha": "0" * 40,
    }
    return {
        "github": given | {"event": event, "run_id": "1", "run_attempt": "1"} | more,
        "vars": {"REGISTRY_USER": "ci", "LEDGER_SITE": "true"},
        "secrets": {"REGISTRY_PASSWORD": "secret"},
    }  # fmt: skip


def on_github(stage: Stage, *, compare: bool) -> dict[str, str]:
    """Run the jobs; return published files by their paths."""
    given = contexts(sha=stage.upstream.tip())
    if compare:
        with fake_forge("github") as forge:
            workflow = github.load(kit_files("github")[".github/workflows/ledger-reconcile.yml"])
            runner = github.Runner(stage, given, {"LEDGER_FORGE_URL": forge.wire.url, "LEDGER_FORGE_TOKEN": "x"})
            runner.run_job(workflow, "reconcile")
        (stage.root / "runner/ledger-drift.json").unlink()  # each job has a runner of its own
    done = github.Runner(stage, given).run_jobs(WORKFLOW)
    assert done.failed == 0, done.output
    assert github.workflow_commands(done.output) == ["stop-commands"]
    return {str(path.relative_to(stage.root / "pages")): path.read_text() for path in _files(stage, "pages")}


def on_gitlab(stage: Stage, *, compare: bool, pipeline: dict[str, Any] = PIPELINE) -> dict[str, str]:
    project = {
        "CI_SERVER_URL": "https://gitlab.com", "REGISTRY_USER": "ci", "REGISTRY_PASSWORD": "secret",
        "CI_PAGES_URL": "https://team.gitlab.io/ledger",
    }  # fmt: skip
    git("init", "--quiet", stage.work)
    git("fetch", "--quiet", stage.upstream.url, "main", cwd=stage.work)
    git("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD", cwd=stage.work)
    if compare:
        assert gitlab.run_job(stage, pipeline, "ledger-reconcile", project).returncode == 1
    done = gitlab.run_job(stage, pipeline, "pages", project)
    assert done.returncode == 0, done.stdout
    return {str(path.relative_to(stage.work / "public")): path.read_text() for path in _files(stage, "work/public")}


def as_components(stage: Stage, *, compare: bool) -> dict[str, str]:
    jobs = (
        gitlab.load((ROOT / f"templates/{name}.yml").read_text(), {"ledger-tool": WHEEL})
        for name in ("reconcile", "site")
    )
    return on_gitlab(stage, compare=compare, pipeline={name: job for each in jobs for name, job in each.items()})


def _files(stage: Stage, folder: str) -> list[Any]:
    root = stage.root / folder
    return [*root.glob("*.html"), root / "feed.xml", root / "v1/ledger.json"]


@pytest.mark.parametrize("job", [on_github, on_gitlab, as_components])
def test_the_pages_have_what_the_last_comparison_found(job: Callable[..., dict[str, str]], stage: Stage) -> None:
    push(stage, "first")
    source = "https://git.example.com/team/app@4ef5a3030654728decc420aa363a57670ae53de4"
    stage.run([f"ledger publish myorg/app:v1.5.0 --repo {stage.upstream.path} --source {source}"])
    before = job(stage, compare=False)
    push(stage, "second")
    after = job(stage, compare=True)
    assert "myorg/app" in before["index.html"]
    assert "drift.html" not in before
    assert "myorg/app" in after["drift.html"]
    host = "github" if job is on_github else "gitlab"
    assert f"https://team.{host}.io/ledger/" in after["feed.xml"]
    assert json.loads(after["v1/ledger.json"])["commit"] == stage.upstream.tip()


@pytest.mark.parametrize(
    ("more", "runs"),
    [
        ({}, True),
        ({"event_name": "schedule", "event": {}}, True),
        ({"ref_name": "other"}, False),
        ({"ref_name": "main", "ref_type": "tag"}, False),
    ],
)
def test_only_the_default_branch_is_published_and_only_once_somebody_says_so(
    more: dict[str, Any], *, runs: bool, stage: Stage
) -> None:
    given = contexts(**more)
    assert _runs(stage, given) == runs
    for value in ("", "false"):
        given["vars"]["LEDGER_SITE"] = value
        assert not _runs(stage, given)
    for rule in PIPELINE["pages"]["rules"]:
        assert rule["if"].startswith('$LEDGER_SITE == "true" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && ')
    assert "LEDGER_SITE" not in PIPELINE["variables"]


def _runs(stage: Stage, given: dict[str, Any]) -> bool:
    jobs = {name: {**job, "steps": [{"run": f"echo {name}"}]} for name, job in WORKFLOW["jobs"].items()}
    said = github.Runner(stage, given).run_jobs({"jobs": jobs}).output.split()
    assert said in ([], ["build", "deploy"])
    return bool(said)
