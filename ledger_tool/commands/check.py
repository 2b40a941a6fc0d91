"""`check`: the gate of a pull request, from git alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from ledger_tool.commands.observe import in_parallel
from ledger_tool.commands.ports import History, Registries
from ledger_tool.core import codec, told
from ledger_tool.core import faults as file_faults
from ledger_tool.core.act import acts
from ledger_tool.core.change import Snapshot
from ledger_tool.core.commit import Commit
from ledger_tool.core.compare import compare
from ledger_tool.core.drift import Absent, Unknown
from ledger_tool.core.explain import Fault
from ledger_tool.core.gate import Finding, Places, Range, located, merge_commit
from ledger_tool.core.ledger import Ledger
from ledger_tool.core.merge import merge
from ledger_tool.core.policy import Policy
from ledger_tool.core.record import Record
from ledger_tool.errors import InvalidLedger, InvalidSettings, LedgerError, UsageError

MOST_FINDINGS = 1000  # of a broken file: nobody reads more, and a broken generator makes one a record


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, in how many records and commits.

    `invalid` says that `ledger.json` itself is no valid ledger, `unknown` what a registry could not tell, and
    `yanked` which records of the ledger are marked as not to be used.
    """

    findings: Sequence[Finding]
    records: int
    commits: int
    invalid: bool = False
    unknown: Sequence[str] = ()
    yanked: Sequence[Record] = ()

    @property
    def ok(self) -> bool:
        """Whether there is nothing to find fault with."""
        return not self.findings


def check(
    history: History,
    *,
    base: str = "",
    schema: Callable[[], Mapping[str, Any]],
    read_policy: Callable[[bytes | None], Policy],
    registries: Registries | None = None,
    jobs: int = 8,
) -> Checked:
    """Check the ledger as it is now and, with `base`, each commit since it parted from there.

    `schema` gives `ledger-v1`, `read_policy` parses a `ledger.yaml`; with `registries` each digest (with `base`:
    each new one) is looked up. Raises UsageError for an unknown revision.
    """
    raw, settings = history.current_files()
    findings: list[Finding] = []
    policy = Policy()
    try:
        policy = read_policy(settings)
    except InvalidSettings as error:
        findings.append(Finding("settings", "ledger.yaml", error.line, error.column, error.reason))
    start = history.resolve(base) if base else ""
    try:
        ledger = codec.loads(raw)
    except InvalidLedger:
        broken = [
            Finding(one.rule, "ledger.json", one.line, one.column, one.message)
            for one in islice(file_faults.findings(raw, schema()), MOST_FINDINGS)
        ]
        return Checked([*findings, *broken], 0, 0, invalid=True)
    before, commits = Ledger(), 0
    found: list[tuple[str, Fault]] = []
    if start:
        before, commits, found = _range(history, start, Snapshot("", ledger, policy))
    unknown: list[str] = []
    if registries is not None:
        fresh = [act.record for act in acts(compare(before, ledger)) if act.effect in ("added", "moved")]
        looked = list(_in_registries(fresh, policy, registries, jobs))
        found += [("the registry", one) for one in looked if isinstance(one, Fault)]
        unknown = [one for one in looked if isinstance(one, str)]
    findings += located(found, Places(before, ledger))
    yanked = [record for record in ledger.records() if record.yanked] if b'"yanked"' in raw else []
    return Checked(findings, len(ledger), commits, unknown=unknown, yanked=yanked)


def _range(history: History, start: str, now: Snapshot) -> tuple[Ledger, int, list[tuple[str, Fault]]]:
    """Return the ledger that the range started from, its number of commits, and what is wrong with each.

    `now` is the ledger as it is, which may be ahead of the last commit.
    """
    tip = history.head()
    parted = history.merge_base(start, tip)
    commits = history.commits(start, tip)
    judge = Range()

    @lru_cache(maxsize=8)  # a commit, and those that it may be compared with: a ledger may be large
    def state(commit: str) -> Snapshot | LedgerError:
        try:
            return history.snapshot(commit)
        except (InvalidLedger, UsageError) as error:
            return error

    found: list[tuple[str, Fault]] = []
    for commit in commits:
        found += [(f"commit {commit.id[:12]}", fault) for fault in _of_commit(history, judge, state, commit)]
    last = state(tip)
    if isinstance(last, Snapshot) and last.ledger != now.ledger:
        uncommitted = judge.commit(last.ledger, now.ledger, None, last.policy)
        found += [("not committed yet", fault) for fault in uncommitted]
    began = state(parted)
    return began.ledger if isinstance(began, Snapshot) else Ledger(), len(commits), found


def _of_commit(
    history: History, judge: Range, state: Callable[[str], Snapshot | LedgerError], commit: Commit
) -> Iterator[Fault]:
    after = state(commit.id)
    if isinstance(after, LedgerError):
        rule = "settings" if isinstance(after, InvalidSettings) else "invalid"
        yield Fault(rule, None, f"its ledger is not valid: {after.message}")
        return
    parents = [state(parent) for parent in commit.parents]
    sound = [parent for parent in parents if isinstance(parent, Snapshot)]
    if len(sound) < len(parents):
        return  # the commit before was named already
    if len(sound) == 2:
        base = state(history.merge_base(*commit.parents))
        if isinstance(base, Snapshot):
            yield from merge_commit(merge(base.ledger, *(parent.ledger for parent in sound)), after.ledger)
    elif len(sound) > 2:
        yield Fault("merge", None, "it merges more than two branches at once")
    else:
        parent = sound[0] if sound else Snapshot("", Ledger(), Policy())
        yield from judge.commit(parent.ledger, after.ledger, told.read(commit.message), parent.policy)


def _in_registries(
    records: Iterable[Record], policy: Policy, registries: Registries, jobs: int
) -> Iterator[Fault | str]:
    """Yield a fault for each record that no registry has, and a line for each that could not be looked up."""

    def look(record: Record) -> Fault | str | None:
        missing, unknown = [], []
        for registry in registries.serving(policy, record.image):
            try:
                if not isinstance(registry.look(record.image, record.digest), Absent):
                    return None
                missing.append(registry.name)
            except LedgerError as error:
                unknown.append(error.message)
        if unknown:
            return f"{record.key}: {'; '.join(unknown)}"
        if not missing:
            return f"{record.key}: no configured registry serves it"
        return Fault("registry", record.key, f"{', '.join(missing)} has no {record.digest} of {record.key}")

    for record, seen in in_parallel(look, records, jobs=jobs):
        if isinstance(seen, Unknown):
            yield f"{record.key}: {seen.reason}"
        elif seen is not None:
            yield seen
