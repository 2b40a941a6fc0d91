"""Local files: bounded reading, atomic replacement. Every OSError becomes an error a person can act on."""

from __future__ import annotations

import errno
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ledger_tool.core.ledger.names import shown
from ledger_tool.errors import LedgerError, LocalDiskError, UsageError

_PIECE = 2**20  # bytes
_DISK = {errno.ENOSPC, errno.EIO, errno.EDQUOT}


@contextmanager
def local_errors(path: Path | str, doing: str) -> Iterator[None]:
    """Turn an OSError about `path` into LocalDiskError (a full or failing disk) or UsageError (anything else)."""
    try:
        yield
    except OSError as error:
        raise local_error(error, path, doing) from None


def local_error(error: OSError, path: Path | str, doing: str) -> LedgerError:
    """Return the error for an OSError raised while `doing` something to `path`."""
    message = f"cannot {doing} {shown(str(path), 300)}: {(error.strerror or str(error)).lower()}"
    if error.errno in _DISK:
        return LocalDiskError(message, "free some disk space, then run it again")
    return UsageError(message, "check the path and its permissions")


def path_of(text: str, what: str) -> Path:
    """Return the path that a person wrote, with `~` expanded. Raises UsageError if it cannot be expanded."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        message = f"the path {shown(text)} of {what} starts from an unknown home folder"
        raise UsageError(message, "write the full path") from None


def read_bytes(path: Path | str, limit: int, what: str) -> bytes:
    """Return the content of a regular file, or of standard input for `-`.

    Raises UsageError if it cannot be read, is not a file, or is larger than `limit` bytes.
    """
    if str(path) == "-":
        raw = _read(sys.stdin.buffer, limit + 1)
    else:
        with local_errors(path, "read"), open(path, "rb") as file:
            raw = _read(file, limit + 1)
    if len(raw) > limit:
        raise UsageError(f"{what} {path} is larger than {limit // 1024} KiB", "check that this is the right file")
    return raw


def _read(file: BinaryIO, limit: int) -> bytes:
    """Read at most `limit` bytes in pieces: `read(limit)` would first take that much memory."""
    pieces = []
    while limit > 0 and (piece := file.read(min(limit, _PIECE))):
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)


def replace_atomically(path: Path, content: bytes, *, is_alone: bool = True) -> None:
    """Write `content` to `path`: readers see the old file or the new one, even after a crash.

    A temporary file in the same folder, fsync, rename, fsync of the folder; the mode is kept, and so is the owner if
    that is allowed. On any error the old file is intact and the temporary one is gone. Who writes several files, so
    that none `is_alone`, calls `sync_folder` for each folder afterwards.
    """
    with local_errors(path, "write"):
        old = path.stat() if path.exists() else None
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                if old:
                    with suppress(PermissionError):  # otherwise root in a container would own a person's file
                        os.fchown(file.fileno(), old.st_uid, old.st_gid)
                os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode) if old else 0o644)
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
        if is_alone:
            sync_folder(path.parent)


def write_named(path: Path, content: bytes) -> None:
    """Write `content` to a file that a person named, as `replace_atomically` does.

    What is not a regular file, such as `/dev/null` or a pipe, is written to: root would replace it. A link stays.
    """
    if path.exists() and not path.is_file():
        with local_errors(path, "write"), path.open("wb") as file:
            file.write(content)
    else:
        replace_atomically(Path(os.path.realpath(path)), content)


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    with local_errors(path, "write"):
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
