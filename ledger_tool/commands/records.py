"""`get` and `list`: what the ledger has, or had."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.promotion import outlived, version_of
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Platform, Timestamp
from ledger_tool.core.ledger.query import Query, meant, no_pull_digest, select
from ledger_tool.core.ledger.record import Name, Record, pull_digest
from ledger_tool.core.ledger.yanks import yanks_of
from ledger_tool.core.policy.policy import check_environment
from ledger_tool.core.policy.reference import Reference
from ledger_tool.core.policy.resolve import pull_repository

if TYPE_CHECKING:  # the ledger as it is now needs no history
    from ledger_tool.commands.ports import History, Source
    from ledger_tool.core.history.revision import Moment


@dataclass(frozen=True, slots=True)
class TaggedRecords:
    """One image:tag: the digest to pull it by (None if its records do not agree on one), and where to pull from.

    `doubts` say why it is not to be used, after its name: it is yanked, or an environment has what is no longer good.
    """

    name: Name
    digest: str | None
    repository: str
    records: tuple[Record, ...]
    doubts: Sequence[str] = ()

    def pulled(self) -> str:
        """Return the digest to pull by. Raises RuleRefused if there is none."""
        if self.digest is None:
            raise no_pull_digest(self.records)
        return self.digest


def get(source: Source, reference: Reference, *, now: Timestamp, platform: Platform | None = None) -> TaggedRecords:
    """Return the records of one image:tag, or of one of its platforms, and what speaks against them at `now`.

    Raises UnknownImage.
    """
    snapshot = source.read()
    records = snapshot.find(reference, platform)
    digest = records[0].digest if platform else pull_digest(records)
    repository = pull_repository(snapshot.policy, records[0].image)
    return TaggedRecords(records[0].name, digest, repository, records, _doubts(snapshot.ledger, records, now))


def _doubts(ledger: Ledger, records: Sequence[Record], now: Timestamp) -> list[str]:
    if version_of(records):
        return [fate.what for fate in outlived(records, ledger, now)]
    yanks = yanks_of(ledger, records[0].image)
    return list(dict.fromkeys(filter(None, map(yanks.why, records))))


def list_records(
    source: Source,
    query: Query,
    *,
    latest_at: Timestamp | None = None,
    order: str = "image",
    note: Callable[[str], None] = lambda _: None,
) -> list[Record]:
    """Return the records that match a query; with `latest_at`, those of each image's newest tag at that time.

    `order` is `image`, `published` or `version`; `note` is told if nothing matches, and what may have been meant.
    Raises UsageError for an environment that `ledger.yaml` does not declare.
    """
    from ledger_tool.core.ledger.order import in_order, latest  # here, since `get` puts nothing in order

    snapshot = source.read()
    if query.environment:
        check_environment(query.environment, snapshot.policy)
    query = replace(query, pattern=snapshot.resolver.pattern(query.pattern))
    found = list(select(snapshot.ledger, query))
    if not found:
        is_unknown = query == Query(pattern=query.pattern) != Query() and len(snapshot.ledger) > 0
        hint = meant(query.pattern, list(snapshot.ledger.names())) if is_unknown else ""
        note(": ".join(filter(None, ("no record matches", hint))))
    if latest_at is not None:
        found = latest(found, latest_at, yanks_of(snapshot.ledger))
    return in_order(found, order)


@dataclass(frozen=True, slots=True)
class AsOf:
    """A `Source` that reads the ledger at a moment of its history."""

    history: History
    moment: Moment

    def read(self) -> Snapshot:
        """Return the ledger as it was. Raises UsageError for a time before the first commit, or an unknown revision."""
        time, revision = self.moment.time, self.moment.revision
        return self.history.snapshot(self.history.at(time) if time else self.history.resolve(revision))
