"""The files of many commits, and for each commit the last valid version of both.

A version of `ledger.json` that is not valid does not hide what came before it: what follows is compared with the last
valid one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger_tool.commands.ports import History
from ledger_tool.commands.reverted import RevertedCommits
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.history.commit import Commit
from ledger_tool.core.history.versions import Versions
from ledger_tool.core.ledger import diagnosis
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.policy.policy import Policy, ReadPolicy
from ledger_tool.errors import InvalidLedger, LedgerError, UsageError

_KEPT = 4  # ledgers: a commit's, and those that it is compared with; few, because one may be large
_DEEPEST = 100  # commits before a range to look back for a valid file

Schema = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What a commit's two files are: whether the ledger is valid, and the policy if it is."""

    has_ledger: bool
    policy: Policy | None
    errors: Sequence[LedgerError]


class CommitFiles:
    """Reads the files of many commits, each once or twice; the ledgers of the last few are kept.

    Where a file is not valid, the last valid one before it counts. Which commit has it is remembered for each commit,
    so a chain of invalid versions is walked once, however many commits are built on it. `deepest` limits the walk.
    """

    def __init__(self, history: History, schema: Schema, read_policy: ReadPolicy) -> None:
        self.history = history
        self.schema = schema
        self.read_policy = read_policy
        self.versions = Versions()
        self.reverted = RevertedCommits(history)
        self._ledgers: dict[str, Ledger] = {}
        self.deepest = _DEEPEST
        self._entries: dict[str, Mapping[str, str]] = {}
        self._parted: dict[str, tuple[str, str]] = {}
        self._verdicts: dict[str, _Verdict] = {}
        self._sound_ledgers: dict[str, str] = {}
        self._sound_policies: dict[str, str] = {}

    def is_valid(self, commit: str) -> bool:
        """Return whether the ledger of a commit is valid."""
        return self._verdict(commit).has_ledger

    def errors(self, commit: str) -> Sequence[LedgerError]:
        """Return what is wrong with the files of a commit."""
        return self._verdict(commit).errors

    def sound(self, commit: str) -> Snapshot:
        """Return the contents of a commit's files, each as it was last valid; empty if it was not recently."""
        ledger = self._last(commit, self._sound_ledgers, self.is_valid)
        return Snapshot(commit, self.ledger(ledger) if ledger else Ledger(), self.policy(commit))

    def entries(self, commit: str) -> Mapping[str, str]:
        """Return what is at the top of a commit; see `History.entries`."""
        if commit not in self._entries:
            self._entries[commit] = self.history.entries(commit)
        return self._entries[commit]

    def parted(self, merge: Commit) -> tuple[str, str]:
        """Return the commit where the two parents of a merge parted, `""` if there is none, and why there is not one.

        Raises UsageError if a shallow clone may lack it.
        """
        if merge.id not in self._parted:
            self._parted[merge.id] = self._where_parted(*merge.parents)
        return self._parted[merge.id]

    def _where_parted(self, ours: str, theirs: str) -> tuple[str, str]:
        try:
            base = self.history.merge_base(ours, theirs)
        except UsageError:
            self.history.must_be_whole()
            return "", "its parents have no commit in common"
        is_crossed = self.history.is_criss_cross(ours, theirs)
        return base, "its parents have several last commits in common" if is_crossed else ""

    def policy(self, commit: str) -> Policy:
        """Return the policy of a commit's `ledger.yaml`, as it was last valid; see `sound`."""
        sound = self._last(commit, self._sound_policies, lambda other: self._verdict(other).policy is not None)
        return (self._verdict(sound).policy if sound else None) or Policy()

    def _last(self, commit: str, known: dict[str, str], is_sound: Callable[[str], bool]) -> str:
        """Return the commit itself, or the last one before it whose file is sound; `""` if there is none."""
        walked = []
        while commit and commit not in known and not is_sound(commit):
            walked.append(commit)
            commit = self._parent(commit) if len(walked) < self.deepest else ""
        sound = known.setdefault(commit, commit)
        known.update(dict.fromkeys(walked, sound))
        return sound

    def _parent(self, commit: str) -> str:
        """Return the first parent of a commit, or `""`. Raises UsageError where a shallow clone is cut off."""
        try:
            return self.history.resolve(f"{commit}^")
        except UsageError:
            self.history.must_be_whole()
            return ""

    def _verdict(self, commit: str) -> _Verdict:
        if commit not in self._verdicts:
            self._verdicts[commit] = self._judged(commit)
        return self._verdicts[commit]

    def _judged(self, commit: str) -> _Verdict:
        errors: list[LedgerError] = []
        try:
            raw, settings = self.history.files(commit)
        except (InvalidLedger, UsageError) as error:
            return _Verdict(has_ledger=False, policy=None, errors=[error])
        policy = None
        try:
            self._keep(commit, self.versions.read(raw))
        except InvalidLedger:
            errors.append(diagnosis.invalid_ledger(raw, self.schema()))
        has_ledger = not errors
        try:
            policy = self.read_policy(settings)
        except UsageError as error:
            errors.append(error)
        return _Verdict(has_ledger=has_ledger, policy=policy, errors=errors)

    def ledger(self, commit: str) -> Ledger:
        """Return the ledger of a commit, which is valid."""
        if commit not in self._ledgers:
            return self._keep(commit, self.versions.read(self.history.files(commit)[0]))
        return self._keep(commit, self._ledgers.pop(commit))

    def _keep(self, commit: str, ledger: Ledger) -> Ledger:
        """Keep a ledger as the last one used, and few others."""
        self._ledgers[commit] = ledger
        while len(self._ledgers) > _KEPT:
            del self._ledgers[next(iter(self._ledgers))]
        return ledger


def commit_times(history: History, commits: Sequence[Commit]) -> Mapping[str, Timestamp]:
    """Return when the commits, and the first parents of them all, were made."""
    times = {commit.id: commit.at for commit in commits}
    outside = sorted({commit.parents[0] for commit in commits if commit.parents} - times.keys())
    return times | dict(zip(outside, history.times(outside), strict=True))
