"""Which tag of an image is the newest, and the orders in which records are listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.ledger.version import rank, version_of
from ledger_tool.core.ledger.yanks import Yanks


def latest(records: Iterable[Record], now: Timestamp, yanks: Yanks) -> list[Record]:
    """Return the usable records of each image's newest version: those that are neither yanked nor expired.

    The records are in key order, before and after.
    """
    versions = [record for record in records if not record.is_environment]
    usable = [record for record in versions if not yanks.of(record) and not is_expired(record, now)]
    found: list[Record] = []
    for _, siblings in groupby(usable, lambda record: record.image):
        of_image = list(siblings)
        tag = max(newest_tags((record.tag, record.published_at) for record in of_image), key=rank)
        found += [record for record in of_image if record.tag == tag]
    return found


def newest_tags(published: Iterable[tuple[str, Timestamp]]) -> list[str]:
    """Return the tags of an image that were published last, given each tag and when: several only of one second.

    The variants of one version are one, as new as the newest of them; the plain image stands for them, if it is there.
    """
    times: dict[object, Timestamp] = {}
    tags: dict[object, str] = {}
    for tag, at in published:
        version = version_of(tag)
        times[version] = max(times.get(version, at), at)
        tags[version] = max(tags.get(version, tag), tag, key=rank)
    last = max(times.values())
    return [tags[version] for version, at in times.items() if at == last]


def in_order(records: Sequence[Record], order: str) -> list[Record]:
    """Return records, given in key order, as `published` (the newest first) or `version` says; else as they are.

    `version` is by image, the highest version first, and what environments have last.
    """
    if order == "published":
        return sorted(records, key=lambda record: (record.published_at, rank(record.tag)), reverse=True)
    if order == "version":
        by_version = sorted(records, key=lambda record: (not record.is_environment, rank(record.tag)), reverse=True)
        return sorted(by_version, key=lambda record: record.image)
    return list(records)
