"""Opens the ledger that `--repo` names, whatever it names, for reading and writing.

That is a remote, a checkout that follows its remote, a checkout alone, or a folder to read. A session creates what it
needs once, on first use. A folder is read without git, which lets `get` and `list` start fast: git's modules are
imported where they are used.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from ledger_tool.core.changes.runclaim import NO_RUN, RunClaim
from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.deadline import Deadline, usual_deadline
from ledger_tool.edges.files.ledger import Folder
from ledger_tool.edges.git.location import Address, Credentials, file_address, git_dir_of, parse_location, parse_remote
from ledger_tool.errors import UsageError

if TYPE_CHECKING:
    from ledger_tool.edges.forge.opening import Forge
    from ledger_tool.edges.git.checkout import Checkout, CheckoutStore, FollowedStore
    from ledger_tool.edges.git.history import BranchSource, GitHistory
    from ledger_tool.edges.git.offer import Bounds, Messages
    from ledger_tool.edges.git.proposal import Describe, ProposingStore
    from ledger_tool.edges.git.rebase import RebasedBranch
    from ledger_tool.edges.git.remote import RemoteStore
    from ledger_tool.edges.git.signing import Signer
    from ledger_tool.edges.git.transaction import Writer
    from ledger_tool.edges.git.upstream import Upstream
    from ledger_tool.edges.git.workspace import Workspace

# A history's parents come from the commits themselves, not from a file that nobody hashes.
_NO_GRAPH = ("-c", "core.commitGraph=false")


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
        from ledger_tool.edges.git.remote import check_branch, clone, has_default_branch, no_branch

        branch = check_branch(self._options.branch)
        repository = self._workspace.repository(self._workspace.folder / "history.git", self._address, *_NO_GRAPH)
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
        from ledger_tool.edges.git.remote import RemoteBranch, RemoteStore, check_branch

        name = check_branch(self._options.branch or branch)
        return RemoteStore(RemoteBranch(address, name, self._workspace, self._writer), self._bounds)


class FolderSession(Session):
    """A session with a ledger in a folder: a checkout, or plain files."""

    def __init__(self, folder: Path, options: SessionOptions, messages: Messages) -> None:
        super().__init__(file_address(folder), options, messages)
        self._folder = folder

    def source(self) -> Folder | BranchSource:
        if not self._options.branch:
            return Folder(self._folder)
        from ledger_tool.edges.git.history import BranchSource

        return BranchSource(self.history())

    def store(self, *, shared: bool = False) -> CheckoutStore | FollowedStore:
        from ledger_tool.edges.git.checkout import Checkout, CheckoutStore, FollowedStore, LocalBranch
        from ledger_tool.edges.git.remote import refs_of

        checkout, upstream = self._checkout, self._upstream if self._options.push else None
        if upstream:
            repository = self._workspace.reader(self._git_dir, upstream.address)
            if shared and upstream.head and not self._options.branch:
                default = refs_of(repository, upstream.address, "HEAD", least=1.0)["HEAD"]
                if not default:
                    raise UsageError(
                        f"the HEAD of {upstream.address.shown} names no branch, so the one that others use is unknown",
                        "name the ledger's branch with `--branch`",
                    )
                if upstream.branch != default:
                    raise UsageError(
                        f"{checkout.folder} follows the branch `{shown(upstream.branch)}`, but others use "
                        f"`{shown(default)}`, the remote's default branch",
                        "check out the default branch, or name the ledger's branch with `--branch`",
                    )
            remote = self._remote_store(upstream.address, upstream.branch)
            following = Checkout(checkout.folder, repository, self._messages) if self._workspace.trusted else None
            return FollowedStore(remote, following, upstream, self._bounds)
        head = checkout.branch()
        if not head or self._options.branch not in ("", head):
            raise UsageError(
                f"{checkout.folder} has {f'`{shown(head)}`' if head else 'no branch'} checked out",
                "check out the ledger's branch, or name its remote's URL with `--repo`",
            )
        ours = Checkout(checkout.folder, self._workspace.repository(self._git_dir), self._messages)
        return CheckoutStore(LocalBranch(ours, head, self._writer), self._bounds)

    def history(self, *, blobs: bool = False, files_alone: bool = False) -> GitHistory:  # noqa: ARG002 - it is all here
        from ledger_tool.edges.git.history import GitHistory

        git_dir = self._folder if files_alone and self._settings_dir is None else self._git_dir
        promisor = self._promisor
        repository = self._workspace.reader(git_dir, self._address_of(promisor), *_NO_GRAPH)
        name, branch = shown(str(self._folder), 300), self._options.branch
        if not branch:
            return GitHistory(repository, name, folder=Folder(self._folder), promisor=promisor)
        from ledger_tool.edges.git.upstream import ref_of

        return GitHistory(repository, name, revision=ref_of(branch, repository, name), promisor=promisor)

    @property
    def _promisor(self) -> str:
        """The remote from which a partial clone gets its missing objects (git's partial-clone.txt), or `""`."""
        remotes = (one.key for one in self._workspace.settings if one.key.endswith(".promisor") and one.value)
        return next(remotes, "").removeprefix("remote.").removesuffix(".promisor")

    def _address_of(self, remote: str) -> Address | None:
        """Return the address of a remote, or None if there is none that can be reached."""
        from ledger_tool.edges.git.user_settings import value_of

        url = value_of(self._workspace.settings, f"remote.{remote}.url") if remote else ""
        try:
            address = parse_remote(url, self._folder) if url else None
        except UsageError:
            return None
        has_token = address and (address.password or self._options.credentials.token)
        return address if address and (address.is_confidential or not has_token) else None

    def rewrite(self, rewritten: Callable[[bytes], bytes | None]) -> bool | None:
        if self._settings_dir is None:  # not a checkout
            return Folder(self._folder).rewrite(rewritten)
        self._workspace.repository(self._git_dir)  # refuses a checkout that git does not trust
        with self._checkout.alone():
            return Folder(self._folder).rewrite(rewritten)

    def branch(self) -> RebasedBranch:
        from ledger_tool.edges.git.rebase import CheckedOutBranch

        if self._options.branch:
            raise UsageError("`--branch` needs a remote's URL", "check the branch out, and leave the option out")
        self._workspace.repository(self._git_dir)  # refuses a checkout that git does not trust
        return CheckedOutBranch(self.history(), self._signer, self._folder.absolute(), self._messages)

    @property
    def _remote(self) -> tuple[Address, str]:
        if self._upstream is None:
            raise UsageError(f"{self._checkout.folder} has no remote", "name the ledger's URL with `--repo`")
        return self._upstream.address, self._upstream.branch

    @property
    def _settings_dir(self) -> Path | None:
        return self._git_dir if (self._folder / ".git").exists() else None

    @property
    def _top(self) -> Path | None:
        return self._folder.absolute()

    @cached_property
    def _git_dir(self) -> Path:
        return git_dir_of(self._folder.absolute())

    @cached_property
    def _checkout(self) -> Checkout:
        from ledger_tool.edges.git.checkout import Checkout

        return Checkout(self._folder.absolute(), self._workspace.reader(self._git_dir), self._messages)

    @cached_property
    def _upstream(self) -> Upstream | None:
        from ledger_tool.edges.git.upstream import find_upstream

        return find_upstream(self._workspace.settings, self._checkout.branch(), self._checkout.folder)


def open_session(repo: str, options: SessionOptions, messages: Messages) -> Session:
    """Return a session with the ledger that `--repo` names. Raises UsageError if there is no such ledger."""
    location = parse_location(repo)
    if isinstance(location, Path):
        return FolderSession(location, options, messages)
    return Session(location, options, messages)
