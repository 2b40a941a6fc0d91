"""Work on many items by two processes: this one goes forward from the first, another one backward from the last.

The other process only ever helps. What it has answered when this one gets there is taken, and it is ended; what it has
not, because it was slow, was killed or crashed, this one does itself. So the answers, and the error of an item that has
one, are those of a single process, and nothing that happens to the other can leave an item out.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Alone = Callable[[], AbstractContextManager[None]]  # contexts in which no thread of the program's own runs

_ENOUGH = 200  # items; the start of a process takes as long as a few dozen manifests
_WARM_UP = 8  # items that import modules and fill caches, before there are two of each
_BATCH = 16  # answers that are sent at once
_PIPE_BYTES = 2**20
_LENGTH_BYTES = 8
_LOOKS = 20  # at the threads that are left, a millisecond apart: one that has ended takes a moment to be gone


def in_order(
    work: Callable[[T], R],
    items: Sequence[T],
    progress: Callable[[int, int], None],
    alone: Alone = nullcontext,
) -> Iterator[R]:
    """Yield the answer to each item, in order. `work` changes nothing, and its answers can be pickled.

    `progress` is told how many of how many are answered. Where items are few, or there is one processor, one process
    does it all; also wherever other threads run, even in a context of `alone`: a fork would leave their locks locked.
    Raises what `work` raises.
    """
    total = len(items)
    own = _WARM_UP if total >= _ENOUGH and _may_fork() else total
    for number, item in enumerate(items[:own], 1):
        yield work(item)
        progress(number, total)
    if own == total:
        return
    answers: list[R] = []  # of the last item, of the one before it, and so on
    other = _FromTheLast()
    try:
        with alone():
            other.start(work, items[own:])
        while own + len(answers) < total:
            yield work(items[own])
            own += 1
            answers += other.answers()
            progress(min(own + len(answers), total), total)
    finally:
        other.end()
    yield from reversed(answers[: total - own])


def _may_fork() -> bool:
    """Return whether a second process is of use, and nobody but us would wait for it."""
    is_known = sys.platform == "linux"  # elsewhere, the system's own libraries may not survive a fork
    return is_known and len(os.sched_getaffinity(0)) > 1 and signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL


class _FromTheLast:
    """The other process, if it could be started: it answers from the last item to the first."""

    def __init__(self) -> None:
        self._child = 0
        self._reading = -1
        self._received = bytearray()

    def start(self, work: Callable[[T], R], items: Sequence[T]) -> None:
        """Start it, unless there are threads, or the system allows no more processes."""
        if not _has_one_thread():
            return
        # No signal may come between the fork and what either process has to do about it.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            with suppress(OSError):
                self._reading, writing = os.pipe()
                with open(writing, "wb") as stream:
                    with suppress(OSError):  # beyond a limit of the system, the other process waits more often
                        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
                    os.set_blocking(self._reading, False)
                    self._child = os.fork()
                    if not self._child:
                        _answer(work, items, self._reading, stream, mask)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def answers(self) -> list[Any]:
        """Return what it has answered since the last time."""
        if not self._child:
            return []
        with suppress(BlockingIOError):
            while arrived := os.read(self._reading, _PIPE_BYTES):
                self._received += arrived
        answers: list[Any] = []
        while len(self._received) >= (end := _LENGTH_BYTES + int.from_bytes(self._received[:_LENGTH_BYTES])):
            answers += pickle.loads(self._received[_LENGTH_BYTES:end])  # noqa: S301 - from our own child alone
            del self._received[:end]
        return answers

    def end(self) -> None:
        """End it, wherever it is."""
        if self._reading >= 0:
            os.close(self._reading)
        if self._child:
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)


def _has_one_thread() -> bool:
    with suppress(OSError):
        for _ in range(_LOOKS):
            if len([*Path("/proc/self/task").iterdir()]) == 1:
                return True
            time.sleep(0.001)
    return False


def _answer(work: Callable[[T], R], items: Sequence[T], reading: int, stream: Any, mask: Any) -> NoReturn:
    """Answer the items from the last to the first, and end, whatever happens: the parent goes on as the parent only."""
    try:
        os.close(reading)
        for number in signal.valid_signals():
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for end in range(len(items), 0, -_BATCH):
            frame = pickle.dumps([work(item) for item in reversed(items[max(0, end - _BATCH) : end])], -1)
            stream.write(len(frame).to_bytes(_LENGTH_BYTES) + frame)
            stream.flush()
    finally:
        os._exit(0)
