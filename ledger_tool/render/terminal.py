"""What a stream can show: how wide it is, and whether it has colours."""

from __future__ import annotations

import os
from typing import TextIO

_USUAL_WIDTH = 80  # columns, of a terminal that does not say


def has_colour(stream: TextIO) -> bool:
    """Return whether a stream may have colours and bold type.

    A terminal may, unless NO_COLOR is set (no-color.org); anything may where FORCE_COLOR is set (force-color.org), such
    as the log of a CI system.
    """
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def width(stream: TextIO) -> int | None:
    """Return the width of a terminal in columns, as COLUMNS or else the terminal says; None for anything else."""
    if not stream.isatty():
        return None
    stated = os.environ.get("COLUMNS", "")
    if stated.isdecimal() and int(stated):
        return int(stated)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL_WIDTH
    except (OSError, ValueError):
        return _USUAL_WIDTH
