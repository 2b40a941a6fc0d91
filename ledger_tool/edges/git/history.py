"""A ledger repository's history: revisions, commits, and the ledger as it was at each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.history.commit import Commit, Step
from ledger_tool.core.history.signature import Signature
from ledger_tool.core.ledger.names import Timestamp, shown
from ledger_tool.edges.files import ledger as ledgerfiles
from ledger_tool.edges.git import log
from ledger_tool.edges.git.access import Access
from ledger_tool.edges.git.location import Address
from ledger_tool.edges.git.objects import Deadline, Repository
from ledger_tool.edges.git.process import run
from ledger_tool.edges.git.server_words import fetch_error
from ledger_tool.errors import LedgerError, UsageError


class History:
    """Reads commits and their ledgers.

    `head` is the revision that is meant where none is named; `files` reads the ledger's files as they are now,
    where those may be newer than any commit; `promisor` is the remote from which a partial clone gets its contents.
    """

    def __init__(
        self,
        repository: Repository,
        name: str,
        *,
        head: str = "HEAD",
        files: Callable[[], tuple[bytes, bytes | None]] | None = None,
        promisor: str = "",
    ) -> None:
        self.repository = repository
        self._name = name
        self._head = head
        self._files = files
        self._promisor = promisor

    def head(self) -> str:
        """Return the commit id of the revision that is meant where none is named."""
        return self.resolve(self._head)

    def current_files(self) -> tuple[bytes, bytes | None]:
        """Return the bytes of the two files as they are now: those of the checkout, else those of the head."""
        return self._files() if self._files else self.files(self.head())

    def current(self) -> Snapshot:
        """Return what the two files say now; its commit is `""` for those of a checkout."""
        return ledgerfiles.snapshot("", *self._files()) if self._files else self.snapshot(self.head())

    def resolve(self, revision: str) -> str:
        """Return the commit id of a revision (gitrevisions(7)). Raises UsageError where there is none."""
        if not revision or revision.startswith("-") or re.search(r"[\x00-\x1f\x7f]", revision) or len(revision) > 1000:
            raise UsageError(f"`{shown(revision)}` is no revision", "name a commit, a branch or a tag")
        done = self.repository.git("rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}")
        if not done.ok:
            raise UsageError(f"{self._name} has no revision `{shown(revision)}`", self._missing_hint())
        return done.text.strip()

    def merge_base(self, one: str, other: str) -> str:
        """Return the commit where two commits parted. Raises UsageError where they have nothing in common."""
        done = self.repository.git("merge-base", one, other)
        if not done.ok:
            raise UsageError(f"{one[:12]} and {other[:12]} have no commit in common", self._missing_hint())
        return done.text.split("\n")[0]

    def commits(self, base: str, head: str) -> list[Commit]:
        """Return the commits that `head` has and `base` (`""`: nothing) has not, the oldest first."""
        return log.commits(self.repository, base, head)

    def steps(self, base: str, head: str, *, line: bool) -> list[Step]:
        """Return the commits of a span with what they did to the two files; see `log.steps`."""
        return log.steps(self.repository, base, head, line=line)

    def contents(self, ids: Sequence[str]) -> Iterator[bytes | None]:
        """Yield the content of each blob, in order; None for one that is missing or too large."""
        if self._promisor:
            log.fetch_missing(self.repository, ids, self._promisor)
        return log.contents(self.repository, ids)

    def contains(self, commit: str, head: str) -> bool:
        """Return whether `commit` is `head` or lies behind it."""
        return self.repository.is_ancestor(commit, head)

    def roots(self, base: str, head: str) -> list[str]:
        """Return the commits of a span that have no parent."""
        return self.repository.must("rev-list", "--max-parents=0", head, *([f"^{base}"] if base else []), "--").split()

    def at(self, time: Timestamp) -> str:
        """Return the last commit of the branch's own line that was made at or before a time.

        The time is the committer's, as the commit has it, and the commit nearest to the head counts, as in
        `git rev-list --first-parent --before`. Raises UsageError where there is none.
        """
        head = self.head()
        seconds = int(datetime.fromisoformat(time).timestamp())
        line = ("--first-parent", head, "--")
        found = self.repository.must("rev-list", "-1", f"--min-age={seconds}", *line) if seconds >= 0 else ""
        if not found:
            first = self.repository.must("log", "--no-show-signature", "--reverse", "--format=%ct", *line)
            raise UsageError(
                f"{self._name} has no commit at or before {time}: its first one is of "
                f"{log.time_of(first.partition(chr(10))[0])}",
                self._shallow_hint() or "name a later time, or a revision",
            )
        return found

    def must_be_whole(self) -> None:
        """Raise UsageError for a shallow clone, whose history is cut off."""
        if hint := self._shallow_hint():
            raise UsageError(f"{self._name} does not have the whole history", hint)

    def signatures(self, commits: Sequence[str], allowed: bytes) -> Iterator[Signature]:
        """Yield git's verdict on the signature of each commit; see `log.signatures`."""
        return log.signatures(self.repository, commits, allowed)

    def files(self, commit: str) -> tuple[bytes, bytes | None]:
        """Return the bytes of `ledger.json` and `ledger.yaml` at a commit. Raises InvalidLedger or UsageError."""
        return self.repository.ledger_files(commit, f"{self._name} at {commit[:12]}")

    def snapshot(self, commit: str) -> Snapshot:
        """Return the ledger at a commit. Raises InvalidLedger or UsageError, which name the commit."""
        files = self.files(commit)
        try:
            return ledgerfiles.snapshot(commit, *files)
        except LedgerError as error:
            error.message = f"at {commit[:12]}: {error.message}"
            raise

    def _missing_hint(self) -> str:
        return self._shallow_hint() or (
            "name a commit, a branch or a tag that is there; `git fetch` brings those of the remote"
        )

    def _shallow_hint(self) -> str:
        """Return what to do about a shallow clone, or `""` for a whole one."""
        is_shallow = self.repository.git("rev-parse", "--is-shallow-repository").text.strip() == "true"
        return "the clone is shallow: run `git fetch --unshallow`, or check out with `fetch-depth: 0`" * is_shallow


def clone(address: Address, git_dir: Path, access: Access, deadline: Deadline, *, blobs: bool) -> None:
    """Clone all branches and tags of a remote, bare; without `blobs` those are fetched when they are read.

    Raises what `fetch_error` finds.
    """
    lazy = [] if blobs else ["--filter=blob:none"]
    done = run(
        ["clone", "--quiet", "--bare", "--no-local", "--template=", *lazy, "--", address.url, str(git_dir)],
        environment=access.environment,
        timeout=deadline.remaining(at_least=1.0),
        step="clone",
    )
    if not done.ok:
        raise fetch_error(done, address.shown, "")
