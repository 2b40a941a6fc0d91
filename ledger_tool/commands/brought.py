"""What a request, a push or a merge brings to a branch: its commits, judged one by one and then as one change.

`check` judges it before it lands; `audit` judges what each merge on the branch has brought, by the same rules.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field

from ledger_tool.commands.commit_files import CommitFiles, commit_times
from ledger_tool.commands.owned import RangeOwners, decided_files
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.message import parse_message
from ledger_tool.core.history.commit import Commit, first_parents
from ledger_tool.core.judging.check import RangeJudge
from ledger_tool.core.judging.commit import CommitFault
from ledger_tool.core.judging.dates import misdated_commit
from ledger_tool.core.judging.oneness import UnprovenPull
from ledger_tool.core.judging.owners import RULE_FILES, FileSides
from ledger_tool.core.judging.pulls import split_by
from ledger_tool.core.judging.squash import SquashForecast
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.policy.policy import Policy
from ledger_tool.errors import LedgerError

_NOTHING = Snapshot("", Ledger(), Policy())


@dataclass(frozen=True, slots=True)
class Brought:
    """The commits, and what is wrong with each of them, by its id; `broken` are files that it breaks.

    `before` is what the branch had where they left it, `policy` is the base's current one, which may be newer.
    `takes_over` says that `start`, the branch's tip, was merged into them: if the branch were just moved to `tip`, its
    own line (the first parents) would be theirs.
    """

    before: Snapshot
    policy: Policy
    commits: Sequence[Commit]
    judge: RangeJudge
    owners: RangeOwners
    squash: SquashForecast
    faults: list[tuple[str, CommitFault]] = field(default_factory=list)
    broken: list[tuple[str, LedgerError]] = field(default_factory=list)
    takes_over: bool = False

    def told(self, claims: Sequence[UnprovenPull]) -> list[UnprovenPull]:
        """Return those of the changes that only a registry can prove that the publishers' messages claim."""
        return [claim for claim in claims if claim.is_relabelled or claim.name in self.judge.pull_claims]


def brought(
    files: CommitFiles, start: str, tip: str, clock: Timestamp, *, landed: Timestamp | None = None, is_final: bool
) -> Brought:
    """Judge each commit that a branch at `start` gets if it is moved to `tip`.

    `clock` is the time now, `landed` that of the merge that brought them, if they are on the branch already. If it
    `is_final`, no look at a registry follows: then a commit whose message does not say that a pull digest changes is
    at fault. Raises UsageError for a shallow clone that lacks some of them.
    """
    history = files.history
    commits = history.commits(start, tip)
    if not all(commit.parents for commit in commits):
        history.must_be_whole()  # where a shallow clone is cut off, a commit seems to have no parent
    policy, line = files.policy(start), first_parents(commits, start, tip)
    before = files.sound(start if line else history.merge_base(start, tip))
    judge, owners = RangeJudge(before.ledger, policy, landed or clock), RangeOwners(files, start, clock)
    takes_over = bool(commits) and not line and before.commit == start
    made = Brought(before, policy, commits, judge, owners, SquashForecast(), takes_over=takes_over)
    dates = commit_times(history, commits)
    for commit in commits:
        parent = commit.parents[0] if commit.parents else ""
        known = len(judge.untold)
        faults = [*misdated_commit(commit.at, dates.get(parent)), *_of_commit(made, files, commit, clock, line)]
        made.faults.extend((commit.id, fault) for fault in (*faults, *(judge.untold[known:] if is_final else ())))
        made.broken.extend((commit.id, error) for error in _broken_by(files, commit))
        owners.commit(commit)
    return made


def _broken_by(files: CommitFiles, commit: Commit) -> Iterator[LedgerError]:
    """Yield what is wrong with a commit's own files, unless an earlier one broke them."""
    if errors := files.errors(commit.id):
        known = {
            error.message.replace(parent[:12], commit.id[:12])  # it may name the commit
            for parent in commit.parents
            for error in files.errors(parent)
        }
        yield from (error for error in errors if error.message not in known)


def _of_commit(
    made: Brought, files: CommitFiles, commit: Commit, clock: Timestamp, line: Container[str]
) -> Iterator[CommitFault]:
    """Yield what is wrong with a commit, against the last valid ledger before it."""
    if len(commit.parents) > 2:
        yield CommitFault("merge", None, f"it merges {len(commit.parents)} lines of history at once: merge one by one")
        return
    if len(commit.parents) == 2:
        yield from _of_merge(made, files, commit, commit.id in line)
        return
    if not files.is_valid(commit.id):
        return
    after = files.ledger(commit.id)
    parent = files.sound(commit.parents[0]) if commit.parents else _NOTHING
    differences, message = compare(parent.ledger, after), parse_message(commit.message)
    undone = files.reverted.undone(commit, message, differences, after)
    made.squash.remember(commit, differences, message)
    at = min(commit.at, clock)
    yield from made.judge.commit(parent.ledger, differences, message, parent.policy, undone, at=at)
    yield from split_by(differences, after)


def _of_merge(made: Brought, files: CommitFiles, commit: Commit, is_on_the_line: bool) -> Iterator[CommitFault]:
    """Yield what a merge of two parents decides itself, and what it does to the first one if that is the branch's."""
    base, why = files.parted(commit)
    if why:
        yield CommitFault("merge", None, f"{why}, so nobody can tell what it decides: rebase")
    for path in _chosen_rules(files, base, commit):
        yield CommitFault("merge", None, f"it decides itself what is in {path}, beyond merging its parents")
    if not files.is_valid(commit.id):
        return
    after = files.ledger(commit.id)
    ours, theirs = (files.sound(parent) for parent in commit.parents)
    common = files.sound(base).ledger if base else Ledger()
    yield from made.judge.merge(common, ours.ledger, theirs.ledger, after, ours.policy if is_on_the_line else None)


def _chosen_rules(files: CommitFiles, base: str, merge: Commit) -> Iterator[str]:
    """Yield which of the files of rules a merge decides itself, beyond what git makes of those of its parents."""
    history = files.history
    old = files.entries(base) if base else {}
    ours, theirs, made = (files.entries(id_) for id_ in (*merge.parents, merge.id))
    pairs = ((old, ours), (old, theirs), (ours, made), (theirs, made))
    sides = FileSides(*(frozenset(path for path in RULE_FILES if a.get(path) != b.get(path)) for a, b in pairs))
    yield from decided_files(history, base, merge, sides.chosen())
