"""Many questions at once: each has an answer, an error or a timeout of its own, and none holds up the rest."""

from __future__ import annotations

import threading

import pytest

from ledger_tool.commands.parallel import in_parallel
from ledger_tool.errors import Denied, Unreachable


def test_in_parallel_yields_every_item_with_its_result() -> None:
    assert dict(in_parallel(lambda number: number * 2, range(1000), jobs=8)) == {at: at * 2 for at in range(1000)}
    assert list(in_parallel(str, [], jobs=8)) == []


def test_in_parallel_uses_as_many_threads_as_it_was_told() -> None:
    meeting = threading.Barrier(4, timeout=20.0)
    assert len(list(in_parallel(lambda _: meeting.wait(), range(4), jobs=4))) == 4


def test_a_bug_in_the_work_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_parallel(lambda number: 1 // number, [1, 0], jobs=1))


def test_a_stuck_look_is_given_up_and_holds_up_nobody() -> None:
    never = threading.Event()
    try:
        found = dict(in_parallel(lambda item: item != "stuck" or never.wait(), ["a", "stuck"], jobs=2, longest=1.0))
    finally:
        never.set()
    assert found["a"] is True
    assert isinstance(found["stuck"], Unreachable)
    assert found["stuck"].message == "no answer within 1 s"


def test_an_error_of_ours_is_the_result_of_its_item_alone() -> None:
    def work(number: int) -> int:
        if number == 1:
            raise Denied("no entry")
        return number

    results = dict(in_parallel(work, range(3), jobs=2))
    assert (results[0], results[2]) == (0, 2)
    assert isinstance(results[1], Denied)


def test_when_the_caller_stops_what_has_not_begun_is_not_begun() -> None:
    begun: list[int] = []
    gate = threading.Semaphore(1)

    def work(number: int) -> None:
        assert gate.acquire(timeout=20.0)
        begun.append(number)

    looking = in_parallel(work, range(100), jobs=1)
    next(looking)
    looking.close()  # type: ignore[attr-defined]
    gate.release()
    assert len(begun) <= 2
