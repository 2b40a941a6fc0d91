"""`check`: the gate of a pull request, from git alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from ledger_tool.commands.brought import brought
from ledger_tool.commands.check_trust import owner_findings, provenance_findings, with_gpg_keys
from ledger_tool.commands.commit_files import CommitFiles, Schema
from ledger_tool.commands.owned import LedgerKeys, doubts, not_signed_yet
from ledger_tool.commands.ports import History, Registries
from ledger_tool.commands.pushed import Start, is_no_commit, start_of_push
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.promotion import OutlivedVersion, all_outlived
from ledger_tool.core.judging.check import (
    MOST_FINDINGS,
    CheckFinding,
    in_order,
    located,
    misplaced_versions,
    own_indexes,
    rewritten,
    split_tags,
    taken_over,
)
from ledger_tool.core.judging.commit import CommitFault
from ledger_tool.core.judging.dates import from_the_future, records_of_the_future
from ledger_tool.core.judging.files import (
    ATTRIBUTES,
    ChangedFile,
    attribute_findings,
    lookalikes,
    others,
)
from ledger_tool.core.judging.oneness import UnprovenPull
from ledger_tool.core.judging.owners import Owned
from ledger_tool.core.ledger import diagnosis
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import SETTINGS, Timestamp
from ledger_tool.core.ledger.position import RecordPositions
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy, ReadPolicy
from ledger_tool.errors import InvalidLedger, InvalidSettings, LedgerError, UsageError

_NOTHING = Snapshot("", Ledger(), Policy())
TOGETHER = "all commits together"


@dataclass(frozen=True, slots=True)
class Checked:
    """The findings, and how many records and commits were checked.

    `invalid` says that `ledger.json` itself is not a valid ledger, `unknown` what could not be observed,
    `unserved` how many records are of images that no registry serves, and `yanked` which records of the ledger are
    marked as not to be used. `files` are the other files that the range changes, `squash` is what a squash of it would
    lose, `outlived` what has become of versions that environments have, `signed` what owners have signed in the range,
    `doubts` what is to be known of who the owners are, and `claims` how many changes of pull digests or platforms rest
    on the publisher's word. `takes_over` says that the base was merged into the commits.
    `unsigned` is what is not committed yet, and has to be signed, and `unruled` the ref that a push moves if no rule is
    about it.
    """

    findings: Sequence[CheckFinding]
    records: int
    commits: int
    invalid: bool = False
    unknown: Sequence[str] = ()
    unserved: int = 0
    yanked: Sequence[Record] = ()
    files: Sequence[ChangedFile] = ()
    squash: Sequence[str] = ()
    outlived: Sequence[OutlivedVersion] = ()
    signed: Sequence[Owned] = ()
    doubts: Sequence[str] = ()
    claims: int = 0
    takes_over: bool = False
    unsigned: Sequence[Owned] = ()
    unruled: str = ""

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
    doubts: Sequence[str] = ()


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
    claims: Sequence[UnprovenPull] = ()
    told: Sequence[UnprovenPull] = ()  # those that the publisher claims
    files: Sequence[ChangedFile] = ()
    squash: Sequence[str] = ()
    signed: Sequence[Owned] = ()
    takes_over: bool = False


def check(
    history: History,
    *,
    base: str = "",
    head: str = "",
    ref: str = "",
    schema: Schema,
    read_policy: ReadPolicy,
    clock: Timestamp,
    registries: Registries | None = None,
    jobs: int = 8,
) -> Checked:
    """Check the ledger as it is now and, with `base`, each commit since it parted from there, and all of them as one.

    `schema` gives `ledger-v1`, `read_policy` parses a `ledger.yaml`, `clock` is the time now. With `registries` each
    digest is looked up; with `base` each new one, in the registries that `ledger.yaml` names there: a pull request must
    not decide where credentials go. With a `head`, the commit that a push makes the tip of a branch, the base has to
    stay in it; all zeros are a branch that is not there. With a `ref`, which of them the push moves, another branch
    than the ledger's is judged from where it left that one, and other refs are not. Raises UsageError for an unknown
    revision, or if no registry is configured.
    """
    grows = bool(head)
    if ref:
        since = start_of_push(history, ref, base, head)
        if not isinstance(since, Start):
            return Checked([since] if since else [], 0, 0, unruled="" if since else ref)
        base, grows = since
    if is_no_commit(head):
        return Checked([rewritten("a push would delete the branch")], 0, 0)
    start = history.resolve(base) if base and not (head and is_no_commit(base)) else ""
    commits = CommitFiles(history, schema, read_policy)
    now = _as_it_is(commits, tolerant=bool(start))
    past = (
        _since(commits, start, now, clock, is_final=bool(head) and registries is None)
        if start
        else _Past(_NOTHING, now.policy, 0)
    )
    if head and past.before.commit != start:
        past.findings.append(rewritten(f"a push would take commit {start[:12]} out of the branch"))
    elif grows and past.takes_over:
        past.findings.append(taken_over(start))
    positions = RecordPositions(past.before.ledger, now.ledger or Ledger())
    findings = [*now.findings, *past.findings, *located(past.faults, positions)]
    if now.ledger is None:
        invalid = any(finding.path == "ledger.json" for finding in now.findings)
        return Checked(in_order(findings), 0, past.commits, invalid=invalid, files=past.files)
    policy = None if any(finding.path == SETTINGS for finding in now.findings) else now.policy
    findings += located(_of_the_file(now.ledger, policy, clock), RecordPositions(now.ledger, now.ledger))
    looked = None
    if registries is not None:
        from ledger_tool.commands.check_registry import look  # here, since it is for those who ask a registry

        if not start:
            now.policy.check_registries("compare with")
        looked = look(past.before.ledger, now.ledger, past.claims, past.policy, registries, jobs)
    proven = looked.proven if looked else ()
    taken = past.told if head and registries is None else ()
    blamed = {fault.key for _, fault in past.faults if fault.rule == "index"}
    unproven = [one.fault for one in past.claims if one not in proven and one not in taken]
    claims = [(TOGETHER, fault) for fault in unproven if fault.key not in blamed]
    findings += located([*(looked.faults if looked else ()), *claims], positions)
    return Checked(
        in_order(findings), len(now.ledger), past.commits,
        unknown=looked.unknown if looked else (), unserved=looked.unserved if looked else 0,
        yanked=list(now.ledger.having("yanked")), files=past.files, squash=past.squash,
        outlived=list(all_outlived(now.ledger, clock)), signed=past.signed, doubts=now.doubts, claims=len(taken),
        takes_over=past.takes_over and not head,
        unsigned=not_signed_yet(commits, now.ledger, clock) if now.policy.has_owners and not head else (),
    )  # fmt: skip


def _of_the_file(ledger: Ledger, policy: Policy | None, clock: Timestamp) -> Iterator[tuple[str, CommitFault]]:
    """Yield what is wrong with the records of a valid ledger, whoever wrote them; the policy may not be known."""
    for fault in (
        *split_tags(ledger),
        *own_indexes(ledger),
        *records_of_the_future(ledger, clock),
        *(misplaced_versions(ledger, policy) if policy else ()),
    ):
        yield "", fault


def _as_it_is(commits: CommitFiles, *, tolerant: bool) -> _Files:
    """Read the files as they are now; with `tolerant`, a missing `ledger.json` is a finding, not an error."""
    now = _Files()
    try:
        raw, settings = commits.history.current_files()
    except InvalidSettings as error:
        now.findings.append(CheckFinding("settings", "ledger.yaml", 1, 1, error.reason))
        return now
    except (InvalidLedger, UsageError) as error:
        if not tolerant:
            raise
        now.findings.append(CheckFinding("invalid", "ledger.json", 1, 1, error.message))
        return now
    try:
        now.policy = commits.read_policy(settings)
    except InvalidSettings as error:
        now.findings.append(
            CheckFinding("settings", "ledger.yaml", max(error.line, 1), max(error.column, 1), error.reason)
        )
    rules = with_gpg_keys(LedgerKeys(commits.history).rules("", now.policy), commits.history.keyring)
    now.findings += owner_findings(commits.history.current_file, rules)
    now.findings += provenance_findings(commits.history.current_file, now.policy)
    now.doubts = list(doubts(rules))
    try:
        now.ledger = commits.read_current(raw)
    except InvalidLedger:
        faults = islice(diagnosis.file_faults(raw, commits.schema()), MOST_FINDINGS)
        now.findings += [
            CheckFinding(fault.rule, "ledger.json", fault.line, fault.column, fault.message) for fault in faults
        ]
    return now


def _since(files: CommitFiles, start: str, now: _Files, clock: Timestamp, *, is_final: bool) -> _Past:
    """Judge each commit since `start`, uncommitted changes, and all of them as one change."""
    history = files.history
    tip = history.head()
    made = brought(files, start, tip, clock, is_final=is_final)
    commits, judge, before = made.commits, made.judge, made.before
    past = _Past(before, made.policy, len(commits), takes_over=made.takes_over)
    past.faults += [(f"commit {id_[:12]}", fault) for id_, fault in made.faults]
    for commit in commits:
        past.faults += [(f"commit {commit.id[:12]}", fault) for fault in from_the_future(commit.at, clock)]
    past.findings += _broken(made.broken, now)
    last = files.sound(tip)
    after = last.ledger
    if now.ledger is not None and last.ledger != now.ledger:
        after = now.ledger
        uncommitted = judge.commit(last.ledger, compare(last.ledger, now.ledger), None, last.policy, at=clock)
        past.faults += [("not committed yet", fault) for fault in uncommitted]
    net = judge.net(after)
    past.faults += [(TOGETHER, fault) for fault in net.faults]
    past.claims, past.told = net.claims, made.told(net.claims)
    signing = made.owners.judge()
    past.faults += signing.of_records()
    past.findings += signing.of_files()
    past.signed = list(signing.signed.values())
    _other_files(past, history, before.commit, tip)
    if made.squash.is_squashable and not past.faults:
        squashed = replace(commits[-1], parents=(before.commit,))
        differences = compare(before.ledger, last.ledger)
        undone = files.reverted.undone(squashed, made.squash.message, differences, last.ledger)
        past.squash = made.squash.losses(before.ledger, last.ledger, made.policy, undone)
    return past


def _other_files(past: _Past, history: History, parted: str, tip: str) -> None:
    """Note the other files that change, and what is wrong with them."""
    changed = history.changed_files(parted, tip)
    past.files = others(changed)
    findings = list(lookalikes(changed))
    if any(file.path == ATTRIBUTES for file in changed):
        (before, _), (after, text) = history.attributes(parted), history.attributes(tip)
        findings += attribute_findings(before, after, text)
    past.findings += [CheckFinding("files", found.path, found.line, 1, found.message) for found in findings]


def _broken(broken: Iterable[tuple[str, LedgerError]], now: _Files) -> Iterator[CheckFinding]:
    """Yield what is wrong with the files of commits, unless the current ones show it."""
    shown = {finding.message for finding in now.findings if finding.rule == "settings"}
    for id_, error in broken:
        where = f"commit {id_[:12]}"
        if not isinstance(error, InvalidSettings):
            yield CheckFinding("invalid", "ledger.json", 1, 1, f"{where}: its ledger is not valid: {error.message}")
        elif error.reason not in shown:
            yield CheckFinding("settings", "ledger.yaml", 1, 1, f"{where}: its settings are not valid: {error.message}")
