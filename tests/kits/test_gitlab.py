"""The GitLab kit runs: the components, and the files of `init --ci gitlab`, against a real remote over SSH."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kits.conftest import EVIL_BRANCH, EVIL_TITLE, Proposal, publish
from tests.support import ROOT
from tests.support.forges.fake_forge import TOKEN
from tests.support.forges.fake_forges import fake_forge
from tests.support.git.upstream import git
from tests.support.stage.gitlab import load, run_job
from tests.support.stage.kits import WHEEL, kit_files
from tests.support.stage.stage import Stage

KIT = kit_files("gitlab")
COMMIT = "4ef5a3030654728decc420aa363a57670ae53de4"
MARKER = "<!-- ledger review -->"
Job = Callable[..., tuple[int, str]]
# Also evil, but without what GitLab itself takes as a variable in the value of another.
TARGET = '`{touch,pwned}`$({touch,pwned})";{touch,pwned};"'


def test_the_components_and_the_file_of_the_kit_say_the_same() -> None:
    """Neither can use the other: a ledger's pipeline does not know where a team keeps the components."""
    kit = load(KIT[".gitlab-ci.yml"])
    for name in ("check", "reconcile", "rebase"):
        component = load((ROOT / f"templates/{name}.yml").read_text(), {"ledger-tool": WHEEL})[f"ledger-{name}"]
        theirs = kit[f"ledger-{name}"]
        assert component.pop("stage") == "test"
        assert component["image"].pop("name") == kit["variables"]["LEDGER_IMAGE"]
        assert theirs["image"].pop("name") == "$LEDGER_IMAGE"
        assert component["variables"].pop("LEDGER_TOOL") == kit["variables"]["LEDGER_TOOL"]
        assert component == theirs


@pytest.fixture(params=["component", "file"])
def check(request: pytest.FixtureRequest, stage: Stage, proposal: Proposal) -> Job:
    """Return a function that runs the check of a merge request, in a checkout of its head."""
    component = request.param == "component"
    text = (ROOT / "templates/check.yml").read_text() if component else KIT[".gitlab-ci.yml"]
    config = load(text, {"ledger-tool": WHEEL} if component else None)

    def run(head: str = proposal.head, token: str = "", **more: str) -> tuple[int, str]:
        git("init", "--quiet", stage.work)
        git("fetch", "--quiet", stage.upstream.url, head, cwd=stage.work)
        if not git("remote", cwd=stage.work):
            git("remote", "add", "origin", stage.upstream.url, cwd=stage.work)
        git("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD", cwd=stage.work)
        project = {
            "CI_COMMIT_REF_NAME": EVIL_BRANCH,
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_TITLE": EVIL_TITLE,
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": EVIL_BRANCH,
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": TARGET,
            "CI_MERGE_REQUEST_PROJECT_URL": str(stage.upstream.path).removesuffix(".git"),
            "CI_MERGE_REQUEST_PROJECT_ID": "1",
            "CI_PROJECT_ID": "1",
        }
        stage.upstream.git("update-ref", f"refs/heads/{TARGET}", f"refs/heads/{EVIL_BRANCH}-base")
        given = project | ({"LEDGER_REVIEW_TOKEN": token} if token else {}) | more
        done = run_job(stage, config, "ledger-check", given)
        return done.returncode, done.stdout

    return run


def test_a_good_merge_request_leaves_its_reports_and_no_note_without_a_token(check: Job, stage: Stage) -> None:
    code, output = check()
    assert code == 0, output
    assert json.loads((stage.work / "gl-code-quality-report.json").read_text()) == []
    assert (stage.work / "ledger-junit.xml").read_text().startswith("<?xml")
    assert "v1.1" in (stage.work / "ledger-review.md").read_text()


def test_with_a_token_the_review_is_one_note_of_its_own(check: Job, stage: Stage) -> None:
    with fake_forge("gitlab") as forge:
        theirs = forge.comment(11, f"{MARKER}\nall is well")["id"]
        for _ in range(2):
            git("init", "--quiet", stage.work)
            git("config", "remote.origin.url", forge.remote, cwd=stage.work)
            code, output = check(token=TOKEN, CI_SERVER_URL=forge.wire.url, CI_PROJECT_ID="2")
            assert code == 0, output
            assert "No note" not in output
        bodies = {note["id"]: note["body"] for note in forge.comments}
        assert bodies.pop(theirs) == f"{MARKER}\nall is well"
        assert list(bodies.values()) == [f"{MARKER}\n{(stage.work / 'ledger-review.md').read_text()}"]


def test_a_token_that_may_not_comment_fails_nothing(check: Job, stage: Stage) -> None:
    with fake_forge("gitlab") as forge:
        git("init", "--quiet", stage.work)
        git("config", "remote.origin.url", forge.remote, cwd=stage.work)
        code, output = check(token="read-only", CI_SERVER_URL=forge.wire.url, CI_PROJECT_ID="2")
        assert code == 0, output
        assert "No note was written" in output
        assert not forge.comments


def test_a_bad_merge_request_fails_with_its_reports(check: Job, stage: Stage, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    text = (clone / "ledger.json").read_text()
    (clone / "ledger.json").write_text(text.replace('"digest": "sha256:', '"digest": "sha256:00000000')[:-8] + "\n")
    git("commit", "--quiet", "--all", "-m", "by hand", cwd=clone)
    git("push", "--quiet", "origin", "HEAD", cwd=clone)
    code, output = check(git("rev-parse", "HEAD", cwd=clone))
    assert code in (1, 4), output
    (first, *_) = json.loads((stage.work / "gl-code-quality-report.json").read_text())
    assert first["location"]["path"] == "ledger.json"


def test_a_pipeline_for_merged_results_is_compared_with_the_target_branch(
    check: Job, stage: Stage, proposal: Proposal, tmp_path: Path
) -> None:
    """What came to the target branch meanwhile is in HEAD, too, and not the merge request's doing."""
    target = tmp_path / "target"
    git("clone", "--quiet", stage.upstream.url, target)
    publish(stage, target, "other", "other")
    git("checkout", "--quiet", "--detach", cwd=target)
    git("push", "--quiet", "origin", f"HEAD:refs/heads/{EVIL_BRANCH}-base", cwd=target)
    git("fetch", "--quiet", "origin", proposal.head, cwd=target)
    git("merge", "--quiet", "--no-edit", "-X", "ours", proposal.head, cwd=target, check=False)
    git("push", "--quiet", "origin", "HEAD:refs/heads/merged", cwd=target)
    _, output = check(git("rev-parse", "HEAD", cwd=target))
    review = (stage.work / "ledger-review.md").read_text()
    assert "v1.1" in review, output
    assert "myorg/app:other" not in review


def test_a_merge_request_is_judged_by_the_rules_that_are_in_force_now(check: Job, stage: Stage, tmp_path: Path) -> None:
    """Where the two branches parted, any tag might move."""
    clone = tmp_path / "clone"
    git("checkout", "--quiet", "main", cwd=clone)
    (clone / "ledger.yaml").write_text('tags:\n  mutable: ["v*"]\n')
    git("commit", "--quiet", "--all", "-m", "lax", cwd=clone)
    parted = git("rev-parse", "HEAD", cwd=clone)
    (clone / "ledger.yaml").write_text("tags:\n  mutable: [latest]\n")
    git("commit", "--quiet", "--all", "-m", "strict", cwd=clone)
    git("push", "--quiet", "origin", f"HEAD:refs/heads/{EVIL_BRANCH}-base", cwd=clone)
    git("checkout", "--quiet", "-b", "old", parted, cwd=clone)
    publish(stage, clone, "v1.0", "evil")
    git("push", "--quiet", "origin", "HEAD", cwd=clone)
    code, output = check(git("rev-parse", "HEAD", cwd=clone), CI_MERGE_REQUEST_DIFF_BASE_SHA=parted)
    assert code == 1, output


def test_what_the_merge_request_put_in_the_place_of_the_reports_is_no_artifact(check: Job, stage: Stage) -> None:
    """Not even if the program cannot be installed: GitLab keeps the artifacts of a job that fails."""
    names = ("gl-code-quality-report.json", "ledger-junit.xml", "ledger-review.md")
    (stage.work / names[0]).mkdir()
    for name in names[1:]:
        (stage.work / name).write_text("all is well")
    assert check(LEDGER_TOOL="")[0] == 2
    assert not [name for name in names if (stage.work / name).exists()]


# ---- publish


def push(stage: Stage) -> None:
    stage.run(["docker buildx build --push --metadata-file metadata.json --tag registry.example.com/myorg/app:v1 app"])


PROJECT = {
    "GITLAB_CI": "true", "CI_PROJECT_URL": "https://gitlab.com/team/app", "CI_COMMIT_SHA": COMMIT,
    "CI_COMMIT_TAG": "v1", "REGISTRY_USER": "ci", "REGISTRY_PASSWORD": "secret",
}  # fmt: skip


@pytest.mark.real_start
def test_the_example_of_the_kit_publishes(stage: Stage, access: dict[str, str]) -> None:
    config = load(KIT["examples/publish.gitlab-ci.yml"])
    for name in ("build", "record"):
        done = run_job(stage, config, name, PROJECT | access)
        assert done.returncode == 0, done.stdout
    assert {one["image"] for one in stage.upstream.records()} == {"myorg/app", "myorg/worker"}
    assert {one["sourceRef"] for one in stage.upstream.records()} == {f"https://gitlab.com/team/app@{COMMIT}"}


@pytest.mark.parametrize(
    "inputs",
    [{"metadata-file": "metadata.json"}, {"image": "myorg/app:$CI_COMMIT_TAG"}, {"image": "myorg/app", "tag": "v1"}],
)
def test_the_component_publishes(stage: Stage, access: dict[str, str], inputs: dict[str, str]) -> None:
    push(stage)
    given = inputs | {"ledger-tool": WHEEL, "ledger-repo": access.pop("LEDGER_REPO"), "ttl": "7d"}
    config = load((ROOT / "templates/publish.yml").read_text(), given)
    done = run_job(stage, config, "ledger-publish", PROJECT | access)
    assert done.returncode == 0, done.stdout
    assert [(one["image"], one["tag"], one["ttl"]) for one in stage.upstream.records()] == [("myorg/app", "v1", "7d")]


def test_the_component_proposes_by_the_push_where_there_is_no_token(stage: Stage, access: dict[str, str]) -> None:
    """The push options are for GitLab; a plain git host takes the branch and is asked for nothing else."""
    push(stage)
    stage.upstream.git("config", "receive.advertisePushOptions", "true")
    before = stage.upstream.tip()
    given = {
        "ledger-tool": WHEEL,
        "ledger-repo": access.pop("LEDGER_REPO"),
        "image": "myorg/app:v1",
        "pull-request": "true",
    }
    config = load((ROOT / "templates/publish.yml").read_text(), given)
    done = run_job(stage, config, "ledger-publish", PROJECT | access | {"LEDGER_FORGE": "gitlab"})
    assert done.returncode == 0, done.stdout
    assert stage.upstream.tip() == before
    assert len(stage.upstream.git("for-each-ref", "refs/heads/ledger").splitlines()) == 1


@pytest.mark.parametrize("evil", ["$(touch pwned)", "`touch pwned`", "x;touch pwned", "--force", "a --repo=b"])
def test_a_branch_that_becomes_a_tag_is_a_value_whatever_it_says(
    stage: Stage, access: dict[str, str], evil: str
) -> None:
    """That no file `pwned` is there is looked at when the stage is taken down."""
    given = {"ledger-tool": WHEEL, "ledger-repo": access.pop("LEDGER_REPO"), "image": "myorg/app:$CI_COMMIT_REF_NAME"}
    config = load((ROOT / "templates/publish.yml").read_text(), given)
    done = run_job(stage, config, "ledger-publish", PROJECT | access | {"CI_COMMIT_REF_NAME": evil})
    assert done.returncode == 2, done.stdout
    assert stage.upstream.records() == []
