"""`reconcile`: the ledger compared with the live registries, read-only and three-valued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ledger_tool.commands.observe import Task, observe_all
from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Progress, Registries, RegistryPort, Source
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Image, Timestamp
from ledger_tool.core.ledger.query import Query, matches, select
from ledger_tool.core.ledger.record import by_name
from ledger_tool.core.registry import drift
from ledger_tool.core.registry.drift import DriftFinding, DriftReport
from ledger_tool.errors import LedgerError, UnknownImage


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
    deep: bool = False,
    untracked: bool = False,
    progress: Progress,
) -> Reconciled:
    """Observe every record that matches `query` at every registry that serves it, and classify it.

    ^C ends the run with an incomplete report. Raises UsageError if no registry is configured.
    """
    snapshot = source.read()
    snapshot.policy.check_registries("compare with")
    query = replace(query, pattern=snapshot.resolver.pattern(query.pattern))
    groups = list(by_name(select(snapshot.ledger, query)).values())
    if not groups and query != Query():
        hint = "`ledger list` with the same pattern and time shows what the ledger has"
        raise UnknownImage("no record matches that pattern and time", hint)
    serving = {records[0].image: registries.serving(snapshot.policy, records[0].image) for records in groups}
    tasks: list[Task] = [(registry, records) for records in groups for registry in serving[records[0].image]]
    findings: list[DriftFinding] = []
    interrupted = False
    try:
        for done, ((registry, records), seen) in enumerate(observe_all(tasks, deep=deep, jobs=jobs), 1):
            findings += drift.classify(records, registry.name, seen, now)
            progress(done, len(tasks))
        if untracked:
            findings += [
                finding
                for finding in _untracked(snapshot, serving, jobs)
                if finding.drift != "untracked" or matches(query.pattern, finding.image, finding.tag)
            ]
    except KeyboardInterrupt:
        interrupted = True
    unserved = sum(len(records) for records in groups if not serving[records[0].image])
    return Reconciled(drift.report(findings, interrupted=interrupted), unserved, interrupted)


def _untracked(snapshot: Snapshot, serving: Mapping[Image, Sequence[RegistryPort]], jobs: int) -> list[DriftFinding]:
    """Return a finding for each tag of the ledger's images that a registry has and the ledger does not."""
    known: dict[str, set[str]] = {str(image): set() for image in serving}
    for image, tag, _ in snapshot.ledger.keys:
        if image in known:
            known[image].add(tag)
    repositories = [(registry, image) for image, registries in serving.items() for registry in registries]
    findings: list[DriftFinding] = []
    for (registry, image), tags in in_parallel(lambda place: list(place[0].tags(place[1])), repositories, jobs=jobs):
        if isinstance(tags, LedgerError):
            reason = tags.message
            findings.append(DriftFinding(drift="unknown", registry=registry.name, image=image, tag="", reason=reason))
        else:
            findings += drift.untracked(registry.name, image, tags, known[image])
    return findings
