"""A clone of a ledger, on some branch, with work that is not pushed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.support.git.upstream import git
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


# What both branches of the fixture `clone` hold together.
ALL = ["app:v1", "app:v2", "app:v3", "app:v4"]


class Clone:
    """A clone of a ledger, on some branch."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.folder = folder
        self._run = run

    def git(self, *arguments: object, check: bool = True) -> str:
        """Run git in the clone."""
        return git("-C", self.folder, *arguments, check=check)

    def try_git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run git where it may fail."""
        return subprocess.run(["git", "-C", str(self.folder), *arguments], capture_output=True, text=True, check=False)

    def ledger(self, *words: object) -> Outcome:
        """Run a command on the clone."""
        return self._run(*words, "--repo", self.folder)

    def publish(self, name: str, seed: object, *options: object) -> None:
        """Publish the digest of a seed, and push nothing."""
        done = self.ledger("publish", f"{name}@{digest(seed)}", "--source", SOURCE, "--offline", "--no-push", *options)
        assert done.code == 0, done.err

    def tags(self) -> list[str]:
        """Return every recorded image:tag."""
        return [f"{one['image']}:{one['tag']}" for one in self.ledger("list", "--format", "json").json]
