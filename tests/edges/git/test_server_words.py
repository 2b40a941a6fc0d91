"""What git's own words about a push are read as."""

from __future__ import annotations

from ledger_tool.edges.git.process import Completed
from ledger_tool.edges.git.server_words import PushStatus, read_push


def test_a_push_without_a_status_report_is_not_a_refusal() -> None:
    said = b"!\trefs/x:refs/heads/main\t[remote failure] (remote failed to report status)\nDone\n"
    assert read_push(Completed(1, said, "")).status is PushStatus.BROKEN
