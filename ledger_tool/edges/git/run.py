"""One run against a ledger repository: what it needs for as long as it lasts, and the stores that it opens."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.files.disk import local_errors
from ledger_tool.edges.git.credentials import Credentials
from ledger_tool.errors import UsageError

if TYPE_CHECKING:
    from ledger_tool.edges.git.access import Access, Settings
    from ledger_tool.edges.git.checkout import CheckoutStore, FollowedStore
    from ledger_tool.edges.git.history import History
    from ledger_tool.edges.git.location import Address
    from ledger_tool.edges.git.remote import RemoteBranch, RemoteStore
    from ledger_tool.edges.git.transaction import Landed, Operation, Progress, Target

# Of a history, parents come from the commits themselves, not from a file beside them that nobody hashes.
_NO_GRAPH = ("-c", "core.commitGraph=false")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to reach and write a ledger. `timeout` is in seconds; 0 attempts means as many as fit in it.

    With `for_all`, what a checkout follows has to be the branch that everybody uses: the remote's default one, unless
    `branch` names another.
    """

    branch: str = ""
    credentials: Credentials
    timeout: float = 120.0
    max_attempts: int = 0
    push: bool = True
    sign: bool = False
    for_all: bool = False


def address_of(place: Path | Address) -> Address:
    """Return the address of a place that is no checkout. Raises UsageError where nothing is there."""
    from ledger_tool.edges.git.location import file_address

    address = file_address(place) if isinstance(place, Path) else place
    if address.path is not None and not address.path.is_dir():
        raise UsageError(f"there is no repository at {address.shown}", "check the path")
    return address


def git_dir_of(folder: Path) -> Path:
    """Return the git directory of a checkout: `.git`, or where a file of that name points (gitrepository-layout(5))."""
    found = folder / ".git"
    if found.is_file():
        pointer = found.read_text("utf-8", "replace").strip().removeprefix("gitdir:").strip()
        found = folder / pointer
    if not found.is_dir():
        raise UsageError(
            f"{folder.absolute()} is not the top folder of a git repository",
            "name the ledger's folder or URL with `--repo`, or make one with `ledger init`",
        )
    return found.absolute()


def private_folder(stack: ExitStack) -> Path:
    """Make a folder that only we can enter, and that is gone when `stack` closes."""
    with local_errors("the folder for temporary files", "use"):
        made = tempfile.TemporaryDirectory(prefix="ledger-", ignore_cleanup_errors=True)
    return Path(stack.enter_context(made))


class Run:
    """One run's private folder, deadline and secrets, all gone when it closes."""

    def __init__(self, options: Options, progress: Progress) -> None:
        from ledger_tool.edges.git.objects import Deadline

        self._options = options
        self._progress = progress
        self.deadline = Deadline(options.timeout)
        self._transaction_id = os.urandom(8).hex()
        self._stack = ExitStack()

    def __enter__(self) -> Run:
        self._work = private_folder(self._stack)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def remote(self, address: Address, branch: str = "", access: Access | None = None) -> RemoteStore:
        """Return the store of a remote's branch: the one asked for, else `branch`, else the remote's HEAD."""
        from ledger_tool.edges.git.remote import RemoteStore

        target = self.remote_branch(address, branch, access)
        return RemoteStore(target, self.deadline, self._options.max_attempts, self._progress)

    def remote_branch(self, address: Address, branch: str = "", access: Access | None = None) -> RemoteBranch:
        """Return a remote's branch as a transaction's target; see `remote`."""
        from ledger_tool.edges.git.access import user_settings
        from ledger_tool.edges.git.remote import RemoteBranch, check_branch

        name = self._options.branch or branch
        return RemoteBranch(
            address,
            check_branch(name) if name else "",
            access or self.access(address, user_settings(None)),
            self._work,
            self.deadline,
            transaction_id=self._transaction_id,
            sign=self._options.sign,
        )

    def transact(self, target: Target, operation: Operation) -> Landed:
        """Run a transaction on a target within the run's bounds."""
        from ledger_tool.edges.git.transaction import transact

        return transact(target, operation, self.deadline, self._options.max_attempts, self._progress)

    def branch_of_remote(self, folder: Path) -> RemoteBranch:
        """Return the branch of a checkout's remote that the checkout follows. Raises UsageError where there is none."""
        from ledger_tool.edges.git.access import user_settings
        from ledger_tool.edges.git.checkout import Checkout
        from ledger_tool.edges.git.objects import Repository

        folder = folder.absolute()
        git_dir = git_dir_of(folder)
        settings = user_settings(git_dir)
        local = Repository(git_dir, self.access(None, settings), self.deadline)
        remote, url, upstream = _upstream(settings, Checkout(folder, local).branch())
        if not remote:
            raise UsageError(f"{folder} has no remote", "name the ledger's URL with `--repo`")
        place = parse_remote(url, folder)
        return self.remote_branch(place, upstream, self.access(place, settings))

    def checkout(self, folder: Path) -> CheckoutStore | FollowedStore:
        """Return the store of a checkout: its remote's branch if it has one and may push, else its own."""
        from ledger_tool.edges.git.access import user_settings
        from ledger_tool.edges.git.checkout import Checkout, CheckoutStore, FollowedStore, LocalBranch, follow
        from ledger_tool.edges.git.objects import Repository
        from ledger_tool.edges.git.remote import default_branch

        folder = folder.absolute()
        git_dir = git_dir_of(folder)
        settings = user_settings(git_dir)
        local = Repository(git_dir, self.access(None, settings), self.deadline)
        checkout = Checkout(folder, local)
        head = checkout.branch()
        remote, url, upstream = _upstream(settings, head) if self._options.push else ("", "", "")
        if not remote:
            branch = self._options.branch or head
            if not branch or branch != head:
                raise UsageError(
                    f"{folder} has {f'`{shown(head)}`' if head else 'no branch'} checked out",
                    "check out the ledger's branch, or name its remote's URL with `--repo`",
                )
            target = LocalBranch(checkout, local, branch, transaction_id=self._transaction_id, sign=self._options.sign)
            return CheckoutStore(checkout, target, self.deadline, self._options.max_attempts, self._progress)

        place = parse_remote(url, folder)
        access = self.access(place, settings)
        if self._options.for_all and not self._options.branch and head:
            default = default_branch(Repository(git_dir, access, self.deadline), place)
            if upstream != default:
                raise UsageError(
                    f"{folder} follows the branch `{shown(upstream)}`, and others use "
                    f"`{shown(default) or 'another'}`, the remote's default branch",
                    "check that one out, or name the branch that counts with `--branch`",
                )
        store = self.remote(place, upstream, access)

        def bring_here() -> None:
            there = Repository(git_dir, access, self.deadline)
            tracked = head if store.branch == upstream else ""
            follow(
                Checkout(folder, there),
                there,
                url=place.url,
                remote=remote,
                branch=store.branch,
                local=tracked,
                note=self._progress.note,
            )

        return FollowedStore(store, bring_here, self._progress.note)

    def history_of_checkout(
        self, folder: Path, files: Callable[[], tuple[bytes, bytes | None]], *, files_alone: bool = False
    ) -> History:
        """Return the history in a checkout's git directory; `files` reads its files as they are now.

        `files_alone` says that nothing else will be read: then the folder may have no git directory.
        """
        from ledger_tool.edges.git.access import user_settings
        from ledger_tool.edges.git.history import History
        from ledger_tool.edges.git.objects import Repository

        has_git = not files_alone or (folder / ".git").exists()
        git_dir = git_dir_of(folder.absolute()) if has_git else folder
        settings = user_settings(git_dir if has_git else None)
        repository = Repository(git_dir, self.access(None, settings), self.deadline, _NO_GRAPH)
        name = shown(str(folder), 300)
        if branch := self._options.branch:
            # In full, since git takes a tag of that name first, and whoever can push can make one.
            full = [f"refs/{kind}/{branch}" for kind in ("heads", "remotes")]
            there = [one for one in full if repository.git("show-ref", "--verify", "--quiet", "--", one).ok]
            return History(repository, name, head=there[0] if there else branch, promisor=_promisor(settings))
        return History(repository, name, files=files, promisor=_promisor(settings))

    def history_of_remote(self, address: Address, *, blobs: bool) -> History:
        """Return the history of a remote, in a clone that lives for this run."""
        from ledger_tool.edges.git.access import user_settings
        from ledger_tool.edges.git.history import History, clone
        from ledger_tool.edges.git.objects import Repository
        from ledger_tool.edges.git.remote import check_branch

        branch = check_branch(self._options.branch) if self._options.branch else ""
        access = self.access(address, user_settings(None))
        git_dir = self._work / "history.git"
        clone(address, git_dir, access, self.deadline, blobs=blobs)
        head = f"refs/heads/{branch}" if branch else "HEAD"
        return History(
            Repository(git_dir, access, self.deadline, _NO_GRAPH),
            address.shown,
            head=head,
            promisor="" if blobs else "origin",
        )

    def access(self, address: Address | None, settings: Settings) -> Access:
        """Return the access to a remote, or to local git alone."""
        from ledger_tool.edges.git.access import prepare

        options = self._options
        return prepare(address, options.credentials, settings, self._work, self._stack, sign=options.sign)


def _promisor(settings: Settings) -> str:
    """Return the remote of a partial clone, or `""` (git's partial-clone.txt)."""
    names = [key[len("remote.") : -len(".promisor")] for key, value in settings if key.endswith(".promisor") and value]
    return names[0] if names else ""


def parse_remote(url: str, folder: Path) -> Address:
    """Return the address of a checkout's remote, whose path may be relative to the checkout."""
    from ledger_tool.edges.git.location import parse_address

    found = parse_address(url, folder)
    return address_of(found)


def _upstream(settings: Settings, head: str) -> tuple[str, str, str]:
    """Return the remote that a branch follows, its URL, and the branch's name there; empty where there is no remote.

    Raises UsageError where there are several and nothing says which.
    """
    values = dict(settings)
    remotes = [
        key[len("remote.") : -len(".url")] for key in values if key.startswith("remote.") and key.endswith(".url")
    ]
    merge = values.get(f"branch.{head}.merge", "").removeprefix("refs/heads/") or head
    named = values.get(f"branch.{head}.remote", "")
    if named and named != "." and named not in remotes:  # git takes a URL there, too
        return "origin", named, merge
    remote = named if named in remotes else "origin" if "origin" in remotes else ""
    if not remote and len(remotes) > 1:
        raise UsageError(
            f"the checkout has several remotes ({shown(', '.join(remotes))}), and `{shown(head)}` follows none of them",
            "set one with `git branch --set-upstream-to`, or pass `--no-push` to only commit",
        )
    remote = remote or (remotes[0] if remotes else "")
    return remote, values.get(f"remote.{remote}.url", ""), merge
