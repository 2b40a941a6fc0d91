"""What says the same again and again: the first few, and how many more there are."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple, TypeVar

_One = TypeVar("_One")


class Few(NamedTuple):
    """How much of a kind is shown: its `key`, and how many at most."""

    key: Hashable
    most: int


def first_of(items: Sequence[_One], few: Callable[[_One], Few]) -> list[tuple[_One, int]]:
    """Return the first items of each kind, in order; with the last of these, how many more of its kind there are."""
    kinds = [few(item) for item in items]
    totals: dict[Hashable, int] = {}
    for kind in kinds:
        totals[kind.key] = totals.get(kind.key, 0) + 1
    shown: dict[Hashable, int] = {}
    found = []
    for item, kind in zip(items, kinds, strict=True):
        number = shown[kind.key] = shown.get(kind.key, 0) + 1
        if number <= kind.most:
            found.append((item, totals[kind.key] - number if number == kind.most else 0))
    return found
