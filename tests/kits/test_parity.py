"""All three systems can say what `publish` can be told, take the program as an image, and stop before it is named."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer

from ledger_tool.cli.main import program
from ledger_tool.edges.files.kits import shell_script
from tests.support import ROOT
from tests.support.stage import github, gitlab
from tests.support.stage.jenkins import environment, shell_steps
from tests.support.stage.kits import IMAGE, URL, WHEEL, kit_files
from tests.support.stage.stage import Stage

COMMIT = "4ef5a3030654728decc420aa363a57670ae53de4"
Publish = Callable[..., tuple[int, str]]


def on_github(
    stage: Stage, access: Mapping[str, str], options: Mapping[str, str], tool: str = WHEEL
) -> tuple[int, str]:
    """Run the example of the kit, with these options in the step's environment."""
    workflow = github.load(kit_files("github", tool)["examples/publish.github.yml"])
    del workflow["jobs"]["build"]["steps"][1]  # the checkout, of what the test changes
    workflow["jobs"]["record"]["steps"][-1]["env"] |= options
    contexts: dict[str, Any] = {
        "github": {"repository": "team/app", "sha": COMMIT, "ref_name": "v1", "event": {}},
        "vars": {
            "REGISTRY_USER": "ci", "LEDGER_REPO": access["LEDGER_REPO"],
            "LEDGER_KNOWN_HOSTS": Path(access["LEDGER_KNOWN_HOSTS"]).read_text(),
        },
        "secrets": {
            "REGISTRY_PASSWORD": "secret", "LEDGER_DEPLOY_KEY": Path(access["LEDGER_DEPLOY_KEY"]).read_text(),
        },
    }  # fmt: skip
    done = github.Runner(stage, contexts).run_jobs(workflow)
    return done.failed, done.output


def on_gitlab(
    stage: Stage, access: Mapping[str, str], options: Mapping[str, str], tool: str = WHEEL
) -> tuple[int, str]:
    config = gitlab.load(kit_files("gitlab", tool)["examples/publish.gitlab-ci.yml"])
    config["record"]["variables"] |= options
    return _jobs(stage, config, ["build", "record"], access)


def as_component(
    stage: Stage, access: Mapping[str, str], options: Mapping[str, str], tool: str = WHEEL
) -> tuple[int, str]:
    """Give what is one value as an input, and lists as variables."""
    inputs = {"ledger-tool": tool, "ledger-repo": access["LEDGER_REPO"], "metadata-file": "metadata.json"}
    lists = {name: value for name, value in options.items() if name.endswith("S")}
    for name in options.keys() - lists.keys():
        inputs[name.removeprefix("LEDGER_IN_").lower().replace("_", "-")] = options[name]
    config = gitlab.load((ROOT / "templates/publish.yml").read_text(), inputs)
    config["ledger-publish"]["variables"] |= lists
    build = gitlab.load(kit_files("gitlab", tool)["examples/publish.gitlab-ci.yml"])["build"]
    return _jobs(
        stage, config | {"build": build, "variables": {"LEDGER_TOOL": tool}}, ["build", "ledger-publish"], access
    )


def _jobs(stage: Stage, config: Mapping[str, Any], names: list[str], access: Mapping[str, str]) -> tuple[int, str]:
    project = {
        "GITLAB_CI": "true", "CI_PROJECT_URL": "https://gitlab.com/team/app", "CI_COMMIT_SHA": COMMIT,
        "CI_COMMIT_TAG": "v1", "REGISTRY_USER": "ci", "REGISTRY_PASSWORD": "secret", "CI_JOB_IMAGE": IMAGE,
    }  # fmt: skip
    output = ""
    for name in names:
        done = gitlab.run_job(stage, config, name, {**project, **access})
        output += done.stdout
        if done.returncode:
            return done.returncode, output
    return 0, output


def on_jenkins(
    stage: Stage, access: Mapping[str, str], options: Mapping[str, str], tool: str = WHEEL
) -> tuple[int, str]:
    text = kit_files("jenkins", tool)["examples/publish.Jenkinsfile"]
    temp = Path(access["LEDGER_DEPLOY_KEY"]).parent  # where Jenkins puts the files of credentials, too
    given = environment(text) | {
        "JENKINS_URL": "https://ci", "GIT_URL": "https://git.example.com/team/app.git", "GIT_COMMIT": COMMIT,
        "TAG": "v1", "WORKSPACE_TMP": str(temp), **access, **options,
    }  # fmt: skip
    output = ""
    for step in shell_steps(text):
        done = subprocess.run(
            ["sh", "-xe", "-c", step], cwd=stage.work, env={**stage.environment, **given}, check=False, timeout=120,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        output += done.stdout
        if done.returncode:
            return done.returncode, output
    return 0, output


def change(stage: Stage, what: str) -> None:
    (stage.work / "app").mkdir(exist_ok=True)
    (stage.work / "app/Dockerfile").write_text(f"FROM scratch\n# {what}\n")


ALL = [on_github, on_gitlab, as_component, on_jenkins]


@pytest.mark.parametrize("publish", ALL)
def test_whatever_publish_can_be_told_each_system_can_say(
    publish: Publish, stage: Stage, access: dict[str, str]
) -> None:
    evil = "note=$(touch pwned)`touch pwned`; touch pwned"
    options = {
        "LEDGER_IN_LABELS": f"team=a b\r\n\r\n{evil}\r\n",
        "LEDGER_IN_TTL": "7d",
        "LEDGER_IN_REGISTRY": "registry.example.com",
    }
    code, output = publish(stage, access, options)
    assert code == 0, output
    for record in stage.upstream.records():
        assert record["labels"] == {"team": "a b", "note": evil.removeprefix("note=")}
        assert record["ttl"] == "7d"
        assert record["platform"] == "linux/amd64"
    change(stage, "other")
    assert publish(stage, access, {})[0] == 3
    reason = 'the "base" was old; C:\\new # $(touch pwned): {x}'
    forced = {"LEDGER_IN_FORCE": "true", "LEDGER_IN_REASON": reason, "LEDGER_IN_SIGN": "true"}
    code, output = publish(stage, access, forced)
    assert code == 0, output
    assert [one["forced"]["reason"] for one in stage.upstream.records() if "forced" in one] == [reason]
    assert "gpgsig" in stage.upstream.git("cat-file", "commit", stage.upstream.tip())
    before = stage.upstream.tip()
    stage.upstream.git("config", "receive.advertisePushOptions", "true")
    change(stage, "third")
    proposing = {"LEDGER_IN_PULL_REQUEST": "true", "LEDGER_IN_FORGE": "gitlab", "LEDGER_IN_PR_DRAFT": "true"}
    code, output = publish(stage, access, {**forced, **proposing, "LEDGER_IN_PR_LABELS": "digest\nready"})
    assert code == 0, output
    assert stage.upstream.tip() == before
    assert len(stage.upstream.git("for-each-ref", "refs/heads/ledger").splitlines()) == 1


@pytest.mark.parametrize("publish", [on_github, on_gitlab, on_jenkins])
def test_an_image_runs_in_the_place_of_the_program(publish: Publish, stage: Stage, access: dict[str, str]) -> None:
    code, output = publish(stage, access, {}, IMAGE)
    assert code == 0, output
    assert {one["image"] for one in stage.upstream.records()} == {"myorg/app", "myorg/worker"}
    started = (stage.root / "arguments").read_text()
    in_docker = publish in (on_github, on_jenkins)
    assert (f"docker pull --quiet {IMAGE}" in started) == in_docker
    assert "pip install" not in started


@pytest.mark.parametrize("publish", ALL)
def test_until_the_tool_is_named_the_job_stops_before_it_builds_or_touches_a_key(
    publish: Publish, stage: Stage, access: dict[str, str]
) -> None:
    before = stage.upstream.tip()
    code, output = publish(stage, access, {}, "")
    assert code == 2
    (line,) = [line for line in output.splitlines() if line.startswith("error:")]
    assert line.startswith("error: LEDGER_TOOL is not set; set it to https://")
    assert stage.upstream.tip() == before
    started = (stage.root / "arguments").read_text()
    programs = ("pip", "ledger", "ssh", "git", "docker")
    assert not [program for program in programs if f"/{program} " in started]


@pytest.mark.parametrize("publish", [on_github, on_gitlab, on_jenkins])
def test_a_word_that_is_neither_true_nor_false_is_refused(
    publish: Publish, stage: Stage, access: dict[str, str]
) -> None:
    """It might mean yes, and without a request or a signature something else would happen."""
    before = stage.upstream.tip()
    for name, word in (("PULL_REQUEST", "yes"), ("SIGN", "True"), ("FORCE", "1"), ("PR_DRAFT", "no")):
        code, output = publish(stage, access, {f"LEDGER_IN_{name}": word})
        assert code == 2, output
        assert f"error: {name.lower().replace('_', '-')} is neither true nor false; write one of the two" in output
    assert stage.upstream.tip() == before
    assert publish(stage, access, {"LEDGER_IN_SIGN": "false", "LEDGER_IN_FORCE": ""})[0] == 0


def test_without_the_ledgers_address_the_job_says_so(stage: Stage, access: dict[str, str]) -> None:
    assert URL in kit_files("gitlab")["examples/publish.gitlab-ci.yml"]
    code, output = on_jenkins(stage, access | {"LEDGER_REPO": ""}, {})
    assert code == 2
    assert "error: LEDGER_REPO is not set; set it to the ledger's git URL" in output


def _script(options: Mapping[str, str], tmp_path: Path) -> tuple[int, str, list[str]]:
    """Run `publish.sh` with these variables and a `ledger` that only shows its arguments; return them with the rest."""
    program = tmp_path / "ledger"
    program.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
    program.chmod(0o755)
    for name in ("sh", "awk", "sed", "tr"):  # no image lacks these
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    environment = {"PATH": str(tmp_path), "LEDGER_REPO": URL, **options}
    done = subprocess.run(
        [tmp_path / "sh", "-eu", ROOT / "ledger_tool/kits/shell/publish.sh"], env=environment, check=False,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stderr, done.stdout.split("\0")[:-1]


def _listed(kind: str) -> set[str]:
    (names,) = re.findall(rf"^{kind}='(.*)'$", shell_script("publish.sh"), re.MULTILINE)
    return set(names.split())


# What has a variable of its own for all commands, and what is not for a job: its output is JSON.
_ELSEWHERE = {"repo", "deploy-key", "known-hosts", "format", "help"}


def test_the_variables_of_the_kits_are_the_options_of_publish() -> None:
    command = typer.main.get_command(program(["publish"])).commands["publish"]  # type: ignore[attr-defined]
    options = {
        (max(option.opts, key=len).removeprefix("--"), option.multiple, option.is_flag)
        for option in command.params
        if option.param_type_name == "option"
    }
    named = {name for name, _, _ in options} - _ELSEWHERE
    assert {name.removesuffix("s") for name in _listed("lists")} == {name for name, many, _ in options if many}
    assert _listed("flags") == {name for name, _, is_flag in options if is_flag} - _ELSEWHERE
    assert _listed("values") | _listed("flags") | {name.removesuffix("s") for name in _listed("lists")} == named


def test_the_action_and_the_component_have_no_variable_that_the_script_does_not_know() -> None:
    known = {
        f"LEDGER_IN_{name.upper().replace('-', '_')}" for kind in ("values", "lists", "flags") for name in _listed(kind)
    }
    for path in (
        "action.yml",
        "templates/publish.yml",
        "docs/ci.md",
        *map(str, (ROOT / "ledger_tool/kits").rglob("examples/*")),
    ):
        assert set(re.findall(r"LEDGER_IN_[A-Z_]+[A-Z]", (ROOT / path).read_text())) <= known, path


def test_every_option_can_be_passed(tmp_path: Path) -> None:
    values = {f"LEDGER_IN_{name.upper().replace('-', '_')}": f"{name} *" for name in _listed("values")}
    lists = {f"LEDGER_IN_{name.upper().replace('-', '_')}": f"  {name} 1 \r\n\t\n *=$HOME" for name in _listed("lists")}
    flags = {f"LEDGER_IN_{name.upper().replace('-', '_')}": "true" for name in _listed("flags")}
    code, said, words = _script(values | lists | flags, tmp_path)
    assert (code, said, words[0], words[-2:]) == (0, "", "publish", ["--", "image *"])
    expected = {f"--{name}={name} *" for name in _listed("values") - {"image"}}
    expected |= {
        f"--{name.removesuffix('s')}={value}" for name in _listed("lists") for value in (f"{name} 1", "*=$HOME")
    }
    assert set(words[1:-2]) == expected | {f"--{name}" for name in _listed("flags")}
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("unknown", "nearest"),
    [
        ("PULLREQUEST", "PULL_REQUEST"), ("LABEL", "LABELS"), ("dry_run", "DRY_RUN"), ("PUBLISHED", "PUBLISHED_AT"),
        ("DEPENDS_ONS", "DEPENDS_ON"), ("REASONS", "REASON"), ("", "PR"),
    ],
)  # fmt: skip
def test_a_variable_that_would_do_nothing_is_refused(unknown: str, nearest: str, tmp_path: Path) -> None:
    """Even an empty one, and whatever else is told; a value only looks like a variable."""
    given = {"LEDGER_IN_IMAGE": "myorg/app:v1\nLEDGER_IN_X=1", f"LEDGER_IN_{unknown}": ""}
    code, said, words = _script(given, tmp_path)
    message = f"error: LEDGER_IN_{unknown} is not a variable of this job; did you mean LEDGER_IN_{nearest}?\n"
    assert (code, said, words) == (2, message, [])


@pytest.mark.parametrize("publish", [on_github, on_gitlab, on_jenkins])
def test_what_a_job_asks_for_is_done_or_refused(publish: Publish, stage: Stage, access: dict[str, str]) -> None:
    before = stage.upstream.tip()
    code, output = publish(stage, access, {"LEDGER_IN_PULLREQUEST": "true"})
    assert code == 2, output
    assert "did you mean LEDGER_IN_PULL_REQUEST?" in output
    assert publish(stage, access, {"LEDGER_IN_DRY_RUN": "true"})[0] == 0
    assert stage.upstream.tip() == before
