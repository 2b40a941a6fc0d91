"""What the git commands of one run share: a private folder, the user's settings, a deadline, and access to a remote.

Everything opens a repository through it: a ledger (`session`), the manifests of `bump`, `init` and the merge driver.
What a clone does not need is imported where it is used: see `begin`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from ledger_tool.edges.deadline import Deadline, usual_deadline
from ledger_tool.edges.files.temporary import private_folder
from ledger_tool.edges.git.location import Address, Credentials
from ledger_tool.edges.git.process import Running
from ledger_tool.edges.git.user_settings import (
    Settings,
    ask_settings,
    is_trusted,
    settings_in,
    value_of,
    without_programs,
)
from ledger_tool.errors import Denied, LedgerError, NotTheOwner, PushRefused, Unreachable, UsageError

if TYPE_CHECKING:  # what follows is loaded while git works
    from ledger_tool.edges.git.access import Access
    from ledger_tool.edges.git.connection import Connection
    from ledger_tool.edges.git.repository import Repository


@dataclass
class Workspace(AbstractContextManager["Workspace"]):
    """A context manager; everything it creates is created once, on first use, and is gone when it closes.

    `git_dir` belongs to the checkout whose settings count; with None, only the user's do. `top` is the checkout's top
    folder, `git_dir`'s parent by default. `credentials` are for the remote.
    """

    git_dir: Path | None
    deadline: Deadline = field(default_factory=usual_deadline)
    credentials: Credentials = Credentials()  # noqa: RUF009 - a frozen value
    top: Path | None = None
    _stack: ExitStack = field(default_factory=ExitStack, init=False)
    _accesses: dict[Address | None, Access] = field(default_factory=dict, init=False)
    _connections: dict[Address | None, Connection] = field(default_factory=dict, init=False)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        if isinstance(error, (Denied, Unreachable)) and (explained := self.explained(error)) is not error:
            raise explained from None

    def explained(self, error: LedgerError) -> LedgerError:
        """Return an error about access, with a hint about the settings that may explain it and that are not used."""
        if not isinstance(error, (Denied, Unreachable)) or isinstance(error, NotTheOwner) or not any(self._accesses):
            return error
        from ledger_tool.edges.git.refusals import LoginRefused, without_deploy_key

        is_by_ssh = any(address and address.scheme == "ssh" and address.is_ledgers for address in self._accesses)
        if isinstance(error, LoginRefused) and is_by_ssh and not self.credentials.deploy_key:
            error = without_deploy_key(error, os.environ.get("LEDGER_DEPLOY_KEY"))
        unused = [self._hint_about(name) for name in self._unused(error)]
        return error.within("", "; ".join([error.hint, *unused])) if unused else error

    @cached_property
    def folder(self) -> Path:
        """A folder that only we can enter."""
        return self._stack.enter_context(private_folder())

    @cached_property
    def trusted(self) -> bool:
        """Whether the checkout's own settings may be used: git itself would do so."""
        return self.git_dir is None or is_trusted(self.top or self.git_dir.parent, self.git_dir)

    @cached_property
    def _asked(self) -> Running:
        """The git that reads the user's settings."""
        asked = ask_settings(self.git_dir)
        self._stack.callback(asked.stop)
        return asked

    @cached_property
    def settings(self) -> Settings:
        """The user's git settings, with those of the checkout. Raises UsageError if git cannot read them."""
        settings = settings_in(self._asked.ended())
        return settings if self.trusted else without_programs(settings)

    @property
    def private_git_dir(self) -> Path:
        """The git directory of the run's own clone of a ledger."""
        return self.folder / "ledger.git"

    def begin(self, address: Address, branch: str) -> Running | Connection:
        """Start to clone the tip of a branch, or with `""` of the default one, into `private_git_dir`.

        Over ssh, start to connect, where what follows can use that. Either is ended with the workspace. Raises
        UsageError or Denied for bad credentials.
        """
        _ = self._asked  # git reads the settings while what uses them is loaded
        from ledger_tool.edges.git.cloning import of_tip, start_clone

        access = self._access(address)
        if access.control_path:
            from ledger_tool.edges.git.connection import connect

            connection = connect(address, access.ssh, access.control_path, access.environment, self.deadline)
            if connection:
                self._stack.callback(connection.stop)
                self._connections[address] = connection
                return connection
        seconds = self.deadline.remaining(at_least=1.0)
        cloning = start_clone(
            address, self.private_git_dir, *of_tip(branch),
            environment=access.environment, mask=access.mask, timeout=seconds, step="fetch",
        )  # fmt: skip
        self._stack.callback(cloning.stop)
        return cloning

    def repository(self, git_dir: Path, address: Address | None = None, *options: str) -> Repository:
        """Return a repository whose commands can reach a remote.

        Raises UsageError for a checkout that git does not trust, and UsageError or Denied for bad credentials.
        """
        if git_dir == self.git_dir and not self.trusted:
            top = self.top or git_dir.parent
            raise UsageError(
                f"git does not trust {top}: it belongs to another user",
                f"run as its owner, or trust it with `git config --global --add safe.directory {top}`",
            )
        return self._opened(git_dir, address, options)

    def reader(self, git_dir: Path, address: Address | None = None, *options: str) -> Repository:
        """Return a repository to read from: of a checkout that git does not trust, a view without its settings."""
        if git_dir != self.git_dir or self.trusted:
            return self.repository(git_dir, address, *options)
        return self._opened(self._view, address, options)

    @cached_property
    def _view(self) -> Path:
        from ledger_tool.edges.git.view import make_view

        assert self.git_dir is not None
        return make_view(self.git_dir, self.folder / "view.git", self.settings)

    def _opened(self, git_dir: Path, address: Address | None, options: tuple[str, ...]) -> Repository:
        from ledger_tool.edges.git.repository import Repository

        access = self._access(address)
        connection = self._connections.get(address)
        return Repository(git_dir, access.environment, self.deadline, options, access.mask, connection=connection)

    def _access(self, address: Address | None) -> Access:
        from ledger_tool.edges.git.access import prepare

        if address not in self._accesses:
            # What a view lacks: where the missing objects of a partial clone are.
            also = [(one.key, one.value) for one in self.settings if one.is_local and one.key.startswith("remote.")]
            self._accesses[address] = prepare(
                address, self.credentials, self.settings, self.folder, self._stack,
                also=[] if self.trusted else also, trusting=self.trusted, number=len(self._accesses),
            )  # fmt: skip
        return self._accesses[address]

    @cached_property
    def signing_environment(self) -> Mapping[str, str]:
        """The environment in which git signs: the caller's variables, and the user's key or else the deploy key."""
        from ledger_tool.edges.git.access import prepare

        return prepare(None, self.credentials, self.settings, self.folder, self._stack, sign=True).environment

    def _unused(self, error: Denied | Unreachable) -> Iterator[str]:
        """Yield the settings of the user that may explain an error about access, and that are not used."""
        addresses = [address for address in self._accesses if address]
        is_refusal = isinstance(error, PushRefused)
        if not self.trusted:
            yield "safe.directory"
        if not is_refusal and not self.credentials.deploy_key and any(one.scheme == "ssh" for one in addresses):
            if value_of(self.settings, "core.sshcommand"):
                yield "core.sshCommand"
            yield from (name for name in ("GIT_SSH_COMMAND", "GIT_SSH") if os.environ.get(name))
        for name in ("insteadof", "pushinsteadof"):
            prefixes = [one.value for one in self.settings if re.fullmatch(rf"url\..*\.{name}", one.key) and one.value]
            if any(address.url.startswith(prefix) for prefix in prefixes for address in addresses):
                yield {"insteadof": "insteadOf", "pushinsteadof": "pushInsteadOf"}[name]
        if isinstance(error, Denied) and any(re.fullmatch(r"remote\..*\.pushurl", one.key) for one in self.settings):
            yield "pushurl"

    def _hint_about(self, name: str) -> str:
        """Return what to do instead of a setting that is not used."""
        if name == "safe.directory":
            return f"git does not trust {self.top}, which belongs to another user, so its settings are not used"
        if name in ("insteadOf", "pushInsteadOf", "pushurl"):
            return f"`{name}` is not used: name the whole URL with `--repo`"
        return f"`{name}` is not used: put its options into `~/.ssh/config`, or pass its key with `--deploy-key FILE`"
