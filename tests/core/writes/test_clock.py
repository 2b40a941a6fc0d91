"""Whether a clock may decide what has expired: the registry knows better, and then the ledger's last commit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.writes.clock import check_clock
from ledger_tool.errors import ClockAhead
from tests.support.values.make import record

WRITTEN = Timestamp("2026-11-24T00:00:00Z")
YOUNG = record(ttl="7d", publishedAt="2026-11-23T00:00:00Z")
PROVED = record(ttl="7d", publishedAt="2026-11-01T00:00:00Z")


def check(*going: object, now: str, stated: bool = False, ahead: timedelta | None = None) -> None:
    others = {} if ahead is None else {"registry.example.com": ahead}
    check_clock(going, Timestamp(now), stated=stated, others=others, written_at=lambda: WRITTEN)  # type: ignore[arg-type]


def test_a_ledger_at_rest_is_pruned_until_a_week_after_the_last_record_expires() -> None:
    check(YOUNG, PROVED, now="2026-12-08T00:00:00Z")
    with pytest.raises(ClockAhead, match=r"2027-12-29.*2026-11-24"):
        check(PROVED, YOUNG, now="2027-12-29T00:00:00Z")


def test_what_had_expired_when_the_ledger_was_last_written_is_proved() -> None:
    check(PROVED, now="2036-01-01T00:00:00Z")


def test_a_person_or_a_registry_may_confirm_the_time() -> None:
    check(YOUNG, now="2027-12-29T00:00:00Z", stated=True)
    check(YOUNG, now="2027-12-29T00:00:00Z", ahead=timedelta(minutes=9))


def test_a_registry_whose_clock_says_otherwise_outweighs_everything() -> None:
    for stated in (False, True):
        with pytest.raises(
            ClockAhead, match=r"2026-12-01T00:00:00Z.*registry\.example\.com it is 2026-11-30T23:49:00Z"
        ):
            check(PROVED, now="2026-12-01T00:00:00Z", stated=stated, ahead=timedelta(minutes=11))


@given(st.integers(1, 300), st.integers(0, 2000), st.integers(0, 2000))
def test_a_weekly_prune_with_a_right_clock_is_never_stopped(ttl: int, age: int, rest: int) -> None:
    """The record was published `age` hours before the last commit; the prune runs within a week after it expired."""
    from datetime import datetime

    from ledger_tool.core.ledger.names import format_timestamp

    written = datetime.fromisoformat(WRITTEN)
    published = written - timedelta(hours=age)
    expires = published + timedelta(hours=ttl)
    now = max(expires, written) + timedelta(hours=rest % 168)
    one = record(ttl=f"{ttl}h", publishedAt=format_timestamp(published))
    check(one, now=format_timestamp(now))
