"""`reconcile`: the ledger against the live registries, read-only and three-valued."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ledger_tool.commands.observe import in_parallel, observe
from ledger_tool.commands.ports import Registries, RegistryPort, Source
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Image, Timestamp
from ledger_tool.core.ledger.query import Query, matches, select
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry import drift
from ledger_tool.core.registry.drift import Finding, Observation, Report, Unknown
from ledger_tool.errors import LedgerError, UnknownImage, UsageError

Task = tuple[RegistryPort, Sequence[Record]]


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A run that ended: its report, how many records are of images that no configured registry serves, and
    whether it was interrupted.
    """

    report: Report
    homeless: int
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
    progress: Callable[[int, int], None],
) -> Reconciled:
    """Look at every record that answers `query`, at every registry that serves it, and classify it.

    `progress` is told how many image:tags of how many have been looked at. ^C ends the looking, and the
    report of what is known so far is not complete. Raises UsageError where no registry is configured.
    """
    snapshot = source.read()
    if not snapshot.policy.registries:
        raise UsageError(
            "ledger.yaml names no registry to compare with", "add `- host: registry.example.com` under `registries`"
        )
    groups = list(drift.by_name(select(snapshot.ledger, query)).values())
    if not groups and query != Query():
        raise UnknownImage(
            "no record answers to that pattern and time", "`ledger list` with the same words shows what does"
        )
    serving = {records[0].image: registries.serving(snapshot.policy, records[0].image) for records in groups}
    tasks: list[Task] = [(registry, records) for records in groups for registry in serving[records[0].image]]
    findings: list[Finding] = []
    interrupted = False
    try:
        looked = in_parallel(lambda task: observe(*task, deep=deep), tasks, jobs=jobs)
        for done, ((registry, records), seen) in enumerate(looked, 1):
            shown = Observation(served=seen) if isinstance(seen, Unknown) else seen
            findings += drift.classify(records, registry.name, shown, now)
            progress(done, len(tasks))
        if untracked:
            found = _untracked(snapshot, serving, jobs)
            findings += [one for one in found if one.drift != "untracked" or matches(query.pattern, one.image, one.tag)]
    except KeyboardInterrupt:
        interrupted = True
    homeless = sum(len(records) for records in groups if not serving[records[0].image])
    return Reconciled(drift.report(findings, interrupted=interrupted), homeless, interrupted)


def _untracked(snapshot: Snapshot, serving: Mapping[Image, Sequence[RegistryPort]], jobs: int) -> list[Finding]:
    """Return a finding for each tag that the registries have of the ledger's images, and the ledger has not."""
    known: dict[str, set[str]] = {str(image): set() for image in serving}
    for image, tag, _ in snapshot.ledger.keys:
        if image in known:
            known[image].add(tag)
    places = [(registry, image) for image, found in serving.items() for registry in found]

    def listed(place: tuple[RegistryPort, str]) -> list[Finding]:
        registry, image = place
        try:
            return drift.untracked(registry.name, image, registry.tags(image), known[image])
        except LedgerError as error:
            return [Finding(drift="unknown", registry=registry.name, image=image, tag="", reason=error.message)]

    findings: list[Finding] = []
    for (registry, image), found in in_parallel(listed, places, jobs=jobs):
        if isinstance(found, Unknown):
            findings.append(Finding(drift="unknown", registry=registry.name, image=image, tag="", reason=found.reason))
        else:
            findings += found
    return findings
