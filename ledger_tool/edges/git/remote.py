"""A ledger on a git remote: read and written through a private bare repository that lives for one run."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from ledger_tool.core.changes.change import Change, Landed, Snapshot
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.edges.deadline import Deadline
from ledger_tool.edges.files.ledger import read_snapshot
from ledger_tool.edges.git.cloning import of_tip, start_clone
from ledger_tool.edges.git.connection import Connection, asked
from ledger_tool.edges.git.location import Address
from ledger_tool.edges.git.machine_queue import turn
from ledger_tool.edges.git.offer import Attempts, Bounds, offer
from ledger_tool.edges.git.process import Completed, Running
from ledger_tool.edges.git.remote_refs import no_branch, refs_of
from ledger_tool.edges.git.repository import Repository
from ledger_tool.edges.git.server_words import PushAnswer, PushStatus, fetch_error, read_push
from ledger_tool.edges.git.tip import Tip, read_tip
from ledger_tool.edges.git.transaction import Operation, Writer, transact
from ledger_tool.edges.git.workspace import Workspace
from ledger_tool.errors import LedgerError, Unreachable, UsageError

if TYPE_CHECKING:
    from ledger_tool.core.history.signature import Signature
    from ledger_tool.edges.git.history import GitHistory

_SHORT_LIVED = ("-c", "core.looseCompression=0")  # deflating objects that live for seconds saves nothing
# What is large and has changed throughout takes git longer to tell as a difference than to send as it is.
_WHOLE = ("-c", "pack.window=0")
_MANY = 10_000  # records
_PAST_COMMITS = 1000  # how far to look back after a conflict, and for how many seconds
_PAST_SECONDS = 10.0
_AFTER_PUSH = 15.0  # seconds that a look after a push gets, however late it is
_IN_THE_WAY = "refs/heads/ledger"  # git stores refs as files: this one blocks the folder of our branches


@dataclass
class RemoteRef:
    """One branch of a remote; see `offer.Ref`. `push_options` are passed to the server (`git push -o`).

    `look` only asks for the branch's commit; `contains` fetches the branch. `packing` says how a push packs objects.
    """

    repository: Repository
    address: Address
    branch: str
    landed: str
    refusal_hint: str
    push_options: Sequence[str] = ()
    packing: tuple[str, ...] = ()
    deepened: Callable[[], bool] = bool  # fetches the history that the repository lacks, if it is ours
    push_seconds: ClassVar[float] = 10.0  # for a push, however late it is

    @property
    def shown(self) -> str:
        return f"{self.address.shown} ({self.branch})" if self.branch else self.address.shown

    @property
    def name(self) -> str:
        """The ref's full name."""
        return f"refs/heads/{self.branch}"

    def push(self, commit: str, expected: str) -> PushAnswer:
        options = [f"--push-option={option}" for option in self.push_options]
        repository = replace(self.repository, options=(*self.repository.options, *self.packing))
        try:
            done = repository.git(
                "push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no",
                f"--force-with-lease={self.name}:{expected}", *options, "--", self.address.url, f"{commit}:{self.name}",
                least=self.push_seconds, step="push", peer=self.address.shown,
            )  # fmt: skip
        except Unreachable as error:  # time was up, but it may have landed
            answer = PushAnswer(PushStatus.BROKEN, error.message)
        else:
            answer = read_push(done, self.repository.mask)
        if self.repository.connection and answer.status not in (PushStatus.LANDED, PushStatus.REJECTED):
            self.repository.connection.stop()
        if answer.refusal and not self.address.is_ledgers:
            answer = replace(answer, refusal=answer.refusal.of_origin())
        if options and "does not support push options" in answer.words:
            raise UsageError(
                f"{self.address.shown} does not accept push options, which GitLab needs to open merge requests",
                "set GITLAB_TOKEN, or name another kind of forge with `--forge`",
            )
        if answer.is_lock and self.name.startswith(f"{_IN_THE_WAY}/") and self._commit_of(_IN_THE_WAY):
            raise UsageError(
                f"{self.address.shown} has a branch `ledger`, so git cannot create a branch `{self.branch}`",
                "rename or delete the branch `ledger`",
            )
        return answer

    def look(self, *, whole: bool = False) -> str:  # noqa: ARG002 - `contains` fetches what it needs
        return self._commit_of(self.name)

    def contains(self, tip: str, commit: str) -> bool:
        if not tip:
            return False
        done = self.repository.fetch(self.address.url, self.name, least=_AFTER_PUSH)
        if not done.ok:
            raise fetch_error(done, self.address, self.branch, self.shown)
        return self.repository.is_ancestor(commit, tip)

    def deepen(self) -> bool:
        return self.deepened()

    def _commit_of(self, ref: str) -> str:
        return refs_of(self.repository, self.address, ref, least=_AFTER_PUSH).get(ref, "")


class RemoteBranch(RemoteRef):
    """A ledger's branch on a remote, as a transaction's target. Its name is known after the first `look`.

    `look` fetches the tip alone, so it costs one transfer of the ledger. With `whole`, it fetches all commits since the
    base, so `contains` can find a commit of ours among them.
    """

    push_seconds = 1.0

    def __init__(
        self,
        address: Address,
        branch: str,
        workspace: Workspace,
        writer: Writer,
        begun: Running | Connection | None = None,
    ) -> None:
        """`begun` is what `Workspace.begin` has started."""
        repository = workspace.repository(workspace.private_git_dir, address, *_SHORT_LIVED)
        repository = replace(repository, is_ours=True)
        hint = "propose the change with `--pull-request`, or let the deploy key bypass the rule"
        super().__init__(repository, address, branch, landed="the record is", refusal_hint=hint)
        self.workspace = workspace
        self._writer = writer
        self._begun = begun
        self._pushed = False
        self._is_whole = False  # no fetch may make it shallow again
        self._snapshot: Snapshot | None = None  # the last one: a commit never changes
        self._tip: Tip | None = None  # what was last looked up

    def look(self, *, whole: bool = False) -> str:
        if self.repository.git_dir.exists() and not self._begun:
            depth, least = [] if whole or self._is_whole else ["--depth=1"], _AFTER_PUSH if self._pushed else 1.0
            done = self.repository.fetch(self.address.url, f"+{self.name}:{self.name}", how=depth, least=least)
            if not done.ok:
                raise fetch_error(done, self.address, self.branch)
        else:
            self._clone()
        branch = self.branch or self._default_branch()
        self._tip = read_tip(self.repository, f"refs/heads/{branch}") if branch else None
        if self._tip:
            self.branch = branch
            return self._tip.commit
        # At most one: a clone has a single branch.
        tip = self.repository.must("for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads/")
        if not tip:
            error = no_branch(self.repository, self.address, self.branch)
            shutil.rmtree(self.repository.git_dir, ignore_errors=True)
            raise error
        commit, _, self.branch = tip.partition(" ")
        return commit

    def snapshot(self, tip: str) -> Snapshot:
        if self._snapshot is None or self._snapshot.commit != tip:
            read = self._tip if self._tip and self._tip.commit == tip else None
            files = (read.ledger, read.settings) if read else self.repository.ledger_files(tip, self.shown)
            self._snapshot = read_snapshot(tip, *files, after=self._snapshot)
            if read:  # the bytes are not needed any more, and may be many
                self._tip = replace(read, ledger=b"", settings=None)
        return self._snapshot

    def commit(self, tip: str, change: Change) -> str:
        self.packing = _WHOLE if _MANY <= len(change.effects) > len(change.ledger) / 2 else ()
        read = self._tip if self._tip and self._tip.commit == tip else None
        return self._writer.commit(self.repository, self.snapshot(tip), change, read)

    def rehearse(self, base: Snapshot, change: Change) -> None:
        self._writer.signer.rehearse(self.repository, base, change.ledger)

    def signature(self, tip: str, keyring: bytes) -> Signature | None:
        return self._writer.signer.signature(self.repository, tip, keyring)

    def offer(self, commit: str, tip: str, attempts: Attempts) -> str | None:
        return offer(self, commit, tip, attempts)

    def push(self, commit: str, expected: str) -> PushAnswer:
        self._pushed = True
        return super().push(commit, expected)

    def contains(self, tip: str, commit: str) -> bool:
        return self.repository.is_ancestor(commit, tip)

    def deepen(self) -> bool:
        if not (self.repository.git_dir / "shallow").exists():
            return False
        branch = f"+{self.name}:{self.name}"
        done = self.repository.fetch(self.address.url, branch, how=["--unshallow"], least=_AFTER_PUSH)
        self._is_whole = done.ok
        return done.ok

    def past(self) -> GitHistory:
        """Return the branch's last commits, in a clone of their own that has no contents yet. Raises LedgerError."""
        from ledger_tool.edges.git.history import GitHistory

        repository = self.workspace.repository(self.workspace.folder / "past.git", self.address, *_SHORT_LIVED)
        repository = replace(repository, deadline=Deadline(min(_PAST_SECONDS, repository.deadline.remaining(1.0))))
        options = ["--filter=blob:none", f"--depth={_PAST_COMMITS}", "--single-branch", "--no-tags"]
        clone(self.address, repository, *options, *([f"--branch={self.branch}"] if self.branch else []))
        return GitHistory(repository, self.address.shown, promisor="origin")

    def catch_up(self) -> None:
        """End what was begun before our turn, so that `look` fetches what has landed since."""
        if self._begun:
            with suppress(LedgerError):  # `look` clones it again
                self.look()

    def _default_branch(self) -> str:
        """Return what the HEAD of our clone names, `""` if it is not told as usual (gitrepository-layout(5))."""
        head = (self.repository.git_dir / "HEAD").read_bytes().decode("utf-8", "replace")
        match = re.fullmatch(r"ref: refs/heads/([^\x00-\x20\x7f~^:?*\[\\\ufffd]+)\n", head)
        return match[1] if match else ""

    def _clone(self) -> None:
        begun, self._begun = self._begun, None
        if begun:
            codec.prepare()  # while git and the network are still at work
        try:
            connection = begun if isinstance(begun, Connection) else None
            done = connection.made() if connection else None
            if isinstance(begun, Running):
                done = begun.ended()
            if done is None:
                depth = of_tip(self.branch)
                clone(self.address, self.repository, *depth, branch=self.branch, step="fetch", begun=connection)
            elif not done.ok:
                raise fetch_error(done, self.address, self.branch)
        except LedgerError:
            shutil.rmtree(self.repository.git_dir, ignore_errors=True)
            raise


@dataclass
class RemoteStore:
    """A `Store` on a git remote. A read takes one `look`; a write is a transaction."""

    target: RemoteBranch
    bounds: Bounds
    _unused_tip: str = ""  # the tip of a read that no write has used yet

    def read(self) -> Snapshot:
        snapshot = self.target.snapshot(self.target.look())
        self._unused_tip = snapshot.commit
        return snapshot

    def file(self, snapshot: Snapshot, path: str) -> bytes | None:
        return self.target.repository.file(snapshot.commit, path)

    def past(self) -> GitHistory:
        return self.target.past()

    def rehearse(self, base: Snapshot, change: Change) -> None:
        self.target.rehearse(base, change)

    def written_at(self, commit: str) -> Timestamp:
        return self.target.repository.written_at(commit)

    def transact(self, operation: Operation) -> Landed:
        tip, self._unused_tip = self._unused_tip, ""
        with turn(self.target.shown, self.bounds.deadline.remaining(), self.bounds.messages.note) as waited:
            # After a wait the tip is looked up again: other commits have landed since.
            if waited:
                self.target.catch_up()
            return transact(self.target, operation, self.bounds, "" if waited else tip)


def clone(
    address: Address,
    repository: Repository,
    *options: str,
    branch: str = "",
    step: str = "clone",
    begun: Connection | None = None,
) -> None:
    """Create a repository's git directory as a bare clone of a remote, in the time of what was `begun` for it.

    Raises the error that `fetch_error` returns.
    """
    environment, mask, deadline = repository.environment, repository.mask, repository.deadline

    def once() -> Completed:
        shutil.rmtree(repository.git_dir, ignore_errors=True)  # of one that was killed
        left = begun.left if begun else deadline.remaining(at_least=1.0)
        waited = begun.seconds - left if begun else 0.0
        return start_clone(
            address, repository.git_dir, *options,
            environment=environment, mask=mask, timeout=left, waited=waited, step=step,
        ).ended()  # fmt: skip

    if not (done := asked(once, repository.connection, deadline)).ok:
        raise fetch_error(done, address, branch)
