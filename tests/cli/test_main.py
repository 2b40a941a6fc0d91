"""The program itself: its version, its help, and what it says where there is no command or no ledger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


def test_version_and_help(ledger: Run) -> None:
    assert ledger("--version").out.startswith("ledger ")
    assert ledger("--help").code == 0
    assert ledger("publish", "--help").code == 0


def test_a_command_that_does_not_exist_is_a_usage_error(ledger: Run) -> None:
    done = ledger("pubish")
    assert done.code == 2
    assert done.err == "error: there is no command `pubish`\n\nhint: did you mean `ledger publish`?\n"


def test_a_ledger_that_is_not_there_says_where_to_point(ledger: Run, tmp_path: Path) -> None:
    for words in (["list"], ["list", "--repo", tmp_path / "missing"], ["get", "a:v1", "--repo", tmp_path]):
        done = ledger(*words)
        assert done.code == 2
        assert "--repo" in done.err
