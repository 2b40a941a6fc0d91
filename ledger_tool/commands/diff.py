"""`diff`: what a range of commits, or the files of a checkout, do to the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger_tool.commands.ports import History
from ledger_tool.core.judging.diff import TagChange, tag_changes


@dataclass(frozen=True, slots=True)
class Diff:
    """The changes, and the number of commits of the base that are not in the head, which are not shown.

    `settings_changed` says that the meaning of `ledger.yaml` changes.
    """

    changes: Sequence[TagChange]
    behind: int
    settings_changed: bool = False


def diff(history: History, base: str, head: str = "") -> Diff:
    """Return what `head` (`""`: as it is) changes since it parted from `base`. Raises UsageError, InvalidLedger."""
    base_tip = history.resolve(base)
    tip = history.resolve(head) if head else history.head()
    parted = history.merge_base(base_tip, tip)
    after = history.snapshot(tip) if head else history.current()
    before = history.snapshot(parted)
    behind = len(history.commits(parted, base_tip)) if parted != base_tip else 0
    return Diff(tag_changes(before.ledger, after.ledger, before.policy), behind, before.policy != after.policy)
