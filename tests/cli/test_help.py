"""What `--help` shows: it fits the terminal, has no types in it, and ends with examples that work."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.main

from ledger_tool.cli.examples import EXAMPLES
from ledger_tool.cli.main import COMMANDS, program
from tests.support.git.upstream import Upstream, git
from tests.support.stage.stage import Stage
from tests.support.stage.terminal import at_terminal
from tests.support.values.make import digest
from tests.support.values.outcome import Outcome
from tests.support.values.running import listed, running_pod

Run = Callable[..., Outcome]
NAMES = ["ledger", *COMMANDS]
_LONGEST_WORD = 20  # of what a column of 60 has room for
SOURCE = "https://git.example.com/team/app@4ef5a3030654728decc420aa363a57670ae53de4"


@pytest.fixture
def shown(ledger: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], list[str]]:
    """Return a function that returns the lines of a command's help at a width."""

    def run(name: str, width: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        done = ledger(*([] if name == "ledger" else [name]), "--help")
        assert done.code == 0
        return done.out.splitlines()

    return run


@pytest.mark.parametrize("name", NAMES)
def test_every_help_fits_the_terminal_and_shows_no_types(name: str, shown: Callable[[str, int], list[str]]) -> None:
    for width in (60, 80, 120):
        lines = shown(name, width)
        assert max(map(len, lines)) <= width
        at = lines.index(" Examples:")
        assert not re.search(r"<(?:bool|str|list)|\{", "\n".join(lines[:at]))
        # As a shell reads them.
        examples = re.sub(r" \\\n +", " ", "\n".join(lines[at + 1 :])).splitlines()
        assert [line.strip() for line in examples if line and "#" not in line] == [one for _, one in EXAMPLES[name]]
        comments = " ".join(line.strip(" #") for line in examples if "#" in line)
        assert comments == " ".join(what for what, _ in EXAMPLES[name])


@pytest.mark.parametrize("name", COMMANDS)
def test_no_word_is_broken(name: str, shown: Callable[[str, int], list[str]]) -> None:
    """Each word that a wide help shows is in a narrow one: choices and placeholders too."""
    words = {width: set(" ".join(shown(name, width)).split()) for width in (60, 80, 200)}
    for width in (60, 80):
        missing = {word for word in words[200] - words[width] if "─" not in word and len(word) <= _LONGEST_WORD}
        assert not missing, width


def test_the_longest_help_fits_two_screens_with_what_is_rare_at_its_end(
    shown: Callable[[str, int], list[str]],
) -> None:
    lines = shown("publish", 80)
    assert len(lines) <= 100
    panels = [found[1] for line in lines if (found := re.match(r"╭─ (.+?) ─", line))]
    assert panels[-2:] == ["Ledger", "Rarely needed"]


def test_no_help_has_escapes_where_no_colour_is_wanted(ledger: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    words: list[list[str]] = [[], ["--help"], ["list", "--help"]]
    for name in ("GITHUB_ACTIONS", "PY_COLORS"):
        monkeypatch.setenv(name, "1")
    plain = [ledger(*one).out for one in words]
    assert "\x1b" not in "".join(plain)
    monkeypatch.setenv("FORCE_COLOR", "1")
    for one, text in zip(words, plain, strict=True):
        coloured = ledger(*one).out
        assert "\x1b" in coloured
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == text
    monkeypatch.setenv("NO_COLOR", "1")
    assert [ledger(*one).out for one in words] == plain
    assert "\x1b" not in at_terminal("list", "--help").out
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b" in at_terminal("list", "--help").out


@pytest.mark.parametrize("words", [["-h"], ["publish", "--help"], ["--version"], ["list", "--format", "json"]])
def test_a_reader_that_has_seen_enough_is_no_failure(words: list[str], upstream: Upstream) -> None:
    """As in `ledger -h | head -1`: whoever reads has gone before anything is written."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "ledger_tool", *words]
    environment = {**os.environ, "LEDGER_REPO": upstream.url}
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=environment, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_there_are_two_examples_for_each_command_and_they_fit_a_line() -> None:
    assert set(EXAMPLES) == set(NAMES)
    for name, examples in EXAMPLES.items():
        assert len(examples) == 2, name
        for what, command in examples:
            assert max(len(what), len(command)) <= 76, command
            assert name == "ledger" or f"ledger {name}" in command


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Yield a clone of a ledger, and the bare repository that it is of, beside a registry with the recorded image."""
    with Stage.set_up(tmp_path / "stage") as stage:
        for name, value in stage.environment.items():
            if not name.startswith("LEDGER_"):
                monkeypatch.setenv(name, value)
        for tag in ("v1.5.0", "pr-7"):
            words = f"registry.example.com/myorg/app:{tag}"
            given = f"--source {SOURCE} --depends-on docker.io/library/debian:bookworm@{digest('base')}"
            stage.run([f"docker buildx build --push --tag {words} app", f"ledger publish {words} {given}"])
        work = stage.work / "clone"
        git("clone", "--quiet", stage.upstream.url, work)
        with (work / "ledger.yaml").open("a") as settings:
            settings.write("environments:\n  staging: {}\n  prod: {}\n")
        git("commit", "--quiet", "--all", "--message=Declare environments", cwd=work)
        git("push", "--quiet", "origin", "HEAD:refs/heads/main", cwd=work)
        stage.run([f"ledger promote myorg/app:v1.5.0 --to {environment}" for environment in ("prod", "staging")])
        git("pull", "--quiet", "--ff-only", cwd=work)
        git("push", "--quiet", "origin", "HEAD:refs/heads/fix", cwd=work)
        git("fetch", "--quiet", cwd=work)
        git("tag", "last-audit", cwd=work)
        (work / "deploy").mkdir()
        image = stage.upstream.records()[-1]
        pinned = f"registry.example.com/myorg/app:v1.5.0@{image.get('index', image['digest'])}"
        (work / "deploy/pod.yaml").write_text(f"kind: Pod\nspec: {{containers: [{{image: '{pinned}'}}]}}\n")
        pods = listed(running_pod(pinned, "", name="web-0"))
        for name in ("eu.json", "us.json"):
            (work / name).write_bytes(pods)
        stage.run(["ledger reconcile --save clone/drift.json"])
        bake = "docker buildx build --push --metadata-file clone/metadata.json"
        stage.run([f"{bake} --tag registry.example.com/myorg/app:v1.5.0 app"])
        yield work, stage.upstream.path


def test_every_example_runs(ledger: Run, place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each from the same state; what needs a forge is only parsed."""
    work, upstream = place
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for name, value in (("SERVER_URL", "https://git.example.com"), ("REPOSITORY", "team/app"), ("SHA", "4" * 40)):
        monkeypatch.setenv(f"GITHUB_{name}", value)
    saved = work.with_name("saved")
    shutil.copytree(work, saved / "clone")
    shutil.copytree(upstream, saved / "upstream")
    monkeypatch.chdir(work.parent)
    for command in [command for examples in EXAMPLES.values() for _, command in examples]:
        for kept, path in (("clone", work), ("upstream", upstream)):
            shutil.rmtree(path, ignore_errors=True)
            shutil.copytree(saved / kept, path)
        shutil.copytree(work, work.with_name("ledger"), dirs_exist_ok=True)
        # Without the shell around it: what is read from it, and where its output goes.
        piped = [part for part in command.split(" | ") if part.startswith(("ledger ", "source "))]
        alone = piped[0].removeprefix("source <(").removesuffix(")").partition(" >")[0]
        program_word, *words = shlex.split(alone)
        assert program_word == "ledger"
        if "--pull-request" in words or words[0] == "post":
            parsed = typer.main.get_command(program([words[0]])).commands[words[0]]  # type: ignore[attr-defined]
            parsed.make_context(words[0], words[1:])
            continue
        monkeypatch.chdir(work.parent if words[0] == "init" else work)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((work / "eu.json").read_bytes())))
        done = ledger(*words)
        assert done.code == 0, f"{command}: {done.out}{done.err}"
