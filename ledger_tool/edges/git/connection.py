"""One ssh connection for all that git does at a remote: a run then pays for one handshake, not one for each command.

It is OpenSSH's own (ssh_config(5), `ControlPath`): git's ssh finds its socket in the run's private folder. Where there
is none, because a server has closed it or lets nobody share it, ssh connects by itself.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ledger_tool.edges.git.location import Address
from ledger_tool.edges.git.process import Completed, kill
from ledger_tool.edges.waiting import waiting_for

_IDLE = 15  # seconds, after which it ends by itself: we may have been killed
_LONGEST_PATH = 80  # bytes: a socket's path has at most 104 to 108, and OpenSSH first makes one that is 17 longer
_UNSHARED = re.compile(r"\bmux|multiplexing|control ?(?:path|socket|persist)|unix_listener", re.IGNORECASE)
_TO_END = 5.0  # seconds
_PERIOD = 0.005  # seconds


def control_path(folder: Path) -> str:
    """Return where the socket is to be, `""` if OpenSSH would not take its path as it is."""
    path = str(folder / "ssh")
    return path if re.fullmatch(r"[A-Za-z0-9/._-]+", path) and len(path) <= _LONGEST_PATH else ""


class Connection:
    """A connection that is being made; see `connect`."""

    def __init__(self, child: subprocess.Popen[bytes], path: Path, environment: Mapping[str, str], peer: str) -> None:
        self._child, self._path, self._environment, self._peer = child, path, environment, peer

    def made(self, seconds: float) -> Completed | None:
        """Wait until it is there, and return None; or how git would have ended if it cannot be made.

        It is left to git's own ssh to run out of time, and to connect where ssh cannot make the socket.
        """
        end = time.monotonic() + seconds
        with waiting_for(self._peer):
            while time.monotonic() < end:
                has_ended = self._child.poll() is not None  # before the socket, which is there when it goes on alone
                words = _errors(self._path).read_text("utf-8", "replace")
                if self._path.exists() or _UNSHARED.search(words):
                    break
                if has_ended:
                    return Completed(128, b"", f"{words}fatal: Could not read from remote repository.\n")
                time.sleep(_PERIOD)
        return None

    def stop(self) -> None:
        """End it, and wait until that has been asked of it: once it is made, it is a process in the background."""
        if self._child.poll() is None:
            kill(self._child)
        if self._path.exists():
            asking = ["ssh", "-F", os.devnull, "-o", f"ControlPath={self._path}", "-O", "exit", "any"]
            with suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(asking, env=self._environment, capture_output=True, timeout=_TO_END, check=False)


def connect(address: Address, ssh: Sequence[str], path: str, environment: Mapping[str, str]) -> Connection | None:
    """Start to connect to a remote with this ssh and its options; None where that is left to git."""
    place = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9.-]*)(?::([0-9]{1,5}))?", address.host)
    if not place:
        return None
    port = ["-p", place[2]] if place[2] else []
    whom = f"{address.user}@{place[1]}" if address.user else place[1]
    try:
        with open(_errors(Path(path)), "wb") as file:
            child = subprocess.Popen(
                [*ssh, "-M", "-N", "-o", f"ControlPersist={_IDLE}", *port, whom],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=file,
                env=dict(environment), start_new_session=True,
            )  # fmt: skip
    except OSError:  # git says what is wrong
        return None
    return Connection(child, Path(path), environment, address.shown)


def _errors(path: Path) -> Path:
    """Return the file of what ssh says: a pipe would not end before the process in the background does."""
    return path.with_name("ssh.errors")
