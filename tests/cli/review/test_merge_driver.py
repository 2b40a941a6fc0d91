"""The merge driver under `git merge`, `git rebase` and `git cherry-pick`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.clone import ALL, Clone
from tests.support.values.make import digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


def test_without_the_driver_two_publishes_conflict(clone: Clone) -> None:
    """So that the tests below say something."""
    clone.git("config", "--remove-section", "merge.ledger")
    assert clone.try_git("merge", "pr").returncode == 1


@pytest.mark.parametrize(
    "commands",
    [
        [("merge", "-q", "pr", "-m", "merged")],
        [("checkout", "-q", "pr"), ("rebase", "-q", "main")],
        [("cherry-pick", "main..pr")],
    ],
    ids=["merge", "rebase", "cherry-pick"],
)
def test_changes_of_different_records_come_together(clone: Clone, commands: list[tuple[str, ...]]) -> None:
    base = clone.git("rev-parse", "main~1")
    for command in commands:
        clone.git(*command)
    assert clone.tags() == ALL
    checked = clone.ledger("check", "--base", base)
    assert checked.code == 0, checked.out


def test_one_record_with_two_digests_is_a_conflict_that_both_a_person_and_check_can_read(clone: Clone) -> None:
    clone.publish("app:v3", "other")
    done = clone.try_git("merge", "pr")
    assert done.returncode == 1
    rows = f"before   absent\nours     {digest('other')}\ntheirs   {digest(3)}\n"
    assert f"conflict: app:v3 is another on each side\n{rows}" in done.stderr
    text = (clone.folder / "ledger.json").read_text()
    assert text.count("<<<<<<< ") == text.count(">>>>>>> ") == 1
    assert '"tag": "v2"' in text.partition("<<<<<<<")[0]
    checked = clone.ledger("check")
    assert checked.code == 4
    assert f"app:v3 is {digest('other')} on one side and {digest(3)} on the other" in checked.out
    line = text[: text.index("<<<<<<<")].count("\n") + 1
    assert checked.out.startswith(f"ledger.json:{line}:1: ")
    refused = clone.ledger("get", "app:v1")
    assert refused.code == 4
    assert "keep the lines of one side" in refused.err


def test_the_driver_runs_this_python_whatever_the_path_holds(clone: Clone, tmp_path: Path) -> None:
    """Nor does it import what lies in the work tree."""
    (clone.folder / "json.py").write_text("raise SystemExit('hijacked')\n")
    bare = tmp_path / "bin"
    bare.mkdir()
    for name in ("git", "sh"):
        found = subprocess.run(["which", name], capture_output=True, text=True, check=True).stdout.strip()
        (bare / name).symlink_to(found)
    done = subprocess.run(
        ["git", "-C", str(clone.folder), "merge", "-q", "pr", "-m", "x"],
        env={**os.environ, "PATH": str(bare)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert clone.tags() == ALL
    assert sys.executable in clone.git("config", "merge.ledger.driver")


def test_an_isolated_program_has_an_isolated_driver() -> None:
    """So that a job that starts it with `-I` runs no module of the clone in which git merges."""
    asked = "from ledger_tool.edges.git.merge_driver import command; print(command())"
    done = subprocess.run([sys.executable, "-I", "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{sys.executable} -I -m ledger_tool merge-driver ")


def test_a_missing_driver_never_drops_a_side_silently(clone: Clone) -> None:
    """Git takes any failure of a driver for a conflict, and would leave our side alone in the file."""
    driver = clone.git("config", "merge.ledger.driver")
    clone.git("config", "merge.ledger.driver", driver.replace(sys.executable, "/not/there/python"))
    done = clone.try_git("merge", "pr")
    assert done.returncode == 1
    text = (clone.folder / "ledger.json").read_text()
    assert "<<<<<<<" in text
    for tag in ("v2", "v3", "v4"):
        assert f'"tag": "{tag}"' in text


def test_a_side_that_is_not_a_ledger_is_merged_by_line_and_always_conflicts(clone: Clone) -> None:
    path = clone.folder / "ledger.json"
    path.write_text(path.read_text().replace('"schemaVersion": 1', '"schemaVersion":  1'))
    clone.git("commit", "-qam", "odd")
    done = clone.try_git("merge", "pr")
    assert done.returncode == 1
    assert "is not a valid ledger.json" in done.stderr
    assert '"tag": "v2"' in path.read_text()
    assert '"tag": "v4"' in path.read_text()


def test_installing_twice_changes_nothing_and_attributes_are_mentioned_only_if_missing(clone: Clone) -> None:
    attributes = clone.folder / ".git" / "info" / "attributes"
    before = attributes.read_text()
    assert before == "ledger.json merge=ledger\n"
    again = clone.ledger("merge-driver", "--install")
    assert (again.code, attributes.read_text()) == (0, before)
    assert "`.gitattributes`" not in again.err


def test_attributes_without_a_last_newline_keep_their_last_line(clone: Clone) -> None:
    attributes = clone.folder / ".git" / "info" / "attributes"
    attributes.write_text("*.png binary")
    assert clone.ledger("merge-driver", "--install").code == 0
    assert attributes.read_text() == "*.png binary\nledger.json merge=ledger\n"


def test_install_outside_of_a_clone_and_a_wrong_number_of_files_are_mistakes(ledger: Run, tmp_path: Path) -> None:
    assert ledger("merge-driver", "--install", "--repo", tmp_path).code == 2
    assert ledger("merge-driver", "a", "b").code == 2
