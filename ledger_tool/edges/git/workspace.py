"""What the git commands of one run share: a private folder, the user's settings, a deadline, and access to a remote.

Everything opens a repository through it: a ledger (`session`), the manifests of `bump`, `init` and the merge driver.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from pathlib import Path

from ledger_tool.edges.files.disk import local_errors
from ledger_tool.edges.git.access import Settings, prepare, user_settings
from ledger_tool.edges.git.location import Address, Credentials
from ledger_tool.edges.git.repository import Deadline, Repository


@dataclass
class Workspace(AbstractContextManager["Workspace"]):
    """A context manager; everything it creates is created once, on first use, and is gone when it closes.

    `git_dir` belongs to the checkout whose settings count; with None, only the user's do. `timeout` is in seconds.
    `credentials` are for the remote; `sign` lets a deploy key sign if the user has no signing key.
    """

    git_dir: Path | None
    timeout: InitVar[float] = 60.0
    credentials: Credentials = Credentials()  # noqa: RUF009 - a frozen value
    sign: bool = False
    _stack: ExitStack = field(default_factory=ExitStack, init=False)
    _environments: dict[Address | None, Mapping[str, str]] = field(default_factory=dict, init=False)

    def __post_init__(self, timeout: float) -> None:
        self.deadline = Deadline(timeout)

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def folder(self) -> Path:
        """A folder that only we can enter."""
        with local_errors("the folder for temporary files", "use"):
            folder = tempfile.TemporaryDirectory(prefix="ledger-", ignore_cleanup_errors=True)
        return Path(self._stack.enter_context(folder))

    @cached_property
    def settings(self) -> Settings:
        """The user's git settings, with those of the checkout. Raises UsageError if git cannot read them."""
        return user_settings(self.git_dir)

    def repository(self, git_dir: Path, address: Address | None = None, *options: str) -> Repository:
        """Return a repository whose commands can reach a remote. Raises UsageError or Denied for a bad deploy key."""
        if address not in self._environments:
            self._environments[address] = prepare(
                address, self.credentials, self.settings, self.folder, self._stack, sign=self.sign
            )
        return Repository(git_dir, self._environments[address], self.deadline, options)
