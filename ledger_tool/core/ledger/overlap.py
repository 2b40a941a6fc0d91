"""What two texts of bytes have in common at their two ends, as two versions of one file do."""

from __future__ import annotations

_COMPARED = 64 * 1024  # bytes at a time: larger pieces cost more to allocate than to compare


def common_prefix(raw: bytes, other: bytes, limit: int) -> int:
    """Return how many bytes two texts start with in common, up to a limit."""
    low = 0
    while low + _COMPARED <= limit and raw[low : low + _COMPARED] == other[low : low + _COMPARED]:
        low += _COMPARED
    high = min(low + _COMPARED, limit)
    while low < high:
        middle = (low + high + 1) // 2
        if raw[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def common_suffix(raw: bytes, other: bytes, limit: int) -> int:
    """Return how many bytes two texts end with in common, up to a limit."""

    def is_same(low: int, high: int) -> bool:
        return raw[len(raw) - high : len(raw) - low] == other[len(other) - high : len(other) - low]

    low = 0
    while low + _COMPARED <= limit and is_same(low, low + _COMPARED):
        low += _COMPARED
    high = min(low + _COMPARED, limit)
    while low < high:
        middle = (low + high + 1) // 2
        if is_same(low, middle):
            low = middle
        else:
            high = middle - 1
    return low
