"""Every folder of `examples/manifests/cases` is a test: what a command makes of the files in `before`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import EXAMPLES
from tests.support.values.outcome import Outcome

_FOLDER = EXAMPLES / "manifests"
_CASES = sorted(path.name for path in (_FOLDER / "cases").iterdir())


@pytest.mark.parametrize("name", _CASES)
def test_a_command_changes_just_what_the_example_says(
    name: str, tmp_path: Path, ledger: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = _FOLDER / "cases" / name
    shutil.copytree(case / "before", tmp_path / "work")
    own = case / "ledger"
    monkeypatch.chdir(tmp_path / "work")
    words = (case / "command").read_text("utf-8").split()
    done = ledger(*words, "--repo", own if own.is_dir() else _FOLDER / "ledger")
    *said, code = (case / "output").read_text("utf-8").splitlines()
    assert [*done.out.splitlines(), *_notes(done.err)] == said, done.err
    assert f"exit {done.code}" == code
    after = case / ("after" if (case / "after").is_dir() else "before")
    assert _files(tmp_path / "work") == _files(after)
    if done.code == 0 and "--check" not in words:
        assert ledger(*words, "--repo", own if own.is_dir() else _FOLDER / "ledger").out == done.out.replace(
            "".join(f"{line}\n" for line in said if " -> " in line), ""
        ), "a second run has something left to do"


def _notes(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if line.startswith(("note: ", "warning: "))]


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
