"""Whether the time by which a prune judges may be believed: the clock's, or one that a person states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.writes.clock import TOLERANCE, check_clock
from ledger_tool.core.writes.prune import PruneCriteria
from ledger_tool.errors import ClockAhead, UsageError


def ahead_of_clock(criteria: PruneCriteria) -> timedelta:
    """Return by how much the time of a prune is ahead of this machine's."""
    return datetime.fromisoformat(criteria.now) - datetime.fromisoformat(criteria.clock or criteria.now)


def doubt_of_time(
    going: Sequence[Record],
    criteria: PruneCriteria,
    clocks: Mapping[str, float],
    written_at: Callable[[], Timestamp],
    *,
    dry_run: bool,
) -> ClockAhead | None:
    """Return what speaks against the time by which records go, if it is a dry run. Raises ClockAhead if it is not.

    `clocks` says by how many seconds this machine's clock is ahead of each registry's. Raises UsageError for a look
    into the future that is not a dry run.
    """
    ahead = ahead_of_clock(criteria)
    if ahead > TOLERANCE and dry_run:
        return None
    if ahead > TOLERANCE:
        hint = "leave `--yes` out: only a dry run may look ahead"
        raise UsageError(f"`--now {criteria.now}` is ahead of this machine's clock", hint)
    others = {name: ahead + timedelta(seconds=seconds) for name, seconds in clocks.items()}
    try:
        if going:
            check_clock(going, criteria.now, stated=criteria.clock is not None, others=others, written_at=written_at)
    except ClockAhead as error:
        if not dry_run:
            raise
        return error
    return None
