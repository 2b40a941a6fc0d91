"""When the commits of a branch count as made."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.history.dates import believed
from tests.support.values.profiles import example_count

NOW = 100


@pytest.mark.parametrize(
    ("dates", "made"),
    [
        ([], []),
        ([1, 2, 2, 3], [1, 2, 2, 3]),
        ([10, 20, 5], [10, 20, 20]),  # it claims to be older than its parents
        ([10, 5], [10, 10]),
        ([10, 90, 11, 12], [10, 11, 11, 12]),  # two later ones say that it was earlier
        ([10, 90, 11], [10, 90, 90]),  # one word against one: the commit that came first is believed
        ([10, 2999, 11], [10, 11, 11]),
        ([10, 2999], [10, 2999]),
        ([2999, 10, 11], [10, 10, 11]),
        ([200, 210, 205], [200, 210, 210]),  # this machine's clock may be the one that is wrong
        ([0, 0, 10, 11], [0, 0, 10, 11]),
    ],
)
def test_the_dates_of_most_commits_are_believed(dates: list[int], made: list[int]) -> None:
    assert believed(dates, NOW) == made


@example_count(300)
@given(st.lists(st.integers(0, 12), max_size=9), st.integers(4, 12))
def test_no_more_dates_can_be_believed_than_are(dates: list[int], now: int) -> None:
    made = believed(dates, now)
    last = max((number for number, date in enumerate(dates) if date <= now), default=-1)
    credible = [number for number, date in enumerate(dates) if date <= now or number > last]
    assert made == sorted(made)
    most = max(
        size
        for size in range(len(credible) + 1)
        for chosen in combinations(credible, size)
        if all(dates[one] <= dates[next_one] for one, next_one in pairwise(chosen))
    )
    assert sum(dates[number] == made[number] for number in credible) >= most
