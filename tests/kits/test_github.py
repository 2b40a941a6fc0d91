"""The GitHub kit runs: the action and the workflows of `init --ci github`, against a real remote over SSH."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kits.conftest import EVIL_BRANCH, EVIL_TITLE, Proposal
from tests.support import ROOT
from tests.support.forges.fake_forge import ME, TOKEN
from tests.support.forges.fake_forges import fake_forge
from tests.support.git.upstream import git
from tests.support.stage.github import Runner, load, workflow_commands
from tests.support.stage.kits import kit_files
from tests.support.stage.stage import Stage

KIT = kit_files("github")
COMMIT = "4ef5a3030654728decc420aa363a57670ae53de4"
MARKER = "<!-- ledger review -->"
Check = Callable[..., Runner]


def contexts(**more: Any) -> dict[str, Any]:
    github = {
        "repository": "team/ledger",
        "server_url": "https://github.com",
        "sha": COMMIT,
        "token": TOKEN,
        "event": {},
    } | more
    return {
        "github": github,
        "vars": {"REGISTRY_USER": "ci"},
        "secrets": {"REGISTRY_PASSWORD": "secret"},
    }


def pull_request(proposal: Proposal, **more: Any) -> dict[str, Any]:
    return contexts(
        base_ref=f"{EVIL_BRANCH}-base",
        head_ref=f"{EVIL_BRANCH}-head",
        event={"pull_request": {"number": 7, "title": EVIL_TITLE, "head": {"sha": proposal.head, "ref": EVIL_BRANCH}}},
        **more,
    )


@pytest.fixture
def forge() -> Iterator[Any]:
    """Return GitHub, which takes the token of the contexts."""
    with fake_forge("github") as made:
        yield made


@pytest.fixture(params=["action", "workflow"])
def check(request: pytest.FixtureRequest, stage: Stage, forge: Any) -> Check:
    """Return a function that runs the check of a pull request, by our action or by the workflow of the kit."""

    def run(given: dict[str, Any]) -> Runner:
        runner = Runner(stage, given, {"LEDGER_FORGE_URL": forge.wire.url})
        if request.param == "action":
            runner.run_action({"command": "check"})
        else:
            runner.run_job(load(KIT[".github/workflows/ledger-check.yml"]), "check")
        return runner

    return run


def test_a_good_pull_request_is_reviewed_in_the_summary_and_in_one_comment(
    check: Check, forge: Any, proposal: Proposal
) -> None:
    done = check(pull_request(proposal))
    assert done.failed == 0, done.output
    assert "v1.1" in done.summary
    (comment,) = forge.comments
    assert comment["body"] == f"{MARKER}\n{done.summary}"
    assert workflow_commands(done.output) == ["stop-commands"]
    check(pull_request(proposal))
    assert len(forge.comments) == 1


def test_only_its_own_comment_is_edited(check: Check, forge: Any, proposal: Proposal) -> None:
    forge.comment(11, f"{MARKER}\nall is well")
    forge.comment(ME, f"of another job, with {MARKER}")
    forge.comment(ME, f"{MARKER}\nold")
    done = check(pull_request(proposal))
    assert [comment["body"] for comment in forge.comments] == [
        f"{MARKER}\nall is well", f"of another job, with {MARKER}", f"{MARKER}\n{done.summary}",
    ]  # fmt: skip


def test_a_token_that_may_not_comment_leaves_the_summary_and_a_note(
    check: Check, forge: Any, proposal: Proposal
) -> None:
    forge.reading = True
    done = check(pull_request(proposal))
    assert done.failed == 0, done.output
    assert "v1.1" in done.summary
    assert not forge.comments
    assert workflow_commands(done.output) == ["stop-commands", "notice"]


def by_hand(proposal: Proposal, clone: Path, edit: Callable[[str], str]) -> Proposal:
    """Edit ledger.json on the pull request's branch, past all rules."""
    path = clone / "ledger.json"
    path.write_text(edit(path.read_text()))
    git("commit", "--quiet", "--all", "-m", "by hand ##[add-mask]hello", cwd=clone)
    git("push", "--quiet", "origin", "HEAD", cwd=clone)
    return Proposal(git("rev-parse", "HEAD", cwd=clone), proposal.base)


def test_a_bad_pull_request_fails_with_annotations_and_is_reviewed_all_the_same(
    check: Check, forge: Any, proposal: Proposal, tmp_path: Path
) -> None:
    bad = by_hand(
        proposal,
        tmp_path / "clone",
        lambda text: re.sub(r'(?<="digest": "sha256:)[0-9a-f]{64}', "0" * 64, text),
    )
    done = check(pull_request(bad))
    assert done.failed == 1
    assert set(workflow_commands(done.output)) == {"error", "stop-commands"}
    assert "::error file=ledger.json,line=" in done.output
    assert "v1.0" in forge.comments[0]["body"]


def test_a_ledger_that_cannot_be_read_is_annotated_and_the_comment_says_so(
    check: Check, forge: Any, proposal: Proposal, tmp_path: Path
) -> None:
    check(pull_request(proposal))
    bad = by_hand(proposal, tmp_path / "clone", lambda text: text.replace('"v1.1"', '"##[add-mask]hello"'))
    done = check(pull_request(bad))
    assert done.failed == 4
    assert set(workflow_commands(done.output)) == {"error", "stop-commands"}
    assert "cannot be read" in forge.comments[0]["body"]


def test_a_merge_queue_is_checked_without_a_comment(check: Check, forge: Any, proposal: Proposal) -> None:
    event = {"merge_group": {"base_sha": proposal.base, "head_sha": proposal.head}}
    done = check(contexts(event=event, sha=proposal.head, base_ref=""))
    assert done.failed == 0, done.output
    assert "v1.1" in done.summary
    assert not forge.comments


def test_the_action_and_the_workflow_review_in_the_same_words() -> None:
    """Neither can use the other: a ledger's workflow does not know where a team keeps the action."""
    (ours,) = (one for one in load((ROOT / "action.yml").read_text())["runs"]["steps"] if one["name"] == "Review")
    workflow = load(KIT[".github/workflows/ledger-check.yml"])
    (theirs,) = (one for one in workflow["jobs"]["check"]["steps"] if one.get("name") == "Review")
    only_ours = ("PATH=$RUNNER_TEMP/ledger-tool/bin:$PATH\n", 'echo "file=$review" >>"$GITHUB_OUTPUT"\n')
    text = ours["run"]
    for line in only_ours:
        assert line in text
        text = text.replace(line, "")
    assert text == theirs["run"]


# ---- publish


@pytest.mark.real_start
def test_the_example_of_the_kit_publishes(stage: Stage, access: dict[str, str]) -> None:
    given = contexts(ref_name="v1.5.0", repository="team/app")
    given["vars"] |= {"LEDGER_REPO": access["LEDGER_REPO"], "LEDGER_KNOWN_HOSTS": access["LEDGER_KNOWN_HOSTS"]}
    given["secrets"]["LEDGER_DEPLOY_KEY"] = Path(access["LEDGER_DEPLOY_KEY"]).read_text()
    before = stage.upstream.tip()
    done = Runner(stage, given).run_jobs(load(KIT["examples/publish.github.yml"]))
    assert done.failed == 0, done.output
    assert stage.upstream.commits()[1] == before
    assert {one["image"] for one in stage.upstream.records()} == {"myorg/app", "myorg/worker"}
    assert {one["sourceRef"] for one in stage.upstream.records()} == {f"https://github.com/team/app@{COMMIT}"}


@pytest.fixture
def publish(stage: Stage, access: dict[str, str]) -> Callable[..., tuple[Runner, dict[str, str]]]:
    """Return a function that publishes with our action, and returns the runner and the outputs."""

    def run(*, event: dict[str, Any] | None = None, **inputs: str) -> tuple[Runner, dict[str, str]]:
        runner = Runner(stage, contexts(repository="team/app", event=event or {}))
        key = Path(access["LEDGER_DEPLOY_KEY"]).read_text()
        outputs = runner.run_action(
            {
                "command": "publish", "ledger-repo": access["LEDGER_REPO"], "deploy-key": key,
                "known-hosts": Path(access["LEDGER_KNOWN_HOSTS"]).read_text(),
                "registry-username": "ci", "registry-password": "secret",
            } | {name.replace("_", "-"): value for name, value in inputs.items()}
        )  # fmt: skip
        return runner, outputs

    return run


def push(stage: Stage, tag: str = "v1.5.0") -> None:
    stage.run(
        [f"docker buildx build --push --metadata-file metadata.json --tag registry.example.com/myorg/app:{tag} app"]
    )


def test_the_action_publishes_and_says_where_the_result_is(stage: Stage, publish: Callable[..., Any]) -> None:
    push(stage)
    done, outputs = publish(metadata_file="metadata.json", ttl="7d", labels="team=a b\n\nenv=prod\n")
    assert done.failed == 0, done.output
    (record,) = stage.upstream.records()
    assert record["labels"] == {"env": "prod", "team": "a b"}
    assert record["ttl"] == "7d"
    assert record["sourceRef"] == f"https://github.com/team/app@{COMMIT}"
    assert json.loads(Path(outputs["file"]).read_text())["commit"] == stage.upstream.tip()
    digest = stage.registry.served("myorg/app:v1.5.0")
    assert {name: value for name, value in outputs.items() if name != "file"} == {
        "digest": digest, "ref": f"registry.example.com/myorg/app@{digest}", "commit": stage.upstream.tip(),
        "changed": "true", "outcome": "recorded",
    }  # fmt: skip
    assert f"| `myorg/app:v1.5.0` | `{digest}` | recorded |" in done.summary
    again, outputs = publish(image="myorg/app:v1.5.0", ttl="7d")
    assert (again.failed, outputs["changed"], outputs["outcome"]) == (0, "false", "unchanged")
    assert outputs["digest"] == digest


def test_the_action_moves_a_tag_by_force_with_a_reason_and_not_without(
    stage: Stage, publish: Callable[..., Any]
) -> None:
    push(stage)
    publish(image="myorg/app:v1.5.0")
    (stage.work / "app/Dockerfile").write_text("FROM scratch\n# other\n")
    push(stage)
    assert publish(image="myorg/app:v1.5.0")[0].failed == 3
    assert publish(image="myorg/app:v1.5.0", force="true")[0].failed == 2
    reason = "`touch pwned` $(touch pwned) <b>|\\"
    done, outputs = publish(image="myorg/app:v1.5.0", force="true", reason=reason, registry="registry.example.com")
    assert done.failed == 0, done.output
    assert stage.upstream.records()[0]["forced"]["reason"] == reason
    assert outputs["changed"] == "true"


def test_the_outputs_of_many_images_have_a_line_each(stage: Stage, publish: Callable[..., Any]) -> None:
    stage.run(["TAG=v2 docker buildx bake --push --metadata-file metadata.json"])
    done, outputs = publish(metadata_file="metadata.json")
    assert done.failed == 0, done.output
    assert [line.partition("@")[0] for line in outputs["ref"].splitlines()] == [
        "registry.example.com/myorg/app", "registry.example.com/myorg/worker",
    ]  # fmt: skip
    assert [line.partition("@")[2] for line in outputs["ref"].splitlines()] == outputs["digest"].splitlines()


def test_the_action_records_the_head_of_a_pull_request_and_not_the_merge(
    stage: Stage, publish: Callable[..., Any]
) -> None:
    push(stage, "pr-42")
    head = "1c18c0bf1be4f85bd9478f15d02b7c34e58072e6"
    done, _ = publish(image="myorg/app", pr="42", event={"pull_request": {"number": 42, "head": {"sha": head}}})
    assert done.failed == 0, done.output
    assert [(one["tag"], one["sourceRef"]) for one in stage.upstream.records()] == [
        ("pr-42", f"https://github.com/team/app@{head}")
    ]


@pytest.mark.parametrize(
    "name", ["image", "tag", "digest", "platform", "metadata-file", "source", "pr", "ttl", "branch"]
)
def test_an_input_is_a_value_whatever_it_says(name: str, stage: Stage, publish: Callable[..., Any]) -> None:
    """That no file `pwned` is there is looked at when the stage is taken down."""
    before = stage.upstream.tip()
    for evil in ("$(touch pwned)`touch pwned`", '"; touch pwned; "', "--force", "a\n--force", "myorg/app:v2 --offline"):
        done, _ = publish(**{"image": "myorg/app:v1", "digest": f"sha256:{'0' * 64}"} | {name: evil})
        assert done.failed == 2, done.output
    assert stage.upstream.tip() == before


def test_published_text_is_never_a_command_to_the_runner(stage: Stage, publish: Callable[..., Any]) -> None:
    push(stage)
    done, _ = publish(image="myorg/app:v1.5.0", labels="note=::add-mask::hello ##[add-mask]hello")
    assert done.failed == 0, done.output
    assert stage.upstream.records()[0]["labels"] == {"note": "::add-mask::hello ##[add-mask]hello"}
    assert workflow_commands(done.output) == ["stop-commands"]


def test_a_conflict_fails_the_step_with_the_code_of_ledger(stage: Stage, publish: Callable[..., Any]) -> None:
    push(stage)
    publish(image="myorg/app:v1.5.0")
    (stage.work / "app/Dockerfile").write_text("FROM scratch\n# other\n")
    push(stage)
    done, outputs = publish(image="myorg/app:v1.5.0")
    assert done.failed == 3
    assert json.loads(Path(outputs["file"]).read_text())["conflict"]
    assert (outputs["outcome"], outputs["changed"]) == ("refused", "false")
    assert (outputs["digest"], outputs["ref"], outputs["commit"]) == ("", "", "")
    assert "| refused: this is the recorded digest, and another one was given |" in done.summary


def test_the_action_proposes_what_it_would_publish(tmp_path: Path) -> None:
    """The forge's API is at the wire, and what is pushed goes to the stage's own git host."""
    with Stage.set_up(tmp_path / "stage") as stage, fake_forge("github") as forge:
        push(stage)
        before = stage.upstream.tip()
        runner = Runner(stage, contexts(repository="team/app"), {"LEDGER_FORGE_URL": forge.wire.url})

        def run() -> tuple[str, str]:
            outputs = runner.run_action(inputs)
            return outputs["changed"], outputs["outcome"]

        inputs = (
            {
                "command": "publish", "image": "myorg/app:v1.5.0", "pull-request": "true", "pr-labels": "digest\nready",
                "pr-reviewers": "alice\n", "pr-draft": "true", "forge": "github", "forge-token": TOKEN,
                "ledger-repo": "ssh://git@git.example.com/team/ledger.git", "deploy-key": "~/.ssh/ledger_deploy_key",
                "known-hosts": "~/.ssh/ledger_known_hosts", "registry-username": "ci", "registry-password": "secret",
            }
        )  # fmt: skip
        assert [run(), run()] == [("true", "proposed"), ("false", "already proposed")]
        assert not runner.failed, runner.output
        (request,) = forge.requests
        assert request["draft"] is True
        assert stage.upstream.tip() == before
        assert len(stage.upstream.git("for-each-ref", "refs/heads/ledger").splitlines()) == 1


def test_an_unknown_command_is_refused(stage: Stage) -> None:
    runner = Runner(stage, contexts())
    runner.run_action({"command": "destroy"})
    assert runner.failed == 2


# ---- reconcile


@pytest.mark.parametrize("name", ["untracked", "deep"])
def test_a_word_that_is_neither_true_nor_false_is_refused(stage: Stage, name: str) -> None:
    runner = Runner(stage, contexts(sha=stage.upstream.tip()))
    runner.run_action({"command": "reconcile", name: "yes"})
    assert runner.failed == 2
    assert f"error: {name} is neither true nor false" in runner.output


@pytest.mark.parametrize("over_ssh", [True, False])
def test_the_action_compares_a_ledger_anywhere_or_that_of_its_repository(
    stage: Stage, access: dict[str, str], publish: Callable[..., Any], over_ssh: bool
) -> None:
    push(stage)
    publish(image="myorg/app:v1.5.0")
    (stage.work / "app/Dockerfile").write_text("FROM scratch\n# other\n")
    push(stage)
    runner = Runner(stage, contexts(sha=stage.upstream.tip()))
    remote = {
        "ledger-repo": access["LEDGER_REPO"], "deploy-key": access["LEDGER_DEPLOY_KEY"],
        "known-hosts": access["LEDGER_KNOWN_HOSTS"],
    }  # fmt: skip
    outputs = runner.run_action(
        {"command": "reconcile", "registry-username": "ci", "registry-password": "secret", "pattern": "myorg/*"}
        | (remote if over_ssh else {})
    )
    assert runner.failed == 1, runner.output
    assert "tag-moved" in runner.summary
    assert Path(outputs["file"]).read_text() == runner.summary
    assert workflow_commands(runner.output) == ["stop-commands"]


def test_the_action_fails_on_the_classes_that_it_is_told(stage: Stage, publish: Callable[..., Any]) -> None:
    push(stage)
    publish(image="myorg/app:v1.5.0")
    (stage.work / "app/Dockerfile").write_text("FROM scratch\n# other\n")
    push(stage)
    inputs = {"command": "reconcile", "registry-username": "ci", "registry-password": "secret"}
    for fail_on, code in (("gone", 0), ("gone,tag-moved", 1)):
        runner = Runner(stage, contexts(sha=stage.upstream.tip()))
        runner.run_action(inputs | {"fail-on": fail_on})
        assert runner.failed == code, runner.output
        assert "tag-moved" in runner.summary
