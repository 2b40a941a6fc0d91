"""Which images are not to be used: a mark under one tag counts under every tag of the image that has its digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import Record

_ByDigest = Mapping[tuple[str, str | None], Record]


@dataclass(frozen=True, slots=True)
class Yanks:
    """The yanked records of a ledger, by image and digest: their own, and that of the index they are pulled by."""

    images: _ByDigest = field(default_factory=dict)
    indexes: _ByDigest = field(default_factory=dict)

    def of(self, record: Record, *, as_pulled: bool = False) -> Record | None:
        """Return the record with the mark that a record is under: itself if it has one, else one with its digest.

        A yanked index takes all its images along, and a yanked image what may be an index of it. With `as_pulled`, so
        does the index that both are pulled by: the mark of one platform counts for the others.
        """
        if record.yanked:
            return record
        image = record.image
        own = self.images.get((image, record.digest)) or (record.index and self.images.get((image, record.index)))
        whole = self.indexes.get((image, record.digest)) if record.may_be_index else None
        beside = self.indexes.get((image, record.index)) if as_pulled and record.index else None
        return own or whole or beside or None

    def why(self, record: Record, *, as_pulled: bool = False) -> str:
        """Return what is to be said of a record after its name, `""` if it is not yanked: `is yanked: REASON`."""
        return self._told(record, "is yanked: ", as_pulled=as_pulled)

    def reason(self, record: Record, *, as_pulled: bool = False) -> str:
        """Return why a record must not be used, `""` if it is not yanked; a mark that is not its own is named."""
        return self._told(record, "", as_pulled=as_pulled)

    def _told(self, record: Record, before: str, *, as_pulled: bool) -> str:
        """Return the reason of the mark that a record is under, with words before it if the mark is its own."""
        marked = self.of(record, as_pulled=as_pulled)
        if marked is None or marked.yanked is None:
            return ""
        own = marked.name == record.name
        return (before if own else f"has the digest of {marked.name}, which is yanked: ") + marked.yanked.reason


def yanks_of(ledger: Ledger, image: str = "") -> Yanks:
    """Return the yanked records of a ledger, or of one image in it."""
    return yanks_among(ledger.having("yanked", image))


def yanks_among(records: Iterable[Record]) -> Yanks:
    """Return the yanked ones of some records, among which are all of their images."""
    yanked = [record for record in records if record.yanked]
    return Yanks(
        images={(record.image, record.digest): record for record in reversed(yanked)},
        indexes={(record.image, record.index): record for record in reversed(yanked) if record.index},
    )
