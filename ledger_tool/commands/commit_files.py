"""The files of many commits, and for each commit the last valid version of both.

A version of `ledger.json` that is not valid does not hide what came before it: what follows is compared with the last
valid one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ledger_tool.commands.ports import History
from ledger_tool.commands.reverted import RevertedCommits
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.history.commit import Commit
from ledger_tool.core.history.versions import Versions
from ledger_tool.core.ledger import diagnosis
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import LEDGER, SETTINGS, Timestamp
from ledger_tool.core.policy.policy import Policy, ReadPolicy
from ledger_tool.errors import InvalidLedger, InvalidSettings, LedgerError, UsageError

_KEPT = 4  # ledgers: a commit's, and those that it is compared with; few, because one may be large
_AT_FIRST = 16  # versions of a file to look back for a valid one, before more are listed

Schema = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What a commit's two files are: whether the ledger is valid, and the policy if that is; each by itself."""

    has_ledger: bool
    policy: Policy | None


class CommitFiles:
    """Reads the files of many commits, each once or twice; the ledgers of the last few are kept.

    Where a file is not valid, the last valid one before it counts, however far back: with none, no rule would hold.
    Which commit has it is remembered for each commit, so a chain of invalid versions is walked once, however many
    commits are built on it.
    """

    def __init__(self, history: History, schema: Schema, read_policy: ReadPolicy) -> None:
        self.history = history
        self.schema = schema
        self.read_policy = read_policy
        self.versions = Versions()
        self.reverted = RevertedCommits(history)
        self._current: tuple[bytes | None, Ledger] = None, Ledger()
        self._ledgers: dict[str, Ledger] = {}
        self._entries: dict[str, Mapping[str, str]] = {}
        self._parted: dict[str, tuple[str, str]] = {}
        self._verdicts: dict[str, _Verdict] = {}
        self._errors: dict[str, Sequence[LedgerError]] = {}
        self._sound_ledgers: dict[str, str] = {}
        self._sound_policies: dict[str, str] = {}

    def read_current(self, raw: bytes) -> Ledger:
        """Return the current ledger, which a commit with the same bytes then shares. Raises InvalidLedger."""
        self._current = raw, self.versions.read(raw)
        return self._current[1]

    def is_valid(self, commit: str) -> bool:
        """Return whether the ledger of a commit is valid."""
        return self._verdict(commit).has_ledger

    def errors(self, commit: str) -> Sequence[LedgerError]:
        """Return what is wrong with the files of a commit."""
        verdict = self._verdict(commit)
        if verdict.has_ledger and verdict.policy is not None:
            return ()
        if commit not in self._errors:
            self._errors[commit] = list(self._faults(commit))
        return self._errors[commit]

    def sound(self, commit: str) -> Snapshot:
        """Return the contents of a commit's files, each as it was last valid; empty if it never was."""
        ledger = self._last(commit, LEDGER, self._sound_ledgers, self.is_valid)
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
        sound = self._last(commit, SETTINGS, self._sound_policies, self._has_policy)
        return (self._verdict(sound).policy if sound else None) or Policy()

    def _last(self, commit: str, path: str, known: dict[str, str], is_sound: Callable[[str], bool]) -> str:
        """Return the commit itself, or the last one before it whose file is sound; `""` if there is none."""
        walked = [commit]
        sound = commit if commit in known or is_sound(commit) else ""
        for version in () if sound else self._versions_before(commit, path):
            if version in known or is_sound(version):
                sound = version
                break
            walked.append(version)
        sound = known.get(sound, sound)
        known.update(dict.fromkeys(walked, sound))
        return sound

    def _versions_before(self, commit: str, path: str) -> Iterator[str]:
        """Yield the commits that changed a file, from one commit back. Raises UsageError where a clone is cut off."""
        seen, most = 0, _AT_FIRST
        while len(versions := self.history.touching(commit, path, most)) > seen:
            yield from versions[seen:]
            seen, most = len(versions), 4 * most
        self.history.must_be_whole()

    def _verdict(self, commit: str) -> _Verdict:
        if commit not in self._verdicts:
            self._verdicts[commit] = self._judged(commit)
        return self._verdicts[commit]

    def _judged(self, commit: str) -> _Verdict:
        raw, settings = self.history.files_apart(commit)
        has_ledger, policy = False, None
        if isinstance(raw, bytes):
            with suppress(InvalidLedger):
                self._keep(commit, self._current[1] if raw == self._current[0] else self.versions.read(raw))
                has_ledger = True
        if not isinstance(settings, InvalidSettings):
            with suppress(UsageError):
                policy = self.read_policy(settings)
        return _Verdict(has_ledger, policy)

    def _has_policy(self, commit: str) -> bool:
        return self._verdict(commit).policy is not None

    def _faults(self, commit: str) -> Iterator[LedgerError]:
        """Yield what is wrong with each of a commit's files."""
        raw, settings = self.history.files_apart(commit)
        if isinstance(raw, InvalidLedger):
            yield raw
        elif not self.is_valid(commit):
            yield diagnosis.invalid_ledger(raw, self.schema())
        try:
            if isinstance(settings, InvalidSettings):
                raise settings
            self.read_policy(settings)
        except UsageError as error:
            yield error

    def ledger(self, commit: str) -> Ledger:
        """Return the ledger of a commit, which is valid."""
        if commit not in self._ledgers:
            return self._keep(commit, self.versions.read(self.history.ledger_file(commit)))
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
