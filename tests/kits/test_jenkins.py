"""The Jenkins kit runs: the shell steps of its pipelines, against a real remote over SSH with a deploy key."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.kits.conftest import EVIL_BRANCH, EVIL_TITLE, Proposal
from tests.support.forges.fake_forge import TOKEN
from tests.support.forges.fake_forges import FORGES, fake_forge
from tests.support.git.upstream import git
from tests.support.stage.jenkins import environment, shell_steps
from tests.support.stage.kits import kit_files
from tests.support.stage.stage import Stage

KIT = kit_files("jenkins")
COMMIT = "4ef5a3030654728decc420aa363a57670ae53de4"
PIPELINE = KIT["Jenkinsfile"]


def run(stage: Stage, steps: list[str], more: dict[str, str], text: str = PIPELINE) -> tuple[int, str]:
    """Run steps one after the other, until one fails; return its exit code and what they wrote, tracing included."""
    output = ""
    ours = {"WORKSPACE_TMP": str(stage.root / "workspace tmp")} | environment(text)
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


def test_what_the_pull_request_put_in_the_place_of_the_reports_is_kept_by_no_failure(
    stage: Stage, change: dict[str, str]
) -> None:
    """Jenkins keeps and posts them, also if the credentials of the next step are missing."""
    forged = [stage.work / name for name in ("ledger-junit.xml", "ledger-review.md")]
    for path in forged:
        path.write_text("all is well")
    text = PIPELINE[: PIPELINE.index("withCredentials")]
    assert run(stage, shell_steps(text), change | {"LEDGER_TOOL": ""})[0] == 2
    run(stage, shell_steps(text[text.index("stage('Check')") :]), change)
    assert not [path for path in forged if path.exists()]


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
    assert "tag-moved" in (stage.work / "ledger-report.md").read_text()
    started = (stage.root / "arguments").read_text()
    assert started.count("ledger reconcile") == 2, "one run decides, and is what is reported"
    assert "secret" not in output


def on_forge(stage: Stage, forge: Any, tmp_path: Path) -> dict[str, str]:
    """Make the checkout's remote that of a forge; return what the steps that post find in their environment."""
    git("config", "remote.origin.url", forge.remote, cwd=stage.work)
    return {"LEDGER_FORGE": forge.kind, "LEDGER_FORGE_TOKEN": TOKEN, "CHANGE_ID": "7", "LEDGER_REPO": ""}


@pytest.mark.parametrize("kind", FORGES)
def test_the_review_is_one_comment_on_the_pull_request(
    kind: str, stage: Stage, change: dict[str, str], tmp_path: Path
) -> None:
    """What the pull request has put in the place of the review is not posted."""
    (stage.work / "ledger-review.md").symlink_to(tmp_path / "elsewhere")
    assert run(stage, check_steps(), change)[0] == 0
    assert not (tmp_path / "elsewhere").exists()
    with fake_forge(kind) as forge:
        for _ in range(2):
            posting = shell_steps(PIPELINE, "Check", after=True)
            code, output = run(stage, posting, on_forge(stage, forge, tmp_path))
            assert code == 0, output
            assert TOKEN not in output
        (comment,) = forge.comments
        assert comment["body"] == f"<!-- ledger review -->\n{(stage.work / 'ledger-review.md').read_text()}"
        denied = on_forge(stage, forge, tmp_path) | {"LEDGER_FORGE_TOKEN": "not-a-token"}
        code, output = run(stage, posting, denied)
        assert code == 0
        assert "was not posted" in output


def test_one_issue_follows_the_drift(stage: Stage, access: dict[str, str], tmp_path: Path) -> None:
    """A night that could observe nothing fails, and leaves the issue as it is."""
    context = stage.root / "context"
    context.mkdir()

    def push(content: str) -> None:
        (context / "Dockerfile").write_text(f"FROM scratch\n# {content}\n")
        stage.run([f"docker buildx build --push --tag registry.example.com/myorg/app:v1 {context}"])

    push("first")
    source = f"https://git.example.com/team/app@{COMMIT}"
    stage.run([f"ledger publish myorg/app:v1 --repo {stage.upstream.path} --source {source}"])
    git("init", "--quiet", stage.work)
    git("fetch", "--quiet", "--depth=1", stage.upstream.url, "main", cwd=stage.work)
    git("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD", cwd=stage.work)
    with fake_forge("gitlab") as forge:
        given = on_forge(stage, forge, tmp_path)

        def night(password: str) -> tuple[int, list[tuple[str, bool]]]:
            login = {"LEDGER_REGISTRY_USERNAME": "ci", "LEDGER_REGISTRY_PASSWORD": password}
            stage_name = "Compare with the registries"
            steps = [*shell_steps(PIPELINE, "Install ledger"), *shell_steps(PIPELINE, stage_name)]
            code, _ = run(stage, steps, given | login)
            after, output = run(stage, shell_steps(PIPELINE, stage_name, after=True), given)
            assert after == 0, output
            return code, [(issue["state"], "tag-moved" in issue["body"]) for issue in forge.issues]

        assert night("secret") == (0, [])
        push("second")
        assert night("secret") == (1, [("open", True)])
        assert night("secret") == (1, [("open", True)])
        assert night("old") == (5, [("open", True)])
        push("first")
        assert night("secret") == (0, [("closed", True)])
        push("second")
        assert night("secret") == (1, [("closed", True), ("open", True)])


@pytest.mark.real_start
def test_the_example_of_the_kit_publishes(stage: Stage, access: dict[str, str]) -> None:
    """The image that it is given is the tag's; that nothing else of it is read shows in one with a shell's words."""
    given = access | {
        "JENKINS_URL": "https://ci", "GIT_URL": "https://git.example.com/team/app.git", "GIT_COMMIT": COMMIT,
        "TAG": "v1.5.0", "TAG_NAME": "v1.5.0",
    }  # fmt: skip
    text = KIT["examples/publish.Jenkinsfile"]
    code, output = run(stage, shell_steps(text), given, text)
    assert code == 0, output
    assert {one["image"] for one in stage.upstream.records()} == {"myorg/app", "myorg/worker"}
    assert {one["sourceRef"] for one in stage.upstream.records()} == {f"https://git.example.com/team/app.git@{COMMIT}"}


def test_a_workspace_that_is_kept_serves_the_next_build(stage: Stage, change: dict[str, str], tmp_path: Path) -> None:
    """Jenkins' secret files are read-only, and a copy that were, too, only root could write again."""
    known = tmp_path / "known hosts"
    shutil.copy(change["LEDGER_KNOWN_HOSTS"], known)
    known.chmod(0o400)
    for _ in range(2):
        code, output = run(stage, check_steps(), change | {"LEDGER_KNOWN_HOSTS": str(known)})
        assert code == 0, output
        assert (stage.work / ".git/ledger_known_hosts").stat().st_mode & 0o200


@pytest.mark.parametrize("text", KIT.values(), ids=KIT)
def test_no_step_copies_a_file_with_its_mode(text: str) -> None:
    assert not [step for step in shell_steps(text) if re.search(r"\b(?:cp|rsync|tar)\b", step)]


def test_where_the_check_made_no_review_none_is_called_archived(stage: Stage) -> None:
    code, output = run(stage, shell_steps(PIPELINE, "Check", after=True), {"CHANGE_ID": "7"})
    assert code == 0, output
    assert "There is no review: the check did not come that far." in output.splitlines()
    assert "The review was not posted" not in [line for line in output.splitlines() if not line.startswith("+")]
