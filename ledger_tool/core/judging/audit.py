"""The audit of a branch's history: given one commit after the other, it says which promises each one breaks.

- The history is one straight line: each commit has one parent, and the first one has none. A merge is as good as one
  if it decides nothing itself, and what it brings is in order: `commands/brought.py` judges that.
- Every version of `ledger.json` is valid and canonical.
- No commit is dated over ten minutes before its parent or ahead of now, and no record over ten minutes ahead of its
  commit.
- An image:tag has one pull digest; under an immutable tag it changes by force, or with trailers that claim a look.
- Every change of a record is explained by the trailers of its commit, and allowed by the `ledger.yaml` that was in
  force before it (`commit.py`): a commit cannot loosen a rule and use that at once.

The ledger may start later than the repository: until then there is nothing to audit. What a broken version hides is
judged with the next valid one: then only what no message could explain is a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ledger_tool.core.changes.account import Accounts
from ledger_tool.core.changes.difference import Difference
from ledger_tool.core.changes.effect import Effect, effects_of
from ledger_tool.core.changes.message import Message, parse_message
from ledger_tool.core.changes.promotion import environment_effects
from ledger_tool.core.changes.revert import NOTHING, Undone, restored
from ledger_tool.core.history.commit import Commit, Step
from ledger_tool.core.history.versions import Versions
from ledger_tool.core.judging.commit import CommitFault, judge_commit, lacks_required
from ledger_tool.core.judging.dates import from_the_future, misdated_commit, misdated_records
from ledger_tool.core.judging.environment import judge_environments, merge_faults
from ledger_tool.core.judging.oneness import relabels
from ledger_tool.core.judging.owners import Owned, owned_files, owned_records
from ledger_tool.core.judging.pulls import split_by, told_by_nobody, untold_pulls
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import LEDGER, SETTINGS, Timestamp
from ledger_tool.core.ledger.record import Key, Name, Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.errors import InvalidLedger, UsageError

_MOST = 100  # faults per commit: nobody reads more, and a manual import has one per record


FindUndone = Callable[[Commit, Message, Sequence[Difference], Ledger], Undone]


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """A promise that a commit breaks, with the record if it is about one."""

    rule: str
    commit: str
    key: Key | None
    message: str


@dataclass(frozen=True, slots=True)
class Return:
    """A record under an immutable tag that came back, in a commit, with another digest or source."""

    commit: str
    old: Record
    new: Record


def findings_of(commit: str, faults: Iterable[CommitFault]) -> Iterator[AuditFinding]:
    """Yield what is wrong with a commit; of very many faults, how many more there are."""
    every = list(faults)
    for fault in every[:_MOST]:
        yield AuditFinding("linear" if fault.rule == "merge" else fault.rule, commit, fault.key, fault.message)
    if len(every) > _MOST:
        rule = "linear" if every[_MOST].rule == "merge" else every[_MOST].rule
        yield AuditFinding(rule, commit, None, f"and {len(every) - _MOST} more findings of this commit")


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file as a commit leaves it: its bytes, None if it does not exist, or in `trouble` why it cannot be read."""

    raw: bytes | None
    trouble: str = ""


class HistoryAudit:
    """The state between two commits. `why` says what is wrong with the bytes of an invalid `ledger.json`.

    `undone` finds what a commit undoes of those that its message says it reverts. `claims` counts the changed pull
    digests of immutable tags that only the publisher's trailers tell of, and `platform_claims` their images that got
    another platform without a mark. `returned` are the records of immutable tags that were removed and came back as
    something else. `owned` is what the last commit changed of somebody, by the `policy` in force before it; nothing has
    expired after the `clock`.
    """

    def __init__(
        self,
        why: Callable[[bytes], str],
        read_policy: Callable[[bytes | None], Policy],
        undone: FindUndone,
        clock: Timestamp,
    ) -> None:
        self._why = why
        self._read_policy = read_policy
        self._undone = undone
        self._clock = clock
        self._versions = Versions()
        self._is_broken = False
        self.policy = Policy()
        self._settings: FileContent | None = None  # in force, but not read until a change needs it
        self._trouble = ""  # what is wrong with the settings, until a change of the ledger makes it a finding
        self._last: Timestamp | None = None  # when the commit before was made
        self._gone: dict[Name, dict[str, Record]] = {}
        self.had_records = False
        self.claims = 0
        self.platform_claims = 0
        self.returned: list[Return] = []
        self.owned: list[Owned] = []

    def begin(self, ledger: bytes, policy: Policy, at: Timestamp, trouble: str = "") -> None:
        """Start from a trusted commit, made at a time: its ledger, which is valid, and the policy in force after it.

        `trouble` is what is wrong with its own `ledger.yaml`, if that policy is an older one.
        """
        self._last = at
        self._versions.follow(ledger)
        self.had_records = len(self._versions.ledger) > 0
        self.policy = policy
        self._trouble = trouble

    def commit(
        self, step: Step, contents: Mapping[str, FileContent], made: Timestamp | None = None
    ) -> Iterator[CommitFault]:
        """Yield what is wrong with a commit, given the files that it touched; of a merge, only with what is in them.

        What else may be wrong with a merge takes the commits that it brings. `made` is when it counts as made, if that
        is not its date (`dates.credited`).
        """
        yield from self._faults(step, contents, made or step.commit.at)
        self._settings = contents.get(SETTINGS, self._settings)  # from the next commit on

    def _faults(self, step: Step, contents: Mapping[str, FileContent], made: Timestamp) -> Iterator[CommitFault]:
        at, self._last = self._last, step.commit.at
        is_merge = len(step.commit.parents) > 1
        if not is_merge:
            yield from misdated_commit(step.commit.at, at)
            yield from from_the_future(step.commit.at, self._clock)
        message = None if is_merge or self._is_broken else parse_message(step.commit.message)
        differences: Sequence[Difference] = ()
        self._read_settings(is_needed=bool(step.touched or step.others))
        self.owned = owned_files(sorted({*step.touched, *step.others}), self.policy)
        before = self._versions.ledger
        if LEDGER in contents:
            differences, trouble = self._next(contents[LEDGER])
            self._is_broken = bool(trouble)
            self.had_records = self.had_records or self._is_broken or len(self._versions.ledger) > 0
            if trouble:
                yield CommitFault("invalid", None, trouble)
                return
        if differences and self._trouble:
            yield CommitFault("settings", None, f"the ledger.yaml in force before it is not valid: {self._trouble}")
            self._trouble = ""
        self.owned += owned_records(differences, before, self.policy, min(made, self._clock))
        if is_merge:
            for effect in effects_of(differences, self._versions.ledger.find):
                self._note_return(step.commit, effect)
        elif differences or not self._is_broken:
            # By itself: on the branch, a removal and a publish are two changes, each with its own reason.
            undone = self._undone(step.commit, message, differences, self._versions.ledger) if message else NOTHING
            yield from self._of_effects(step.commit, before, differences, message, undone)

    def _of_effects(
        self,
        commit: Commit,
        before: Ledger,
        differences: Sequence[Difference],
        message: Message | None,
        undone: Undone,
    ) -> Iterator[CommitFault]:
        effects = effects_of(differences, self._versions.ledger.find)
        accounts = Accounts(message, undone.differences)
        faults = judge_commit(effects, message, self.policy, undone, accounts)
        yield from faults
        after = self._versions.ledger
        if message is None:  # several changes, of which each may have been right when it was made
            yield from merge_faults(effects, before, after, self.policy)
        else:
            yield from judge_environments(effects, after, message, self.policy, undone, commit.at, accounts=accounts)
        yield from lacks_required(effects, self.policy)
        yield from misdated_records(effects, commit.at)
        yield from split_by(differences, after)
        of_environments = environment_effects(effects, self.policy)
        effects = [effect for effect in effects if effect.name not in of_environments]
        moves = untold_pulls(effects, faults, restored(effects, undone))
        for fault in told_by_nobody(moves, message, effects, faults, self.policy):
            if fault is None:
                self.claims += 1
            else:
                yield fault
        blamed, told = {fault.key for fault in faults}, restored(effects, undone)
        for effect in effects:
            is_claim = relabels(effect) and effect.key not in blamed and effect.name not in told
            self.platform_claims += is_claim and not self.policy.is_mutable(effect.name.tag)
            self._note_return(commit, effect)

    def _note_return(self, commit: Commit, effect: Effect) -> None:
        """Note a record under an immutable tag that comes back with another digest or source than it went with.

        On the branch each push is a change of its own, so that is allowed.
        """
        gone, own = self._gone.setdefault(effect.name, {}), effect.key.platform
        if effect.kind == "removed":
            gone[own] = effect.old[0]
        elif effect.kind == "added" and effect.new:
            for platform in [other for other in gone if not own or other in (own, "")]:
                old, new = gone.pop(platform), effect.new
                is_other = (old.digest, old.source_ref) != (new.digest, new.source_ref)
                if is_other and not self.policy.is_mutable(new.tag):
                    self.returned.append(Return(commit.id, old, new))

    def _next(self, content: FileContent) -> tuple[Sequence[Difference], str]:
        """Return what the next version of `ledger.json` changes in the last valid one; or what is wrong with it."""
        if content.trouble or content.raw is None:
            return (), f"its ledger.json {content.trouble or 'is gone'}"
        try:
            return self._versions.follow(content.raw), ""
        except InvalidLedger:
            return (), self._why(content.raw)

    def _read_settings(self, *, is_needed: bool) -> None:
        """Read the `ledger.yaml` in force; if it is broken, the last good one stays in force."""
        if not is_needed or self._settings is None:
            return
        settings, self._settings = self._settings, None
        self._trouble = settings.trouble and f"it {settings.trouble}"
        if not self._trouble:
            try:
                self.policy = self._read_policy(settings.raw)
            except UsageError as error:
                self._trouble = error.message
