"""Whether this machine's clock may decide what has expired: a clock that is far ahead would prune what lives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from ledger_tool.core.ledger.names import Timestamp, format_timestamp, ttl_length
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Record
from ledger_tool.errors import ClockAhead

TOLERANCE = timedelta(minutes=10)  # as for dates in the ledger
_LATE = timedelta(days=7)  # how late a prune usually is, at most


def check_clock(
    going: Iterable[Record],
    now: Timestamp,
    *,
    stated: bool,
    others: Mapping[str, timedelta],
    written_at: Callable[[], Timestamp],
) -> None:
    """Raise ClockAhead if `now`, by which the records that go have expired, is or may be too late.

    `others` says by how much it is ahead of each registry that said its time: these are the better witnesses. Without
    any, a time that nobody `stated` is compared with the ledger's last commit. What had expired then is proved by it;
    in a ledger at rest, everything else expires within its TTL from then on, and is gone by the next prune.
    """
    moment = datetime.fromisoformat(now)
    for name, ahead in sorted(others.items()):
        if ahead > TOLERANCE:
            then = format_timestamp(moment - ahead)
            raise ClockAhead(
                f"this run takes it to be {now}, but at {name} it is {then}; nothing was deleted or written",
                "set this machine's clock, or give the right time with `--now`",
            )
    if stated or others:
        return
    written = written_at()
    for record in going:
        if is_doubtful(record, now, written):
            raise ClockAhead(
                f"{record.name} has expired only if it is {now}, as this machine's clock says, and the ledger was last "
                f"written at {written}; nothing was written",
                f"if the clock is right, add `--now {now}`",
            )


def is_doubtful(record: Record, now: Timestamp, written: Timestamp) -> bool:
    """Return whether a record's expiry by `now` is doubted, in a ledger that was last written at `written`."""
    if not record.ttl or is_expired(record, written):
        return False
    return datetime.fromisoformat(now) - datetime.fromisoformat(written) > ttl_length(record.ttl) + _LATE


def expiry(record: Record) -> Timestamp:
    """Return the first whole second at which a record with a TTL has expired."""
    assert record.ttl
    return format_timestamp(datetime.fromisoformat(record.published_at) + ttl_length(record.ttl))
