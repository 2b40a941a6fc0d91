"""What is measured is a ledger as the rules want it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks import data
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


def test_the_ledger_that_is_measured_passes_the_check(ledger: Run, tmp_path: Path) -> None:
    (tmp_path / "ledger.json").write_bytes(data.ledger(501))
    done = ledger("check", "--repo", tmp_path)
    assert (done.code, done.out) == (0, "")
