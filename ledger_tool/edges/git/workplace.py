"""The folder that `init` turns into a ledger."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from ledger_tool.core.ledger.codec import MAX_BYTES
from ledger_tool.edges.files.disk import local_errors, read_bytes
from ledger_tool.edges.files.ledger import LEDGER, read_ledger
from ledger_tool.edges.git.access import Access, prepare, user_settings
from ledger_tool.edges.git.credentials import Credentials
from ledger_tool.edges.git.objects import Deadline, Repository, local_failure
from ledger_tool.edges.git.process import run
from ledger_tool.edges.git.run import private_folder
from ledger_tool.errors import LedgerError, UsageError


class GitWorkplace:
    """A folder with a git repository in it, made where there is none. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._stack = ExitStack()

    def __enter__(self) -> GitWorkplace:
        work = private_folder(self._stack)
        settings = user_settings(self._git_dir if self._git_dir.exists() else None)
        self._access: Access = prepare(None, Credentials(), settings, work, self._stack)
        self._repository = Repository(self._git_dir, self._access, Deadline(60.0))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def _git_dir(self) -> Path:
        return self._folder / ".git"

    def missing(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if not os.path.lexists(self._folder / name)]

    def prepare(self) -> bool:
        with local_errors(self._folder, "make"):
            self._folder.mkdir(parents=True, exist_ok=True)
        if not self._git_dir.exists():
            if (self._folder / "HEAD").is_file() and (self._folder / "objects").is_dir():
                raise UsageError(f"{self._folder} is a bare repository", "clone it, and run `ledger init` in the clone")
            done = run(
                ["init", "--quiet", "--initial-branch=main", "--template=", "--", str(self._folder)],
                environment=self._access.environment,
            )
            if not done.ok:
                raise local_failure(done, "init", self._folder)
        has_commit = self._repository.git("rev-parse", "--quiet", "--verify", "HEAD^{commit}").ok
        return not has_commit and not self._repository.must("ls-files")

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self._folder / name
            with local_errors(path, "write"):
                path.parent.mkdir(parents=True, exist_ok=True)
                with open(path, "x", encoding="utf-8", newline="") as file:
                    file.write(text)

    def why_invalid(self) -> str:
        try:
            read_ledger(read_bytes(self._folder / LEDGER, MAX_BYTES, "the ledger"))
        except LedgerError as error:
            return error.message
        return ""

    def has_remote(self) -> bool:
        return bool(self._repository.must("remote"))

    def commit_all(self, names: Sequence[str], message: str) -> str:
        self._repository.must(f"--work-tree={self._folder}", "add", "--", *[str(self._folder / name) for name in names])
        tree = self._repository.must("write-tree")
        commit = self._repository.must("commit-tree", "--no-gpg-sign", "-F", "-", tree, stdin=message.encode())
        self._repository.must("update-ref", "-m", "ledger init", "HEAD", commit, "")
        return commit
