"""`check`: the gate of a pull request, from git alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any

from ledger_tool.commands.ports import History, Registries
from ledger_tool.commands.reverted import RevertedCommits
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.merge import merge
from ledger_tool.core.changes.message import parse_message
from ledger_tool.core.history.commit import Commit
from ledger_tool.core.history.versions import Versions
from ledger_tool.core.judging.check import CheckFinding, RangeJudge, in_order, located, merge_commit
from ledger_tool.core.judging.commit import CommitFault
from ledger_tool.core.ledger import diagnosis
from ledger_tool.core.ledger.ledger import Ledger, has_field, parse_text
from ledger_tool.core.ledger.position import RecordPositions
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy, ReadPolicy
from ledger_tool.errors import InvalidLedger, InvalidSettings, LedgerError, UsageError

MOST_FINDINGS = 1000  # per broken file: nobody reads more, and a broken generator makes one per record

_KEPT = 4  # a commit, and those that it is compared with; few, because a ledger may be large
_DEEPEST = 100  # commits to look back for a valid file
_NOTHING = Snapshot("", Ledger(), Policy())

Schema = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Checked:
    """The findings, and how many records and commits were checked.

    `invalid` says that `ledger.json` itself is not a valid ledger, `unknown` what could not be observed,
    `unserved` how many records are of images that no registry serves, and `yanked` which records of the ledger are
    marked as not to be used.
    """

    findings: Sequence[CheckFinding]
    records: int
    commits: int
    invalid: bool = False
    unknown: Sequence[str] = ()
    unserved: int = 0
    yanked: Sequence[Record] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


@dataclass(slots=True)
class _Files:
    """The two files as they are now: the ledger is None if `ledger.json` is not valid."""

    ledger: Ledger | None = None
    policy: Policy = field(default_factory=Policy)
    findings: list[CheckFinding] = field(default_factory=list)


@dataclass(slots=True)
class _Past:
    """Where a range of commits started, how many there are, and what is wrong with them.

    `policy` is the base's current one, which may be newer than where the range started.
    """

    before: Snapshot
    policy: Policy
    commits: int
    faults: list[tuple[str, CommitFault]] = field(default_factory=list)
    findings: list[CheckFinding] = field(default_factory=list)


def check(
    history: History,
    *,
    base: str = "",
    schema: Schema,
    read_policy: ReadPolicy,
    registries: Registries | None = None,
    jobs: int = 8,
) -> Checked:
    """Check the ledger as it is now and, with `base`, each commit since it parted from there.

    `schema` gives `ledger-v1`, `read_policy` parses a `ledger.yaml`. With `registries` each digest is looked up;
    with `base` each new one, in the registries that `ledger.yaml` names there: a pull request must not decide where
    credentials go. Raises UsageError for an unknown revision, or if no registry is configured.
    """
    start = history.resolve(base) if base else ""
    commits = _CommitFiles(history, schema, read_policy)
    now = _as_it_is(commits, tolerant=bool(start))
    past = _since(commits, start, now) if start else _Past(_NOTHING, now.policy, 0)
    positions = RecordPositions(past.before.ledger, now.ledger or Ledger())
    findings = in_order([*now.findings, *past.findings, *located(past.faults, positions)])
    if now.ledger is None:
        return Checked(findings, 0, past.commits, invalid=True)
    unknown: list[str] = []
    unserved = 0
    if registries is not None:
        if not start:
            now.policy.check_registries("compare with")
        from ledger_tool.commands.check_registry import missing_digests, new_digests

        wanted = list(new_digests(past.before.ledger, now.ledger))
        unserved = sum(not registries.serving(past.policy, record.image) for record, _ in wanted)
        looked = list(missing_digests(wanted, past.policy, registries, jobs))
        faults = [("the registry", fault) for fault in looked if isinstance(fault, CommitFault)]
        findings = in_order([*findings, *located(faults, positions)])
        unknown = sorted(reason for reason in looked if isinstance(reason, str))
    yanked = [parse_text(text) for text in now.ledger.texts if has_field(text, "yanked")]
    return Checked(findings, len(now.ledger), past.commits, unknown=unknown, unserved=unserved, yanked=yanked)


def _as_it_is(commits: _CommitFiles, *, tolerant: bool) -> _Files:
    """Read the files as they are now; with `tolerant`, a missing `ledger.json` is a finding, not an error."""
    now = _Files()
    try:
        raw, settings = commits.history.current_files()
    except (InvalidLedger, UsageError) as error:
        if not tolerant:
            raise
        now.findings.append(CheckFinding("invalid", "ledger.json", 1, 1, error.message))
        return now
    try:
        now.policy = commits.read_policy(settings)
    except InvalidSettings as error:
        now.findings.append(CheckFinding("settings", "ledger.yaml", error.line, error.column, error.reason))
    try:
        now.ledger = commits.versions.read(raw)
    except InvalidLedger:
        faults = islice(diagnosis.file_faults(raw, commits.schema()), MOST_FINDINGS)
        now.findings += [
            CheckFinding(fault.rule, "ledger.json", fault.line, fault.column, fault.message) for fault in faults
        ]
    return now


def _since(files: _CommitFiles, start: str, now: _Files) -> _Past:
    """Judge each commit since `start`, and uncommitted changes."""
    history = files.history
    tip = history.head()
    commits = history.commits(start, tip)
    at_base = files.sound(start).policy
    past = _Past(files.sound(history.merge_base(start, tip)), at_base, len(commits))
    judge = RangeJudge(at_base)
    for commit in commits:
        where = f"commit {commit.id[:12]}"
        after = files.at(commit.id)
        if isinstance(after.ledger, Ledger):
            past.faults += [(where, fault) for fault in _of_commit(files, judge, commit, after.ledger)]
        known = [error.message for parent in commit.parents for error in files.at(parent).errors]
        for error in after.errors:
            if error.message not in known:  # otherwise the commit that broke it is named
                past.findings += _broken(where, error, now)
    last = files.sound(tip)
    if any(len(commit.parents) > 1 for commit in commits):
        past.faults += [("all commits together", fault) for fault in judge.net(past.before.ledger, last.ledger)]
    if now.ledger is not None and last.ledger != now.ledger:
        uncommitted = judge.commit(compare(last.ledger, now.ledger), None, last.policy)
        past.faults += [("not committed yet", fault) for fault in uncommitted]
    return past


def _broken(where: str, error: LedgerError, now: _Files) -> Iterator[CheckFinding]:
    """Yield what is wrong with a commit's own files, unless the current files already show it."""
    if not isinstance(error, InvalidSettings):
        yield CheckFinding("invalid", "ledger.json", 1, 1, f"{where}: its ledger is not valid: {error.message}")
    elif error.reason not in (one.message for one in now.findings if one.rule == "settings"):
        yield CheckFinding("settings", "ledger.yaml", 1, 1, f"{where}: its settings are not valid: {error.message}")


def _of_commit(files: _CommitFiles, judge: RangeJudge, commit: Commit, after: Ledger) -> Iterator[CommitFault]:
    """Yield what is wrong with a commit, against the last valid ledger before it."""
    parents = [files.sound(parent) for parent in commit.parents]
    if len(parents) > 2:
        yield CommitFault("merge", None, "it merges more than two branches at once")
    elif len(parents) == 2:
        base = files.sound(files.history.merge_base(*commit.parents))
        yield from merge_commit(merge(base.ledger, *(parent.ledger for parent in parents)), after)
    else:
        parent = parents[0] if parents else _NOTHING
        differences, message = compare(parent.ledger, after), parse_message(commit.message)
        undone = files.reverted.undone(commit, message, differences, after)
        yield from judge.commit(differences, message, parent.policy, undone)


@dataclass(frozen=True, slots=True)
class _Read:
    """The contents of a commit's two files, or what is wrong with each."""

    ledger: Ledger | LedgerError
    policy: Policy | LedgerError

    @property
    def errors(self) -> list[LedgerError]:
        return [file for file in (self.ledger, self.policy) if isinstance(file, LedgerError)]


class _CommitFiles:
    """Reads the files of many commits; the last few are cached."""

    def __init__(self, history: History, schema: Schema, read_policy: ReadPolicy) -> None:
        self.history = history
        self.schema = schema
        self.read_policy = read_policy
        self.versions = Versions()
        self.reverted = RevertedCommits(history)
        self.at = lru_cache(_KEPT)(self._at)

    def _at(self, commit: str) -> _Read:
        try:
            raw, settings = self.history.files(commit)
        except (InvalidLedger, UsageError) as error:
            return _Read(error, Policy())
        ledger: Ledger | LedgerError
        policy: Policy | LedgerError
        try:
            ledger = self.versions.read(raw)
        except InvalidLedger:
            ledger = diagnosis.invalid_ledger(raw, self.schema())
        try:
            policy = self.read_policy(settings)
        except UsageError as error:
            policy = error
        return _Read(ledger, policy)

    def sound(self, commit: str) -> Snapshot:
        """Return the contents of a commit's files, each as it was last valid; empty if it was not valid recently."""
        ledgers = (read.ledger for read in self._back_from(commit) if isinstance(read.ledger, Ledger))
        policies = (read.policy for read in self._back_from(commit) if isinstance(read.policy, Policy))
        return Snapshot(commit, next(ledgers, Ledger()), next(policies, Policy()))

    def _back_from(self, commit: str) -> Iterator[_Read]:
        with suppress(UsageError):  # the first commit has no parent
            for _ in range(_DEEPEST):
                yield self.at(commit)
                commit = self.history.resolve(f"{commit}^")
