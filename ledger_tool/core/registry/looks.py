"""What to look at for an image:tag, and whether what was seen is what is recorded.

An environment's record needs no tag: it is compared with one only where there is one.
"""

from __future__ import annotations

from collections.abc import Iterable

from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry.drift import Absent, Observation, Seen


def is_as_recorded(record: Record, served: Seen) -> bool:
    """Return whether a tag serves what is recorded; an environment's need not be there."""
    return record.pull_digest == served or (record.is_environment and isinstance(served, Absent))


def is_different(records: Iterable[Record], served: Seen) -> bool:
    """Return whether a tag serves something that is not what is recorded, so that its contents explain it."""
    return isinstance(served, str) and any(record.pull_digest != served for record in records)


def to_look_for(records: Iterable[Record], served: Seen, *, quick: bool = False) -> list[str]:
    """Return the recorded digests whose existence the tag's answer does not prove, pull digests first.

    A `quick` look takes a tag that serves the pull digest for in sync.
    """
    wanted = list(records)
    if quick:
        wanted = [record for record in wanted if record.pull_digest != served]
    digests = dict.fromkeys([record.pull_digest for record in wanted] + [record.digest for record in wanted])
    return [digest for digest in digests if digest != served]


def is_whole(records: Iterable[Record], seen: Observation) -> bool:
    """Return whether all that is recorded of an image:tag was seen, and nothing below it is known to be missing."""
    return all(
        seen.has(record.digest) is True
        and seen.has(record.pull_digest) is True
        and seen.missing.get(record.pull_digest, ()) in ((), [])
        for record in records
    )
