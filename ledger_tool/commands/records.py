"""`get` and `list`: what the ledger has."""

from __future__ import annotations

from dataclasses import dataclass

from ledger_tool.commands.ports import Source
from ledger_tool.core.ledger.names import Platform
from ledger_tool.core.ledger.query import Query, select
from ledger_tool.core.ledger.record import Name, Record, pull_digest
from ledger_tool.core.policy.reference import Reference
from ledger_tool.core.writes import publish as rules


@dataclass(frozen=True, slots=True)
class Found:
    """One image:tag: the digest to pull it by (None if its records don't agree on one), and where to pull from."""

    name: Name
    digest: str | None
    repository: str
    records: tuple[Record, ...]


def get(source: Source, reference: Reference, *, platform: Platform | None = None) -> Found:
    """Return the records of one image:tag, or of one of its platforms. Raises UnknownImage."""
    snapshot = source.read()
    records = rules.find(snapshot, reference, platform)
    digest = records[0].digest if platform else pull_digest(records)
    return Found(records[0].name, digest, snapshot.policy.pull_repository(records[0].image), records)


def list_records(source: Source, query: Query) -> list[Record]:
    """Return the records that answer a query, in key order."""
    return list(select(source.read().ledger, query))
