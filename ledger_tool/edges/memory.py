"""How a run gets by with little address space, where that is limited (`ulimit -v`)."""

from __future__ import annotations

import resource
import threading
from contextlib import suppress

_STACK_BYTES = 2**20  # of a thread; Linux reserves 8 MiB by default
_ARENA_MAX = -8  # `M_ARENA_MAX` of mallopt(3)


def save_address_space() -> None:
    """Make threads reserve little address space if it is limited; call it before the first thread starts.

    glibc reserves 64 MiB for each thread's memory and, where that fails, takes a whole page for each small piece.
    """
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        return
    threading.stack_size(_STACK_BYTES)
    import ctypes

    with suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
