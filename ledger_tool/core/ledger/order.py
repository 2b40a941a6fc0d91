"""Which tag of an image is the newest, and the orders in which records are listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.ledger.version import rank


def latest(records: Iterable[Record], now: Timestamp) -> list[Record]:
    """Return the usable records of each image's newest tag: those that are neither yanked nor expired.

    The records are in key order, before and after. A tag is as new as the newest of its usable records.
    """
    usable = [record for record in records if not record.yanked and not is_expired(record, now)]
    found: list[Record] = []
    for _, siblings in groupby(usable, lambda record: record.image):
        of_image = list(siblings)
        newest = max(of_image, key=_newness)
        found += [record for record in of_image if record.tag == newest.tag]
    return found


def in_order(records: Sequence[Record], order: str) -> list[Record]:
    """Return records, given in key order, as `published` (the newest first) or `version` says; else as they are.

    `version` is by image, the highest version first.
    """
    if order == "published":
        return sorted(records, key=_newness, reverse=True)
    if order == "version":
        by_version = sorted(records, key=lambda record: rank(record.tag), reverse=True)
        return sorted(by_version, key=lambda record: record.image)
    return list(records)


def _newness(record: Record) -> tuple[object, ...]:
    """Return how new a record is; of several of one second, the highest version is, of the plain image if it may be."""
    return record.published_at, rank(record.tag)
