"""The branch that `rebase` brings up to date: the one that is checked out, or one of a remote."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ledger_tool.core.history.commit import Commit
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import LEDGER, shown
from ledger_tool.edges.git.checkout import Checkout
from ledger_tool.edges.git.dates import dated_after
from ledger_tool.edges.git.entries import Entry
from ledger_tool.edges.git.history import GitHistory
from ledger_tool.edges.git.location import Address
from ledger_tool.edges.git.offer import Bounds, Messages, offer_once
from ledger_tool.edges.git.own_commits import writing_command
from ledger_tool.edges.git.remote import RemoteRef
from ledger_tool.edges.git.remote_refs import has_default_branch
from ledger_tool.edges.git.repository import Repository
from ledger_tool.edges.git.server_words import server_words
from ledger_tool.edges.git.signing import Signer
from ledger_tool.errors import Contended, UsageError

_authored = re.compile(rb"^author .*> ([0-9]+ [+-][0-9]{4})$", re.MULTILINE)
_signed = re.compile(rb"^gpgsig(?:-sha256)? ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RebasedBranch(ABC):
    """See `commands.rebase.Branch`: it writes commits with their original authors, in its history's repository."""

    history: GitHistory
    signer: Signer

    @abstractmethod
    def default_base(self) -> str:
        """Return what to rebase onto by default: the remote's default branch."""

    @abstractmethod
    def move(self, old: str, new: str) -> None:
        """Move the branch from commit `old` to `new`."""

    @property
    def repository(self) -> Repository:
        return self.history.repository

    def files(self, commit: str) -> Mapping[str, str]:
        entries = self.repository.entries(commit)
        return {entry.path: f"{entry.mode} {entry.kind} {entry.oid}" for entry in entries if entry.path != LEDGER}

    @property
    def signs(self) -> bool:
        return self.signer.always

    def is_signed(self, commit: str) -> bool:
        headers = self.repository.git("cat-file", "commit", commit).stdout.partition(b"\n\n")[0]
        return bool(_signed.search(headers))

    def is_ours(self, commit: str, parent: str) -> bool:
        return bool(writing_command(self.repository, commit, parent))

    def write(self, parent: str, ledger: Ledger, files: Mapping[str, str], like: Commit, message: str) -> str:
        kept = []
        for path, facts in files.items():
            mode, kind, oid = facts.split()
            kept.append(Entry(mode, kind, oid, path))
        mode = next((entry.mode for entry in self.repository.entries(parent) if entry.path == LEDGER), "100644")
        tree = self.repository.write_root([*kept, Entry(mode, "blob", "", LEDGER)], codec.dumps(ledger))
        name = like.author or like.email or "unknown"  # git does not accept an empty one
        environment = {**self.repository.environment, "GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": like.email}
        raw = self.repository.git("cat-file", "commit", like.id).stdout
        if authored := _authored.search(raw.partition(b"\n\n")[0]):
            environment["GIT_AUTHOR_DATE"] = f"@{authored[1].decode()}"
        repository = dated_after(replace(self.repository, environment=environment), parent)
        if not self.signer.always:  # what was not signed needs no signature to stay what it is
            return repository.commit_tree(tree, parent, message)
        return self.signer.commit(repository, self.history.snapshot(parent), ledger, tree, message)


@dataclass(frozen=True, slots=True)
class CheckedOutBranch(RebasedBranch):
    """The branch that is checked out in a folder; the files in the folder follow it."""

    folder: Path
    messages: Messages

    def default_base(self) -> str:
        for name in ("origin/HEAD", "origin/main", "origin/master"):
            if self.repository.commit_of(f"refs/remotes/{name}"):
                return name
        raise UsageError("the base to rebase onto is unknown", "name it, as in `ledger rebase origin/main`")

    def move(self, old: str, new: str) -> None:
        """Raise UsageError, with nothing changed, if there is uncommitted work that it would touch."""
        checkout = Checkout(self.folder, self.repository, self.messages)
        with checkout.alone():
            if not checkout.branch():
                raise UsageError(f"{self.folder} has no branch checked out", "check out the branch to rebase")
            if self.repository.commit_of("HEAD") != old:
                raise Contended("the branch moved in the meantime; nothing was changed", "run it again")
            if self.repository.in_work_tree(self.folder, "status", "--porcelain", "--untracked-files=no").text:
                raise UsageError(
                    f"{self.folder} has uncommitted changes; nothing was changed", "commit or `git stash` them first"
                )
            # Without this, files that we wrote ourselves look changed to git.
            self.repository.in_work_tree(self.folder, "update-index", "-q", "--refresh")
            done = self.repository.in_work_tree(self.folder, "reset", "--keep", "--quiet", new)
            if not done.ok:
                raise UsageError(
                    f"git cannot move the branch: {server_words(done.stderr)}",
                    "move the files that are in the way, then run it again",
                )


@dataclass(frozen=True, slots=True)
class ClonedBranch(RebasedBranch):
    """A branch of a remote, in a clone that lives for this run."""

    address: Address
    branch: str
    bounds: Bounds

    def default_base(self) -> str:
        if not has_default_branch(self.repository):
            raise UsageError(
                f"{self.address.shown} has no default branch to rebase onto",
                "name the base, as in `ledger rebase main`",
            )
        return "HEAD"

    def move(self, old: str, new: str) -> None:
        """Push it, if it has not moved. Raises UsageError for the remote's default branch, which is the ledger."""
        default = self.repository.git("symbolic-ref", "--quiet", "--short", "HEAD").text.strip()
        if default == self.branch and not self.repository.is_ancestor(old, new):
            raise UsageError(
                f"`{shown(self.branch)}` is the default branch of {self.address.shown}, which is never rewritten",
                "name the branch to bring up to date with `--branch`, and the new base as the argument",
            )
        ref = RemoteRef(
            self.repository,
            self.address,
            self.branch,
            landed="the rebased commits are",
            refusal_hint="let the key rewrite this branch, or rebase in a clone",
        )
        offer_once(ref, new, old, self.bounds)
