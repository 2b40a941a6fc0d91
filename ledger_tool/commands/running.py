"""`running`: what really runs, compared with the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from ledger_tool.commands.ports import History, Progress, Source
from ledger_tool.commands.whence import WhenceMatch, whence_each
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import Query, select
from ledger_tool.core.policy.policy import check_environment
from ledger_tool.core.running.classes import Former, RunningJudge, named, runs_of
from ledger_tool.core.running.container import ImageIdentity, RunningContainer
from ledger_tool.core.running.records import records_by_digest
from ledger_tool.core.running.report import RunningReport, grouped, not_running
from ledger_tool.errors import LedgerError

OpenHistory = Callable[[], AbstractContextManager[History]]


@dataclass(frozen=True, slots=True)
class Compared:
    """The report, and what the history has of the digests that no record has: where each was, by digest."""

    report: RunningReport
    whence: Mapping[str, Sequence[WhenceMatch]]


def running(
    source: Source,
    containers: Sequence[RunningContainer],
    *,
    now: Timestamp,
    environment: str = "",
    open_history: OpenHistory,
    note: Callable[[str], None],
    progress: Progress,
) -> Compared:
    """Say of each container that runs what the ledger has of it; with an environment, compare it with that.

    The history is read, once, if a digest of an image of ours is in no record. Raises UsageError for an environment
    that ledger.yaml does not declare.
    """
    snapshot = source.read()
    if environment:
        check_environment(environment, snapshot.policy)
    active = [container for container in containers if container.state == "runs"]
    images = list(dict.fromkeys(container.image for container in active))
    judge = _judge(snapshot, images, now, environment)
    verdicts = {image: judge.verdict(image) for image in images}
    wanted = sorted({digest for image in images if verdicts[image].category == "unknown" for digest in runs_of(image)})
    whence: Mapping[str, Sequence[WhenceMatch]] = {}
    if wanted:
        try:
            with open_history() as history:
                whence = whence_each(history, wanted, note=note, progress=progress)
            judge = replace(judge, formers=_formers(whence))
        except LedgerError as error:
            judge = replace(judge, unread=f"whether one ever had could not be looked up: {error.message}")
        verdicts = {image: judge.verdict(image) for image in images}
    of_environment = list(select(snapshot.ledger, Query(environment=environment))) if environment else []
    report = RunningReport(
        grouped((container.place, verdicts[container.image]) for container in active),
        now,
        environment,
        not_running(of_environment, verdicts.values()),
        sum(container.state == "ended" for container in containers),
    )
    return Compared(report, whence)


def _judge(snapshot: Snapshot, images: Sequence[ImageIdentity], now: Timestamp, environment: str) -> RunningJudge:
    resolver = snapshot.resolver
    ours = {name for image in images for name in named(image, resolver).ours}
    digests = {digest for image in images for digest in (*image.has_run, image.pinned) if digest}
    return RunningJudge(resolver, records_by_digest(snapshot.ledger, ours, digests), now, environment)


def _formers(whence: Mapping[str, Sequence[WhenceMatch]]) -> dict[str, list[Former]]:
    """Return for each digest the records that had it, the last first."""

    def last_first(match: WhenceMatch) -> tuple[bool, str]:
        return match.until is None, match.until.at if match.until else match.since.at

    return {
        digest: [
            Former(match.record.key, match.until.commit if match.until else "")
            for match in sorted(matches, key=last_first, reverse=True)
        ]
        for digest, matches in whence.items()
    }
