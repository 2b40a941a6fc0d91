"""A ledger in a user's own checkout: read from its files, written by plumbing, never at the cost of their work.

A local commit is made on the branch's tip and the branch moved by compare-and-swap. Then the checkout
*advances*: `ledger.json` is replaced atomically, and its index entry after it. That is only done where
the file holds exactly what the branch had before, so that uncommitted work survives whatever happens.
A journal in the git directory, written before the branch moves, lets the next run finish what a crash
cut short; a lock, released with the process, keeps two runs apart.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger_tool.core import codec, message
from ledger_tool.core.change import Change, Snapshot
from ledger_tool.edges import ledgerfiles
from ledger_tool.edges.files import local_errors, replace_atomically
from ledger_tool.edges.git.objects import Deadline, Repository
from ledger_tool.edges.git.remote import RemoteStore
from ledger_tool.edges.git.transaction import Landed, Operation, Progress, transact
from ledger_tool.edges.git.verdict import Push, Verdict, server_words
from ledger_tool.edges.ledgerfiles import LEDGER
from ledger_tool.errors import Contended, UsageError

_DIRTY_HINT = f"commit {LEDGER}, or put it back with `git restore --staged --worktree {LEDGER}`, then run it again"


class Checkout:
    """A work tree and its git directory."""

    def __init__(self, folder: Path, repository: Repository) -> None:
        self.folder = folder
        self._repository = repository

    @property
    def file(self) -> Path:
        return self.folder / LEDGER

    def branch(self) -> str:
        """Return the checked-out branch, or `""` for a detached HEAD."""
        done = self._repository.git("symbolic-ref", "--quiet", "--short", "HEAD")
        return done.text.strip() if done.ok else ""

    def commit_of(self, revision: str) -> str:
        """Return a revision's commit id, or `""` where there is none."""
        done = self._repository.git("rev-parse", "--quiet", "--verify", f"{revision}^{{commit}}")
        return done.text.strip() if done.ok else ""

    def why_not_clean(self, commit: str) -> str:
        """Return why `ledger.json` here is not what `commit` has, or `""`."""
        blob = self._repository.must("rev-parse", "--verify", f"{commit}:{LEDGER}")
        staged = self._repository.must("ls-files", "--stage", "-z", "--", LEDGER)
        if staged.split("\0")[0].split("\t")[0].split()[1:] != [blob, "0"]:
            return f"{LEDGER} has staged changes"
        content = self._repository.git("cat-file", "blob", blob).stdout
        if not self.file.is_file() or self.file.is_symlink() or self.file.read_bytes() != content:
            return f"{LEDGER} has uncommitted changes"
        return ""

    def can_advance(self, old: str, new: str) -> str:
        """Return why the checkout can't go from commit `old` to `new` by replacing `ledger.json`, or `""`."""
        if not self._repository.is_ancestor(old, new):
            return "the branch has unpushed commits"
        changed = self._repository.must("diff-tree", "-r", "--name-only", "-z", old, new).strip("\0").split("\0")
        if changed != [LEDGER]:
            return "other files changed too"
        return self.why_not_clean(old)

    def replace_file(self, commit: str) -> None:
        """Make `ledger.json` and its index entry what `commit` has."""
        content = self._repository.git("cat-file", "blob", f"{commit}:{LEDGER}").stdout
        replace_atomically(self.file, content)
        entry = next(entry for entry in self._repository.entries(commit) if entry.name == LEDGER)
        self._repository.must("update-index", "--add", "--cacheinfo", f"{entry.mode},{entry.oid},{LEDGER}")

    def move_branch(self, branch: str, old: str, new: str) -> Verdict:
        """Move a branch from exactly `old` to `new`."""
        done = self._repository.git("update-ref", "-m", "ledger", f"refs/heads/{branch}", new, old)
        return Verdict(Push.LANDED) if done.ok else Verdict(Push.REJECTED, server_words(done.stderr))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other runs out of this checkout, and finish what a crashed one left. Raises Contended."""
        path = self._repository.git_dir / "ledger.lock"
        with local_errors(path, "lock"):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._lock(descriptor)
            self._finish()
            yield
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        import time

        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._repository.deadline.remaining() <= 0:
                    raise Contended(
                        f"another `ledger` has been at work in {self.folder} all the time", "run it again"
                    ) from None
                time.sleep(0.05)

    @property
    def _journal(self) -> Path:
        return self._repository.git_dir / "ledger-advance"

    @contextmanager
    def journal(self, old: str, new: str) -> Iterator[None]:
        """Note that the branch is about to go from `old` to `new`, until the block ends in peace."""
        replace_atomically(self._journal, f"{old} {new}\n".encode())
        try:
            yield
        finally:
            self._journal.unlink(missing_ok=True)

    def _finish(self) -> None:
        """Finish an advance that a crash cut short: the branch had moved, the file had not."""
        if not self._journal.exists():
            return
        old, _, new = self._journal.read_text("ascii").strip().partition(" ")
        content = self._repository.git("cat-file", "blob", f"{old}:{LEDGER}").stdout
        after = self._repository.git("cat-file", "blob", f"{new}:{LEDGER}").stdout
        if self.commit_of("HEAD") == new and self.file.is_file() and self.file.read_bytes() in (content, after):
            self.replace_file(new)
        self._journal.unlink(missing_ok=True)


class LocalBranch:
    """The checked-out branch, as a transaction's target: no remote, or not yet."""

    def __init__(
        self, checkout: Checkout, repository: Repository, branch: str, *, transaction_id: str, sign: bool
    ) -> None:
        self._checkout = checkout
        self._repository = repository
        self._branch = branch
        self._transaction_id = transaction_id
        self._sign = sign

    @property
    def shown(self) -> str:
        return f"{self._checkout.folder} ({self._branch})"

    def refresh(self, *, whole: bool = False) -> str:  # noqa: ARG002 - here everything is whole
        tip = self._checkout.commit_of(f"refs/heads/{self._branch}")
        if not tip:
            raise UsageError(
                f"{self._checkout.folder} has no commit on `{self._branch}` yet",
                "commit the files that `ledger init` made: `git add -A && git commit`",
            )
        return tip

    def snapshot(self, tip: str) -> Snapshot:
        files = self._repository.ledger_files(tip, self.shown)
        if reason := self._checkout.why_not_clean(tip):
            raise UsageError(f"{reason}, and a local commit would leave them behind", _DIRTY_HINT)
        return ledgerfiles.snapshot(tip, *files)

    def commit(self, tip: str, change: Change) -> str:
        text = message.compose(change, self._transaction_id)
        return self._repository.write_commit(tip, codec.dumps(change.ledger), text, sign=self._sign)

    def offer(self, tip: str, commit: str) -> Verdict:
        with self._checkout.journal(tip, commit):
            verdict = self._checkout.move_branch(self._branch, tip, commit)
            if verdict.push is Push.LANDED:
                self._checkout.replace_file(commit)
            return verdict

    def contains(self, tip: str, commit: str) -> bool:
        return self._repository.is_ancestor(commit, tip)


class CheckoutStore:
    """A `Store` on a checkout: reads its files, commits on its branch, pushes nothing."""

    def __init__(
        self, checkout: Checkout, branch: LocalBranch, deadline: Deadline, max_attempts: int, progress: Progress
    ) -> None:
        self._checkout = checkout
        self._branch = branch
        self._deadline = deadline
        self._max_attempts = max_attempts
        self._progress = progress

    def read(self) -> Snapshot:
        with self._checkout.alone():
            return self._branch.snapshot(self._branch.refresh())

    def transact(self, operation: Operation) -> Landed:
        with self._checkout.alone():
            return transact(self._branch, operation, self._deadline, self._max_attempts, self._progress)


class FollowedStore:
    """A `Store` on a checkout's remote: what lands there, the checkout then follows where it safely can."""

    def __init__(self, remote: RemoteStore, follow: Callable[[], None]) -> None:
        self._remote = remote
        self._follow = follow

    def read(self) -> Snapshot:
        return self._remote.read()

    def transact(self, operation: Operation) -> Landed:
        landed = self._remote.transact(operation)
        if landed.change.changed:
            self._follow()
        return landed


def follow(
    checkout: Checkout,
    repository: Repository,
    *,
    url: str,
    remote: str,
    branch: str,
    local: str,
    note: Callable[[str], None],
) -> None:
    """Bring a checkout to its remote branch where that only replaces a clean `ledger.json`; else say why not.

    `local` is the checked-out branch that tracks `branch` of `remote`, or `""`. What has landed has
    landed: nothing in here makes the command fail.
    """
    tracking = f"refs/remotes/{remote}/{branch}"
    done = repository.git(
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        "--recurse-submodules=no",
        "--",
        url,
        f"+refs/heads/{branch}:{tracking}",
        step="fetch",
    )
    if not local:
        return
    old, new = checkout.commit_of("HEAD"), checkout.commit_of(tracking)
    if done.ok and old == new:
        return
    with checkout.alone():
        reason = "the remote could not be fetched" if not done.ok else checkout.can_advance(old, new)
        if not reason:
            with checkout.journal(old, new):
                if checkout.move_branch(local, old, new).push is Push.LANDED:
                    checkout.replace_file(new)
                    return
            reason = "its branch moved meanwhile"
    note(f"note: this checkout stays behind the remote, since {reason}; `git pull --rebase` brings the record here")
