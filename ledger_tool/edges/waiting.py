"""What the run waits for outside of this machine, such as a remote or a registry: whoever shows it may ask."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_numbers = itertools.count()
_lock = threading.Lock()
_waits: dict[int, str] = {}  # by number, the oldest first


@contextmanager
def waiting_for(whom: str) -> Iterator[None]:
    """Say that we wait for someone, until the context ends; `""` is nobody."""
    if not whom:
        yield
        return
    number = next(_numbers)
    with _lock:
        _waits[number] = whom
    try:
        yield
    finally:
        with _lock:
            del _waits[number]


def waited_for() -> str:
    """Return whom we have waited for longest of all that we wait for now, or `""` if nobody."""
    with _lock:
        return next(iter(_waits.values()), "")
