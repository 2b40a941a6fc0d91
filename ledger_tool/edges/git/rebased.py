"""The branch that `rebase` brings up to date: the one that is checked out, or one of a remote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ledger_tool.core.history.commit import Commit
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.files.ledger import LEDGER
from ledger_tool.edges.git.access import Access
from ledger_tool.edges.git.checkout import Checkout
from ledger_tool.edges.git.history import History
from ledger_tool.edges.git.location import Address
from ledger_tool.edges.git.objects import Repository
from ledger_tool.edges.git.opening import Folder, is_bare, place_of
from ledger_tool.edges.git.run import Options, Run, address_of
from ledger_tool.edges.git.server_words import Push, read_push, server_words
from ledger_tool.edges.git.transaction import Progress
from ledger_tool.errors import Contended, Denied, PushRefused, Unreachable, UsageError

_authored = re.compile(rb"^author .*> ([0-9]+ [+-][0-9]{4})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Rewriting:
    """Writes commits as somebody else's, in one repository."""

    repository: Repository
    sign: bool

    def files(self, commit: str) -> Mapping[str, str]:
        entries = self.repository.entries(commit)
        return {entry.name: f"{entry.mode} {entry.kind} {entry.oid}" for entry in entries if entry.name != LEDGER}

    def write(self, parent: str, ledger: Ledger, files: Mapping[str, str], like: Commit, message: str) -> str:
        blob = self.repository.must("hash-object", "-w", "--stdin", stdin=codec.dumps(ledger))
        mode = next((entry.mode for entry in self.repository.entries(parent) if entry.name == LEDGER), "100644")
        lines = [f"{entry}\t{name}\0" for name, entry in {**files, LEDGER: f"{mode} blob {blob}"}.items()]
        tree = self.repository.must("mktree", "-z", stdin="".join(lines).encode("utf-8", "surrogateescape"))
        as_author = replace(self.repository, access=self._as_author_of(like))
        return as_author.commit_tree(tree, parent, message, sign=self.sign)

    def _as_author_of(self, like: Commit) -> Access:
        raw = self.repository.git("cat-file", "commit", like.id).stdout
        name = like.author or like.email or "unknown"  # git takes no empty one
        names = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": like.email}
        if found := _authored.search(raw.partition(b"\n\n")[0]):
            names["GIT_AUTHOR_DATE"] = f"@{found[1].decode()}"
        return Access({**self.repository.access.environment, **names})


@dataclass(frozen=True, slots=True)
class CheckedOutBranch(_Rewriting):
    """The branch that is checked out in a folder; its files follow."""

    folder: Path

    def default_base(self) -> str:
        """Return the remote's default branch, as this clone knows it."""
        for name in ("origin/HEAD", "origin/main", "origin/master"):
            if self.repository.git("rev-parse", "--quiet", "--verify", f"refs/remotes/{name}").ok:
                return name
        raise UsageError("nothing says what to rebase onto", "name it, such as `ledger rebase origin/main`")

    def move(self, old: str, new: str) -> None:
        """Raise UsageError, with nothing changed, for uncommitted work that it would touch."""
        checkout = Checkout(self.folder, self.repository)
        with checkout.alone():
            if not checkout.branch():
                raise UsageError(f"{self.folder} has no branch checked out", "check out the branch to rebase")
            if checkout.commit_of("HEAD") != old:
                raise Contended("the branch moved meanwhile; nothing was changed", "run it again")
            if checkout.in_folder("status", "--porcelain", "--untracked-files=no").text:
                raise UsageError(
                    f"{self.folder} has uncommitted changes; nothing was changed", "commit or `git stash` them first"
                )
            checkout.in_folder("update-index", "-q", "--refresh")  # else git takes what we wrote for changed
            done = checkout.in_folder("reset", "--keep", "--quiet", new)
            if not done.ok:
                raise UsageError(
                    f"git does not move the branch: {server_words(done.stderr)}",
                    "move what is in the way, and run it again",
                )


@dataclass(frozen=True, slots=True)
class RemoteBranch(_Rewriting):
    """A branch of a remote, in a clone that lives for this run."""

    address: Address
    branch: str

    def default_base(self) -> str:
        """Return the remote's default branch."""
        return "HEAD"

    def move(self, old: str, new: str) -> None:
        """Push it, if it is still where it was. Raises UsageError for the remote's default branch: it is the ledger."""
        default = self.repository.git("symbolic-ref", "--quiet", "--short", "HEAD").text.strip()
        if default == self.branch and not self.repository.is_ancestor(old, new):
            raise UsageError(
                f"`{shown(self.branch)}` is the default branch of {self.address.shown}, which is never rewritten",
                "name the branch to bring up to date with `--branch`, and the new base as the argument",
            )
        ref = f"refs/heads/{self.branch}"
        verdict = read_push(self.repository.push(self.address.url, new, ref, old))
        if verdict.push is Push.LANDED:
            return
        where = f"{self.address.shown} ({self.branch})"
        if verdict.push is Push.BROKEN:
            raise Unreachable(f"the push to {where} failed: {verdict.words}", "run it again")
        if verdict.push is Push.DENIED:
            raise Denied(f"{where} denied the push: {verdict.words}", "check the rights of the key or token")
        if "stale info" in verdict.words or verdict.is_lock:
            raise Contended(f"{where} moved meanwhile; nothing was changed", "run it again")
        raise PushRefused(
            f"{where} refused the push: {verdict.words}", "let the key rewrite this branch, or rebase in a clone"
        )


@contextmanager
def open_branch(
    repo: str, options: Options, progress: Progress
) -> Iterator[tuple[History, CheckedOutBranch | RemoteBranch]]:
    """Yield the history of the ledger that `--repo` names, and its branch to rebase.

    That is the one that is checked out, or for a remote the one that `--branch` names. Raises UsageError.
    """
    place = place_of(repo)
    with Run(options, progress) as run:
        if isinstance(place, Path) and not is_bare(place):
            if options.branch:
                raise UsageError(
                    "`--branch` goes with a remote's URL", "check the branch out, and leave the option out"
                )
            history = run.history_of_checkout(place, Folder(place).files)
            yield history, CheckedOutBranch(history.repository, options.sign, place.absolute())
        elif not options.branch:
            raise UsageError("nothing says which branch to rebase", "name it with `--branch`")
        else:
            address = address_of(place)
            history = run.history_of_remote(address, blobs=False)
            yield history, RemoteBranch(history.repository, options.sign, address, options.branch)
