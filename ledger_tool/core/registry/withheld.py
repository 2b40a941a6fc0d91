"""Which image:tags nobody should pull any more, so that no tag at a registry is put back to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Key, Record
from ledger_tool.core.ledger.yanks import Yanks


class Withheld(NamedTuple):
    """Why nobody should pull an image:tag, as a clause, and which of its records are past their TTL."""

    reason: str
    expired: frozenset[Key]


def withheld(records: Sequence[Record], yanks: Yanks, now: Timestamp) -> Withheld | None:
    """Return why nobody should pull the image:tag of some records; None if anybody may.

    `yanks` are those of the ledger. That of one platform counts for all: they are pulled by one digest.
    """
    expired = [record for record in records if is_expired(record, now)]
    keys = frozenset(record.key for record in expired)
    if why := next(filter(None, (yanks.why(record, as_pulled=True) for record in records)), ""):
        return Withheld(f"it {why}", keys)
    return Withheld(f"it is past its TTL of {expired[0].ttl}", keys) if expired else None
