"""`diff`: what a range of commits, or the files of a checkout, do to the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger_tool.commands.ports import History
from ledger_tool.core.judging.diff import TagChange, tag_changes


@dataclass(frozen=True, slots=True)
class Diff:
    """The changes, and how many commits of the base are not in the head: those are not shown.

    `settings_changed` says that `ledger.yaml` means something different.
    """

    changes: Sequence[TagChange]
    behind: int
    settings_changed: bool = False


def diff(history: History, base: str, head: str = "") -> Diff:
    """Return what `head` (`""`: as it is now) adds since it parted from `base`. Raises UsageError or InvalidLedger."""
    there = history.resolve(base)
    tip = history.resolve(head) if head else history.head()
    parted = history.merge_base(there, tip)
    after = history.snapshot(tip) if head else history.current()
    before = history.snapshot(parted)
    behind = len(history.commits(parted, there)) if parted != there else 0
    return Diff(tag_changes(before.ledger, after.ledger, before.policy), behind, before.policy != after.policy)
