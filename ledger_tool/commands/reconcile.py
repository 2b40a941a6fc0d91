"""`reconcile`: the ledger compared with the live registries, read-only and three-valued."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ledger_tool.commands.leftovers import OpenPast, without_leftovers
from ledger_tool.commands.observe import EXPLAINED, Looks, Observed, Task
from ledger_tool.commands.ports import Progress, Registries, Source
from ledger_tool.commands.remedy import classified, repositories
from ledger_tool.commands.untracked import describe_untracked, list_untracked
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import Query, select
from ledger_tool.core.ledger.record import by_name
from ledger_tool.core.registry.drift import DriftFinding
from ledger_tool.core.registry.driftreport import DriftReport, DriftScope, report
from ledger_tool.errors import UnknownImage


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A finished run: its report, how many records have no configured registry, and whether it was interrupted."""

    report: DriftReport
    unserved: int
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
    progress: Progress,
) -> Reconciled:
    """Observe every record that matches `query` at every registry that serves it, and classify it.

    At most `explain` GETs explain what differs. ^C ends the run with an incomplete report. Raises UsageError if no
    registry is configured.
    """
    snapshot = source.read()
    snapshot.policy.check_registries("compare with")
    query = replace(query, pattern=snapshot.resolver.pattern(query.pattern))
    groups = list(by_name(select(snapshot.ledger, query)).values())
    if not groups and query != Query():
        hint = "`ledger list` with the same pattern and time shows what the ledger has"
        raise UnknownImage("no record matches that pattern and time", hint)
    images = dict.fromkeys(records[0].image for records in groups)
    serving = {image: repositories(registries, snapshot.policy, image) for image in images}
    tasks: list[Task] = [(registry, records) for records in groups for registry in serving[records[0].image]]
    looks = Looks(jobs=jobs, scope=scope, explain=explain)
    observed: list[Observed] = []
    others: list[DriftFinding] = []
    interrupted = False
    try:
        for seen in looks.all(tasks):
            observed.append(seen)
            progress(len(observed), len(tasks))
        for number, explained in looks.explain(observed):
            observed[number] = observed[number][0], explained
        if untracked:
            places = [(port, image) for image, ports in serving.items() for port in ports]
            listed = list(list_untracked(snapshot, registries, places, query.pattern, jobs=jobs))
            others += without_leftovers(listed, serving, snapshot, open_past, jobs=jobs)
            for number, described in describe_untracked(looks, others, serving):
                others[number] = described
    except KeyboardInterrupt:
        interrupted = True
    findings = [finding for own in classified(observed, serving, snapshot.policy, now) for finding in own]
    findings += others
    unserved = sum(len(records) for records in groups if not serving[records[0].image])
    return Reconciled(report(findings, interrupted=interrupted, at=now, scope=scope), unserved, interrupted)
