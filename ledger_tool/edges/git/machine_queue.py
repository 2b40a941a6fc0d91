"""Publishers on one machine take turns: otherwise each would burn the others' CPU time, only to lose its race.

This is a courtesy: the wait is bounded, and a publisher that waited too long, or cannot open the file, goes ahead. The
remote's compare-and-swap alone decides what lands, with or without this. The system frees a lock with its process.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LONGEST_SHARE = 0.5  # of the remaining time
_PERIOD = 0.01  # seconds


@contextmanager
def turn(address: str, seconds_left: float) -> Iterator[bool]:
    """Wait for our turn to write to `address`; yield whether we had to wait."""
    name = hashlib.sha256(address.encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"ledger-turn-{os.getuid()}-{name}"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        yield False
        return
    try:
        yield lock(descriptor, seconds_left * _LONGEST_SHARE) is not False
    finally:
        with suppress(OSError):
            os.close(descriptor)


def lock(descriptor: int, seconds: float) -> bool | None:
    """Lock a file; return whether we had to wait, or None if it took too long and the lock is not ours."""
    end = time.monotonic() + seconds
    waited = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= end:
                return None
            waited = True
            time.sleep(_PERIOD)
        else:
            return waited
