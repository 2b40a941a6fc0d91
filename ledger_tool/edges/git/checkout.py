"""A ledger in a user's own checkout: read from its files, written by plumbing, never at the cost of their work.

A local commit is made on the branch's tip. Then the checkout *advances*: the index entry of `ledger.json`,
the file (atomically), and the branch, by compare-and-swap. That is only done where the file holds exactly
what the branch had before, so that uncommitted work survives whatever happens. A journal in the git
directory lets the next run finish what was cut short; a lock, released with the process, keeps two runs apart.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger_tool.core.changes import message
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger import codec
from ledger_tool.edges.files import ledger as ledgerfiles
from ledger_tool.edges.files.disk import local_errors, replace_atomically
from ledger_tool.edges.files.ledger import LEDGER
from ledger_tool.edges.git.objects import Deadline, Repository, local_failure
from ledger_tool.edges.git.process import Completed
from ledger_tool.edges.git.remote import RemoteStore
from ledger_tool.edges.git.server_words import Push, Verdict, server_words
from ledger_tool.edges.git.transaction import Landed, Operation, Progress, transact
from ledger_tool.errors import Contended, LedgerError, UsageError

_INDEX_TRIES = 30
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
        if self._staged() != blob:
            return f"{LEDGER} has staged changes"
        if not self.file.is_file() or self.file.is_symlink() or self.file.read_bytes() != self._content(commit):
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

    def advance(self, branch: str, old: str, new: str) -> Verdict:
        """Bring a clean checkout from commit `old` to `new`: index, file, and then the branch.

        In this order a run that is cut short leaves the new record staged, never its reverse: a commit of the
        user's own then carries the record on. Raises Contended, with nothing changed, while git is locked.
        """
        if reason := self.why_not_clean(old):  # somebody was at work since the last look
            return Verdict(Push.REJECTED, reason)
        replace_atomically(self._journal, f"{branch} {old} {new}\n".encode())
        self._place(new)
        done = self._repository.git("update-ref", "-m", "ledger", f"refs/heads/{branch}", new, old)
        if not done.ok:
            self._place(old)
        self._journal.unlink(missing_ok=True)
        return Verdict(Push.LANDED) if done.ok else Verdict(Push.REJECTED, server_words(done.stderr))

    def _place(self, commit: str) -> None:
        """Make `ledger.json`, its index entry first, what `commit` has."""
        entry = next(entry for entry in self._repository.entries(commit) if entry.name == LEDGER)
        self._update_index(f"{entry.mode},{entry.oid},{LEDGER}")
        replace_atomically(self.file, self._content(commit))

    def _update_index(self, entry: str) -> None:
        for _ in range(_INDEX_TRIES):
            done = self.in_folder("update-index", "--add", "--cacheinfo", entry)
            if done.ok:
                return
            if "index.lock" not in done.stderr:
                raise local_failure(done, "update-index", self.folder)
            time.sleep(0.1)
        raise Contended(
            f"another git command is at work in {self.folder}: its `index.lock` is there",
            "run it again; if no git is running, a crash left that file",
        )

    def _staged(self) -> str:
        """Return the blob of `ledger.json` in the index, or `""` where there is none or a conflict."""
        words = self.in_folder("ls-files", "--stage", "-z", "--", LEDGER).text.split("\0")[0].split()
        return words[1] if len(words) == 4 and words[2] == "0" else ""

    def _content(self, commit: str) -> bytes:
        return self._repository.git("cat-file", "blob", f"{commit}:{LEDGER}").stdout

    def in_folder(self, *arguments: str) -> Completed:
        """Run git as from the top of the work tree, wherever this process is."""
        return self._repository.git("-C", str(self.folder), f"--work-tree={self.folder}", *arguments)

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
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._repository.deadline.remaining() <= 0:
                    message = f"another `ledger` has been at work in {self.folder} all the time"
                    raise Contended(message, "run it again") from None
                time.sleep(0.05)

    @property
    def _journal(self) -> Path:
        return self._repository.git_dir / "ledger-advance"

    def _finish(self) -> None:
        """Finish an advance that was cut short, if nobody has touched the file or the branch since."""
        if not self._journal.exists():
            return
        words = self._journal.read_text("utf-8", "replace").split()
        if len(words) == 3:
            branch, old, new = words
            known = (self._content(old), self._content(new))
            at = self.commit_of(f"refs/heads/{branch}")
            if self.branch() == branch and at in (old, new) and self.file.is_file() and self.file.read_bytes() in known:
                self._place(new)
                self._repository.git("update-ref", "-m", "ledger", f"refs/heads/{branch}", new, old)
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
        return self._checkout.advance(self._branch, tip, commit)

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
            landed = transact(self._branch, operation, self._deadline, self._max_attempts, self._progress)
        if landed.change.changed:
            self._progress.note("note: committed in this checkout, and not pushed")
        return landed


class FollowedStore:
    """A `Store` on a checkout's remote: what lands there, the checkout then follows where it safely can."""

    def __init__(self, remote: RemoteStore, follow: Callable[[], None], note: Callable[[str], None]) -> None:
        self._remote = remote
        self._follow = follow
        self._note = note

    def read(self) -> Snapshot:
        return self._remote.read()

    def transact(self, operation: Operation) -> Landed:
        landed = self._remote.transact(operation)
        if landed.change.changed:
            try:  # what has landed has landed: nothing that happens here may make the run fail
                self._follow()
            except (LedgerError, OSError) as error:
                reason = error.message if isinstance(error, LedgerError) else str(error)
                self._note(f"note: this checkout stays behind the remote: {reason}")
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
    done = repository.fetch(url, f"+refs/heads/{branch}:{tracking}")
    if not local:
        return
    with checkout.alone():
        old, new = checkout.commit_of(f"refs/heads/{local}"), checkout.commit_of(tracking)
        if done.ok and old == new:
            return
        reason = "the remote could not be fetched" if not done.ok else checkout.can_advance(old, new)
        if checkout.branch() != local:
            reason = "another branch was checked out meanwhile"
        if not reason:
            if checkout.advance(local, old, new).push is Push.LANDED:
                return
            reason = "its branch moved meanwhile"
    note(f"note: this checkout stays behind the remote, since {reason}; `git pull --rebase` brings the record here")
