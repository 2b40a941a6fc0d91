"""What no change may do to a record, whoever makes it: no write does, and `check` refuses a commit that does.

A record does not expire at once, since the next prune would take it, and has what the team requires.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.ledger.names import Timestamp, some_of
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.errors import InvalidValue, NotProved, RuleRefused

_DECISIVE = {"ttl", "publishedAt"}


def expiring(effects: Iterable[Effect], now: Timestamp) -> list[Record]:
    """Return the records that a change lets expire at once."""
    return [
        effect.new
        for effect in effects
        if effect.new and is_expired(effect.new, now) and (effect.kind != "updated" or effect.fields() & _DECISIVE)
    ]


def said_expiring(record: Record) -> str:
    """Return the sentence about a record that expires at once."""
    return f"{record.key}, published {record.published_at}, expires at once by its TTL of {record.ttl}"


def lacking(effects: Iterable[Effect], policy: Policy) -> Iterator[tuple[Record, InvalidValue | NotProved]]:
    """Yield each new record without a field that the policy requires, and each that lost one, with what is wrong."""
    for effect in effects if policy.require else ():
        if effect.new and (effect.kind != "updated" or policy.meets_requirements(effect.old[0])):
            try:
                policy.check_required(effect.new)
            except (InvalidValue, NotProved) as error:
                yield effect.new, error


def check_lawful(effects: Iterable[Effect], policy: Policy, now: Timestamp) -> None:
    """Raise what a write must not do: RuleRefused for a record that expires at once, and what `lacking` yields."""
    effects = list(effects)
    for _, error in lacking(effects, policy):
        raise error
    if records := expiring(effects, now):
        more = some_of([str(record.key) for record in records[1:]], 3)
        raise RuleRefused(
            said_expiring(records[0]) + (f"; so do {more}" if more else ""),
            "give it a longer TTL with `--ttl`, or leave it out; what is recorded and not needed goes with "
            "`ledger remove`",
        )
