"""`ledger completion`: what it answers, and what bash, zsh and fish make of it when Tab is pressed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.cli.main import COMMANDS
from ledger_tool.core.ledger import recorded
from ledger_tool.render.completion import SCRIPTS
from tests.kits.test_lint import tool
from tests.support.git.upstream import git
from tests.support.stage.shell import Shell
from tests.support.values.make import digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
Press = Callable[[str], list[str]]


def ledger_file(*tags: str) -> bytes:
    return ledger_bytes(*(record(*tag.split(":"), digest=digest(tag), platform="linux/amd64") for tag in tags))


RECORDED = ("myorg/app:v1.4.2", "myorg/app:v1.5.0", "myorg/web:v2.0", "nginx:1.27")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a ledger, with a file and a sub-folder."""
    place = tmp_path / "a ledger"
    (place / "deploy").mkdir(parents=True)
    (place / "ledger.json").write_bytes(ledger_file(*RECORDED))
    (place / "deploy/pod one.yaml").write_text("kind: Pod\n")
    (place / "ledger.yaml").write_text("environments: {staging: {}, prod: {from: staging}, prod-eu: {from: staging}}\n")
    git("init", "--quiet", place)
    return place


@pytest.fixture
def complete(ledger: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Press:
    """Return a function that asks for the completions of the last word."""
    monkeypatch.chdir(folder)

    def ask(line: str) -> list[str]:
        done = ledger("completion", "bash", "--", *line.split(" "))
        assert (done.code, done.err) == (0, "")
        return [each.partition("\t")[0] for each in done.out.splitlines()]

    return ask


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", [*COMMANDS]),
        ("re", ["remove", "reconcile", "restore", "rebase"]),
        ("get ", ["myorg/app:", "myorg/web:", "nginx:"]),
        ("get n", ["nginx:1.27"]),
        ("get myorg/app:v1.5", ["myorg/app:v1.5.0"]),
        ("get myorg/app:", ["myorg/app:v1.4.2", "myorg/app:v1.5.0"]),
        ("get --format json myorg/app:v1.4", ["myorg/app:v1.4.2"]),
        ("get myorg/app:v1.5.0 ", []),
        ("yank myorg/app:v1.5.0 ng", ["nginx:1.27"]),
        ("list my", ["myorg/app", "myorg/app:", "myorg/web", "myorg/web:"]),
        ("log nginx:", ["nginx:1.27"]),
        ("list --la", ["--latest", "--label"]),
        ("list --latest --late", []),
        ("get --platform ", ["linux/amd64"]),
        ("get --platform=", ["--platform=linux/amd64"]),
        ("reconcile --format m", ["markdown"]),
        ("reconcile --format=j", ["--format=json", "--format=junit"]),
        ("promote --to ", ["staging", "prod", "prod-eu"]),
        ("promote --to=pr", ["--to=prod", "--to=prod-eu"]),
        ("promote --all --to prod --from st", ["staging"]),
        ("running - --env prod-", ["prod-eu"]),
        ("pin ", [":files"]),
        ("publish --metadata-file ", [":files"]),
        ("publish --metadata-file x ng", ["nginx:1.27"]),
        ("get --repo=", [":files"]),
        ("get -- --", []),
        ("completion ", ["bash", "zsh", "fish"]),
        ("--v", ["--version"]),
        ("nothing --v", []),
        ("get \"'`$(", []),
    ],
)
def test_what_may_stand_in_place_of_the_last_word(complete: Press, line: str, words: list[str]) -> None:
    assert sorted(complete(line)) == sorted(words)


def test_labels_are_not_taken_for_names() -> None:
    labels = {"image": "phantom/img", "tag": "v9", "platform": "linux/riscv64"}
    raw = ledger_bytes(record(labels=labels, platform="linux/amd64"))
    assert (recorded.images(raw), recorded.platforms(raw)) == (["myorg/app"], ["linux/amd64"])


def test_the_ledger_is_found_from_below_by_option_and_by_variable(
    complete: Press, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder / "deploy")
    assert complete("get n") == ["nginx:1.27"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "ledger.json").write_bytes(ledger_file("team/tool:v9"))
    monkeypatch.chdir(tmp_path)
    assert complete("get ") == []
    assert complete(f"get --repo {other} ") == ["team/tool:v9"]
    assert complete(f"get --repo={other} ") == ["team/tool:v9"]
    monkeypatch.setenv("LEDGER_REPO", str(other))
    assert complete("get ") == ["team/tool:v9"]
    monkeypatch.setenv("LEDGER_REPO", "https://127.0.0.1:1/ledger.git")
    assert complete("get ") == []


def test_settings_that_are_not_valid_declare_no_environments(complete: Press, folder: Path) -> None:
    (folder / "ledger.yaml").write_text("environments: [prod]\n")
    assert complete("promote --to ") == []
    (folder / "ledger.yaml").unlink()
    assert complete("promote --to ") == []


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_a_ledger_that_is_no_plain_file_has_no_names_and_nothing_waits_for_it(
    complete: Press, folder: Path, kind: str
) -> None:
    path = folder / "ledger.json"
    path.rename(folder / "elsewhere.json")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(folder / "elsewhere.json")
    else:
        path.mkdir()
    assert complete("get ") == []


@given(st.binary(max_size=60), st.text(max_size=30), st.text(max_size=30))
def test_whatever_stands_in_the_file_a_name_has_no_character_that_a_shell_reads(
    junk: bytes, image: str, tag: str
) -> None:
    raw = f'\n      "image": "{image}",\n      "tag": "{tag}",\n      "platform": "{tag}"'.encode("utf-8", "replace")
    for name in (*recorded.images(raw + junk), *recorded.tags(raw, image), *recorded.platforms(raw)):
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._/-]*", name)


def test_a_description_is_one_line_of_plain_text(ledger: Run) -> None:
    for words in ([""], *([name, "-"] for name in COMMANDS)):
        for line in ledger("completion", "zsh", "--", *words).out.splitlines():
            word, _, text = line.partition("\t")
            assert re.fullmatch(r"[a-z-]+", word)
            assert text
            assert not re.search(r"[`*\[\t]|default:", text)


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_script_is_what_its_shell_reads(ledger: Run, shell: str, tmp_path: Path) -> None:
    path = tmp_path / f"ledger.{shell}"
    path.write_text(ledger("completion", shell).out)
    done = subprocess.run([shell, "-n", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    if shell == "bash":
        tool("shellcheck", "--shell=bash", path)
    assert "eval" not in path.read_text().replace("zsh_eval_context", "")


def test_another_shell_is_refused(ledger: Run) -> None:
    done = ledger("completion", "tcsh")
    assert done.code == 2
    assert "bash, zsh, fish" in done.err


# How each shell starts without anybody's settings, and how its `ledger` is replaced by one that shows what it gets.
# What is typed does not itself contain what is waited for, as the terminal shows it too.
_SHOW = "ledger() { printf 'GO''T<%s>\\n' \"$@\"; echo DO''NE; }; PS1='REA''DY> '\n"
STARTS = {
    "bash": (["bash", "--noprofile", "--norc", "-i"], f"source <(command ledger completion bash); {_SHOW}"),
    "zsh": (
        ["zsh", "-f", "-i"],
        f"autoload -U compinit; compinit -u -D; source <(command ledger completion zsh); {_SHOW}",
    ),
    "zsh, by its fpath": (
        ["zsh", "-f", "-i"],
        "mkdir $HOME/f; command ledger completion zsh >$HOME/f/_ledger; fpath+=$HOME/f; "
        f"autoload -U compinit; compinit -u -D; {_SHOW}",
    ),
    "bash, not splitting words at colons": (
        ["bash", "--noprofile", "--norc", "-i"],
        'set -u; COMP_WORDBREAKS=${COMP_WORDBREAKS//:}; eval "$(command ledger completion bash)"; ' + _SHOW,
    ),
    "fish": (
        ["fish", "--no-config", "-i"],
        "command ledger completion fish | source; function ledger; printf 'GO''T<%s>\\n' $argv; echo DO''NE; end; "
        "function fish_prompt; echo 'REA''DY> '; end\n",
    ),
}


@pytest.fixture(params=STARTS)
def press(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Iterator[Press]:
    """Return a function that types keys and Return into a shell, and returns the words that `ledger` was run with."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "ledger").write_text(f'#!/bin/sh\nexec {sys.executable} -m ledger_tool "$@"\n')
    (programs / "ledger").chmod(0o755)
    argv, setup = STARTS[request.param]
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path), "TERM": "xterm", "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }  # fmt: skip
    with Shell.started(argv, folder, environment) as shell:
        shell.type(setup)

        def run(keys: str) -> list[str]:
            shell.until("READY> ")
            shell.type(f"ledger {keys}\n")
            return re.findall(r"GOT<(.*?)>", shell.until("DONE"))

        yield run
    assert not list(tmp_path.rglob("pwned"))


def test_tab_completes_commands_options_images_and_files(press: Press) -> None:
    assert press("whe\t") == ["whence"]
    assert press("get n\t") == ["get", "nginx:1.27"]
    assert press('get "n\t') == ["get", "nginx:1.27"]
    assert press("get nginx:\t") == ["get", "nginx:1.27"]
    assert press("get n x\x1b[D\x1b[D\t") == ["get", "nginx:1.27", "x"]
    assert press("get myorg/app:v1.5\t--fo\tref") == ["get", "myorg/app:v1.5.0", "--format", "ref"]
    assert press("list --format=jsonl\tmyorg/w\t") == ["list", "--format=jsonl", "myorg/web"]
    assert press("reconcile --exp\t9") == ["reconcile", "--explain", "9"]
    assert press("pin deploy/po\t--check") == ["pin", "deploy/pod one.yaml", "--check"]


def test_tab_never_runs_what_a_ledger_holds(press: Press, folder: Path) -> None:
    evil = ["$(touch${IFS}pwned)", "`touch pwned`", "';touch pwned;'", "x;touch pwned", "-x", "x\\ttouch", "x:files"]
    text = (folder / "ledger.json").read_text()
    records = "".join(f'\n      "image": {json.dumps(name)},\n      "tag": {json.dumps(name)},' for name in evil)
    (folder / "ledger.json").write_text(text + records)
    assert press("get \t") == ["get"]
    assert press("get my\t") == ["get", "myorg/"]
    assert press("get x\t") == ["get", "x"]
    assert press("get '$(\t'") == ["get", "$("]
    assert press("get --repo '$(touch pwned)' n\t") == ["get", "--repo", "$(touch pwned)", "n"]
