"""What a host's `Date` says about our clock, also where a cache repeats an old one."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from ledger_tool.edges.http.clock import HostClock


def test_the_latest_date_counts_with_its_age_in_a_cache() -> None:
    clock = HostClock()
    now = time.time()
    clock.hear({"date": formatdate(now - 900, usegmt=True)})
    assert clock.ahead == pytest.approx(900, abs=5)
    clock.hear({"date": formatdate(now - 800, usegmt=True), "age": "700"})
    assert clock.ahead == pytest.approx(100, abs=5)
    clock.hear({"date": formatdate(now - 5000, usegmt=True)})
    assert clock.ahead == pytest.approx(100, abs=5)


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}, {"date": formatdate(0), "age": "old"}])
def test_what_is_no_date_says_nothing(headers: dict[str, str]) -> None:
    clock = HostClock()
    clock.hear(headers)
    assert clock.ahead is None
