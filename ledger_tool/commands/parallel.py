"""Many requests to registries at once, from a few threads that never block the program's end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TypeVar

from ledger_tool.errors import LedgerError, Unreachable

T = TypeVar("T")
R = TypeVar("R")
LONGEST_LOOK = 180.0  # seconds for one request, whatever a registry does with its connections


def in_parallel(
    work: Callable[[T], R], items: Iterable[T], *, jobs: int, longest: float = LONGEST_LOOK
) -> Iterator[tuple[T, R | LedgerError]]:
    """Yield each item with its result, or with the LedgerError that it raised, as they arrive from `jobs` threads.

    An item that is not done `longest` seconds after the last finished one is given up as Unreachable. When the
    caller stops, no new item is started, and running ones block nobody: the threads are daemons.
    Raises any other exception of `work`.
    """
    tasks = list(items)
    numbers = iter(range(len(tasks)))  # shared: each thread takes the next
    ended: SimpleQueue[tuple[int, R | Exception]] = SimpleQueue()
    stopped = Event()

    def run() -> None:
        for number in numbers:
            if stopped.is_set():
                return
            try:
                ended.put((number, work(tasks[number])))
            except Exception as error:  # noqa: BLE001 - raised again where the result is taken
                ended.put((number, error))

    _start(run, min(jobs, len(tasks)))
    pending = dict.fromkeys(range(len(tasks)))
    try:
        while pending:
            try:
                number, result = ended.get(timeout=longest)
            except Empty:
                for number in pending:
                    yield tasks[number], Unreachable(f"no answer within {longest:.0f} s", "run it again later")
                return
            if isinstance(result, Exception) and not isinstance(result, LedgerError):
                raise result
            del pending[number]
            yield tasks[number], result
    finally:
        stopped.set()


def _start(run: Callable[[], None], wanted: int) -> None:
    """Start threads, as many as there is memory for. Raises MemoryError if there is none for one."""
    for number in range(wanted):
        try:
            Thread(target=run, name="look", daemon=True).start()
        except RuntimeError:
            if not number:
                raise MemoryError from None
            return
