"""A real bare git repository that stands for the remote, and the ways in which remotes misbehave."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.git import written
from tests.support.git.copied import copied
from tests.support.values.make import ledger_bytes

_HERMETIC = {
    "GIT_CONFIG_GLOBAL": "/nonexistent/gitconfig",  # git replaces the file that it writes, and root could /dev/null
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Other Writer",
    "GIT_AUTHOR_EMAIL": "other@example.com",
    "GIT_COMMITTER_NAME": "Other Writer",
    "GIT_COMMITTER_EMAIL": "other@example.com",
    "LC_ALL": "C",
}

# For hooks. The server dies in the middle of a push: its receive-pack is the hook's parent.
DIE = "kill -9 $PPID; sleep 0.2"
# What lets a hook of a push write to the repository as another writer would.
UNQUARANTINED = "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES"


def git(*arguments: object, cwd: Path | None = None, stdin: bytes = b"", check: bool = True, date: str = "") -> str:
    """Run git in a world without settings, by a clock that says `date`, and return its stdout."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | _HERMETIC
    environment |= {"GIT_COMMITTER_DATE": date} if date else {}
    words = ["git", *(str(word) for word in arguments)]
    done = subprocess.run(words, cwd=cwd, input=stdin, capture_output=True, env=environment, check=False)
    if check and done.returncode:
        raise AssertionError(f"{words} failed: {done.stderr.decode()}")
    return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")


@dataclass(frozen=True)
class Upstream:
    """A bare repository with a ledger on its branch `main`."""

    path: Path

    @classmethod
    def create(cls, path: Path, content: bytes | None = None, settings: str | None = None) -> Upstream:
        """Make one with this `ledger.json` (an empty ledger by default) and `ledger.yaml` (none by default).

        One with an empty ledger is a copy of the first one with these settings, commit and all.
        """
        made = cls(path)
        if content is None:
            copied((Upstream, settings), path, lambda: made._start(ledger_bytes(), settings))
        else:
            made._start(content, settings)
        return made

    def _start(self, content: bytes, settings: str | None) -> None:
        copied(Upstream, self.path, self._init)
        files = {"ledger.json": content, "README.md": b"# Our ledger\n"}
        if settings is not None:
            files["ledger.yaml"] = settings.encode()
        self.commit_as_other_writer(files, "start the ledger")

    def _init(self) -> None:
        git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", self.path)
        with (self.path / "config").open("a") as config:
            config.write("[receive]\n\tautogc = false\n")  # each push would start git once more

    @property
    def url(self) -> str:
        """Its address over file://."""
        return f"file://{self.path}"

    def git(self, *arguments: object, stdin: bytes = b"", check: bool = True, date: str = "") -> str:
        """Run git in it."""
        return git(f"--git-dir={self.path}", *arguments, stdin=stdin, check=check, date=date)

    def tip(self, branch: str = "main") -> str:
        """Return the commit id of a branch."""
        found = written.tip(self.path, branch)
        assert found, f"no branch {branch} in {self.path}"
        return found

    def commits(self, branch: str = "main") -> list[str]:
        """Return the commit ids of a branch, the newest first."""
        return self.git("rev-list", f"refs/heads/{branch}").split()

    def content(self, revision: str = "main", name: str = "ledger.json") -> bytes:
        """Return the bytes of a file at a revision."""
        text = git(f"--git-dir={self.path}", "cat-file", "blob", f"{revision}:{name}")
        return text.encode("utf-8", "surrogateescape") + b"\n"

    def records(self, revision: str = "main") -> list[dict[str, Any]]:
        """Return the records at a revision, as JSON objects."""
        found: list[dict[str, Any]] = json.loads(self.content(revision))["records"]
        return found

    def tags(self, revision: str = "main") -> set[str]:
        """Return the tags of the records at a revision."""
        return {record["tag"] for record in self.records(revision)}

    def message(self, revision: str = "main") -> str:
        """Return a commit's message."""
        return self.git("log", "-1", "--format=%B", revision)

    def trailers(self, revision: str = "main") -> list[tuple[str, str]]:
        """Return the trailers of a commit's message, as git's own parser reads them."""
        parsed = git("interpret-trailers", "--parse", stdin=self.message(revision).encode())
        return [(name, value) for name, _, value in (line.partition(": ") for line in parsed.splitlines())]

    def commit_as_other_writer(
        self, files: dict[str, bytes], message: str = "another writer", branch: str = "main", *, date: str = ""
    ) -> str:
        """Commit these files on the branch, keeping all others, as some other program would; return the commit."""
        return written.commit(self.path, branch, files, message, date)

    def hook(self, name: str, script: str) -> None:
        """Install a server-side hook: the body of a shell script."""
        path = self.path / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def once(self, name: str, script: str, mark: Path, when: str = "true") -> None:
        """Install a server-side hook that runs its script the first time that `when` holds, which makes the mark."""
        self.hook(name, f"if {when} && [ ! -e {mark} ]; then touch {mark}\n{script}\nfi")
