"""Command lines at a pseudo-terminal: what a person sees."""

from __future__ import annotations

import fcntl
import os
import struct
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TextIO

from ledger_tool.cli.main import main
from tests.support.values.outcome import Outcome

Watch = Callable[[str], None]


def _ignore(_: str) -> None:
    pass


def at_terminal(
    *argv: object, columns: int = 80, out: bool = True, err: bool = True, watch: Watch = _ignore
) -> Outcome:
    """Run one `ledger` command line with a terminal of `columns` columns behind stdout, stderr or both.

    What goes to a stream that is not a terminal goes where it went before. `watch` is called with what a terminal
    shows, each time that it shows more.
    """
    seen: dict[str, list[str]] = {"stdout": [], "stderr": []}
    with ExitStack() as stack:
        for name, is_terminal in (("stdout", out), ("stderr", err)):
            if is_terminal:
                stack.enter_context(_terminal(name, columns, seen[name], watch))
        code = main([str(word) for word in argv])
    return Outcome(code, "".join(seen["stdout"]), "".join(seen["stderr"]))


@contextmanager
def _terminal(stream: str, columns: int, seen: list[str], watch: Watch) -> Iterator[None]:
    """Put a terminal behind a stream of `sys`, and collect what it shows."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)  # or the terminal would turn each newline into two characters
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    shown = bytearray()

    def read() -> None:
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # the other end is closed
                return
            shown.extend(chunk)
            watch(shown.decode("utf-8", "replace"))

    reader = threading.Thread(target=read)
    reader.start()
    before: TextIO = getattr(sys, stream)
    try:
        with open(theirs, "w", encoding="utf-8") as terminal:
            setattr(sys, stream, terminal)
            yield
    finally:
        setattr(sys, stream, before)
        reader.join()
        os.close(ours)
        seen.append(shown.decode())
