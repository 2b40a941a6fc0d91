"""The files of a ledger's folder, or of one above it in the same checkout, as bytes for a quick look."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.names import LEDGER


def ledger_bytes(folder: str, name: str = LEDGER) -> bytes:
    """Return a file's bytes; nothing for a URL, and where there is no such file or it cannot be read."""
    with suppress(OSError, RuntimeError, ValueError):
        start = Path(folder).expanduser().absolute()
        for place in (start, *start.parents) if start.is_dir() else ():
            with suppress(FileNotFoundError), open(place / name, "rb", opener=_open_plain) as file:
                return file.read(codec.MAX_BYTES)
            if (place / ".git").exists():
                break
    return b""


def _open_plain(path: str, _: int) -> int:
    """Open a file without following a link or waiting for a pipe, as anybody may have made the folder."""
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
