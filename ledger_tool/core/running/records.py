"""The records that may have something to do with what runs, by the digests that tools show."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ledger_tool.core.ledger.ledger import Ledger, parse_text
from ledger_tool.core.ledger.names import DIGEST
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.ledger.yanks import Yanks, yanks_among

_DIGESTS = re.compile(rf'"({DIGEST})"')


@dataclass(frozen=True, slots=True)
class RecordsByDigest:
    """The records that may have something to do with what runs, by digest and by image.

    `yanks` are all of the ledger, and `yanked` the records with such a mark, by digest.
    """

    having: Mapping[str, Sequence[Record]]
    replacing: Mapping[str, Sequence[Record]]
    of_image: Mapping[str, Sequence[Record]]
    yanks: Yanks = field(default_factory=Yanks)
    yanked: Mapping[str, Sequence[Record]] = field(default_factory=dict)


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
    marked = list(ledger.having("yanked"))
    yanked: dict[str, list[Record]] = {}
    for record in marked:
        for digest in digests_of(record):
            yanked.setdefault(digest, []).append(record)
    return RecordsByDigest(having, replacing, of_image, yanks_among(marked), yanked)


def digests_of(record: Record) -> set[str]:
    """Return the digests by which a tool may call what a record says."""
    return {digest for digest in (record.digest, record.index, record.config) if digest}
