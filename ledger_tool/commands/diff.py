"""`diff`: what a range of commits, or the files of a checkout, do to the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger_tool.commands.ports import History
from ledger_tool.core.judging.diff import TagChange, tag_changes
from ledger_tool.core.judging.files import ChangedFile, others


@dataclass(frozen=True, slots=True)
class Diff:
    """The changes, and the number of commits of the base that are not in the head, which are not shown.

    `settings_changed` says that the meaning of `ledger.yaml` changes, `files` are the other files that commits change.
    """

    changes: Sequence[TagChange]
    behind: int
    settings_changed: bool = False
    files: Sequence[ChangedFile] = ()


def diff(history: History, base: str, head: str = "") -> Diff:
    """Return what `head` (`""`: as it is) changes since it parted from `base`. Raises UsageError, InvalidLedger."""
    base_tip = history.resolve(base)
    tip = history.resolve(head) if head else history.head()
    parted = history.merge_base(base_tip, tip)
    after = history.snapshot(tip) if head else history.current()
    before = history.snapshot(parted)
    behind = len(history.commits(parted, base_tip)) if parted != base_tip else 0
    changes = tag_changes(before.ledger, after.ledger, before.policy)
    files = others(history.changed_files(parted, tip))
    return Diff(changes, behind, before.policy != after.policy, files)
