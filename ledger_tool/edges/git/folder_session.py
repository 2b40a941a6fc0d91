"""Opens a ledger in a folder: a checkout that follows its remote, a checkout alone, or plain files.

Plain files are read without git, which lets `get` and `list` start fast: git's modules are imported where they are
used.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.files.ledger import Folder
from ledger_tool.edges.git.location import Address, file_address, git_dir_of, parse_remote
from ledger_tool.edges.git.session import NO_GRAPH, Session, SessionOptions
from ledger_tool.errors import UsageError

if TYPE_CHECKING:
    from ledger_tool.edges.git.checkout import Checkout, CheckoutStore, FollowedStore
    from ledger_tool.edges.git.history import BranchSource, GitHistory
    from ledger_tool.edges.git.offer import Messages
    from ledger_tool.edges.git.rebase import RebasedBranch
    from ledger_tool.edges.git.upstream import Upstream


class FolderSession(Session):
    """A session with a ledger in a folder: a checkout, or plain files."""

    def __init__(self, folder: Path, options: SessionOptions, messages: Messages) -> None:
        super().__init__(file_address(folder), options, messages)
        self._folder = folder

    def begin(self) -> None:
        """Start nothing: a folder is read as it is, and where a checkout follows a remote is for git to say."""

    def source(self) -> Folder | BranchSource:
        if not self._options.branch:
            return Folder(self._folder)
        from ledger_tool.edges.git.history import BranchSource

        return BranchSource(self.history())

    def store(self, *, shared: bool = False) -> CheckoutStore | FollowedStore:
        from ledger_tool.edges.git.checkout import Checkout, CheckoutStore, FollowedStore, LocalBranch
        from ledger_tool.edges.git.remote_refs import refs_of

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
        repository = self._workspace.reader(git_dir, self._address_of(promisor), *NO_GRAPH)
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
