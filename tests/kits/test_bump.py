"""A merged promotion opens the request of a deployment repository: the kits' examples, on each CI system."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ledger_tool.core.changes.promotion import promoted
from ledger_tool.core.ledger.names import Tag
from tests.support.forges.branches import BranchesOf
from tests.support.forges.fake_forge import TOKEN
from tests.support.forges.fake_forges import fake_forge
from tests.support.git.deployed import POD
from tests.support.git.servers import http_server
from tests.support.git.upstream import Upstream, git
from tests.support.stage.github import Runner, load, workflow_commands
from tests.support.stage.gitlab import load as load_pipeline
from tests.support.stage.gitlab import run_job
from tests.support.stage.jenkins import environment, shell_steps
from tests.support.stage.kits import kit_files
from tests.support.stage.stage import Stage
from tests.support.values.make import digest, ledger_bytes, record

VERSIONS = [record("myorg/app", tag, digest=digest(tag)) for tag in ("v1.1.0", "v1.2.0")]
SETTINGS = "registries: [{host: registry.example.com}]\nenvironments:\n  staging: {}\n  prod: {from: staging}\n"


@dataclass
class Followed:
    """A ledger with environments on a stage, and a deployment repository on a forge."""

    stage: Stage
    ledger: Upstream
    fleet: Upstream
    forge: Any
    host: str  # that serves both over HTTP
    access: Mapping[str, str]

    def write(self, *commands: str) -> None:
        """Run commands of `ledger` on the ledger."""
        for command in commands:
            (said,) = self.stage.run([f"ledger {command} --repo {self.ledger.path}"])
            assert "error" not in said, said

    def branches(self) -> list[str]:
        return self.fleet.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/ledger").split()

    def image(self) -> str:
        """Return the image that the request proposes."""
        (branch,) = self.branches()
        (line,) = [
            one for one in self.fleet.content(branch, "overlays/prod/a.yaml").decode().splitlines() if "image:" in one
        ]
        return line.partition("image: registry.example.com/myorg/app:")[2]


@pytest.fixture
def followed(
    request: pytest.FixtureRequest, stage: Stage, access: dict[str, str], tmp_path: Path
) -> Iterator[Followed]:
    ledger = stage.upstream
    staging = promoted(VERSIONS[1:], Tag("staging"), VERSIONS[1].published_at)
    files = {"ledger.yaml": SETTINGS.encode(), "ledger.json": ledger_bytes(*VERSIONS, *staging)}
    ledger.commit_as_other_writer(files, "Declare environments")
    with fake_forge(request.param) as forge, http_server(tmp_path / "srv", TOKEN) as server:
        path = tmp_path / "srv" / f"{forge.path}.git"
        folder = tmp_path / "fleet"
        (folder / "overlays/prod").mkdir(parents=True)
        (folder / "overlays/prod/a.yaml").write_text(POD)
        (folder / "evil.py").write_text("open('pwned', 'w')\n")
        git("init", "--quiet", "--initial-branch=main", folder)
        git("add", "--all", cwd=folder)
        git("commit", "--quiet", "--message=start", cwd=folder)
        git("clone", "--quiet", "--bare", folder, path)
        git("--git-dir", path, "config", "http.receivepack", "true")
        (tmp_path / "srv/ours").mkdir()
        (tmp_path / "srv/ours/ledger.git").symlink_to(ledger.path)
        made = Followed(stage, ledger, Upstream(path), forge, server.url("").rstrip("/"), access)
        forge.branches = BranchesOf(made.fleet)
        yield made


def variables(followed: Followed) -> dict[str, str]:
    return {
        "DEPLOYMENT": f"{followed.host}/{followed.forge.path}.git", "LEDGER_FORGE": followed.forge.kind,
        "LEDGER_FORGE_URL": followed.forge.wire.url, "LEDGER_FORGE_TOKEN": TOKEN,
    }  # fmt: skip


def on_github(followed: Followed, before: str) -> tuple[int, str]:
    ours = variables(followed)
    contexts: dict[str, Any] = {
        "github": {
            "repository": "ours/ledger", "sha": followed.ledger.tip(), "ref_name": "main", "ref_type": "branch",
            "server_url": followed.host, "token": TOKEN,
            "event": {"before": before, "repository": {"default_branch": "main"}},
        },
        "vars": {},
        "secrets": {"LEDGER_FORGE_TOKEN": ours.pop("LEDGER_FORGE_TOKEN")},
    }  # fmt: skip
    workflow = load(kit_files("github")["examples/bump.github.yml"])
    workflow["env"]["DEPLOYMENT"] = ours.pop("DEPLOYMENT")
    done = Runner(followed.stage, contexts, ours).run_job(workflow, "bump")
    assert workflow_commands(done.output) == ["stop-commands"]
    return done.failed, done.output


def on_gitlab(followed: Followed, before: str) -> tuple[int, str]:
    config = load_pipeline(kit_files("gitlab")["examples/bump.gitlab-ci.yml"])
    given = {**followed.access, **variables(followed), "CI_COMMIT_BEFORE_SHA": before}
    given["GIT_TEST_ASSUME_DIFFERENT_OWNER"] = "0"  # without a checkout, the job makes its only repository itself
    done = run_job(followed.stage, config, "ledger-bump", given)
    return done.returncode, done.stdout


def on_jenkins(followed: Followed, before: str) -> tuple[int, str]:
    text = kit_files("jenkins")["examples/bump.Jenkinsfile"]
    ours = environment(text) | {"WORKSPACE_TMP": str(followed.stage.root / "workspace tmp")}
    given = {**followed.access, **variables(followed), "GIT_PREVIOUS_SUCCESSFUL_COMMIT": before}
    output = ""
    for step in shell_steps(text):
        done = subprocess.run(
            ["sh", "-xe", "-c", step], cwd=followed.stage.work, check=False, timeout=120, stdin=subprocess.DEVNULL,
            env={**followed.stage.environment, **ours, **given}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        output += done.stdout
        if done.returncode:
            return done.returncode, output
    return 0, output


Job = Callable[[Followed, str], tuple[int, str]]


@pytest.mark.parametrize(
    ("followed", "job"),
    [("github", on_github), ("gitlab", on_gitlab), ("gitea", on_jenkins)],
    indirect=["followed"],
)
def test_a_merged_promotion_opens_the_request_the_next_one_updates_it_and_other_pushes_do_nothing(
    followed: Followed, job: Job
) -> None:
    first = followed.ledger.tip()
    followed.write("set myorg/app:v1.1.0 --label team=core")
    code, output = job(followed, first)
    assert (code, followed.branches()) == (0, []), output
    assert "neither" in output
    before = followed.ledger.tip()
    followed.write("promote --from staging --all --to prod")
    code, output = job(followed, before)
    assert code == 0, output
    assert TOKEN not in output
    assert followed.image() == f"v1.2.0@{digest('v1.2.0')}"
    (request,) = followed.forge.requests
    assert request["title"] == "bump myorg/app to v1.2.0, as in prod"
    before = followed.ledger.tip()
    followed.write("promote myorg/app:v1.1.0 --to prod --reason 'logins fail'")
    code, output = job(followed, before)
    assert code == 0, output
    assert followed.image() == f"v1.1.0@{digest('v1.1.0')}"
    assert len(followed.forge.requests) == 1


@pytest.mark.parametrize(
    ("followed", "job", "before"),
    [("github", on_github, "0" * 40), ("github", on_jenkins, "")],
    indirect=["followed"],
)
def test_where_nobody_knows_what_was_before_the_request_is_made_all_the_same(
    followed: Followed, job: Job, before: str
) -> None:
    followed.write("promote --from staging --all --to prod")
    code, output = job(followed, before)
    assert code == 0, output
    assert "error:" not in output
    assert followed.image() == f"v1.2.0@{digest('v1.2.0')}"


@pytest.mark.parametrize("followed", ["gitlab"], indirect=True)
def test_a_host_that_refuses_the_push_fails_the_job(followed: Followed) -> None:
    before = followed.ledger.tip()
    followed.write("promote --from staging --all --to prod")
    followed.fleet.git("config", "http.receivepack", "false")
    code, output = on_gitlab(followed, before)
    assert code in (5, 6), output
    assert followed.branches() == []
