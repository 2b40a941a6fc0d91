"""The private folders of a run, and an end to those of runs that were killed.

A run locks its folder (flock(2)) for as long as it lives; the system frees the lock with the process, however it ends.
A folder that has our name, our owner and no lock is a dead run's, and the next run removes it. It gets that name only
once it is locked, so a folder in the making is never taken for a dead one. No link is followed.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ledger_tool.edges.files.disk import local_errors

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LONGEST_SWEEP = 2.0  # seconds


@contextmanager
def private_folder() -> Iterator[Path]:
    """Yield a new folder that only we can enter, and remove it afterwards; also remove those of dead runs.

    Raises LocalDiskError or UsageError if there is no place for it.
    """
    base = Path(tempfile.gettempdir())
    with local_errors("the folder for temporary files", "use"):
        folder, lock = _locked(Path(tempfile.mkdtemp(prefix="ledger-new-", dir=base)))
    try:
        _sweep(base)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _locked(new: Path) -> tuple[Path, int]:
    """Lock a new folder and give it its name; where there are no locks, it keeps its own and is nobody's to remove."""
    lock = os.open(new, _FOLDER)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        folder = new.with_name(_prefix() + new.name.removeprefix("ledger-new-"))
        new.rename(folder)
    except OSError:
        return new, lock
    return folder, lock


def _prefix() -> str:
    return f"ledger-run-{os.geteuid()}-"


def _sweep(base: Path) -> None:
    """Remove the folders of dead runs, as many as there is time for; trouble with one is left to a later run."""
    end = time.monotonic() + _LONGEST_SWEEP
    with suppress(OSError):
        descriptor = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            prefix = _prefix()
            with os.scandir(descriptor) as entries:  # thousands, perhaps
                ours = [one.name for one in entries if one.name.startswith(prefix)]
            for name in ours:
                if re.fullmatch("[a-z0-9_]{8}", name.removeprefix(prefix)) and time.monotonic() < end:
                    with suppress(OSError):
                        _remove_if_dead(name, descriptor)
        finally:
            os.close(descriptor)


def _remove_if_dead(name: str, base: int) -> None:
    """Remove a folder in the folder `base` if it is ours and nobody's lock is on it. Raises OSError if not."""
    folder = os.open(name, _FOLDER, dir_fd=base)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        locked, named = os.fstat(folder), os.stat(name, dir_fd=base, follow_symlinks=False)
        if locked.st_uid == os.geteuid() and os.path.samestat(locked, named):
            shutil.rmtree(name, dir_fd=base)
    finally:
        os.close(folder)
