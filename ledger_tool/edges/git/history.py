"""A ledger repository's history: revisions, commits, and the ledger as it was at each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ledger_tool.core.change import Snapshot
from ledger_tool.core.commit import Commit
from ledger_tool.core.names import format_timestamp, shown
from ledger_tool.edges import ledgerfiles
from ledger_tool.edges.git.access import Access
from ledger_tool.edges.git.address import Address
from ledger_tool.edges.git.objects import Deadline, Repository, local_failure
from ledger_tool.edges.git.process import run
from ledger_tool.edges.git.verdict import fetch_error
from ledger_tool.errors import LedgerError, UsageError

_FIELDS = "%H%x00%P%x00%an%x00%ae%x00%ct%x00%B"


class History:
    """Reads commits and their ledgers.

    `head` is the revision that is meant where none is named; `files` reads the ledger's files as they are now,
    where those may be newer than any commit.
    """

    def __init__(
        self,
        repository: Repository,
        name: str,
        *,
        head: str = "HEAD",
        files: Callable[[], tuple[bytes, bytes | None]] | None = None,
    ) -> None:
        self.repository = repository
        self._name = name
        self._head = head
        self._files = files

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
        span = f"{base}..{head}" if base else head
        done = self.repository.git(
            "log", "--no-show-signature", "--no-color", "--encoding=UTF-8", "--topo-order", "--reverse", "-z",
            f"--format={_FIELDS}", span, "--",
        )  # fmt: skip
        if not done.ok:
            raise local_failure(done, "log", self.repository.git_dir)
        return list(_commits(done.text))

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
        if self.repository.git("rev-parse", "--is-shallow-repository").text.strip() == "true":
            return "the clone is shallow: run `git fetch --unshallow`, or check out with `fetch-depth: 0`"
        return "name a commit, a branch or a tag that is there; `git fetch` brings those of the remote"


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


def _commits(text: str) -> Iterator[Commit]:
    fields = text.split("\0")
    for at in range(0, len(fields) - 5, 6):
        commit, parents, author, email, seconds, message = fields[at : at + 6]
        moment = datetime.fromtimestamp(min(max(int(seconds), 0), 253_402_300_799), UTC)
        yield Commit(
            commit, tuple(parents.split()), author, email, format_timestamp(moment), message.rstrip("\n") + "\n"
        )
