"""A ledger in a user's own checkout: read from its files, written by plumbing, never at the cost of their work.

A local commit is made on the branch's tip. Then the checkout *advances*: first the index entry of `ledger.json`, then
the file (atomically), then the branch, by compare-and-swap. That is done only if the file is exactly what the branch
had before, so uncommitted work survives whatever happens. A journal in the git directory lets the next run finish an
interrupted advance; a lock, released with the process, keeps two runs apart.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ledger_tool.core.changes.change import Change, Landed, Snapshot
from ledger_tool.core.ledger.diagnosis import LINE_ENDS_HINT
from ledger_tool.core.ledger.names import LEDGER, Timestamp, shown
from ledger_tool.edges.files.disk import local_errors, replace_atomically
from ledger_tool.edges.files.ledger import read_snapshot
from ledger_tool.edges.git.files import changed_files
from ledger_tool.edges.git.machine_queue import lock
from ledger_tool.edges.git.offer import Attempts, Bounds, Messages, offer
from ledger_tool.edges.git.remote import RemoteStore
from ledger_tool.edges.git.repository import Repository
from ledger_tool.edges.git.server_words import PushAnswer, PushStatus, server_words
from ledger_tool.edges.git.transaction import Operation, Writer, transact
from ledger_tool.edges.git.trees import update_index
from ledger_tool.edges.git.upstream import Upstream
from ledger_tool.errors import Contended, LedgerError, PushRefused, UsageError

if TYPE_CHECKING:
    from ledger_tool.edges.git.history import GitHistory

_DIRTY_HINT = f"commit {LEDGER}, or restore it with `git restore --staged --worktree {LEDGER}`, then run it again"


_STALLED_SHARE = 0.1  # of the remaining time, to wait for one other run in the checkout
_LINE_ENDS = "CRLF line ends, and the commit has LF"


class Checkout:
    """A work tree and its git directory."""

    def __init__(self, folder: Path, repository: Repository, messages: Messages) -> None:
        self.folder = folder
        self.file = folder / LEDGER
        self.repository = repository
        self._messages = messages
        self._journal = repository.git_dir / "ledger-advance"

    def branch(self) -> str:
        """Return the checked-out branch, or `""` for a detached HEAD."""
        done = self.repository.git("symbolic-ref", "--quiet", "--short", "HEAD")
        return done.text.strip() if done.ok else ""

    def why_not_clean(self, commit: str) -> str:
        """Return why `ledger.json` in the checkout differs from the one in `commit`, or `""`."""
        blob = self.repository.must("rev-parse", "--verify", f"{commit}:{LEDGER}")
        if self._staged() != blob:
            return f"{LEDGER} has staged changes"
        if not self.file.is_file() or self.file.is_symlink():
            return f"{LEDGER} has uncommitted changes"
        raw, committed = self.file.read_bytes(), self._content(commit)
        if raw != committed and raw.replace(b"\r\n", b"\n") == committed:
            return f"{LEDGER} has {_LINE_ENDS}"
        return f"{LEDGER} has uncommitted changes" if raw != committed else ""

    def can_advance(self, old: str, new: str) -> str:
        """Return why the checkout cannot go from commit `old` to `new` by replacing `ledger.json`, or `""`."""
        if not self.repository.is_ancestor(old, new):
            return "the branch has unpushed commits"
        if [file.path for file in changed_files(self.repository, old, new)] != [LEDGER]:
            return "other files changed too"
        return self.why_not_clean(old)

    def advance(self, branch: str, old: str, new: str) -> PushAnswer:
        """Bring a clean checkout from commit `old` to `new`: index, file, and then the branch.

        In this order an interrupted run leaves the new record staged, never its reverse: the user's next commit then
        includes the record. Raises Contended, with nothing changed, while git is locked.
        """
        if reason := self.why_not_clean(old):
            return PushAnswer(PushStatus.REJECTED, reason)
        replace_atomically(self._journal, f"{branch} {old} {new}\n".encode())
        self._place(new)
        done = self.repository.git("update-ref", "-m", "ledger", f"refs/heads/{branch}", new, old)
        if not done.ok:
            self._place(old)
        self._journal.unlink(missing_ok=True)
        return PushAnswer(PushStatus.LANDED if done.ok else PushStatus.REJECTED, server_words(done.stderr))

    def _place(self, commit: str) -> None:
        """Set `ledger.json`, its index entry first, to what `commit` has."""
        entries = [entry for entry in self.repository.entries(commit) if entry.path == LEDGER]
        update_index(self.repository, self.folder, entries)
        replace_atomically(self.file, self._content(commit))

    def _staged(self) -> str:
        """Return the blob of `ledger.json` in the index, or `""` if there is none, or a conflict."""
        listing = self.repository.in_work_tree(self.folder, "ls-files", "--stage", "-z", "--", LEDGER)
        words = listing.text.split("\0")[0].split()
        return words[1] if len(words) == 4 and words[2] == "0" else ""

    def _content(self, commit: str) -> bytes:
        return self.repository.git("cat-file", "blob", f"{commit}:{LEDGER}").stdout

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other runs out of this checkout, and finish the advance of a crashed one. Raises Contended."""
        path = self.repository.git_dir / "ledger.lock"
        with local_errors(path, "lock"):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            longest = self.repository.deadline.remaining()
            if lock(descriptor, longest, longest * _STALLED_SHARE, self._tell) is None:
                raise Contended(f"another `ledger` is still running in {self.folder}", "run it again when it has ended")
            self._finish()
            yield
        finally:
            os.close(descriptor)

    def _tell(self, holder: str) -> None:
        self._messages.note(f"note: waiting a moment for another `ledger`{holder} in {self.folder}")

    def _finish(self) -> None:
        """Finish an interrupted advance, unless the file or the branch has changed since; remove what it left."""
        for target in (self.file, self._journal):
            for left in target.parent.glob(f".{target.name}.????????.tmp"):  # see `replace_atomically`
                left.unlink(missing_ok=True)
        if not self._journal.exists():
            return
        words = self._journal.read_text("utf-8", "replace").split()
        if len(words) == 3:
            branch, old, new = words
            contents = (self._content(old), self._content(new))
            tip = self.repository.commit_of(f"refs/heads/{branch}")
            is_ours = self.branch() == branch and tip in (old, new)
            if is_ours and self.file.is_file() and self.file.read_bytes() in contents:
                self._place(new)
                self.repository.git("update-ref", "-m", "ledger", f"refs/heads/{branch}", new, old)
        self._journal.unlink(missing_ok=True)


class LocalBranch:
    """The checked-out branch as a transaction's target: there is no remote, or it comes later."""

    landed = "the record is"
    refusal_hint = "check that nothing else writes to the checkout, then run it again"

    def __init__(self, checkout: Checkout, branch: str, writer: Writer) -> None:
        self.checkout = checkout
        self._repository = checkout.repository
        self._branch = branch
        self._writer = writer
        self._snapshot: Snapshot | None = None  # the last one: a commit never changes

    @property
    def shown(self) -> str:
        return f"{self.checkout.folder} ({self._branch})"

    def look(self, *, whole: bool = False) -> str:  # noqa: ARG002 - a checkout is always whole
        tip = self._repository.commit_of(f"refs/heads/{self._branch}")
        if not tip:
            raise UsageError(
                f"{self.checkout.folder} has no commit on `{self._branch}` yet",
                "commit the files that `ledger init` created: `git add -A && git commit`",
            )
        return tip

    def snapshot(self, tip: str) -> Snapshot:
        self._snapshot = read_snapshot(tip, *self._repository.ledger_files(tip, self.shown))
        self._check_clean(tip)
        return self._snapshot

    def commit(self, tip: str, change: Change) -> str:
        base = self._snapshot if self._snapshot and self._snapshot.commit == tip else self.snapshot(tip)
        return self._writer.commit(self._repository, base, change)

    def rehearse(self, base: Snapshot, change: Change) -> None:
        self._writer.signer.rehearse(self._repository, base, change.ledger)

    def offer(self, commit: str, tip: str, attempts: Attempts) -> str | None:
        try:
            return offer(self, commit, tip, attempts)
        except PushRefused:
            self._check_clean(tip)  # somebody may have edited the file since the last look
            raise

    def push(self, commit: str, expected: str) -> PushAnswer:
        return self.checkout.advance(self._branch, expected, commit)

    def contains(self, tip: str, commit: str) -> bool:
        return self._repository.is_ancestor(commit, tip)

    def deepen(self) -> bool:
        return False

    def past(self) -> GitHistory:
        """Return the branch's history."""
        from ledger_tool.edges.git.history import GitHistory

        return GitHistory(self._repository, self.shown, revision=f"refs/heads/{self._branch}")

    def _check_clean(self, commit: str) -> None:
        if reason := self.checkout.why_not_clean(commit):
            hint = LINE_ENDS_HINT if reason.endswith(_LINE_ENDS) else _DIRTY_HINT
            raise UsageError(f"{reason}, which a local commit would leave behind", hint)


class CheckoutStore:
    """A `Store` on a checkout: reads its files, commits to its branch, pushes nothing."""

    def __init__(self, branch: LocalBranch, bounds: Bounds) -> None:
        self._branch = branch
        self._bounds = bounds

    def read(self) -> Snapshot:
        with self._branch.checkout.alone():
            return self._branch.snapshot(self._branch.look())

    def file(self, snapshot: Snapshot, path: str) -> bytes | None:
        return self._branch.checkout.repository.file(snapshot.commit, path)

    def past(self) -> GitHistory:
        return self._branch.past()

    def rehearse(self, base: Snapshot, change: Change) -> None:
        self._branch.rehearse(base, change)

    def written_at(self, commit: str) -> Timestamp:
        return self._branch.checkout.repository.written_at(commit)

    def transact(self, operation: Operation) -> Landed:
        with self._branch.checkout.alone():
            landed = transact(self._branch, operation, self._bounds)
        if landed.change.changed:
            self._bounds.messages.note("note: committed in this checkout, but not pushed")
        return landed


class FollowedStore:
    """A `Store` on a checkout's remote; after a write has landed, the checkout follows if it safely can."""

    def __init__(self, remote: RemoteStore, checkout: Checkout | None, upstream: Upstream, bounds: Bounds) -> None:
        self.remote = remote
        self._checkout = checkout
        self._upstream = upstream
        self._messages = bounds.messages

    def read(self) -> Snapshot:
        return self.remote.read()

    def file(self, snapshot: Snapshot, path: str) -> bytes | None:
        return self.remote.file(snapshot, path)

    def past(self) -> GitHistory:
        return self.remote.past()

    def rehearse(self, base: Snapshot, change: Change) -> None:
        self.remote.rehearse(base, change)

    def written_at(self, commit: str) -> Timestamp:
        return self.remote.written_at(commit)

    def transact(self, operation: Operation) -> Landed:
        landed = self.remote.transact(operation)
        if landed.change.changed:
            try:  # the write has landed: nothing that happens here may make the run fail
                reason = self._follow()
            except (LedgerError, OSError) as error:
                reason = error.message if isinstance(error, LedgerError) else str(error)
            if reason:
                self._messages.note(f"note: this checkout is now behind the remote, since {reason}; {self._way_out()}")
        return landed

    def _way_out(self) -> str:
        """Return how to bring the record here."""
        upstream, branch = self._upstream, self.remote.target.branch
        if not upstream.head:
            return f"`git checkout {shown(upstream.remote)}/{shown(branch)}` brings the record here"
        if branch != upstream.branch:
            return f"the record is in `{shown(upstream.remote)}/{shown(branch)}`"
        return "`git pull --rebase` brings the record here"

    def _follow(self) -> str:
        """Bring the checkout to its remote branch if that only replaces a clean `ledger.json`; else return why not."""
        checkout, upstream, branch = self._checkout, self._upstream, self.remote.target.branch
        if checkout is None:
            return "it belongs to another user, and git does not trust it"
        tracking = f"refs/remotes/{upstream.remote}/{branch}"
        fetched = checkout.repository.fetch(upstream.address.url, f"+refs/heads/{branch}:{tracking}")
        if not fetched.ok:
            return "the remote could not be fetched"
        if not upstream.head:
            return "no branch is checked out (detached HEAD)"
        if branch != upstream.branch:
            return f"`{shown(upstream.head)}` is checked out, which does not follow `{shown(branch)}`"
        with checkout.alone():
            old, new = (checkout.repository.commit_of(ref) for ref in (f"refs/heads/{upstream.head}", tracking))
            if old == new:
                return ""
            if checkout.branch() != upstream.head:
                return "another branch was checked out in the meantime"
            if reason := checkout.can_advance(old, new):
                return reason
            has_landed = checkout.advance(upstream.head, old, new).status is PushStatus.LANDED
            return "" if has_landed else "its branch moved in the meantime"
