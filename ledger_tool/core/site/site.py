"""Puts together all that a site shows, from a ledger, its log and the reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.dependencies.graph import build_graph
from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.judging.diff import VersionsOfImages
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.yanks import yanks_among
from ledger_tool.core.site.bases import built_on
from ledger_tool.core.site.changes import last_changes, rollbacks, timelines
from ledger_tool.core.site.digests import digest_places
from ledger_tool.core.site.environments import EnvironmentCells, environments_of
from ledger_tool.core.site.evidence import NOT_READ, PastLedgers
from ledger_tool.core.site.facts import DriftFacts, DriftNote, RunningFacts, RunningNote, SiteFacts, SiteImage
from ledger_tool.core.site.images import expiring, outdated, recorded_images, yanked
from ledger_tool.core.site.public import public_entry, public_ledger, public_text

N = TypeVar("N", DriftNote, RunningNote)


def site_facts(
    snapshot: Snapshot,
    log: Sequence[LogEntry],
    *,
    past: PastLedgers = NOT_READ,
    made_at: Timestamp,
    title: str,
    url: str = "",
    ledger_page: str = "",
    drift: DriftFacts | None = None,
    running: Sequence[RunningFacts] = (),
    origin: str = "",
) -> SiteFacts:
    """Return what a site shows of a ledger at a commit that was made at a time, given its whole log, the newest first.

    `past` gives the ledgers of the commits, which the log is held to. The latest time of that and of the reports
    decides what has expired.
    """
    snapshot = replace(snapshot, ledger=public_ledger(snapshot.ledger))
    log = list(map(public_entry, log))
    at = max([made_at, *(report.at for report in (drift, *running) if report and report.at)])
    graph = build_graph(snapshot.ledger, snapshot.policy)
    built, yanks = built_on(graph), yanks_among(graph.records)
    environments = environments_of(snapshot)
    promoted = {record.image for record in graph.records if record.is_environment}
    versions = VersionsOfImages(snapshot.ledger, promoted)
    history = timelines(log)
    cells = EnvironmentCells(snapshot, environments, versions, at, history)
    drift_notes = _by_image(drift.notes if drift else ())
    running_notes = _by_image(note for report in running for note in report.notes)
    images = [
        SiteImage(
            image=recorded.image,
            tags=recorded.tags,
            newest=recorded.newest,
            environments=list(cells.of(recorded.image, recorded.newest)),
            timeline=history.get(recorded.image, ()),
            drift=drift_notes.get(recorded.image, ()),
            running=running_notes.get(recorded.image, ()),
        )
        for recorded in recorded_images(snapshot.policy, built, yanks, at)
    ]
    return SiteFacts(
        title=public_text(title),
        url=url,
        ledger_page=ledger_page,
        commit=snapshot.commit,
        at=at,
        images=images,
        environments=environments,
        changes=last_changes(log, ledger_page),
        expiring=expiring(images),
        yanked=yanked(images),
        digests=digest_places(graph.records, yanks, log, past),
        drift=drift,
        running=running,
        outdated=outdated(images),
        dependents=built.by_digest(),
        rollbacks=rollbacks(log, snapshot.policy),
        gone=[
            SiteImage(name, (), None, (), history[name], drift_notes.get(name, ()), running_notes.get(name, ()))
            for name in sorted(history.keys() - {image.image for image in images})
        ],
        origin=origin,
    )


def _by_image(notes: Iterable[N]) -> dict[str, list[N]]:
    by_image: dict[str, list[N]] = {}
    for note in notes:
        by_image.setdefault(note.image, []).append(note)
    return by_image
