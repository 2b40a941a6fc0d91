"""The zipapp's stand-in for `rpds` answers as the compiled module does."""

from __future__ import annotations

from typing import Any

import rpds
from hypothesis import given
from hypothesis import strategies as st

from release.standins import rpds as standin

KEYS = st.integers(0, 5)
MAP_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), KEYS, KEYS),
        st.tuples(st.sampled_from(["discard", "remove"]), KEYS),
        st.tuples(st.just("update"), st.dictionaries(KEYS, KEYS)),
    )
)
SET_STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["insert", "discard"]), KEYS),
        st.tuples(st.just("update"), st.lists(KEYS)),
    )
)


def after(value: Any, steps: list[tuple[Any, ...]]) -> list[Any]:
    """Return each value, or the type of the error, that one step after the other gives."""
    seen = [value]
    for name, *words in steps:
        try:
            value = getattr(value, name)(*words)
        except Exception as error:  # noqa: BLE001 - both are to fail alike
            seen.append(type(error))
        else:
            seen.append(value)
    return seen


@given(st.dictionaries(KEYS, KEYS), MAP_STEPS)
def test_maps(start: dict[int, int], steps: list[tuple[Any, ...]]) -> None:
    ours = after(standin.HashTrieMap.convert(start), steps)
    theirs = after(rpds.HashTrieMap.convert(start), steps)
    for mine, other in zip(ours, theirs, strict=True):
        if isinstance(mine, type):
            assert mine is other
            continue
        assert dict(mine.items()) == dict(other.items())
        assert (len(mine), bool(mine), set(mine)) == (len(other), bool(other), set(other))
        for key in range(6):
            assert (key in mine, mine.get(key)) == (key in other, other.get(key))
        assert mine == standin.HashTrieMap(dict(other))
        assert hash(mine) == hash(standin.HashTrieMap(dict(other)))


@given(st.lists(KEYS), SET_STEPS)
def test_sets(start: list[int], steps: list[tuple[Any, ...]]) -> None:
    ours, theirs = after(standin.HashTrieSet(start), steps), after(rpds.HashTrieSet(start), steps)
    for mine, other in zip(ours, theirs, strict=True):
        assert isinstance(mine, standin.HashTrieSet)
        assert (len(mine), bool(mine), set(mine)) == (len(other), bool(other), set(other))


@given(st.lists(KEYS), st.lists(KEYS))
def test_lists(start: list[int], more: list[int]) -> None:
    ours, theirs = standin.List(start), rpds.List(start)
    for value in more:
        before = list(ours)
        ours, theirs, old = ours.push_front(value), theirs.push_front(value), ours
        assert list(old) == before
        assert (len(ours), bool(ours), list(ours)) == (len(theirs), bool(theirs), list(theirs))
    assert (bool(standin.List()), list(standin.List())) == (bool(rpds.List()), list(rpds.List()))


def test_nothing_changes_in_place() -> None:
    one = standin.HashTrieMap({1: 2})
    one.insert(3, 4), one.update({5: 6}), one.remove(1)
    assert dict(one) == {1: 2}
