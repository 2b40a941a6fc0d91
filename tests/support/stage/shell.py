"""An interactive shell at a pseudo-terminal, to whose completion keys are pressed."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_PATIENCE = 60.0  # seconds, for a machine that is busy


@dataclass
class Shell:
    """A running shell; its prompt is `READY`, in front of which it has done everything."""

    terminal: int
    seen: str = ""
    shown: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def started(cls, argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[Shell]:
        process, terminal = pty.fork()
        if process == 0:
            os.chdir(folder)
            os.execvpe(argv[0], list(argv), dict(environment))
        try:
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
            yield cls(terminal)
        finally:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            os.close(terminal)

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def until(self, text: str) -> str:
        """Return what is shown up to a text, and forget it."""
        end = time.monotonic() + _PATIENCE
        while text not in self.seen:
            ready, _, _ = select.select([self.terminal], [], [], max(0, end - time.monotonic()))
            assert ready, f"{text!r} did not come: {self.seen!r}"
            self.seen += os.read(self.terminal, 65536).decode("utf-8", "replace")
        before, _, self.seen = self.seen.partition(text)
        return before
