"""The kits are what the CI systems read: their schemas, their linters and shellcheck have nothing to say.

A Jenkinsfile has no linter but a running Jenkins; its shell steps are looked at, and run (`test_jenkins`).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger_tool.core.writes import init as scaffold
from ledger_tool.edges.files.kits import shell_script
from tests.support import ROOT
from tests.support.stage import github, gitlab, jenkins
from tests.support.stage.components import COMPONENTS, refreshed
from tests.support.stage.docs import blocks
from tests.support.stage.kits import WHEEL, kit_files

ACTION = ROOT / "action.yml"
BIN = Path(sys.executable).parent


def tool(name: str, *words: object, stdin: str = "") -> None:
    """Run a tool of the development group; it has to find nothing."""
    program = shutil.which(name, path=str(BIN)) or name
    done = subprocess.run(
        [program, *map(str, words)], input=stdin, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def kits(tmp_path: Path) -> Path:
    """Return a folder with what `init --ci` writes, by system, and the workflows that the docs show."""
    for ci in scaffold.CI_SYSTEMS:
        for path, text in kit_files(ci).items():
            (tmp_path / ci / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / ci / path).write_text(text)
    shown = [block.text for block in blocks((ROOT / "docs/ci.md").read_text()) if "runs-on: ubuntu" in block.text]
    for at, text in enumerate(shown):
        (tmp_path / f"github/examples/shown-{at}.yml").write_text(text)
    return tmp_path


def workflows(kits: Path) -> list[Path]:
    return sorted([*kits.glob("github/.github/workflows/*.yml"), *kits.glob("github/examples/*.yml")])


def test_workflows_pass_actionlint_and_their_schema(kits: Path) -> None:
    assert len(workflows(kits)) == 9
    tool("actionlint", "-shellcheck", BIN / "shellcheck", *workflows(kits))
    tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows(kits))


def test_the_action_passes_its_schema() -> None:
    tool("check-jsonschema", "--builtin-schema", "vendor.github-actions", ACTION)


def test_the_action_and_the_workflows_pass_zizmor(kits: Path) -> None:
    tool("zizmor", "--offline", "--no-progress", "--quiet", ACTION, *workflows(kits))


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
def test_a_component_passes_the_schema_of_gitlab(path: Path, tmp_path: Path) -> None:
    head, body = path.read_text().split("\n---\n")
    (tmp_path / "head.yml").write_text(head + "\n")
    spec = github.load(head)["spec"]["inputs"]
    (tmp_path / "body.yml").write_text(
        re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda found: str(spec[found[1]].get("default", "given")), body)
    )
    schema = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")
    tool("check-jsonschema", *schema, tmp_path / "head.yml", tmp_path / "body.yml")
    assert "default" not in spec["ledger-tool"]


def test_pipelines_pass_the_schema_of_gitlab(kits: Path) -> None:
    shown = [block.text for block in blocks((ROOT / "docs/ci.md").read_text()) if "CI_SERVER_FQDN" in block.text]
    assert len(shown) == 2
    for at, text in enumerate(shown):
        (kits / f"gitlab/examples/shown-{at}.yml").write_text(text)
    schema = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")
    tool("check-jsonschema", *schema, kits / "gitlab/.gitlab-ci.yml", *kits.glob("gitlab/examples/*.yml"))


def test_the_pre_commit_hook_is_valid() -> None:
    tool("pre-commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml")


def shell() -> Iterator[tuple[str, str, str]]:
    """Yield every shell step of the kits: where it is from, the shell that runs it, and its text."""
    for step in github.load(ACTION.read_text())["runs"]["steps"]:
        if "run" in step:
            yield f"action.yml, {step['name']}", "bash", step["run"]
    yield "docker.sh", "sh", "tool=x\n" + shell_script("docker.sh")
    for ci in scaffold.CI_SYSTEMS:
        for path, text in kit_files(ci).items():
            for where, script in _scripts(ci, path, text):
                yield f"{path}, {where}", "sh" if ci == "jenkins" else "bash", script
    for component in COMPONENTS:
        given = {"ledger-tool": WHEEL} | ({"ledger-repo": "x"} if component.stem == "publish" else {})
        for name, job in gitlab.load(component.read_text(), given).items():
            yield f"{component.name}, {name}", "bash", "\n".join(job["script"])


def _scripts(ci: str, path: str, text: str) -> Iterator[tuple[str, str]]:
    if ci == "jenkins":
        for at, step in enumerate(jenkins.shell_steps(text)):
            yield str(at), step
        return
    loaded: dict[str, Any] = github.load(text)
    for name, job in loaded.get("jobs", loaded).items():
        if isinstance(job, dict):
            for at, step in enumerate(job.get("steps", [])):
                if "run" in step:
                    yield f"{name} {at}", step["run"]
            if "script" in job:
                yield name, "\n".join(job["script"])


STEPS = list(shell())


def test_every_shell_step_passes_shellcheck(tmp_path: Path) -> None:
    assert len(STEPS) > 25
    for at, (_, language, script) in enumerate(STEPS):
        (tmp_path / f"{at}.sh").write_text(f"#!/bin/{language}\n{script}\n")
    tool("shellcheck", *sorted(tmp_path.glob("*.sh")))


@pytest.mark.parametrize(("where", "script"), [(where, script) for where, _, script in STEPS])
def test_a_shell_step_has_no_expression_and_no_secret_among_its_arguments(where: str, script: str) -> None:
    """A value gets in by a variable of the environment, and a secret by nothing else."""
    assert "${{" not in script
    assert "$[[" not in script
    secret = r"\$\{?(LEDGER_DEPLOY_KEY|LEDGER_REGISTRY_PASSWORD|LEDGER_\w+_TOKEN|GH_TOKEN|REGISTRY_PASSWORD)\b(?!:-)"
    for line in script.splitlines():
        if re.search(secret, line):
            # printf is the shell's own; ssh is given a path; an assignment is no argument.
            assert re.match(
                r"\s*(printf '|export GH_HOST=|(export )?LEDGER_FORGE_TOKEN=|export GIT_SSH_COMMAND=')", line
            ), f"{where}: {line}"


def test_actions_are_pinned_by_commit_and_say_their_version(kits: Path) -> None:
    texts = [path.read_text() for path in (ACTION, *workflows(kits))]
    uses = [line for text in texts for line in re.findall(r"uses: (.+)", text)]
    assert len(uses) >= 5
    for line in uses:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_a_workflow_may_do_nothing_but_what_its_jobs_say(kits: Path) -> None:
    for path in workflows(kits):
        workflow = github.load(path.read_text())
        assert workflow["permissions"] == {}
        for job in workflow["jobs"].values():
            assert job["permissions"].pop("contents", "read") == "read"
            publishes = [step for step in job["steps"] if "actions/deploy-pages" in step.get("uses", "")]
            if publishes:  # of all that may run, nothing but this
                assert (job["permissions"], job["steps"]) == ({"pages": "write", "id-token": "write"}, publishes)
                continue
            assert job["permissions"].pop("pages", "read") == "read"
            assert set(job["permissions"]) <= {"pull-requests", "issues"}
            for step in job["steps"]:
                if "actions/checkout" in step.get("uses", ""):
                    assert step["with"]["persist-credentials"] is False


def test_nothing_of_a_project_runs_in_the_job_with_the_key(kits: Path) -> None:
    """Nor does an image that some action pulls by a tag. The ledger's own repository has no code."""
    known = re.compile(r"(actions/download-artifact|tools/ledger-tool)@[0-9a-f]{40}")
    with_key = 0
    for path in kits.glob("github/examples/*.yml"):
        for job in github.load(path.read_text())["jobs"].values():
            if "LEDGER_DEPLOY_KEY" in str([step.get("env", step.get("with")) for step in job["steps"]]):
                with_key += 1
                assert [step["uses"] for step in job["steps"] if "uses" in step and not known.match(step["uses"])] == []
                assert not any("docker buildx" in step.get("run", "") for step in job["steps"])
    assert with_key == 3


def test_a_key_that_writes_is_in_an_environment_of_the_default_branch(kits: Path) -> None:
    """A secret of the repository is there for every workflow on any branch that somebody may push."""
    workflow = github.load((kits / "github/.github/workflows/ledger-rebase.yml").read_text())
    assert workflow["jobs"]["rebase"]["environment"] == "ledger-rebase"
    bump = github.load((kits / "github/examples/bump.github.yml").read_text())["jobs"]["bump"]
    assert (bump["environment"], [step for step in bump["steps"] if "uses" in step]) == ("ledger-bump", [])
    for path in (kits / "github/.github").rglob("*.yml"):
        for job in github.load(path.read_text())["jobs"].values():
            assert "environment" in job or "secrets.LEDGER_DEPLOY_KEY" not in str(job), path


def test_the_check_runs_again_when_the_base_of_a_pull_request_is_changed(kits: Path) -> None:
    for path in workflows(kits):
        text = path.read_text()
        if "ledger check" in text or "command: check" in text:
            assert set(github.load(text)["on"]["pull_request"]["types"]) == {
                "opened", "synchronize", "reopened", "edited"
            }  # fmt: skip


def test_every_image_of_a_kit_is_pinned_by_digest() -> None:
    texts = [path.read_text() for path in COMPONENTS]
    texts += [text for ci in scaffold.CI_SYSTEMS for text in kit_files(ci).values()]
    found = [
        image[1]
        for text in texts
        for line in text.splitlines()
        if (image := re.search(r"(?:IMAGE|default|image): \"?((?:python|docker):[^\s\"]+)", line))
    ]
    assert len(found) >= 6
    assert [image for image in found if not re.fullmatch(r"[a-z]+:[\w.-]+@sha256:[0-9a-f]{64}", image)] == []


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
def test_a_component_has_the_scripts_of_the_kits(path: Path) -> None:
    """`python -m tests.support.stage.components` puts them there."""
    text = path.read_text()
    assert text == refreshed(text)
    assert "LEDGER_TOOL fixes to the byte" in text
