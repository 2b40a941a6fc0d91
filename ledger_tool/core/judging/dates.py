"""Whether dates can be true: of commits along a branch, and in records.

Clocks differ a little: up to `LEEWAY` is nobody's fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.changes.lawful import expiring, said_expiring
from ledger_tool.core.history.dates import believed
from ledger_tool.core.judging.commit import CommitFault
from ledger_tool.core.ledger.ledger import Ledger, parse_text, published_at
from ledger_tool.core.ledger.names import Timestamp, format_timestamp
from ledger_tool.core.ledger.query import is_far_ahead
from ledger_tool.core.ledger.record import Record


def misdated_commit(at: Timestamp, parent: Timestamp | None) -> Iterator[CommitFault]:
    """Yield a fault for a commit that is dated well before its first parent (None: it has none)."""
    if parent is not None and is_far_ahead(parent, at):
        yield CommitFault("date", None, f"it is dated {at}, over ten minutes before its parent, which is of {parent}")


def from_the_future(at: Timestamp, now: Timestamp) -> Iterator[CommitFault]:
    """Yield a fault for a commit that is dated well after this machine's clock: nobody could write on top of it."""
    if is_far_ahead(at, now):
        yield CommitFault("date", None, f"it is dated {at}, over ten minutes ahead of this machine's clock")


def credited(dates: Sequence[Timestamp], now: Timestamp) -> list[Timestamp]:
    """Return when each commit of a line, the oldest first, counts as made where that decides what had expired by then.

    That is its own date, unless those of the commits around it, or `now`, say that it was made well before: so what is
    no expiry today is none for an audit in a year, once anything has landed on top.
    """
    seconds = [int(datetime.fromisoformat(date).timestamp()) for date in dates]
    made = believed(seconds, int(datetime.fromisoformat(now).timestamp()))
    likely = [format_timestamp(datetime.fromtimestamp(one, UTC)) for one in made]
    return [min(now, own if not is_far_ahead(own, other) else other) for own, other in zip(dates, likely, strict=True)]


def misdated_records(effects: Iterable[Effect], at: Timestamp) -> Iterator[CommitFault]:
    """Yield a fault for each time in a record that a commit sets well ahead of its own."""
    for effect in effects:
        if effect.new is not None:
            known = {time for old in effect.old for time in _times(old).values()}
            for name, time in _times(effect.new).items():
                if time not in known and is_far_ahead(time, at):
                    message = (
                        f"{name} of {effect.key} is {time}, over ten minutes ahead of its commit, which is of {at}"
                    )
                    yield CommitFault("date", effect.key, message)


def _times(record: Record) -> dict[str, Timestamp]:
    return {"publishedAt": record.published_at} | ({"yanked.at": record.yanked.at} if record.yanked else {})


def records_of_the_future(ledger: Ledger, now: Timestamp) -> Iterator[CommitFault]:
    """Yield a fault for each record that is dated well after this machine's clock."""
    for text in ledger.texts:
        time = published_at(text)
        if time > now and is_far_ahead(time, now):
            key = parse_text(text).key
            yield CommitFault("date", key, f"publishedAt of {key} is {time}, ahead of this machine's clock")


def short_lived(effects: Iterable[Effect], now: Timestamp) -> Iterator[CommitFault]:
    """Yield a fault for each record that a change lets expire at once."""
    for record in expiring(effects, now):
        yield CommitFault("ttl", record.key, said_expiring(record))
