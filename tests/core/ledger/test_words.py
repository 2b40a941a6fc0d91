"""Tags without a version, and the order of those of one series."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.words import compare_words

TIMES = st.integers(1_000_000_000, 1_999_999_999) | st.integers(1_000_000_000_000, 1_999_999_999_999)


@pytest.mark.parametrize(
    ("one", "other", "order"),
    [
        ("main-4ef5a30-1700000000", "main-99bb11c-1699999999", 1),
        ("1700000000", "1699999999", 1),
        ("main-124-1699999999", "main-123-1700000000", 1),
        ("main-4ef5a30", "main-1234567", 0),
        ("main-1234567890", "main-12345678ab", 0),
        ("main-1700000000", "dev-1700000000", None),
        ("main", "dev", None),
    ],
)
def test_series_are_ordered_by_numbers_then_by_times(one: str, other: str, order: int | None) -> None:
    assert compare_words(one, other) == order
    assert compare_words(other, one) == (order and -order)


@given(TIMES, TIMES, st.from_regex(r"[0-9a-f]{7}[a-f]", fullmatch=True))
def test_no_move_goes_back_in_time(one: int, other: int, commit: str) -> None:
    order = compare_words(f"main-{commit}-{one}", f"main-{commit}-{other}")
    assert order == (one > other) - (one < other)
