"""What two texts have in common at their ends, however they are compared."""

from __future__ import annotations

from itertools import takewhile
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.overlap import common_prefix, common_suffix

_TEXTS = st.lists(st.sampled_from(b"ab"), max_size=12).map(bytes)


@given(_TEXTS, _TEXTS, _TEXTS, _TEXTS, st.integers(0, 30), st.integers(1, 5))
def test_it_is_counted_byte_by_byte(start: bytes, a: bytes, b: bytes, end: bytes, limit: int, compared: int) -> None:
    one, other = start + a + end, start + b + end
    limit = min(limit, len(one), len(other))
    with patch("ledger_tool.core.ledger.overlap._COMPARED", compared):
        assert common_prefix(one, other, limit) == min(limit, _same(one, other))
        assert common_suffix(one, other, limit) == min(limit, _same(one[::-1], other[::-1]))


def _same(one: bytes, other: bytes) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
