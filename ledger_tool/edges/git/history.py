"""A ledger repository's history: revisions, commits, and the ledger at each of them."""

from __future__ import annotations

import re
import time as clock
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.history.commit import Commit, Step
from ledger_tool.core.history.dates import believed
from ledger_tool.core.history.signature import Signature
from ledger_tool.core.judging.files import JUDGED, ChangedFile, PathAttributes
from ledger_tool.core.ledger.names import Timestamp, shown
from ledger_tool.core.policy.keyring import Keyring
from ledger_tool.core.policy.signers import MAX_SIGNERS
from ledger_tool.edges.files.ledger import Folder, read_snapshot
from ledger_tool.edges.git import dates, log, signatures
from ledger_tool.edges.git.contents import contents
from ledger_tool.edges.git.files import attributes_file, attributes_of, changed_files, merged_as_text
from ledger_tool.edges.git.keyring import read_keyring
from ledger_tool.edges.git.repository import Repository
from ledger_tool.errors import InvalidLedger, InvalidSettings, LedgerError, UsageError

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class BranchSource:
    """A ledger to read from: the tip of a history's branch."""

    def __init__(self, history: GitHistory) -> None:
        self._history = history

    def read(self) -> Snapshot:
        return self._history.current()

    def file(self, snapshot: Snapshot, path: str) -> bytes | None:
        return self._history.repository.file(snapshot.commit, path)


@dataclass(frozen=True, slots=True)
class GitHistory:
    """See `commands.ports.History`: reads commits and their ledgers.

    `revision` is the default; `folder` has the ledger's files as they are now, if they may be newer than any commit;
    `promisor` is the remote from which a partial clone gets its contents.
    """

    repository: Repository
    name: str
    revision: str = "HEAD"
    folder: Folder | None = None
    promisor: str = ""
    _known: dict[str, str] = field(default_factory=dict, repr=False)  # what never changes, looked up once

    def head(self) -> str:
        return self.resolve(self.revision)

    def current_files(self) -> tuple[bytes, bytes | None]:
        return self.folder.files() if self.folder else self.files(self.head())

    def current_file(self, path: str) -> bytes | None:
        return self.folder.kept(path) if self.folder else self.repository.file(self.head(), path)

    def current(self) -> Snapshot:
        return self.folder.read() if self.folder else self.snapshot(self.head())

    def resolve(self, revision: str) -> str:
        if not revision or revision.startswith("-") or re.search(r"[\x00-\x1f\x7f]", revision) or len(revision) > 1000:
            raise UsageError(f"`{shown(revision)}` is not a revision", "name a commit, a branch or a tag")
        if revision in self._known:
            return self._known[revision]
        done = self.repository.git("rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}")
        if not done.ok:
            raise UsageError(f"{self.name} has no revision `{shown(revision)}`", self._missing_hint())
        commit = done.text.strip()
        if not _COMMIT.fullmatch(commit):  # `^REV`, to git, is all that REV does not lead to
            raise UsageError(f"`{shown(revision)}` is not one revision", "name a commit, a branch or a tag")
        if _COMMIT.fullmatch(revision):  # an id, which names one thing for ever
            self._known[revision] = commit
        return commit

    def full_ref(self, ref: str) -> str:
        if ref != "HEAD" and not re.fullmatch(r"refs/[^\x00-\x20\x7f]{1,1000}", ref):
            raise UsageError(f"`{shown(ref)}` is not the full name of a ref", "write it as in `refs/heads/main`")
        done = self.repository.git("symbolic-ref", "--quiet", ref)
        return done.text.strip() if done.ok else ref

    def merge_base(self, commit: str, other: str) -> str:
        done = self.repository.git("merge-base", commit, other)
        if not done.ok:
            raise UsageError(f"{commit[:12]} and {other[:12]} have no commit in common", self._missing_hint())
        parted = done.text.split("\n")[0]
        if self._cut_off(parted, commit) | self._cut_off(parted, other):
            raise self._incomplete()
        return parted

    def commits(self, base: str, head: str) -> list[Commit]:
        if self._cut_off(base, head):
            raise self._incomplete()
        return log.commits(self.repository, base, head)

    def steps(self, base: str, head: str, *, line: bool) -> list[Step]:
        cut_off = self._cut_off(base, head)
        if cut_off and line:
            raise self._incomplete()
        steps = log.steps(self.repository, base, head, line=line)
        if not cut_off:
            return steps
        touching = {step.commit.id: step for step in steps}
        everything = log.commits(self.repository, base, head)
        return [
            Step(commit, {}, is_cut=True) if commit.id in cut_off else touching[commit.id]
            for commit in everything
            if commit.id in cut_off or commit.id in touching
        ]

    def contents(self, ids: Sequence[str]) -> Iterator[bytes | None]:
        if self.promisor:
            self.repository.fetch_missing(ids, self.promisor)
        return contents(self.repository, ids)

    def contains(self, commit: str, head: str) -> bool:
        return self.repository.is_ancestor(commit, head)

    def roots(self, base: str, head: str) -> list[str]:
        return self.repository.must("rev-list", "--max-parents=0", head, *([f"^{base}"] if base else []), "--").split()

    def times(self, commits: Sequence[str]) -> list[Timestamp]:
        return dates.times(self.repository, commits)

    def changed_files(self, base: str, head: str) -> list[ChangedFile]:
        return changed_files(self.repository, base, head)

    def entries(self, commit: str) -> dict[str, str]:
        named: dict[str, str] = {}
        for entry in self.repository.entries(commit):  # a tree may name a file twice
            named[entry.path] = f"{entry.mode} {entry.oid} {named.get(entry.path, '')}"
        return named

    def merged_as_text(self, base: str, merge: Commit, paths: Sequence[str]) -> set[str]:
        ours, theirs = merge.parents
        return merged_as_text(self.repository, (ours, base, theirs, merge.id), paths)

    def attributes(self, commit: str) -> tuple[PathAttributes, str]:
        content = attributes_file(self.repository, commit)
        return attributes_of(self.repository, content, JUDGED), content.decode("utf-8", "replace")

    def at(self, time: Timestamp) -> str:
        commits = log.line(self.repository, self.head())
        made = believed([date for _, date in commits], int(clock.time()))
        number = bisect_right(made, int(datetime.fromisoformat(time).timestamp()))
        if number == 0:
            self.must_be_whole()
            raise UsageError(
                f"{self.name} has no commit at or before {time}: its first is from {dates.time_of(str(made[0]))}",
                "name a later time, or a revision",
            )
        return commits[number - 1][0]

    def must_be_whole(self) -> None:
        if self._shallow_hint():
            raise self._incomplete()

    def plain_files(self, commit: str, paths: Sequence[str]) -> list[bytes]:
        if not commit and self.folder:
            return [self.folder.plain_file(path, MAX_SIGNERS) for path in paths]
        return self.repository.plain_files(commit or self.head(), paths, MAX_SIGNERS)

    def keyring(self, export: bytes) -> Keyring | None:
        return read_keyring(export)

    def is_criss_cross(self, commit: str, other: str) -> bool:
        return len(self.repository.git("merge-base", "--all", commit, other).text.split()) > 1

    def signatures(self, commits: Sequence[str], allowed: bytes, keyring: bytes | None = None) -> Iterator[Signature]:
        return signatures.signatures(self.repository, commits, allowed, keyring)

    def files(self, commit: str) -> tuple[bytes, bytes | None]:
        return self.repository.ledger_files(commit, f"{self.name} at {commit[:12]}")

    def files_apart(self, commit: str) -> tuple[bytes | InvalidLedger, bytes | InvalidSettings | None]:
        return self.repository.files_apart(commit, f"{self.name} at {commit[:12]}")

    def ledger_file(self, commit: str) -> bytes:
        ledger, _ = self.files_apart(commit)
        if isinstance(ledger, InvalidLedger):
            raise ledger
        return ledger

    def touching(self, commit: str, path: str, most: int) -> list[str]:
        last = ("rev-list", "--first-parent", f"--max-count={most}")
        return self.repository.must(*last, commit, "--", path).split()

    def snapshot(self, commit: str) -> Snapshot:
        files = self.files(commit)
        try:
            return read_snapshot(commit, *files)
        except LedgerError as error:
            raise error.within(f"at {commit[:12]}") from None

    def _missing_hint(self) -> str:
        return self._shallow_hint() or (
            "name an existing commit, branch or tag; `git fetch` brings those of the remote"
        )

    def _incomplete(self) -> UsageError:
        return UsageError(f"{self.name} lacks part of the history", self._shallow_hint())

    def _cut_off(self, base: str, head: str) -> set[str]:
        """Return the commits of a span whose parents a shallow clone does not have (gitrepository-layout(5))."""
        if "" not in self._known:  # nothing here makes a clone shallow, or whole
            self._known[""] = self.repository.must(
                "rev-parse", "--path-format=absolute", "--is-shallow-repository", "--git-path", "shallow"
            )
        is_shallow, path = self._known[""].split("\n")
        if is_shallow != "true":
            return set()
        return set(Path(path).read_text("ascii", "replace").split()) & set(log.ids(self.repository, base, head))

    def _shallow_hint(self) -> str:
        """Return what to do about a shallow clone, or `""` if the clone is complete."""
        is_shallow = self.repository.git("rev-parse", "--is-shallow-repository").text.strip() == "true"
        return "the clone is shallow: run `git fetch --unshallow`, or check out with `fetch-depth: 0`" * is_shallow
