"""`reconcile`: the ledger compared with the live registries, read-only and three-valued."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ledger_tool.commands.held import NOTHING_HELD, held_digests
from ledger_tool.commands.leftovers import OpenPast, without_leftovers
from ledger_tool.commands.observe import EXPLAINED, Allowance, Looks, Observed, Task
from ledger_tool.commands.ports import Progress, Registries, Source
from ledger_tool.commands.proofs import OpenProver
from ledger_tool.commands.reconcile_provenance import unproved
from ledger_tool.commands.remedy import (
    NOT_KNOWN,
    Inner,
    Serving,
    classified,
    inner_copies,
    repositories,
    unrecordable_of,
)
from ledger_tool.commands.untracked import describe_untracked, list_untracked
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.judging.withdrawal import withdrawal
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import Query, select, unknown_image
from ledger_tool.core.ledger.record import Name, Record, by_name
from ledger_tool.core.registry.drift import DriftFinding, unserved
from ledger_tool.core.registry.driftreport import DriftReport, DriftScope, report
from ledger_tool.core.registry.looks import is_as_recorded, is_different, is_whole
from ledger_tool.errors import LedgerError, UnknownImage


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A finished run: its report, its looks, with the GETs that are left, and whether it was interrupted."""

    report: DriftReport
    looks: Looks
    interrupted: bool


def reconcile(
    source: Source,
    registries: Registries,
    query: Query,
    *,
    now: Timestamp,
    jobs: int,
    scope: DriftScope = "images",
    explain: int = EXPLAINED,
    untracked: bool = False,
    open_past: OpenPast | None = None,
    open_prover: OpenProver | None = None,
    progress: Progress,
) -> Reconciled:
    """Observe every record that matches `query` at every registry that serves it, and classify it.

    A record that no registry serves is unknown.
    At most `explain` GETs explain what differs. What differs and was published or removed in the meantime is looked at
    again, by the records that it has then. With `open_prover`, signed statements are checked, too. ^C ends the run with
    an incomplete report. Raises UsageError if no registry is configured, or a signature cannot be checked here.
    """
    snapshot = source.read()
    snapshot.policy.check_registries("compare with")
    query = replace(query, pattern=snapshot.resolver.pattern(query.pattern))
    groups = list(by_name(select(snapshot.ledger, query)).values())
    if not groups and query != Query():
        if query.since is None:
            raise unknown_image(query.pattern, snapshot.ledger.names())
        hint = "`ledger list` with the same pattern and time shows what the ledger has"
        raise UnknownImage("no record matches that pattern and time", hint)
    images = dict.fromkeys(records[0].image for records in groups)
    serving = {image: repositories(registries, snapshot.policy, image) for image in images}
    looks = Looks(jobs=jobs, scope=scope, allowance=Allowance(explain))
    observed: list[Observed] = []
    others: list[DriftFinding] = []
    inner: Inner = {}
    held, unrecordable = NOTHING_HELD, NOT_KNOWN
    changed: Mapping[Name, Sequence[Record]] = {}
    fresh, interrupted = snapshot, False
    try:
        _observe(looks, _tasks(groups, serving), observed, progress)
        if untracked:
            places = [(port, image) for image, ports in serving.items() for port in ports]
            listed = list(list_untracked(looks, snapshot, registries, places, query.pattern))
            others += without_leftovers(looks, listed, serving, snapshot, open_past)
            environments = snapshot.policy.environments
            for number, described in describe_untracked(looks, others, serving, environments, jobs=jobs):
                others[number] = described
        fresh, changed = _changed_meanwhile(source, snapshot, query, _differing(observed, others))
        observed[:] = [seen for seen in observed if seen[0][1][0].name not in changed]
        others[:] = [finding for finding in others if Name(finding.image, finding.tag) not in changed]
        _observe(looks.afresh(), _tasks(filter(None, changed.values()), serving), observed, lambda *_: None)
        inner = inner_copies(looks, observed, serving)
        differing = [(*task, seen.served) for task, seen in observed if is_different(task[1], seen.served)]
        served = [(port, records[0].image, str(digest)) for port, records, digest in differing]
        unrecordable = unrecordable_of(looks, served, jobs=jobs)
        held = held_digests(looks, observed, snapshot, now)
        if open_prover:
            others += unproved(source, snapshot, groups, serving, open_prover, jobs=jobs)
    except KeyboardInterrupt:
        interrupted = True
    findings = [*others]
    for ledger, is_later in ((snapshot, False), (fresh, True)):  # each record by the ledger that it is from
        own = [one for one in observed if (one[0][1][0].name in changed) == is_later]
        judged = classified(own, serving, ledger, now, inner=inner, held=held, unrecordable=unrecordable)
        findings += [finding for one in judged for finding in one]
    for records in groups:
        if not serving[records[0].image]:
            lost = withdrawal(records[0].name, snapshot.ledger, snapshot.policy, now)
            findings += [unserved(record, lost) for record in records]
    return Reconciled(report(findings, interrupted=interrupted, at=now, scope=scope), looks, interrupted)


def look_at(
    looks: Looks, snapshot: Snapshot, registries: Registries, names: Iterable[Name], now: Timestamp
) -> list[DriftFinding]:
    """Observe the records of image:tags at every registry that serves them, and classify them."""
    groups = [records for name in names if (records := snapshot.ledger.find(name))]
    images = dict.fromkeys(records[0].image for records in groups)
    serving = {image: repositories(registries, snapshot.policy, image) for image in images}
    observed: list[Observed] = []
    _observe(looks, _tasks(groups, serving), observed, lambda *_: None)
    inner = inner_copies(looks, observed, serving)
    return [finding for own in classified(observed, serving, snapshot, now, inner=inner) for finding in own]


def _tasks(groups: Iterable[Sequence[Record]], serving: Serving) -> list[Task]:
    return [(registry, records) for records in groups for registry in serving[records[0].image]]


def _observe(looks: Looks, tasks: Sequence[Task], observed: list[Observed], progress: Progress) -> None:
    """Add what the registries show, explained; what is known is there if this is interrupted."""
    start = len(observed)
    for seen in looks.all(tasks):
        observed.append(seen)
        progress(len(observed) - start, len(tasks))
    for number, explained in looks.explain(observed[start:]):
        observed[start + number] = observed[start + number][0], explained


def _differing(observed: Sequence[Observed], others: Sequence[DriftFinding]) -> set[Name]:
    """Return the image:tags that do not look as recorded."""
    recorded = {
        records[0].name
        for (_, records), seen in observed
        if not is_whole(records, seen)
        or any(not is_as_recorded(record, seen.served) or seen.refutation(record) for record in records)
    }
    return recorded | {Name(finding.image, finding.tag) for finding in others}


def _changed_meanwhile(
    source: Source, snapshot: Snapshot, query: Query, differing: set[Name]
) -> tuple[Snapshot, Mapping[Name, Sequence[Record]]]:
    """Return the ledger now, and its records of those image:tags that changed while the registries were looked at.

    If the ledger cannot be read again, what was read first counts.
    """
    if not differing:
        return snapshot, {}
    try:
        fresh = source.read()
    except LedgerError:
        return snapshot, {}
    current = by_name(select(fresh.ledger, query))
    names = [name for name in differing if fresh.ledger.find(name) != snapshot.ledger.find(name)]
    return fresh, {name: current.get(name, []) for name in names}
