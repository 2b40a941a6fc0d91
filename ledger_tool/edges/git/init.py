"""The folder that `init` turns into a ledger."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ledger_tool.core.ledger.codec import MAX_BYTES
from ledger_tool.core.ledger.names import LEDGER, SETTINGS
from ledger_tool.core.writes.init import parse_ledger_url
from ledger_tool.edges.files.disk import local_errors, read_bytes
from ledger_tool.edges.files.ledger import read_ledger, read_policy
from ledger_tool.edges.git.location import is_bare, parse_remote
from ledger_tool.edges.git.process import run
from ledger_tool.edges.git.repository import Repository, local_failure
from ledger_tool.edges.git.workspace import Workspace
from ledger_tool.errors import LedgerError, UsageError


class GitFolder:
    """See `commands.init.Workplace`: a folder with a git repository in it, created if there is none."""

    def __init__(self, folder: Path, repository: Repository) -> None:
        self._folder = folder
        self._repository = repository

    def missing(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if not os.path.lexists(self._folder / name)]

    def lacking(self, names: Sequence[str], text: str) -> list[str]:
        paths = {name: self._folder / name for name in names}
        return [
            name
            for name, path in paths.items()
            if os.path.lexists(path) and text.encode() not in read_bytes(path, MAX_BYTES, "the file")
        ]

    def around(self) -> str:
        if self._repository.git_dir.exists():
            return ""
        return next((str(above) for above in self._folder.parents if (above / ".git").exists()), "")

    def prepare(self) -> bool:
        with local_errors(self._folder, "create"):
            self._folder.mkdir(parents=True, exist_ok=True)
        if not self._repository.git_dir.exists():
            if is_bare(self._folder):
                raise UsageError(f"{self._folder} is a bare repository", "clone it, and run `ledger init` in the clone")
            done = run(
                ["init", "--quiet", "--initial-branch=main", "--template=", "--", str(self._folder)],
                environment=self._repository.environment,
            )
            if not done.ok:
                raise local_failure(done, "init", self._folder)
        return not self._repository.commit_of("HEAD") and not self._repository.must("ls-files")

    def write(self, files: Mapping[str, str]) -> None:
        # A link among the folders may lead out of the repository.
        for folder in sorted({self._folder / above for name in files for above in Path(name).parents[:-1]}):
            if folder.is_symlink():
                raise UsageError(f"{folder} is a symbolic link", "replace it by a folder, and run `ledger init` again")
            if os.path.lexists(folder) and not folder.is_dir():
                raise UsageError(f"{folder} is not a folder", "move it away, and run `ledger init` again")
        for name, text in files.items():
            path = self._folder / name
            with local_errors(path, "write"):
                path.parent.mkdir(parents=True, exist_ok=True)
                with open(path, "x", encoding="utf-8", newline="") as file:
                    file.write(text)

    def why_invalid(self) -> str:
        checks: tuple[tuple[str, Callable[[bytes], object]], ...] = ((LEDGER, read_ledger), (SETTINGS, read_policy))
        for name, check in checks:
            path = self._folder / name
            if not path.is_file():  # a link that leads nowhere, or a pipe, which would be waited for
                return f"{name} is not a file"
            try:
                check(read_bytes(path, MAX_BYTES, name))
            except LedgerError as error:
                return error.message
        return ""

    def remote(self) -> str | None:
        names = self._repository.must("remote").split()
        if not names:
            return None
        name = "origin" if "origin" in names else names[0]
        try:
            address = parse_remote(self._repository.must("remote", "get-url", "--", name).strip(), self._folder)
            return parse_ledger_url(address.url)
        except UsageError:
            return ""

    def commit_all(self, names: Sequence[str], message: str) -> str:
        self._repository.must(f"--work-tree={self._folder}", "add", "--", *[str(self._folder / name) for name in names])
        tree = self._repository.must("write-tree")
        commit = self._repository.must("commit-tree", "--no-gpg-sign", "-F", "-", tree, stdin=message.encode())
        self._repository.must("update-ref", "-m", "ledger init", "HEAD", commit, "")
        return commit


@contextmanager
def open_folder(folder: Path) -> Iterator[GitFolder]:
    """Yield the folder that `init` turns into a ledger."""
    folder = folder.absolute()
    git_dir = folder / ".git"
    with Workspace(git_dir if git_dir.exists() else None, top=folder) as workspace:
        yield GitFolder(folder, workspace.repository(git_dir))
