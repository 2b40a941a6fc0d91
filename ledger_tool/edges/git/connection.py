"""One ssh connection for all that git does at a remote: a run then pays for one handshake, not one for each command.

It is OpenSSH's own (ssh_config(5), `ControlPath`): git's ssh finds its socket in the run's private folder. Where there
is none, because a server has closed it or lets nobody share it, ssh connects by itself.

It only saves time: what fails over it, or gets no answer, says nothing about the remote. So it is given up then, and
the next git command connects by itself.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ledger_tool.edges.deadline import Deadline
from ledger_tool.edges.git.location import Address
from ledger_tool.edges.git.process import Completed, kill
from ledger_tool.edges.waiting import waiting_for
from ledger_tool.errors import Unreachable

_TO_SHARE = 5.0  # seconds from the start, after which git connects by itself
_SILENT = 5  # seconds without a word, after which the server is asked for one; it may stay silent twice
_IDLE = 15  # seconds, after which it ends by itself: we may have been killed
_LONGEST_PATH = 80  # bytes: a socket's path has at most 104 to 108, and OpenSSH first makes one that is 17 longer
_UNSHARED = re.compile(r"\bmux|multiplexing|control ?(?:path|socket|persist)|unix_listener", re.IGNORECASE)
_REFUSED = re.compile(r"Permission denied \(|Host key verification failed|Too many authentication failures")
_TO_END = 2.0  # seconds
_PERIOD = 0.005  # seconds


def control_path(folder: Path, number: int) -> str:
    """Return where the socket for a remote is to be, `""` if OpenSSH would not take its path as it is.

    Each remote has a number of its own: ssh asks a socket for nothing, not even for the host that it leads to.
    """
    path = str(folder / f"ssh{number}")
    return path if re.fullmatch(r"[A-Za-z0-9/._-]+", path) and len(path) <= _LONGEST_PATH else ""


class Connection:
    """A connection that is being made; see `connect`. `seconds` are those that it and what follows may take."""

    def __init__(
        self, child: subprocess.Popen[bytes], path: Path, environment: Mapping[str, str], peer: str, seconds: float
    ) -> None:
        self._child, self._path, self._environment, self._peer = child, path, environment, peer
        self.seconds, self._since = seconds, time.monotonic()

    @property
    def left(self) -> float:
        """The seconds that are left of its own."""
        return max(self._since + self.seconds - time.monotonic(), 0.0)

    @property
    def is_shared(self) -> bool:
        """Whether git's ssh would use it."""
        return self._path.exists()

    def made(self) -> Completed | None:
        """Wait until it is there, and return None; or how git would have ended if the server does not let us in.

        It is given up, and all else left to git's own ssh, if it cannot be made, or not soon.
        """
        end = self._since + min(_TO_SHARE, self.seconds / 2)
        with waiting_for(self._peer):
            while True:
                has_ended = self._child.poll() is not None  # before the socket, which is there when it goes on alone
                if self.is_shared:
                    return None
                words = _errors(self._path).read_text("utf-8", "replace")
                if has_ended and _REFUSED.search(words):
                    return Completed(128, b"", f"{words}fatal: Could not read from remote repository.\n")
                if has_ended or _UNSHARED.search(words) or time.monotonic() > end:
                    self.stop()
                    return None
                time.sleep(_PERIOD)

    def stop(self) -> None:
        """End it, so that later git commands connect by themselves. Once made, it may run in the background."""
        if self._child.poll() is None:
            kill(self._child)
        elif self.is_shared:
            asking = ["ssh", "-F", os.devnull, "-o", f"ControlPath={self._path}", "-O", "exit", "any"]
            with suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(asking, env=self._environment, capture_output=True, timeout=_TO_END, check=False)
        with suppress(OSError):
            self._path.unlink()


def asked(ask: Callable[[], Completed], connection: Connection | None, deadline: Deadline) -> Completed:
    """Return how a git command ended that only reads from a remote; if it failed over a connection, without that.

    Raises what `ask` raises.
    """
    if connection and connection.is_shared:
        try:
            done = ask()
        except Unreachable:
            connection.stop()
            if deadline.is_over:
                raise
        else:
            if done.ok:
                return done
            connection.stop()
            if deadline.is_over:
                return done
    return ask()


def connect(
    address: Address, ssh: Sequence[str], path: str, environment: Mapping[str, str], deadline: Deadline
) -> Connection | None:
    """Start to connect to a remote with this ssh and its options; None where that is left to git.

    It ends if the server is silent for 15 seconds, or for half of the time that is left, if that is less.
    """
    place = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9.-]*)(?::([0-9]{1,5}))?", address.host)
    if not place:
        return None
    seconds = deadline.remaining(at_least=1.0)
    silent = max(int(min(_SILENT, seconds / 6)), 1)
    alive = ["-o", f"ServerAliveInterval={silent}", "-o", "ServerAliveCountMax=2"]  # ssh goes by the first of each
    port = ["-p", place[2]] if place[2] else []
    whom = f"{address.user}@{place[1]}" if address.user else place[1]
    try:
        with open(_errors(Path(path)), "wb") as file:
            child = subprocess.Popen(
                [ssh[0], *alive, *ssh[1:], "-M", "-N", "-o", f"ControlPersist={_IDLE}", *port, whom],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=file,
                env=dict(environment), start_new_session=True,
            )  # fmt: skip
    except OSError:  # git says what is wrong
        return None
    return Connection(child, Path(path), environment, address.shown, seconds)


def _errors(path: Path) -> Path:
    """Return the file of what ssh says: a pipe would not end before the process in the background does."""
    return path.with_suffix(".errors")
