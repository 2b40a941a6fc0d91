"""A program that is loaded once, and started again and again by fork(2), in a fraction of the time of a real start.

`python FLAG forkserver.py MODULE SOCKET` serves it to those who start `forkclient.py`. The server only imports; it
never runs the program. Each process that it makes is as a new one would be: it has the client's arguments, folder,
environment, umask and standard files, no other files, and runs the module as `python -m` does, from its beginning.
Three things differ. The process is a child of the server's, in a session of its own. Its modules were imported before
it had its variables, so none may read one while it is imported (tests/test_forkserver.py). And sets have the same order
in all processes of one server.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import os
import pkgutil
import runpy
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_CLIENT = Path(__file__).with_name("forkclient.py")
_SHARED = runpy.run_path(str(_CLIENT))
_LOADED_TOO = ("rich.markdown", "rich.panel", "rich.table")  # of what help imports; the rest reads variables


# ---- for the stage


def words(module: str, flag: str, path: str = "") -> list[str]:
    """Return the words of a command line that `script` runs."""
    python = getattr(sys, "_base_executable", sys.executable)  # which need not look for its environment
    return [python, "-IS", str(_CLIENT), str(_started(module, flag, path)), *_command(module, flag)]


def usual(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which a program is not started in earnest for its locale."""
    own = {name: value for name, value in environment.items() if not name.startswith(("LC_", "LANG"))}
    return own | {os.fsdecode(name): os.fsdecode(value) for name, value in _SHARED["LOCALE"].items()}


def script(module: str, flag: str, path: str = "") -> str:
    """Return the text of a program that runs a module; the server behind it lives as long as this process.

    `flag` is that of Python, and `path`, if there is one, its PYTHONPATH.
    """
    return _script(path, *words(module, flag, path))


def real_script(module: str, flag: str, path: str = "") -> str:
    """Return the text of a program that runs a module, and really starts."""
    return _script(path, *_command(module, flag))


def _command(module: str, flag: str) -> list[str]:
    return [sys.executable, flag, "-m", module]


def _script(path: str, *words: str) -> str:
    return f'#!/bin/sh\nexec {shlex.join(["env", f"PYTHONPATH={path}", *words] if path else words)} "$@"\n'


@cache
def _started(module: str, flag: str, path: str) -> Path:
    """Start a server; return its socket."""
    folder = Path(tempfile.mkdtemp(prefix="fork-"))
    environment = _SHARED["LOCALE"] | ({b"PYTHONPATH": os.fsencode(path)} if path else {})
    command = [sys.executable, flag, __file__, module, str(folder / "socket")]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, env=environment)

    def end() -> None:
        server.communicate()
        shutil.rmtree(folder, ignore_errors=True)  # pytest may have been first

    atexit.register(end)
    return folder / "socket"


# ---- the server


def load(name: str) -> None:
    """Import a module; if it is a package, import all modules in it, but for the one that runs it."""
    module = importlib.import_module(name)
    names = [found.name for found in pkgutil.walk_packages(getattr(module, "__path__", []), f"{name}.")]
    for one in (*names, *_LOADED_TOO) if names else ():
        if not one.endswith(".__main__"):
            importlib.import_module(one)
    if not names:  # it is what runs, and is imported anew then
        del sys.modules[name]


@dataclass(frozen=True)
class Start:
    """What a client asks for: the folder, umask, arguments and environment of a process, and its standard files."""

    folder: bytes
    umask: int
    arguments: list[str]
    environment: dict[bytes, bytes]
    files: list[int]

    @classmethod
    def read(cls, connection: socket.socket, inherited: bytes) -> Start | None:
        """Read a request; return None if it ends early, or the client inherited something that this process has not."""
        head, files, _, _ = socket.recv_fds(connection, 1 << 16, 3)
        length, text = int.from_bytes(head[:4]), head[4:]
        while len(text) < length and (chunk := connection.recv(1 << 20)):
            text += chunk
        if text and len(text) == length:
            theirs, folder, umask, count, *words = text.split(b"\0")
            arguments, items = words[: int(count)], words[int(count) :]
            if theirs == inherited:
                environment = dict(item.split(b"=", 1) for item in items)
                return cls(folder, int(umask), [os.fsdecode(word) for word in arguments], environment, files)
        for file in files:
            os.close(file)
        return None

    def become(self) -> None:
        """Make this process the one that is asked for."""
        os.setsid()
        for at, file in enumerate(self.files):
            os.dup2(file, at)
        os.closerange(3, 1 << 20)
        os.chdir(self.folder)
        os.umask(self.umask)
        os.environ.clear()
        os.environb.update(self.environment)
        time.tzset()
        sys.argv = sys.orig_argv = ["-m", *self.arguments]
        for at, name in enumerate(("stdin", "stdout", "stderr")):
            _renew(name, at)


def _renew(name: str, file: int) -> None:
    """Open a standard file as Python does when it starts."""
    before = getattr(sys, name)
    mode = "w" if file else "r"
    buffer: Any = open(file, f"{mode}b", closefd=False)  # noqa: SIM115 - for the life of the process
    buffer.raw.name = f"<{name}>"
    made: Any = io.TextIOWrapper(buffer, before.encoding, before.errors, newline="\n", line_buffering=file == 2)
    made.mode = mode
    setattr(sys, name, made)
    setattr(sys, f"__{name}__", made)


@dataclass
class Server:
    """Makes processes, and tells their clients how they end."""

    listening: socket.socket
    inherited: bytes
    ends: dict[int, int] = field(default_factory=dict)  # from the descriptor of a process to that of its connection
    clients: dict[int, tuple[int, socket.socket]] = field(default_factory=dict)  # processes and connections
    waiting: select.poll = field(default_factory=select.poll)

    def serve(self) -> Start:
        """Go on until stdin ends, and end then; return in each process that is made, with what it is to be."""
        for file in (0, self.listening.fileno()):
            self.waiting.register(file, select.POLLIN)
        while True:
            for file, _ in self.waiting.poll():
                if file == 0:
                    for process, _ in self.clients.values():
                        os.kill(process, signal.SIGKILL)
                    sys.exit()
                elif file == self.listening.fileno():
                    if start := self._accept():
                        return start
                elif file in self.ends:
                    self._tell(file)
                elif file in self.clients:
                    self._hear(*self.clients[file])

    def _accept(self) -> Start | None:
        """Make a process for the next client; return in it what it is to be, and None in the server."""
        connection, _ = self.listening.accept()
        start = Start.read(connection, self.inherited)
        if start is None:
            with suppress(OSError):  # it has been killed
                connection.sendall(_SHARED["REFUSED"])
            connection.close()
            return None
        process = os.fork()
        if process == 0:
            for one in (self.listening, connection, *(other for _, other in self.clients.values())):
                one.detach()  # or its end would close whatever file has the number then
            return start
        for file in start.files:
            os.close(file)
        end = os.pidfd_open(process)
        self.ends[end] = connection.fileno()
        self.clients[connection.fileno()] = process, connection
        for file in (end, connection.fileno()):
            self.waiting.register(file, select.POLLIN)
        return None

    def _tell(self, end: int) -> None:
        """Tell a client how its process ended."""
        at = self.ends.pop(end)
        process, connection = self.clients.pop(at)
        _, status = os.waitpid(process, 0)
        with suppress(OSError):
            connection.sendall(status.to_bytes(4))
        for file in (end, at):
            with suppress(KeyError):
                self.waiting.unregister(file)
        os.close(end)
        connection.close()

    def _hear(self, process: int, connection: socket.socket) -> None:
        """Pass on the signals that a client got; one that was killed takes its process along."""
        try:
            signals = connection.recv(64, socket.MSG_DONTWAIT)
        except BlockingIOError:  # said of another connection, whose number this one has now
            return
        except ConnectionError:
            signals = b""
        if not signals:
            self.waiting.unregister(connection.fileno())
        for number in signals or [signal.SIGKILL]:
            os.kill(process, number)


def main(module: str, place: str) -> None:
    """Serve a module at a socket; in each process that is made, run it."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen(128)
        load(module)
        gc.collect()
        gc.freeze()
        start = Server(listening, _SHARED["inherited"]()).serve()
    start.become()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
