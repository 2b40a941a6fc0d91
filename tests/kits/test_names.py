"""Nothing in the repository tells anybody to install this program, or a key's job anything, by a name on an index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.git.upstream import git

_INSTALLERS = r"(?:pip[x0-9.]*|python[0-9.]*(?: -I)? -m pip|uvx?|pipenv|poetry|conda|brew|apt-get|npm|npx)"
# A command that takes packages from an index, with what it is given up to the end of the command.
_COMMAND = re.compile(
    rf"(?<![\w.-]){_INSTALLERS}(?:\"|')? +(?:tool +|pip +)?(?:install|add|run|download)\b([^;&|`\n]*)"
)
_RUNNERS = re.compile(r"(?<![\w./-])(?:uvx|pipx run|uv tool run)\b([^;&|`\n]*)")
_BARE = re.compile(r"(?<![\w./@+-])ledger[-_.]?tool(?:\[[\w,]*\])?(?: *(?:[=<>~!]=|[<>]) *[\w.@*]+|(?= |\"|'|$))")
_OURS = re.compile(r"(?<![\w./@:+-])ledger[-_.]tool *(?:[=~!<>]=)")
_FOLDERS = (
    "README.md",
    "CONTRIBUTING.md",
    "action.yml",
    "docs",
    "templates",
    "ledger_tool",
    "Containerfile",
    ".github",
)


def texts() -> Iterator[tuple[Path, str]]:
    for name in git("ls-files", "--cached", "--others", "--exclude-standard", "--", *_FOLDERS, cwd=ROOT).splitlines():
        path = ROOT / name
        if path.is_file() and not path.is_symlink() and path.suffix not in {".json", ".png"}:
            yield path, path.read_text("utf-8")


def by_name(text: str) -> list[str]:
    """Return what a text tells to install by its bare name, and every pin of this program's name by a version."""
    joined = text.replace("\\\n", " ")
    given = [found[1] for found in (*_COMMAND.finditer(joined), *_RUNNERS.finditer(joined))]
    return [words.strip() for words in given if _BARE.search(words)] + _OURS.findall(joined)


@pytest.mark.parametrize(
    "text",
    [
        "pip install ledger-tool", "pip install --quiet ledger_tool", "python3 -I -m pip install 'ledger-tool==0.2.0'",
        "pipx install ledger-tool", "uv tool install ledger-tool", "uvx ledger-tool publish", "pipx run ledger-tool",
        "LEDGER_TOOL: ledger-tool==@VERSION@", "default: ledger-tool==0.2.0", "pip install \\\n  ledger-tool",
        '"/x/bin/pip" install ledger-tool', "ledger.tool>=1", "pip3 install ledger-tool[x]",
    ],
)  # fmt: skip
def test_a_bare_name_is_found(text: str) -> None:
    assert by_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "pip install .", "pipx install git+https://git.example.com/tools/ledger-tool@COMMIT",
        "uses: tools/ledger-tool@0123",
        "pip install ./ledger_tool-0.2.0-py3-none-any.whl", 'home="$RUNNER_TEMP/ledger-tool"', "the name ledger-tool",
        "pip install --require-hashes -r requirements.txt",
    ],
)  # fmt: skip
def test_a_path_a_commit_and_a_lock_are_not(text: str) -> None:
    assert not by_name(text)


def test_nothing_is_installed_by_a_bare_name() -> None:
    found = {str(path.relative_to(ROOT)): by_name(text) for path, text in texts() if by_name(text)}
    assert not found


def test_no_job_that_may_hold_a_key_installs_without_hashes() -> None:
    """In the kits, components and the action; `--no-deps` is for the one file whose hash is given."""
    for path, text in texts():
        if path.suffix in (".sh", ".yml", "") and (
            "kits" in path.parts or "templates" in path.parts or path.name == "action.yml"
        ):
            for line in text.replace("\\\n", " ").splitlines():
                if re.search(r"\bpip\w*\"? +install\b", line):
                    assert "--require-hashes" in line, f"{path}: {line}"
                assert not re.search(r"\b(?:pipx|uvx?|npm|npx)\b", line), f"{path}: {line}"


def test_no_example_in_the_docs_names_what_may_move() -> None:
    """A branch or a tag of this program's repository, or an image without its digest in a job."""
    for path, text in texts():
        if path.suffix != ".md":
            continue
        for ref in re.findall(r"git\+https://\S*?@([\w.-]+)", text):
            assert re.fullmatch(r"[0-9a-f]{40}|COMMIT|…COMMIT", ref), f"{path}: {ref}"


# What is typed in a checkout of this program is meant to run what is there.
_OWN_MODULES = r"-m (?:benchmarks|release|tests)\b"
_PYTHON = re.compile(rf"(?<![\w-])python[0-9.]*\"? +(?!-I )(?!{_OWN_MODULES})(?:-|[\w./]+\.pyz?\b)[^`\n]*")


@pytest.mark.parametrize(
    "text",
    [
        "python3 -c 'x'",
        '"$home/bin/python" -c x',
        "python -m venv",
        "python3 ledger.pyz",
        "python3.13 -P -m ledger_tool",
    ],
)
def test_a_python_that_takes_modules_from_a_checkout_is_found(text: str) -> None:
    assert _PYTHON.search(text)


def test_no_job_and_no_page_starts_a_python_that_takes_modules_from_a_checkout() -> None:
    """Its files would be code that runs with the job's key. `test_install` and all tests of the kits run among such."""
    found = {
        str(path.relative_to(ROOT)): _PYTHON.findall(text)
        for path, text in texts()
        if path.suffix != ".py" and _PYTHON.search(text)
    }
    assert not found
