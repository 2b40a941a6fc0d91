"""Runs the `git` program: the only module that imports GitPython, and the only one that starts a git child.

GitPython is used for one thing, `Git().execute([...])`. The arguments are literal or validated, data goes in on stdin,
and the environment is built from scratch: GitPython adds to the process's own, so the process has only the caller's
variables while the child is started. Each child leads its own process group, which is killed as a whole when time is
up or the caller is interrupted.
"""

from __future__ import annotations

import logging
import os
import select
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from types import ModuleType
from typing import IO, BinaryIO, cast

from ledger_tool.edges.files.disk import local_errors
from ledger_tool.edges.waiting import waiting_for
from ledger_tool.errors import Unreachable, UsageError

# Only `git.cmd` of GitPython is needed, and `gitdb.util` for it. Importing the whole packages takes twice as long, and
# runs `git version` with the job's whole environment; so a stand-in that only has a package's path replaces its
# `__init__`.
_replaced = [name for name in ("git", "gitdb") if name not in sys.modules]
for _name in _replaced:
    _spec = find_spec(_name)
    if _spec is None or _spec.submodule_search_locations is None:
        raise ImportError("GitPython is not installed")
    sys.modules[_name] = ModuleType(_name)
    sys.modules[_name].__path__ = list(_spec.submodule_search_locations)
from git.cmd import Git  # noqa: E402
from git.exc import GitCommandNotFound  # noqa: E402

for _name in _replaced:
    del sys.modules[_name]  # any other import gets all of it
logging.getLogger("git").setLevel(logging.CRITICAL)

_lock = threading.Lock()
_PIECE = 256 * 1024  # of what it writes, read at once
_STDERR_BYTES = 64 * 1024  # the last ones: enough for the message, too few to keep a regular expression busy


@dataclass(frozen=True, slots=True)
class Completed:
    """How a git command ended: its exit code, stdout as bytes, stderr as text."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.code == 0

    @property
    def text(self) -> str:
        """Stdout as text."""
        return self.stdout.decode("utf-8", "replace")


class Running:
    """A git command that runs while this process does something else; see `start`."""

    def __init__(
        self, handle: Git.AutoInterrupt, timeout: float, step: str, mask: Callable[[str], str], peer: str, waited: float
    ) -> None:
        self._handle = handle  # GitPython kills the child when this is garbage-collected
        self.child = cast("subprocess.Popen[bytes]", handle.proc)
        self._in_all, self._end = waited + timeout, time.monotonic() + timeout
        self._step, self._mask, self._peer = step, mask, peer

    def ended(self, most: int = 0) -> Completed:
        """Wait until it has ended, and return how. Raises Unreachable after the timeout, which runs from the start.

        One that writes more than `most` bytes to stdout is killed; 0 means that it may.
        """
        with waiting_for(self._peer):
            try:
                seconds = max(self._end - time.monotonic(), 0.1)
                out, err = self._read(most, seconds) if most else self.child.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                self.stop()
                message = (
                    f"{f'{self._peer}: ' if self._peer else ''}timed out after {self._in_all:.0f} s in {self._step}"
                )
                hint = "run it again, or give it longer with `--timeout`; if that keeps failing, check the network"
                raise Unreachable(message, hint) from None
            except BaseException:
                self.stop()
                raise
        # Masked before it is cut: half a secret would not be known as one.
        words = self._mask(err[-2 * _STDERR_BYTES :].decode("utf-8", "replace"))[-_STDERR_BYTES:] if err else ""
        return Completed(self.child.returncode, out, words)

    def _read(self, most: int, seconds: float) -> tuple[bytes, bytes]:
        """Return stdout and stderr; with more than `most` bytes of stdout, kill it and return neither."""
        out, err = cast("IO[bytes]", self.child.stdout), cast("IO[bytes]", self.child.stderr)
        pieces: dict[IO[bytes], list[bytes]] = {out: [], err: []}
        end = time.monotonic() + seconds
        size = 0
        with selectors.DefaultSelector() as selector:
            for stream in pieces:
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select(max(end - time.monotonic(), 0)):
                    stream = cast("IO[bytes]", key.fileobj)
                    piece = os.read(key.fd, _PIECE)
                    pieces[stream].append(piece)
                    size += len(piece) if stream is out else 0
                    if not piece:
                        selector.unregister(stream)
                        stream.close()
                if size > most:
                    self.stop()
                    return b"", b""
                if time.monotonic() > end:
                    raise subprocess.TimeoutExpired(self._step, seconds)
        self.child.wait(max(end - time.monotonic(), 0.1))
        return b"".join(pieces[out]), b"".join(pieces[err])

    def stop(self) -> None:
        """End it, if it has not ended, with every process that it started."""
        if self.child.returncode is None:
            kill(self.child)


def start(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    stdin: bytes = b"",
    timeout: float = 60.0,
    step: str = "",
    mask: Callable[[str], str] = str,
    peer: str = "",
    waited: float = 0.0,
) -> Running:
    """Start `git ARGUMENTS` in exactly this environment.

    `mask` takes the credentials out of what git and the server say on stderr, and in the status of a push. `peer` is
    the remote that git talks to, if to any. `timeout` is in seconds; after it the whole process group is killed. `step`
    names the command in messages, and `waited` are the seconds that it has taken already. Raises UsageError if there is
    no git.
    """
    with ExitStack() as stack:
        file = None
        if stdin:  # from a file, since a pipe would be fed 4 KiB at a time
            with local_errors("the folder for temporary files", "write to"):
                file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the stack once it is written
                file.write(stdin)
                file.seek(0)
            stack.enter_context(file)
        try:
            with _only(environment):
                handle = Git().execute(
                    ["git", *arguments], istream=cast("BinaryIO | None", file), as_process=True, start_new_session=True
                )
        except GitCommandNotFound as error:
            raise UsageError("git is not installed, or not in PATH", "install git 2.31 or newer") from error
    return Running(handle, timeout, step or arguments[0], mask, peer, waited)


def run(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    stdin: bytes = b"",
    timeout: float = 60.0,
    step: str = "",
    mask: Callable[[str], str] = str,
    peer: str = "",
    most: int = 0,
) -> Completed:
    """Run `git ARGUMENTS`, as `start` does, and return how it ended, whatever its exit code; see `Running.ended`.

    Raises Unreachable after `timeout` seconds, naming `step`.
    """
    return start(
        arguments, environment=environment, stdin=stdin, timeout=timeout, step=step, mask=mask, peer=peer
    ).ended(most)


@contextmanager
def _only(environment: Mapping[str, str]) -> Iterator[None]:
    """Give the process these variables and no others, in one thread at a time."""
    with _lock:
        before = dict(os.environ)
        try:
            os.environ.clear()
            os.environ.update(environment)
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def kill(child: subprocess.Popen[bytes]) -> None:
    """End a child and every process it started: first gently, so git can remove its lock files, then by force."""
    for number, seconds in ((signal.SIGTERM, 2.0), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
            _await_group(child.pid, seconds or 0.0)
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream:
            with suppress(OSError):
                stream.close()


def _await_group(group: int, seconds: float) -> None:
    """Wait until every process of a group has ended, but no longer than `seconds`."""
    end = time.monotonic() + seconds
    with suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < end:
            os.killpg(group, 0)
            time.sleep(0.02)


class Output:
    """What a git command writes to stdout, read while it runs; see `streamed`."""

    def __init__(self, child: subprocess.Popen[bytes], step: str) -> None:
        self._child = child
        self._step = step
        self._read = bytearray()
        self._stdout = cast("IO[bytes]", child.stdout).fileno()
        self._poll = select.poll()
        self._poll.register(self._stdout, select.POLLIN)

    def read(self, size: int, timeout: float) -> memoryview:
        """Return the next `size` bytes, fewer if the command ends before; they are there until the next call.

        Raises Unreachable if it writes nothing for `timeout` seconds.
        """
        if len(self._read) < size:
            self._read = bytearray(size)
        view, missing = memoryview(self._read)[:size], size
        while missing:
            if not self._poll.poll(1000 * timeout):
                message = f"timed out after {timeout:.0f} s in {self._step}"
                raise Unreachable(message, "run it again, or give it longer with `--timeout`")
            got = os.readv(self._stdout, [view[size - missing :]])
            if not got:
                return view[: size - missing]
            missing -= got
        return view

    def end(self) -> Completed:
        """Wait for the command to end, which it does as nothing more is to be read, and return how."""
        _, err = self._child.communicate()
        return Completed(self._child.returncode, b"", err.decode("utf-8", "replace")[-_STDERR_BYTES:])


@contextmanager
def streamed(arguments: Sequence[str], *, environment: Mapping[str, str], stdin: bytes, step: str) -> Iterator[Output]:
    """Run `git ARGUMENTS` as `run` does, and give what it writes; it is killed if the context ends before it does."""
    running = start(arguments, environment=environment, stdin=stdin, step=step)
    child = running.child
    with cast("IO[bytes]", child.stdout), cast("IO[bytes]", child.stderr):
        try:
            yield Output(child, step)
        finally:
            if child.poll() is None:
                running.stop()
