"""A ledger on a git remote: read and written through a private bare repository that lives for one run."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from ledger_tool.core.changes.change import Change, Landed, Snapshot
from ledger_tool.core.ledger.names import Timestamp, shown
from ledger_tool.edges.deadline import Deadline
from ledger_tool.edges.files.ledger import read_snapshot
from ledger_tool.edges.git.access import NO_GRAFTS
from ledger_tool.edges.git.location import Address
from ledger_tool.edges.git.machine_queue import turn
from ledger_tool.edges.git.offer import Attempts, Bounds, offer
from ledger_tool.edges.git.process import run
from ledger_tool.edges.git.refusals import NO_PAGE
from ledger_tool.edges.git.repository import Repository
from ledger_tool.edges.git.server_words import PushAnswer, PushStatus, fetch_error, read_push
from ledger_tool.edges.git.transaction import Operation, Writer, transact
from ledger_tool.edges.git.workspace import Workspace
from ledger_tool.errors import LedgerError, Unreachable, UsageError

if TYPE_CHECKING:
    from ledger_tool.core.history.signature import Signature
    from ledger_tool.edges.git.history import GitHistory

_SHORT_LIVED = ("-c", "core.looseCompression=0")  # deflating objects that live for seconds saves nothing
_PAST_COMMITS = 1000  # how far to look back after a conflict, and for how many seconds
_PAST_SECONDS = 10.0
_AFTER_PUSH = 15.0  # seconds that a look after a push gets, however late it is
_TO_LIST = 30.0  # seconds that a remote may take to say what branches it has
# What only a server of git says; see gitprotocol-http(5). A trace of curl has the headers of its answers.
_SMART = re.compile(r"Recv header: content-type: application/x-git-upload-pack-advertisement", re.IGNORECASE)
_IN_THE_WAY = "refs/heads/ledger"  # git stores refs as files: this one blocks the folder of our branches


@dataclass
class RemoteRef:
    """One branch of a remote; see `offer.Ref`. `push_options` are passed to the server (`git push -o`).

    `look` only asks for the branch's commit; `contains` fetches the branch.
    """

    repository: Repository
    address: Address
    branch: str
    landed: str
    refusal_hint: str
    push_options: Sequence[str] = ()
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
        try:
            done = self.repository.git(
                "push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no",
                f"--force-with-lease={self.name}:{expected}", *options, "--", self.address.url, f"{commit}:{self.name}",
                least=self.push_seconds, step="push", peer=self.address.shown,
            )  # fmt: skip
        except Unreachable as error:  # time was up, but it may have landed
            return PushAnswer(PushStatus.BROKEN, error.message)
        answer = read_push(done, self.repository.mask)
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

    def __init__(self, address: Address, branch: str, workspace: Workspace, writer: Writer) -> None:
        repository = workspace.repository(workspace.folder / "ledger.git", address, *_SHORT_LIVED)
        hint = "propose the change with `--pull-request`, or let the deploy key bypass the rule"
        super().__init__(repository, address, branch, landed="the record is", refusal_hint=hint)
        self.workspace = workspace
        self._writer = writer
        self._pushed = False
        self._is_whole = False  # no fetch may make it shallow again
        self._snapshot: Snapshot | None = None  # the last one: a commit never changes

    def look(self, *, whole: bool = False) -> str:
        if self.repository.git_dir.exists():
            depth, least = [] if whole or self._is_whole else ["--depth=1"], _AFTER_PUSH if self._pushed else 1.0
            done = self.repository.fetch(self.address.url, f"+{self.name}:{self.name}", how=depth, least=least)
            if not done.ok:
                raise fetch_error(done, self.address, self.branch)
        else:
            self._clone()
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
            ledger, settings = self.repository.ledger_files(tip, self.shown)
            self._snapshot = read_snapshot(tip, ledger, settings)
        return self._snapshot

    def commit(self, tip: str, change: Change) -> str:
        return self._writer.commit(self.repository, self.snapshot(tip), change)

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

    def _clone(self) -> None:
        options = ["--depth=1", "--single-branch", "--no-tags", *([f"--branch={self.branch}"] if self.branch else [])]
        try:
            clone(self.address, self.repository, *options, branch=self.branch, step="fetch")
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
            return transact(self.target, operation, self.bounds, "" if waited else tip)


def clone(address: Address, repository: Repository, *options: str, branch: str = "", step: str = "clone") -> None:
    """Create a repository's git directory as a bare clone of a remote. Raises the error that `fetch_error` returns."""
    plain = ["clone", "--quiet", "--bare", "--no-local", "--template="]
    if address.scheme == "file":  # git does not pass the variable on to what reads the other repository
        plain.append(f"--upload-pack=GIT_GRAFT_FILE={NO_GRAFTS} git-upload-pack")
    done = run(
        [*plain, *options, "--", address.url, str(repository.git_dir)],
        environment=repository.environment,
        timeout=repository.deadline.remaining(at_least=1.0),
        step=step,
        mask=repository.mask,
        peer=address.shown,
    )
    if not done.ok:
        raise fetch_error(done, address, branch)


def refs_of(repository: Repository, address: Address, *patterns: str, least: float = 10.0) -> dict[str, str]:
    """Return the commit of each ref of a remote that matches a pattern; for `HEAD`, the branch that it names, or ""."""
    done = repository.git(
        "ls-remote", "--symref", "--", address.url, *patterns,
        least=least, most=_TO_LIST, step="ls-remote", peer=address.shown,
    )  # fmt: skip
    if not done.ok:
        raise fetch_error(done, address, "")
    commits = {ref: oid for oid, ref in re.findall(r"^([0-9a-f]{40,64})\t(\S+)$", done.text, re.MULTILINE)}
    if not commits and address.scheme in ("http", "https") and not _speaks_git(repository, address, least):
        raise UsageError(
            f"{address.shown} is not the address of a git repository: something else answers there, or one without a "
            "branch that is served as plain files",
            NO_PAGE,
        )
    head = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", done.text, re.MULTILINE)
    return commits | {"HEAD": head[1] if head else ""}


def _speaks_git(repository: Repository, address: Address, least: float) -> bool:
    """Return whether an http server names no branch in git's protocol: git takes any page for plain files of none."""
    environment = {**repository.environment, "GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1"}
    asked = replace(repository, environment=environment).git(
        "ls-remote", "--", address.url, "HEAD", least=least, most=_TO_LIST, step="ls-remote", peer=address.shown
    )
    return not asked.ok or bool(_SMART.search(asked.stderr))  # a second request that fails shows nothing


def has_default_branch(repository: Repository) -> bool:
    """Return whether the HEAD of a clone, as the remote's, names a branch that exists."""
    return repository.git("symbolic-ref", "--quiet", "HEAD").ok and bool(repository.commit_of("HEAD"))


def no_branch(repository: Repository, address: Address, branch: str) -> UsageError:
    """Return the error for a remote whose clone lacks a branch, or with `""` its default branch."""
    refs = refs_of(repository, address, "refs/heads/*", least=1.0)
    heads = [ref.removeprefix("refs/heads/") for ref in refs if ref != "HEAD"]
    if not heads:
        return UsageError(
            f"{address.shown} is empty: it has no branch yet",
            "create a ledger with `ledger init`, and push it there",
        )
    branches = shown(", ".join(heads), 200)
    if branch:
        return UsageError(f"{address.shown} has no branch `{shown(branch)}`", f"name one of: {branches}")
    first = "main" if "main" in heads else heads[0]
    others = shown(", ".join(head for head in heads if head != first), 200)
    more = f", or another of its branches: {others}" if others else ""
    hint = f"pass `--branch {shown(shlex.quote(first))}`{more}"
    return UsageError(f"{address.shown} has no default branch", hint)


def check_branch(name: str) -> str:
    """Return a branch name, or `""`, if git accepts it (git-check-ref-format(1)). Raises UsageError if not."""
    bad = r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)|\.$|/$|^[-/.]"
    if len(name) > 250 or re.search(bad, name) or name in ("@", "HEAD"):
        raise UsageError(f"`{shown(name)}` is not a branch name", "name a branch such as `main`")
    return name
