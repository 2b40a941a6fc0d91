"""Publishers on one machine take turns: otherwise each would burn the others' CPU time, only to lose its race.

This is a courtesy: the wait is bounded, and a publisher that waited too long, or cannot open the file, goes ahead. The
remote's compare-and-swap alone decides what lands, with or without this. The system frees a lock with its process; one
that is stopped keeps it, so a holder that stays the same is waited for much less than a queue that moves.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LONGEST_SHARE = 0.5  # of the remaining time, for a queue that moves
_STALLED_SHARE = 0.05  # of the remaining time, for one holder
_PERIOD = 0.01  # seconds
_SILENT = 0.8  # seconds, before a wait is told


@contextmanager
def turn(address: str, seconds_left: float, tell: Callable[[str], None]) -> Iterator[bool]:
    """Wait for our turn to write to `address`; yield whether we had to wait."""
    name = hashlib.sha256(address.encode()).hexdigest()[:16]
    file = _TurnFile(Path(tempfile.gettempdir()) / f"ledger-turn-{os.getuid()}-{name}", address, tell)
    try:
        yield file.wait(seconds_left)
    finally:
        file.leave()


class _TurnFile:
    """The queue for an address: whoever has the lock of its file removes that when done, so that none stays.

    The next one then has the lock of a file that is gone, and waits for that of the file that is there now, if any.
    """

    def __init__(self, path: Path, address: str, tell: Callable[[str], None]) -> None:
        self._path, self._address, self._tell = path, address, tell
        self._descriptor: int | None = None
        self._is_told = False

    def wait(self, seconds_left: float) -> bool:
        """Wait for our turn, or until that has taken too long; return whether we had to wait."""
        end, stalled = time.monotonic() + seconds_left * _LONGEST_SHARE, seconds_left * _STALLED_SHARE
        waited = False
        with suppress(OSError):
            while True:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
                done = lock(self._descriptor, end - time.monotonic(), stalled, self._tell_once)
                waited = waited or done is not False
                if done is None or self._is_there(self._descriptor):
                    break
                self._close()
        return waited

    def leave(self) -> None:
        """Let the next one have its turn."""
        if self._descriptor is not None:
            with suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # not ours if we waited too long for it
                if self._is_there(self._descriptor):
                    self._path.unlink()
        self._close()

    def _is_there(self, descriptor: int) -> bool:
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(descriptor), self._path.lstat())
        return False

    def _close(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
        self._descriptor = None

    def _tell_once(self, holder: str) -> None:
        if not self._is_told:
            self._tell(f"note: waiting a moment for another `ledger`{holder}, which is writing to {self._address}")
        self._is_told = True


def lock(descriptor: int, longest: float, stalled: float, tell: Callable[[str], None]) -> bool | None:
    """Lock a file; return whether we had to wait, or None if it took too long and the lock is not ours.

    We wait for at most `longest` seconds, and for one holder at most `stalled` seconds. `tell` is called once if that
    takes a while or fails, with the holder's process as ` (process N)`.
    """
    start = since = time.monotonic()
    holder = b""
    is_told = waited = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            now = time.monotonic()
            if (current := os.pread(descriptor, 100, 0)) != holder:
                holder, since = current, now
            is_over = now >= min(start + longest, since + stalled)
            if not is_told and (is_over or now >= start + _SILENT):
                process = holder.split(b" ")[0]
                tell(f" (process {process.decode()})" if process.isdigit() else "")
                is_told = True
            if is_over:
                return None
            waited = True
            time.sleep(_PERIOD)
        else:
            with suppress(OSError):  # on a full disk nobody is named
                os.pwrite(descriptor, f"{os.getpid()} {time.monotonic_ns()}".ljust(50).encode(), 0)
            return waited
