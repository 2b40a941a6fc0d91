"""The world that every measurement runs in: a temporary folder, its own environment, remotes made to order."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from benchmarks import data

HERE = Path(__file__).resolve().parent
_HISTORY = 3  # commits on a remote
SIZES = (1_000, 10_000, 100_000)  # records of a ledger


class World:
    """A folder that holds everything, and the environment of every process. Use `world()`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("home", "tmp"):
            (folder / name).mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "LC_ALL": "C",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "Benchmark",
            "GIT_AUTHOR_EMAIL": "benchmark@example.com",
            "GIT_COMMITTER_NAME": "Benchmark",
            "GIT_COMMITTER_EMAIL": "benchmark@example.com",
        }
        self._serial = 0
        self._remotes: dict[int, Path] = {}

    def run(self, words: Sequence[str | Path], stdin: bytes = b"") -> bytes:
        """Run a command that has to succeed, outside any measurement; return its stdout."""
        return subprocess.run(words, input=stdin, env=self.environment, check=True, capture_output=True).stdout

    def git(self, repository: Path, *arguments: str, stdin: bytes = b"") -> str:
        """Run git in a bare repository; return its stdout."""
        return self.run(["git", f"--git-dir={repository}", *arguments], stdin).decode().strip()

    def path(self, name: str) -> Path:
        """Return an unused path in the folder."""
        self._serial += 1
        return self.folder / f"{self._serial}-{name}"

    @contextmanager
    def remote(self, records: int) -> Iterator[Path]:
        """Yield a fresh bare repository with a ledger of this many records, and delete it afterwards."""
        if records not in self._remotes:
            self._remotes[records] = self._make_remote(records)
        copy = self.path("remote.git")
        shutil.copytree(self._remotes[records], copy)
        try:
            yield copy
        finally:
            shutil.rmtree(copy, ignore_errors=True)  # what remains goes with the world

    def kept_remote(self, records: int) -> Path:
        """Return a fresh bare repository with a ledger of this many records, which stays."""
        with self.remote(records):
            copy = self.path("kept.git")
            shutil.copytree(self._remotes[records], copy)
        return copy

    @contextmanager
    def checkout(self, records: int) -> Iterator[Path]:
        """Yield a fresh checkout of a ledger of this many records."""
        with self.remote(records) as remote:
            folder = self.path("checkout")
            self.run(["git", "clone", "--quiet", url(remote), folder])
            yield folder

    def _make_remote(self, records: int) -> Path:
        """Make a repository like a host's between two collections: packed history, the last push loose."""
        made = self.path(f"template-{records}.git")
        self.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", made])
        readme = self.git(made, "hash-object", "-w", "--stdin", stdin=b"# Our ledger\n")
        parents: list[str] = []
        for content in data.history(records, _HISTORY):
            if parents:
                self.git(made, "repack", "-a", "-d", "-q")
            blob = self.git(made, "hash-object", "-w", "--stdin", stdin=content)
            listing = f"100644 blob {readme}\tREADME.md\n100644 blob {blob}\tledger.json\n"
            tree = self.git(made, "mktree", stdin=listing.encode())
            commit = self.git(made, "commit-tree", *parents, "-m", "publish", tree)
            self.git(made, "update-ref", "refs/heads/main", commit)
            parents = ["-p", commit]
        return made


@contextmanager
def world() -> Iterator[World]:
    """Yield a world that is deleted when the block ends."""
    with tempfile.TemporaryDirectory(prefix="ledger-benchmarks-") as folder:
        yield World(Path(folder))


def url(repository: Path) -> str:
    """Return the file:// address of a repository."""
    return f"file://{repository}"


@cache
def ledger_program() -> str:
    """Return the path of the installed console script: next to this Python, else in PATH."""
    sibling = Path(sys.executable).with_name("ledger")
    program = str(sibling) if sibling.exists() else shutil.which("ledger")
    if not program:
        raise SystemExit("error: `ledger` is not installed\n\nhint: install it with `pip install -e .`")
    return program


def require(*programs: str) -> None:
    """End with a hint if a program that the comparison needs is missing."""
    for program in programs:
        if not shutil.which(program):
            raise SystemExit(f"error: `{program}` was not found\n\nhint: install it; the benchmarks compare with it")
