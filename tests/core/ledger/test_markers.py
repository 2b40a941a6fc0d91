"""Conflict markers in a text; whole conflicts are in `tests/core/changes/test_conflict.py`."""

from __future__ import annotations

from ledger_tool.core.ledger.markers import UNRESOLVED, unresolved_conflicts


def test_markers_without_a_whole_conflict_are_found_too() -> None:
    assert (
        [message for _, message in unresolved_conflicts("{\n=======\n}\n")]
        == [UNRESOLVED]
        == ["an unresolved merge conflict"]
    )
    assert list(unresolved_conflicts('{\n  "a": "======="\n}\n')) == []
