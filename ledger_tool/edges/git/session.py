"""Opens the ledger that `--repo` names, whatever it names, for reading and writing.

That is a remote, or a folder (`folder_session`). A session creates what it needs once, on first use; modules are
imported where they are used, so that no run waits for what it does not need.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from ledger_tool.core.changes.runclaim import NO_RUN, RunClaim
from ledger_tool.edges.deadline import Deadline, usual_deadline
from ledger_tool.edges.git.location import Address, Credentials, check_branch, parse_location
from ledger_tool.errors import UsageError

if TYPE_CHECKING:
    from ledger_tool.edges.files.ledger import Folder
    from ledger_tool.edges.forge.opening import Forge
    from ledger_tool.edges.git.checkout import CheckoutStore, FollowedStore
    from ledger_tool.edges.git.connection import Connection
    from ledger_tool.edges.git.history import BranchSource, GitHistory
    from ledger_tool.edges.git.offer import Bounds, Messages
    from ledger_tool.edges.git.process import Running
    from ledger_tool.edges.git.proposal import Describe, ProposingStore
    from ledger_tool.edges.git.rebase import RebasedBranch
    from ledger_tool.edges.git.remote import RemoteStore
    from ledger_tool.edges.git.signing import Signer
    from ledger_tool.edges.git.transaction import Writer
    from ledger_tool.edges.git.workspace import Workspace

# A history's parents come from the commits themselves, not from a file that nobody hashes.
NO_GRAPH = ("-c", "core.commitGraph=false")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """How to reach and write a ledger; 0 attempts: all that fit into the time. Commits name the `run`."""

    branch: str = ""
    credentials: Credentials
    deadline: Deadline = field(default_factory=usual_deadline)
    max_attempts: int = 0
    push: bool = True
    sign: bool = False
    run: RunClaim = NO_RUN


class Session(AbstractContextManager["Session"]):
    """One run against a ledger on a remote, which opens one thing. Use as a context manager; see `open_session`."""

    def __init__(self, address: Address, options: SessionOptions, messages: Messages) -> None:
        self._address = address
        self._options = options
        self._messages = messages
        self._stack = ExitStack()
        self._begun: Running | Connection | None = None

    def begin(self) -> None:
        """Start to fetch a remote's ledger, which `source` and `store` then wait for; the rest is loaded meanwhile."""
        if self._options.push:
            self._begun = self._workspace.begin(self._address, check_branch(self._options.branch))

    def claim(self, run: RunClaim) -> None:
        """Say which run writes."""
        self._options = replace(self._options, run=run)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def source(self) -> Folder | BranchSource | RemoteStore:
        """Return the ledger to read from; in a folder, the files as they are unless `--branch` names a branch."""
        return self._remote_store(self._address)

    def store(self, *, shared: bool = False) -> RemoteStore | CheckoutStore | FollowedStore:  # noqa: ARG002
        """Return the ledger to write to: for a checkout, the branch that it follows on its remote, else its own.

        With `shared`, a checkout has to follow the branch that everybody uses: the remote's default one, unless
        `--branch` names another. Raises UsageError for a folder that cannot be written to.
        """
        if not self._options.push:
            raise UsageError("`--no-push` needs a checkout", "clone the ledger, and name that folder with `--repo`")
        return self._remote_store(self._address)

    def proposals(self, forge: Forge, describe: Describe) -> ProposingStore:
        """Return the ledger to propose changes to; a checkout means its remote."""
        from ledger_tool.edges.git.proposal import ProposingStore

        return ProposingStore(self._remote_store(*self._remote).target, forge, describe, self._bounds)

    def history(self, *, blobs: bool = False, files_alone: bool = False) -> GitHistory:  # noqa: ARG002
        """Return the ledger's history; for a remote, in a clone that lives for this session.

        `blobs` fetches every version of every file at once. With `files_alone`, only the files of a folder will be
        read, and the folder need not be a checkout.
        """
        from ledger_tool.edges.git.history import GitHistory
        from ledger_tool.edges.git.remote import clone
        from ledger_tool.edges.git.remote_refs import has_default_branch, no_branch

        branch = check_branch(self._options.branch)
        repository = self._workspace.repository(self._workspace.folder / "history.git", self._address, *NO_GRAPH)
        # Git 2.39 asks a shallow repository without end for the commits that it lacks, if contents are left out.
        blobs = blobs or (self._address.scheme == "file" and Path(self._address.url, "shallow").exists())
        clone(self._address, repository, *([] if blobs else ["--filter=blob:none"]))
        head = f"refs/heads/{branch}" if branch else "HEAD"
        if not repository.commit_of(head) or not (branch or has_default_branch(repository)):
            raise no_branch(repository, self._address, branch)
        return GitHistory(repository, self._address.shown, revision=head, promisor="" if blobs else "origin")

    def rewrite(self, rewritten: Callable[[bytes], bytes | None]) -> bool | None:  # noqa: ARG002 - there is no file
        """Rewrite `ledger.json` in a folder (see `Folder.rewrite`), alone in a checkout. Raises UsageError."""
        hint = "clone the ledger, and name that folder with `--repo`"
        raise UsageError(f"{self._address.shown} has no file to write: it is not a checkout", hint)

    def branch(self) -> RebasedBranch:
        """Return the branch to rebase: the one that is checked out or, for a remote, the one that `--branch` names."""
        from ledger_tool.edges.git.rebase import ClonedBranch

        if not self._options.branch:
            raise UsageError("the branch to rebase is unknown", "name it with `--branch`")
        return ClonedBranch(self.history(), self._signer, self._address, self._options.branch, self._bounds)

    @property
    def remote_url(self) -> str:
        """The URL of the ledger's remote, without credentials; the remote is not contacted."""
        return self._remote[0].url

    @property
    def _remote(self) -> tuple[Address, str]:
        """The ledger's remote, and the branch there unless `--branch` names one; `""` for the default branch."""
        return self._address, ""

    @property
    def _settings_dir(self) -> Path | None:
        """The git directory whose settings count in addition to the user's."""
        return None

    @property
    def _top(self) -> Path | None:
        """The top folder of the checkout that the git directory belongs to."""
        return None

    @cached_property
    def _workspace(self) -> Workspace:
        from ledger_tool.edges.git.workspace import Workspace

        options = self._options
        return self._stack.enter_context(
            Workspace(self._settings_dir, options.deadline, credentials=options.credentials, top=self._top)
        )

    @cached_property
    def _bounds(self) -> Bounds:
        from ledger_tool.edges.git.offer import Bounds

        return Bounds(self._workspace.deadline, self._messages, self._options.max_attempts)

    @cached_property
    def _writer(self) -> Writer:
        from ledger_tool.edges.git.transaction import Writer

        return Writer(os.urandom(8).hex(), self._signer, self._options.run)

    @cached_property
    def _signer(self) -> Signer:
        from ledger_tool.edges.git.signing import Signer

        return Signer(self._workspace, self._options.sign)

    def _remote_store(self, address: Address, branch: str = "") -> RemoteStore:
        from ledger_tool.edges.git.remote import RemoteBranch, RemoteStore

        name = check_branch(self._options.branch or branch)
        begun, self._begun = self._begun, None
        return RemoteStore(RemoteBranch(address, name, self._workspace, self._writer, begun), self._bounds)


def open_session(repo: str, options: SessionOptions, messages: Messages) -> Session:
    """Return a session with the ledger that `--repo` names. Raises UsageError if there is no such ledger."""
    location = parse_location(repo)
    if isinstance(location, Path):
        from ledger_tool.edges.git.folder_session import FolderSession

        return FolderSession(location, options, messages)
    return Session(location, options, messages)
