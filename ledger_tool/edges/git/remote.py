"""A ledger on a git remote: read, and written through a private bare repository that lives for one run."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from ledger_tool.core.changes import message
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.files import ledger as ledgerfiles
from ledger_tool.edges.git.access import Access
from ledger_tool.edges.git.location import Address
from ledger_tool.edges.git.machine_queue import turn
from ledger_tool.edges.git.objects import Deadline, Repository
from ledger_tool.edges.git.process import run
from ledger_tool.edges.git.server_words import Push, Verdict, fetch_error, read_push
from ledger_tool.edges.git.transaction import Landed, Operation, Progress, transact
from ledger_tool.errors import Unreachable, UsageError

_SHORT_LIVED = ("-c", "core.looseCompression=0")  # deflating objects that live for seconds saves nothing
_AFTER_PUSH = 15.0  # seconds that a look after a push gets, however late it is


class RemoteBranch:
    """One branch of a remote, as a transaction's target.

    A look takes the tip alone: the ledger's size is what a look costs. Only a look at the whole fetches
    all commits since the base, so that `contains` can tell whether a commit of ours is among them.
    """

    def __init__(
        self,
        address: Address,
        branch: str,
        access: Access,
        folder: Path,
        deadline: Deadline,
        *,
        transaction_id: str,
        sign: bool = False,
    ) -> None:
        self.address = address
        self._branch = branch
        self.repository = Repository(folder / "ledger.git", access, deadline, _SHORT_LIVED)
        self._transaction_id = transaction_id
        self._sign = sign
        self._pushed = False
        self._snapshot: Snapshot | None = None  # the last one: a commit never changes

    @property
    def shown(self) -> str:
        return f"{self.address.shown} ({self._branch})" if self._branch else self.address.shown

    @property
    def branch(self) -> str:
        """The branch's name, known after the first look."""
        return self._branch

    def refresh(self, *, whole: bool = False) -> str:
        if self.repository.git_dir.exists():
            self._fetch([] if whole else ["--depth=1"])
        else:
            self._clone()
        tips = self._tips()
        if not tips:
            raise self._nothing_there()
        self._branch = self._branch or next(iter(tips))
        return tips[self._branch]

    def snapshot(self, tip: str) -> Snapshot:
        if self._snapshot is None or self._snapshot.commit != tip:
            ledger, settings = self.repository.ledger_files(tip, self.shown)
            self._snapshot = ledgerfiles.snapshot(tip, ledger, settings)
        return self._snapshot

    def commit(self, tip: str, change: Change) -> str:
        text = message.compose(change, self._transaction_id)
        return self.repository.write_commit(tip, codec.dumps(change.ledger), text, sign=self._sign)

    def offer(self, tip: str, commit: str) -> Verdict:
        ref = f"refs/heads/{self._branch}"
        self._pushed = True
        try:
            done = self.repository.push(self.address.url, commit, ref, tip)
        except Unreachable as error:  # time was up, and it may have landed
            return Verdict(Push.BROKEN, error.message)
        return read_push(done)

    def contains(self, tip: str, commit: str) -> bool:
        return self.repository.is_ancestor(commit, tip)

    def _clone(self) -> None:
        named = [f"--branch={self._branch}"] if self._branch else []
        git_dir = self.repository.git_dir
        done = run(
            ["clone", "--quiet", "--bare", "--depth=1", "--single-branch", "--no-tags", "--no-local",
             "--template=", *named, "--", self.address.url, str(git_dir)],
            environment=self.repository.access.environment,
            timeout=self.repository.deadline.remaining(at_least=1.0),
            step="fetch",
        )  # fmt: skip
        if not done.ok:
            shutil.rmtree(git_dir, ignore_errors=True)
            raise fetch_error(done, self.address.shown, self._branch)

    def _tips(self) -> dict[str, str]:
        """Return the branches that were fetched, which is the one, with their commit ids."""
        listing = self.repository.must("for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads/")
        return {name: oid for oid, _, name in (line.partition(" ") for line in listing.split("\n") if line)}

    def _nothing_there(self) -> UsageError:
        """Return the error for a remote whose clone has no branch: it is empty, or has others than the one meant."""
        listing = self.repository.git("ls-remote", "--heads", "--", self.address.url, least=1.0, step="ls-remote")
        shutil.rmtree(self.repository.git_dir, ignore_errors=True)
        heads = re.findall(r"\trefs/heads/(.+)$", listing.text, re.MULTILINE)
        if not heads:
            return UsageError(
                f"{self.address.shown} is empty: it has no branch yet",
                "make a ledger with `ledger init`, and push it there",
            )
        there = shown(", ".join(heads), 200)
        if self._branch:
            return UsageError(
                f"{self.address.shown} has no branch `{shown(self._branch)}`", f"its branches are: {there}"
            )
        return UsageError(f"{self.address.shown} has no default branch", f"name one with `--branch`: {there}")

    def _fetch(self, how: Sequence[str]) -> None:
        ref = f"refs/heads/{self._branch}"
        least = _AFTER_PUSH if self._pushed else 1.0
        done = self.repository.fetch(self.address.url, f"+{ref}:{ref}", how=how, least=least)
        if not done.ok:
            raise fetch_error(done, self.address.shown, self._branch)


class RemoteStore:
    """A `Store` on a git remote. Read-only work needs one look; a write is a transaction."""

    def __init__(self, branch: RemoteBranch, deadline: Deadline, max_attempts: int, progress: Progress) -> None:
        self._branch = branch
        self._deadline = deadline
        self._max_attempts = max_attempts
        self._progress = progress
        self._seen = ""  # the tip of a look that no write has used yet

    @property
    def branch(self) -> str:
        """The branch's name, known after the first look."""
        return self._branch.branch

    def read(self) -> Snapshot:
        snapshot = self._branch.snapshot(self._branch.refresh())
        self._seen = snapshot.commit
        return snapshot

    def transact(self, operation: Operation) -> Landed:
        tip, self._seen = self._seen, ""
        with turn(self._branch.shown, self._deadline.remaining()) as waited:
            tip = "" if waited else tip  # others have landed meanwhile
            return transact(self._branch, operation, self._deadline, self._max_attempts, self._progress, tip)


def default_branch(repository: Repository, address: Address) -> str:
    """Return the branch that a remote's HEAD names, or `""` for none. Raises Unreachable or Denied."""
    done = repository.git("ls-remote", "--symref", "--", address.url, "HEAD", least=1.0, step="ls-remote")
    if not done.ok:
        raise fetch_error(done, address.shown, "")
    found = re.match(r"ref: refs/heads/(.+)\tHEAD$", done.text, re.MULTILINE)
    return found[1] if found else ""


def refs_of(repository: Repository, address: Address, *patterns: str, least: float = 10.0) -> dict[str, str]:
    """Return the commit of each ref of a remote that a pattern names; of `HEAD`, the branch that it is."""
    done = repository.git("ls-remote", "--symref", "--", address.url, *patterns, least=least, step="ls-remote")
    if not done.ok:
        raise fetch_error(done, address.shown, "")
    found = {ref: oid for oid, ref in re.findall(r"^([0-9a-f]{40,64})\t(\S+)$", done.text, re.MULTILINE)}
    head = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", done.text, re.MULTILINE)
    return found | {"HEAD": head[1] if head else ""}


def check_branch(name: str) -> str:
    """Return a branch name that git would take (git-check-ref-format(1)), or raise UsageError."""
    bad = r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)|\.$|/$|^[-/.]"
    if not name or len(name) > 250 or re.search(bad, name) or name in ("@", "HEAD"):
        raise UsageError(f"`{shown(name)}` is no branch name", "name a branch such as `main`")
    return name
