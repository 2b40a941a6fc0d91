"""`compare`: what one environment has and another one has not, or one environment at two moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger_tool.commands.ports import History, Source
from ledger_tool.commands.records import AsOf
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.history.revision import parse_moment
from ledger_tool.core.judging.compare import (
    Comparison,
    EnvironmentSet,
    EqualizingPromotion,
    compared,
    equalizing_promotion,
    parse_side,
    way_back,
)
from ledger_tool.core.ledger.names import Tag, Timestamp
from ledger_tool.core.policy.policy import check_environment
from ledger_tool.errors import LedgerError


@dataclass(frozen=True, slots=True)
class ComparedSets:
    """The comparison, and the promotion that makes the two the same, if there is one."""

    comparison: Comparison
    equalizing: EqualizingPromotion | None


def compare(source: Source, first: str, second: str, *, now: Timestamp, patterns: Sequence[str] = ()) -> ComparedSets:
    """Return the comparison of two environments as they are now. Raises what `compared` raises."""
    snapshot = source.read()
    one, other = (EnvironmentSet(_declared(side, snapshot)[0], snapshot.ledger, now) for side in (first, second))
    comparison = compared(one, other, snapshot, now, patterns)
    return ComparedSets(comparison, equalizing_promotion(comparison, snapshot, now, patterns))


def compare_moments(
    history: History, first: str, second: str, *, now: Timestamp, patterns: Sequence[str] = ()
) -> ComparedSets:
    """Return the comparison of two environments, each as it was at the moment that its text names, or as it is.

    Raises what `compared` raises, and UsageError for a time or revision that the history does not have.
    """
    snapshot = history.current()
    one, other = (_at(history, *_declared(side, snapshot), snapshot, now) for side in (first, second))
    comparison = compared(one, other, snapshot, now, patterns)
    equalizing = equalizing_promotion(comparison, snapshot, now, patterns)
    is_same_one = one.environment == other.environment and bool(one.moment) != bool(other.moment)
    if is_same_one and comparison.differing:
        equalizing = _back(history, comparison, now, patterns)
    return ComparedSets(comparison, equalizing)


def _declared(side: str, snapshot: Snapshot) -> tuple[Tag, str]:
    environment, moment = parse_side(side)
    check_environment(environment, snapshot.policy)
    return environment, moment


def _at(history: History, environment: Tag, text: str, snapshot: Snapshot, now: Timestamp) -> EnvironmentSet:
    if not text:
        return EnvironmentSet(environment, snapshot.ledger, now)
    moment = parse_moment(text, datetime.fromisoformat(now))
    then = AsOf(history, moment).read()
    at = moment.time or history.times([then.commit])[0]
    return EnvironmentSet(environment, then.ledger, min(at, now), text)


def _back(
    history: History, comparison: Comparison, now: Timestamp, patterns: Sequence[str]
) -> EqualizingPromotion | None:
    """Return the way back to the set that an environment had, if its history shows one."""
    from ledger_tool.commands.promote import as_at

    past = comparison.first if comparison.first.moment else comparison.second
    moment = parse_moment(past.moment, datetime.fromisoformat(now))
    try:
        promotion = as_at(history, moment, past.environment, patterns)
    except LedgerError:  # a shallow clone, or uncommitted changes: nothing is advised
        return None
    return way_back(comparison, promotion, history.snapshot(history.head()), now, patterns)
