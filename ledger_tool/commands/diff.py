"""`diff`: what a range of commits, or the files of a checkout, do to the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger_tool.commands.log import claims_between
from ledger_tool.commands.ports import History
from ledger_tool.commands.reverted import RevertedCommits
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.changes.message import parse_message
from ledger_tool.core.changes.revert import restored
from ledger_tool.core.history.revision import RevisionRange
from ledger_tool.core.judging.diff import TagChange, tag_changes
from ledger_tool.core.judging.files import ChangedFile, others
from ledger_tool.core.judging.owners import Owned, owned_by
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import SETTINGS, Timestamp
from ledger_tool.core.ledger.record import Name
from ledger_tool.errors import InvalidLedger


@dataclass(frozen=True, slots=True)
class Diff:
    """The changes, and the number of commits of the base that are not in the head.

    These are not shown, unless the two ends were compared as they are (`is_undoing`): then they are shown as undone.

    `settings_changed` says that the meaning of `ledger.yaml` changes, `files` are the other files that commits change.
    `owned` is what changes of somebody, by the settings of the base.
    """

    changes: Sequence[TagChange]
    behind: int
    settings_changed: bool = False
    files: Sequence[ChangedFile] = ()
    is_undoing: bool = False
    owned: Sequence[Owned] = ()


def diff(history: History, revisions: RevisionRange, clock: Timestamp) -> Diff:
    """Return what a range of revisions changes, if it lands now. Raises UsageError, InvalidLedger."""
    base_tip, tip = (history.resolve(one) if one else history.head() for one in (revisions.base, revisions.head))
    parted = history.merge_base(base_tip, tip)
    start = parted if revisions.since_parted else base_tip
    after = history.current() if revisions.uncommitted else history.snapshot(tip)
    before = history.snapshot(start)
    behind = len(history.commits(parted, base_tip)) if parted != base_tip else 0
    reverted = _reverted(history, start, tip, after.ledger)
    changes = tag_changes(before.ledger, after.ledger, before.policy, reverted, claims_between(history, start, tip))
    settings_changed = before.policy != after.policy
    changed_files = history.changed_files(start, tip)
    files = [file for file in others(changed_files) if file.path != SETTINGS or not settings_changed]
    policy = before.policy if start == base_tip else history.snapshot(base_tip).policy
    differences = compare(before.ledger, after.ledger) if policy.has_owners else ()
    owned = owned_by(differences, (file.path for file in changed_files), before.ledger, policy, clock)
    return Diff(changes, behind, settings_changed, files, is_undoing=not revisions.since_parted, owned=owned)


def _reverted(history: History, parted: str, tip: str, after: Ledger) -> Mapping[Name, str]:
    """Return the image:tags that are as the revert of a commit of the range left them, and what it says it reverts."""
    commits = RevertedCommits(history)
    reverted: dict[Name, str] = {}
    for commit in history.commits(parted, tip):
        message = parse_message(commit.message)
        if len(commit.parents) != 1 or not (message.reverts or message.reverted_subjects):
            continue
        try:
            before, left = (history.snapshot(one).ledger for one in (commit.parents[0], commit.id))
        except InvalidLedger:
            continue
        made = compare(before, left)
        undone = commits.undone(commit, message, made, left)
        said = ", ".join([id_[:12] for id_ in message.reverts] or message.reverted_subjects)
        names = restored(effects_of(made), undone)
        reverted |= {name: said for name in names if left.find(name) == after.find(name)}
    return reverted
