"""What a change lets expire at once: no write makes such a record, and `check` refuses a change that does."""

from __future__ import annotations

from collections.abc import Iterable

from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.ledger.names import Timestamp, some_of
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Record
from ledger_tool.errors import RuleRefused

_DECISIVE = {"ttl", "publishedAt"}


def expiring(effects: Iterable[Effect], now: Timestamp) -> list[Record]:
    """Return the records that a change lets expire at once: the next prune would take them."""
    return [
        effect.new
        for effect in effects
        if effect.new and is_expired(effect.new, now) and (effect.kind != "updated" or effect.fields() & _DECISIVE)
    ]


def said_expiring(record: Record) -> str:
    """Return the sentence about a record that expires at once."""
    return f"{record.key}, published {record.published_at}, expires at once by its TTL of {record.ttl}"


def check_lasting(effects: Iterable[Effect], now: Timestamp) -> None:
    """Raise RuleRefused if a write lets a record expire at once."""
    if not (records := expiring(effects, now)):
        return
    more = some_of([str(record.key) for record in records[1:]], 3)
    raise RuleRefused(
        said_expiring(records[0]) + (f"; so do {more}" if more else ""),
        "give it a longer TTL with `--ttl`, or leave it out; what is recorded and not needed goes with `ledger remove`",
    )
