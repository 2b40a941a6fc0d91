"""The papers say what is so: output is real, all commands, options and codes are there, links lead somewhere."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer.main
from ruamel.yaml import YAML

from ledger_tool.cli.main import program
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.policy.resolve import pulled_from
from ledger_tool.core.registry.drift import CLASSES
from ledger_tool.core.registry.driftreport import report
from ledger_tool.core.running.classes import RUNNING_CLASSES
from ledger_tool.core.running.report import RunningReport
from ledger_tool.edges.files.ledger import read_snapshot
from ledger_tool.edges.yaml import settings
from ledger_tool.errors import LedgerError
from ledger_tool.render.metrics import as_metrics
from ledger_tool.render.running import as_metrics as running_metrics
from tests.support import ROOT
from tests.support.stage import github, gitlab, jenkins
from tests.support.stage.docs import blocks, comparable, examples, papers, played, prose
from tests.support.stage.stage import Stage
from tests.support.values.outcome import Outcome

DOCS = ROOT / "docs"
# Typer's own classes are an inner affair of its; what is asked of them here is stable.
COMMANDS: dict[str, Any] = dict(typer.main.get_command(program()).commands)  # type: ignore[attr-defined]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [path for path in papers() if examples(path.read_text("utf-8"))], ids=name_of)
def test_examples_run_as_they_are_shown(path: Path, tmp_path: Path) -> None:
    """`make docs` rewrites what differs here."""
    shown = examples(path.read_text("utf-8"))
    assert comparable(shown) == comparable(played(path, tmp_path / "stage"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help_and_is_documented(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    text = "\n".join(path.read_text("utf-8") for path in DOCS.glob("*.md") if path.name != "commands.md")
    assert f"ledger {name}" in text
    for parameter in command.params:
        assert parameter.help, f"{name} {parameter.name} has no help"
        for option in parameter.opts:
            if option.startswith("--") and option != "--help":
                assert f"{option}" in text, f"no page tells about {option} of {name}"


def test_commands_md_has_the_help_of_every_command() -> None:
    shown = {example.command for example in examples((DOCS / "commands.md").read_text("utf-8"))}
    assert shown == {"ledger --help"} | {f"ledger {name} --help" for name in COMMANDS}


def test_no_option_is_documented_that_no_command_has() -> None:
    known = {option for command in COMMANDS.values() for parameter in command.params for option in parameter.opts}
    for path in papers():
        for line in re.findall(
            r"^.*\bledger (?:publish|get|list|set|remove|verify|reconcile|auth|pin|bump|init|diff|check)\b.*$",
            path.read_text("utf-8"),
            re.MULTILINE,
        ):
            own = line[line.index("ledger ") :].split("|")[0].split("`")[0]
            assert set(re.findall(r"(?<=\s)--[a-z-]+", own)) <= known | {"--help"}, f"{path.name}: {line}"


def test_every_exit_code_is_documented() -> None:
    def codes(error: type[LedgerError]) -> Iterator[int]:
        yield error.exit_code
        for below in error.__subclasses__():
            yield from codes(below)

    text = (DOCS / "exit-codes.md").read_text("utf-8")
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    assert documented == {*codes(LedgerError), 0, 1, 130}
    in_readme = {
        int(code) for code in re.findall(r"^\| (\d+) \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    }
    assert in_readme == documented


def test_every_rule_of_check_is_documented() -> None:
    files = (
        "core/judging/commit",
        "core/judging/check",
        "core/judging/dates",
        "core/judging/files",
        "core/judging/net",
        "core/judging/oneness",
        "core/judging/owners",
        "core/judging/pulls",
        "core/judging/telling",
        "core/ledger/diagnosis",
        "commands/check",
        "commands/check_registry",
    )
    code = "".join((ROOT / f"ledger_tool/{name}.py").read_text("utf-8") for name in files)
    raised = set(
        re.findall(r'\b(?:FileFault\(|CommitFault\(|CheckFinding\(|yield |return )\(?\s*"([a-z]+)",', code)
    ) | {"schema"}
    table = (DOCS / "review.md").read_text("utf-8").partition("### Rules")[2].partition("###")[0]
    documented = {
        rule for row in re.findall(r"^\| ([`].*?) \|", table, re.MULTILINE) for rule in re.findall(r"`([a-z]+)`", row)
    }
    assert raised <= documented
    assert documented - raised <= {"date", "nfc", "order", "unique", "platform", "version"}  # which stand in a tuple


def test_the_track_record_names_every_fault_and_tests_that_exist() -> None:
    rows = re.findall(r"^\| ([A-Z][0-9]+) \|.*\| (.*) \|$", (DOCS / "track-record.md").read_text("utf-8"), re.MULTILINE)
    last = {"R": 19, "K": 6, "G": 7, "H": 10, "A": 7, "S": 7, "M": 11}
    assert {number for number, _ in rows} == {f"{kind}{at}" for kind, end in last.items() for at in range(1, end + 1)}
    for _, held_by in rows:
        for file, test in re.findall(r"`(tests/[^`]+)`(?: `([^`]+)`)?", held_by):
            assert not test or f"def {test}(" in (ROOT / file).read_text("utf-8"), test
            assert (ROOT / file).exists()


def test_every_message_of_exit_codes_md_is_in_the_code() -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "ledger_tool").rglob("*.py"))
    code = re.sub(r'"\s*f?"', "", code).replace("{LEDGER}", "ledger.json")  # texts may stand on two lines
    # What a message fills in is not compared; texts in a table stand in braces themselves.
    code += re.sub(r"\{[^{}]*\}", "…", re.sub(r"\{[^{}]*\{[^{}]*\}[^{}]*\}", "…", code))
    for row in re.findall(r"^\| ([`].*?) \|", (DOCS / "exit-codes.md").read_text("utf-8"), re.MULTILINE):
        for message in re.findall(r"``(.+?)``|`([^`]+)`", row):
            parts = re.split(r"…|\bN\b|\d+|linux/arm64", "".join(message))
            for part in filter(None, (part.strip(" `;:.") for part in parts)):
                assert part in code, f"no message says `{part}`"


def test_relative_links_lead_to_a_file_and_a_heading() -> None:
    for path in papers():
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(path.read_text("utf-8"))):
            if re.match(r"https?:", target):
                continue
            file, _, anchor = target.partition("#")
            found = (path.parent / file) if file else path
            assert found.exists(), f"{name_of(path)} links to {target}"
            if anchor:
                assert anchor in anchors(found.read_text("utf-8")), f"{name_of(path)} links to {target}"


def anchors(text: str) -> set[str]:
    """Return the anchors of a text's headings, as the hosts make them."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_what_the_code_says_about_the_docs_is_there() -> None:
    for path in (ROOT / "ledger_tool").rglob("*.py"):
        for name in re.findall(r"\bdocs/[\w/.-]*\w", path.read_text("utf-8")):
            assert list(ROOT.glob(f"{name}*")), f"{name_of(path)} names {name}"


def test_decisions_are_numbered_without_a_gap_and_say_their_bad_sides() -> None:
    decisions = sorted((DOCS / "adr").glob("[0-9]*.md"))
    assert [path.name[:4] for path in decisions] == [f"{at:04}" for at in range(1, len(decisions) + 1)]
    index = (DOCS / "adr/README.md").read_text("utf-8")
    for path in decisions:
        text = path.read_text("utf-8")
        assert text.startswith(f"# {path.name[:4]} ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], path.name
        assert "- Good: " in text, path.name
        assert "- Bad: " in text, path.name
        assert f"({path.name}) {text.splitlines()[0][7:]}\n" in index


def test_the_files_shown_in_format_md_are_valid() -> None:
    shown = {block.language: block.text for block in blocks((DOCS / "format.md").read_text("utf-8"))}
    assert len(codec.loads(shown["json"].encode())) == 1
    assert settings.load(shown["yaml"].encode()).require == ("platform", "labels.team")


def test_the_settings_shown_in_registry_md_are_valid() -> None:
    (shown,) = (
        block.text
        for block in blocks((DOCS / "registry.md").read_text("utf-8"))
        if block.text.startswith("registries:")
    )
    policy = settings.load(shown.encode())
    assert ["/".join(pulled_from(one, "myorg/app")) for one in policy.registries if one.serves("myorg/app")] == [
        "registry.example.com/myorg/app",
        "mirror.example.net/cache/registry.example.com/myorg/app",
    ]


def test_the_sample_ledger_is_valid(ledger: Callable[..., Outcome]) -> None:
    sample = ROOT / "sample-ledger"
    found = read_snapshot("", (sample / "ledger.json").read_bytes(), (sample / "ledger.yaml").read_bytes())
    assert len(found.ledger) == 69
    platforms = {platform for _, _, platform in found.ledger.keys}
    assert platforms == {"linux/amd64", "linux/arm/v7", "linux/arm64", "windows/amd64"}
    done = ledger("list", "--repo", sample, "--format", "json")
    assert (done.code, len(done.json)) == (0, 69)


@pytest.mark.parametrize("path", papers(), ids=name_of)
def test_papers_are_plain(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search("[\U0001f000-\U0001faff\u2600-\u27bf]", text), "no emojis"
    assert all(line == line.rstrip() for line in text.split("\n")), "no white space at the end of a line"
    long = [line for line in prose(text).split("\n") if len(line) > 120 and not line.startswith("|")]
    assert not long, "lines of prose have 120 columns at most"


@pytest.mark.parametrize("script", ["scripts/bootstrap", "scripts/demo", ".ci/run"])
def test_scripts_are_shell_and_can_be_run(script: str) -> None:
    assert (ROOT / script).stat().st_mode & 0o111 == 0o111
    assert subprocess.run(["bash", "-n", ROOT / script], check=False).returncode == 0


@pytest.mark.skipif(not (shutil.which("docker-registry") and shutil.which("skopeo")), reason="needs both programs")
def test_the_demo_runs_and_leaves_nothing_but_its_pages_behind(tmp_path: Path) -> None:
    with Stage.set_up(tmp_path / "stage", empty=True) as stage:
        done = subprocess.run(
            [ROOT / "scripts/demo"], env={**stage.environment, "DEMO_SITE": str(tmp_path / "new/site")},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^([0-9]+)\. ", done.stdout, re.MULTILINE) == [str(at) for at in range(1, 13)]
    assert "error: conflict: myorg/app:v1.0" in done.stdout
    assert "1 tag-moved, 1 in-sync" in done.stdout
    assert done.stdout.endswith(f"open {tmp_path}/new/site/index.html in a browser.\n")
    assert "myorg/app:v1.0" in (tmp_path / "new/site/drift.html").read_text("utf-8")
    assert not list((stage.root / "tmp").iterdir())


# ---- CI systems


class System(NamedTuple):
    """A CI system: what its jobs find in their environment, and the sourceRef that follows from it."""

    environment: Mapping[str, str]
    source: str


COMMIT = "4ef5a3030654728decc420aa363a57670ae53de4"
HEAD = "1c18c0bf1be4f85bd9478f15d02b7c34e58072e6"
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "team/app",
    "GITHUB_SHA": COMMIT,
}
# Their variables are set for the whole project, outside the file.
OUTSIDE = ("GitLab CI", "Bitbucket Pipelines", "CircleCI")
SYSTEMS = {
    "GitHub Actions": System(GITHUB, f"https://github.com/team/app@{COMMIT}"),
    "GitHub Actions, pull request": System(GITHUB, f"https://github.com/team/app@{HEAD}"),
    "GitLab CI": System(
        {"GITLAB_CI": "true", "CI_PROJECT_URL": "https://gitlab.com/team/app", "CI_COMMIT_SHA": COMMIT},
        f"https://gitlab.com/team/app@{COMMIT}",
    ),
    "Jenkins": System(
        {"JENKINS_URL": "https://ci", "GIT_URL": "https://git.example.com/team/app.git", "GIT_COMMIT": COMMIT},
        f"https://git.example.com/team/app.git@{COMMIT}",
    ),
    "Azure Pipelines": System(
        {
            "TF_BUILD": "True",
            "BUILD_REPOSITORY_URI": "https://team@dev.azure.com/team/app/_git/app",
            "BUILD_SOURCEVERSION": COMMIT,
        },
        f"https://dev.azure.com/team/app/_git/app@{COMMIT}",
    ),
    "Bitbucket Pipelines": System(
        {
            "BITBUCKET_BUILD_NUMBER": "7",
            "BITBUCKET_TAG": "v1.5.0",
            "BITBUCKET_GIT_HTTP_ORIGIN": "http://bitbucket.org/team/app",
            "BITBUCKET_COMMIT": COMMIT,
        },
        f"http://bitbucket.org/team/app@{COMMIT}",
    ),
    "CircleCI": System(
        {
            "CIRCLECI": "true",
            "CIRCLE_TAG": "v1.5.0",
            "CIRCLE_REPOSITORY_URL": "git@github.com:team/app.git",
            "CIRCLE_SHA1": COMMIT,
        },
        f"git@github.com:team/app.git@{COMMIT}",
    ),
    "Buildkite": System(
        {
            "BUILDKITE": "true",
            "BUILDKITE_TAG": "v1.5.0",
            "BUILDKITE_REPO": "git@github.com:team/app.git",
            "BUILDKITE_COMMIT": COMMIT,
        },
        f"git@github.com:team/app.git@{COMMIT}",
    ),
    "Woodpecker": System(
        {
            "CI": "woodpecker",
            "CI_COMMIT_TAG": "v1.5.0",
            "CI_REPO_URL": "https://git.example.com/team/app",
            "CI_COMMIT_SHA": COMMIT,
        },
        f"https://git.example.com/team/app@{COMMIT}",
    ),
}


def ci_examples() -> dict[str, str]:
    """Return the configuration of each CI system, by its heading; a second one is called `…, pull request`."""
    found: dict[str, str] = {}
    for section in re.split(r"^## ", (DOCS / "ci.md").read_text("utf-8"), flags=re.MULTILINE)[1:]:
        heading = section.split("\n")[0]
        for block in blocks(section):
            if block.language in ("yaml", "groovy") and heading != "In the ledger's repository":
                found[f"{heading}, pull request" if heading in found else heading] = block.text
    return found


def shell_steps(value: Any) -> Iterator[str]:
    """Yield the shell commands in a CI system's YAML, in their order."""
    if isinstance(value, list):
        for item in value:
            yield from shell_steps(item)
    elif isinstance(value, dict):
        for key, below in value.items():
            if key == "inputs":  # of a ready-made task
                continue
            is_shell = key in ("run", "script", "command", "commands")
            if is_shell and isinstance(below, str):
                yield below
            elif is_shell and isinstance(below, list):
                yield from below
            else:
                yield from shell_steps(below)


def steps_of(text: str, system: str) -> list[str]:
    if system == "Jenkins":
        return jenkins.shell_steps(text)
    steps = list(shell_steps(YAML(typ="safe", pure=True).load(text)))
    return [step.replace("$$", "$") for step in steps] if system == "Buildkite" else steps


def test_every_ci_system_has_an_example() -> None:
    assert list(ci_examples()) == list(SYSTEMS)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage.set_up(tmp_path / "stage") as made:
        yield made


def run_step(stage: Stage, step: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", step],
        cwd=stage.work,
        env={**stage.environment, **environment},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def run_on_github(stage: Stage, text: str, environment: Mapping[str, str]) -> None:
    """Run a workflow's one job, our own action included, which is given secrets and variables by name."""
    head = {"sha": HEAD, "repo": {"full_name": "team/app"}}
    event = {"number": 42, "pull_request": {"number": 42, "head": head}}
    contexts = {
        "github": {
            "repository": "team/app", "server_url": "https://github.com",
            "sha": COMMIT, "ref_name": "v1.5.0", "token": "not-a-token",
            "event": event if "pull_request" in text else {},
        },
        "vars": {"REGISTRY_USER": "ci", "LEDGER_KNOWN_HOSTS": "~/.ssh/ledger_known_hosts"},
        "secrets": {"REGISTRY_PASSWORD": "secret", "LEDGER_DEPLOY_KEY": "~/.ssh/ledger_deploy_key"},
    }  # fmt: skip
    runner = github.Runner(stage, contexts, environment).run_jobs(github.load(text))
    assert not runner.failed, runner.output


def run_on_gitlab(stage: Stage, text: str, project: Mapping[str, str]) -> None:
    """Run the jobs of a pipeline, those of included components last."""
    config = gitlab.load(text)
    for included in config.pop("include"):
        name = re.fullmatch(r"\$CI_SERVER_FQDN/tools/ledger-tool/(\w+)@[0-9a-f]{40}", included["component"])
        assert name
        for job, there in gitlab.load((ROOT / f"templates/{name[1]}.yml").read_text(), included["inputs"]).items():
            config[job] = {**there, **config.pop(job, {})}
    for job in config:
        if job != "stages":
            done = gitlab.run_job(stage, config, job, project)
            assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("system", SYSTEMS)
def test_ci_example_publishes(system: str, stage: Stage) -> None:
    """All shell steps run, with a docker that really pushes; the images land in one commit."""
    text = ci_examples()[system]
    before = stage.upstream.tip()
    found = re.search(r"LEDGER_REPO\W+((?:ssh|https)://[^\s']+)", text)
    given = {"LEDGER_REPO": found[1]} if found else {}
    given |= {"REGISTRY_USER": "ci", "REGISTRY_PASSWORD": "secret", "TAG": "v1.5.0"}
    if system in ("Bitbucket Pipelines", "CircleCI"):  # the key as these systems hold it
        key = (stage.root / "home/.ssh/ledger_deploy_key").read_text()
        given["LEDGER_DEPLOY_KEY"] = key.replace("\n", r"\n")
    if system.startswith("GitHub"):
        run_on_github(stage, text, SYSTEMS[system].environment)
    elif system == "GitLab CI":
        run_on_gitlab(stage, text, {**SYSTEMS[system].environment, **given, "CI_COMMIT_TAG": "v1.5.0"})
    else:
        for step in steps_of(text, system):
            done = run_step(stage, step, {**SYSTEMS[system].environment, **given})
            assert done.returncode == 0, f"{step}: {done.stderr}"
    records = stage.upstream.records()
    tag = "pr-42" if "pull request" in system else "v1.5.0"
    assert {record["image"]: record.get("index", record["digest"]) for record in records} == {
        image: stage.registry.served(f"{image}:{tag}") for image in ("myorg/app", "myorg/worker")
    }
    assert {record["sourceRef"] for record in records} == {SYSTEMS[system].source}
    assert {record["platform"] for record in records} == {"linux/amd64"}
    assert {record["tag"] for record in records} == {tag}
    assert stage.upstream.commits()[1] == before, "one commit for all images"


@pytest.mark.parametrize("system", SYSTEMS)
def test_ci_example_keeps_the_key_out_of_arguments_and_queues_nothing(system: str) -> None:
    text = ci_examples()[system]
    assert "LEDGER_DEPLOY_KEY" in text or system in OUTSIDE
    for step in steps_of(text, system):
        assert "LEDGER_DEPLOY_KEY" not in step
        assert "--deploy-key" not in step
        assert not re.search(r"--password[ =]", step)
    assert not re.search(r"concurrency:|resource_group|lock\(|serial|disableConcurrentBuilds", text)


def test_metrics_that_the_docs_name_are_written() -> None:
    text = (DOCS / "registry.md").read_text("utf-8")
    written = set(re.findall(r"ledger_reconcile_\w+", as_metrics(report([]), 0.0, None, of_all=True)))
    assert set(re.findall(r"ledger_reconcile_\w+", text)) <= written


def test_every_class_has_advice() -> None:
    text = (DOCS / "registry.md").read_text("utf-8")
    assert set(re.findall(r"^\| `([a-z-]+)` \|.*\|.*\|$", text, re.MULTILINE)) >= set(CLASSES)


def test_every_class_of_what_runs_has_advice() -> None:
    text = (DOCS / "running.md").read_text("utf-8")
    assert set(re.findall(r"^\| `([a-z-]+)` \|.*\|.*\|$", text, re.MULTILINE)) >= set(RUNNING_CLASSES)
    written = set(re.findall(r"ledger_running_\w+", running_metrics(RunningReport((), Timestamp("")), 0.0, None)))
    assert set(re.findall(r"ledger_running_\w+", text)) <= written


def test_no_paper_tells_to_queue_jobs() -> None:
    for path in papers():
        assert "concurrency:" not in path.read_text("utf-8"), name_of(path)


def test_every_json_that_is_shown_parses() -> None:
    for path in papers():
        for block in blocks(path.read_text("utf-8")):
            if block.language == "json":
                json.loads(block.text)


def test_shell_blocks_are_shell() -> None:
    for path in papers():
        for block in blocks(path.read_text("utf-8")):
            if block.language == "sh":
                done = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True, check=False)
                assert done.returncode == 0, f"{name_of(path)}: {done.stderr}"
