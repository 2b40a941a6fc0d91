"""The records that may have something to do with what runs, by the digests that tools show."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ledger_tool.core.ledger.ledger import Ledger, parse_text
from ledger_tool.core.ledger.names import DIGEST
from ledger_tool.core.ledger.record import Record

_DIGESTS = re.compile(rf'"({DIGEST})"')


@dataclass(frozen=True, slots=True)
class RecordsByDigest:
    """The records that may have something to do with what runs, by digest and by image."""

    having: Mapping[str, Sequence[Record]]
    replacing: Mapping[str, Sequence[Record]]
    of_image: Mapping[str, Sequence[Record]]


def records_by_digest(ledger: Ledger, images: Collection[str], digests: Collection[str]) -> RecordsByDigest:
    """Return the records of some images, and those of any image that have one of some digests."""
    having: dict[str, list[Record]] = {}
    replacing: dict[str, list[Record]] = {}
    of_image: dict[str, list[Record]] = {}
    wanted = set(digests)
    also = set(images)
    for key, text in zip(ledger.keys, ledger.texts, strict=True):
        if key[0] in images or not wanted.isdisjoint(_DIGESTS.findall(text)):
            also.add(key[0])
    for key, text in zip(ledger.keys, ledger.texts, strict=True):
        if key[0] not in also:
            continue
        record = parse_text(text)
        of_image.setdefault(record.image, []).append(record)
        for digest in digests_of(record):
            having.setdefault(digest, []).append(record)
        if record.forced:
            replacing.setdefault(record.forced.replaces, []).append(record)
    return RecordsByDigest(having, replacing, of_image)


def digests_of(record: Record) -> set[str]:
    """Return the digests by which a tool may call what a record says."""
    return {digest for digest in (record.digest, record.index, record.config) if digest}
