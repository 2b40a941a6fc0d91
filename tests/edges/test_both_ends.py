"""Two processes that work towards each other give the answers of one, whatever happens to the second."""

from __future__ import annotations

import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.edges import both_ends
from ledger_tool.edges.both_ends import in_order

US = os.getpid()
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

Answer = tuple[int, bool]  # to an item, and whether we gave it


@contextmanager
def two_processes() -> Iterator[None]:
    """Start the second process wherever the tests run: they have one processor, or threads, which it never asks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(both_ends, "_may_fork", lambda: True)
        patch.setattr(both_ends, "_has_one_thread", lambda: True)
        yield


def is_ours() -> bool:
    return os.getpid() == US


def answers(work: Callable[[int], object], count: int, told: list[int] | None = None) -> list[Answer]:
    """Return what two processes answer, of which none is left afterwards."""

    def asked(item: int) -> Answer:
        work(item)
        return item * item, is_ours()

    def progress(done: int, total: int) -> None:
        assert total == count
        if told is not None:
            told.append(done)

    with two_processes():
        found = list(in_order(asked, range(count), progress))
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert [answer for answer, _ in found] == [item * item for item in range(count)]
    return found


def waiting_until_the_other_is_at(item: int) -> Callable[[int], object]:
    """Return work that waits at its first item beside the other process until that has come to one."""
    reading, writing = os.pipe()

    def work(at: int) -> None:
        if at == 8 and is_ours():
            assert os.read(reading, 1) == b"!"
            os.close(reading)
            os.close(writing)
        elif at == item and not is_ours():
            os.write(writing, b"!")

    return work


def test_the_first_items_are_ours_and_the_last_are_the_others() -> None:
    told: list[int] = []
    found = answers(waiting_until_the_other_is_at(300), 1000, told)
    ours = [is_own for _, is_own in found]
    assert ours == sorted(ours, reverse=True)
    assert (ours[8], ours[400]) == (True, False)
    assert told == sorted(set(told))
    assert told[-1] == 1000


@pytest.mark.parametrize("is_fatal", [True, False])
@pytest.mark.parametrize(
    "trouble",
    [
        lambda: os.kill(os.getpid(), signal.SIGKILL),
        lambda: os.kill(os.getpid(), signal.SIGINT),  # alone: that of a terminal goes to both
        lambda: os.kill(os.getpid(), signal.SIGTERM),
        lambda: os.kill(os.getpid(), signal.SIGSTOP),  # ours waits for nothing
        lambda: os._exit(0),
        lambda: 1 / 0,
        lambda: [][0],
    ],
    ids=["killed", "interrupted", "terminated", "stopped", "ended", "an error", "another"],
)
def test_what_the_other_process_does_not_answer_we_do(trouble: Callable[[], object], is_fatal: bool) -> None:
    until = waiting_until_the_other_is_at(450)

    def work(item: int) -> None:
        until(item)
        if item == (450 if is_fatal else 430) and not is_ours():
            trouble()

    found = answers(work, 500)
    assert all(is_own for _, is_own in found[:431])


def test_half_an_answer_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    until = waiting_until_the_other_is_at(499)
    true = pickle.dumps
    monkeypatch.setattr(pickle, "dumps", lambda *given: _Cut(true(*given)))
    found = answers(until, 500)
    assert all(is_own for _, is_own in found)


class _Cut(bytes):
    """What says that it is longer than it is."""

    def __len__(self) -> int:
        return super().__len__() + 10**6


def test_large_answers_arrive_however_slow_we_are() -> None:
    until = waiting_until_the_other_is_at(399)

    def work(item: int) -> str:
        until(item)
        return str(item) * 50_000

    with two_processes():
        found = list(in_order(work, range(400), lambda *_: None))
    assert found == [str(item) * 50_000 for item in range(400)]


@pytest.mark.parametrize("at", [3, 11, 250, 499])
def test_the_error_is_that_of_the_first_item_that_has_one(at: int) -> None:
    def work(item: int) -> None:
        if item >= at:
            raise LookupError(item)

    with two_processes():
        found = in_order(work, range(500), lambda *_: None)
        assert [*islice(found, at)] == [None] * at
        with pytest.raises(LookupError, match=f"^{at}$"):
            next(found)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_who_wants_no_more_leaves_no_process_behind() -> None:
    with two_processes():
        found = in_order(lambda item: item, range(500), lambda *_: None)
        for _ in range(9):
            next(found)
        assert Path(f"/proc/self/task/{os.getpid()}/children").read_text()
        found.close()  # type: ignore[attr-defined]
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_an_interrupt_ends_both() -> None:
    def work(item: int) -> None:
        if item == 8 and is_ours():  # the first that the other could not answer before us
            os.kill(US, signal.SIGINT)

    with two_processes(), pytest.raises(KeyboardInterrupt):
        list(in_order(work, range(500), lambda *_: None))
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@given(st.integers(190, 300), st.integers(0, 300), st.sampled_from(["ends", "fails", "waits"]))
def test_the_answers_are_those_of_one_process(count: int, at: int, trouble: str) -> None:
    def work(item: int) -> int:
        if item == at and not is_ours():
            if trouble == "ends":
                os._exit(1)
            if trouble == "waits":
                signal.pause()
            raise ValueError
        return item * 3

    with two_processes():
        assert list(in_order(work, range(count), lambda *_: None)) == [item * 3 for item in range(count)]


def _one_processor(patch: pytest.MonkeyPatch) -> Sequence[int]:
    patch.setattr(os, "sched_getaffinity", lambda _: {0})
    return range(500)


def _few_items(patch: pytest.MonkeyPatch) -> Sequence[int]:
    patch.setattr(both_ends, "_may_fork", lambda: True)
    patch.setattr(both_ends, "_has_one_thread", lambda: True)
    return range(199)


def _somebody_who_waits_for_all_children(patch: pytest.MonkeyPatch) -> Sequence[int]:
    patch.setattr(signal, "getsignal", lambda _: lambda *_: None)
    return range(500)


def _another_system(patch: pytest.MonkeyPatch) -> Sequence[int]:
    patch.setattr("sys.platform", "darwin")
    return range(500)


@pytest.mark.parametrize(
    "why",
    [_one_processor, _few_items, _somebody_who_waits_for_all_children, _another_system],
    ids=lambda why: why.__name__,
)
def test_one_process_does_it_all_for(
    why: Callable[[pytest.MonkeyPatch], Sequence[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("another process"))
    items = why(monkeypatch)
    assert list(in_order(lambda item: item, items, lambda *_: None)) == [*items]


def test_nothing_is_forked_while_another_thread_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(both_ends, "_may_fork", lambda: True)
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("another process"))
    is_over = threading.Event()
    thread = threading.Thread(target=is_over.wait)
    thread.start()
    try:
        assert list(in_order(lambda item: item, range(500), lambda *_: None)) == [*range(500)]
    finally:
        is_over.set()
        thread.join()


@pytest.mark.parametrize("call", ["fork", "pipe"])
def test_where_no_process_can_be_started_one_does_it_all(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, call, fail)
    before = set(Path("/proc/self/fd").iterdir())
    with two_processes():
        assert list(in_order(lambda item: item, range(500), lambda *_: None)) == [*range(500)]
    assert set(Path("/proc/self/fd").iterdir()) <= before  # others may have gone with what was collected
