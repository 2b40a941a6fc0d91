"""Git objects by plumbing: read a commit's files, write a commit with one file replaced. No work tree, no index."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ledger_tool.core.ledger.codec import MAX_BYTES
from ledger_tool.edges.files.ledger import LEDGER, SETTINGS
from ledger_tool.edges.git.access import Access
from ledger_tool.edges.git.process import Completed, run
from ledger_tool.errors import GitFailed, InvalidLedger, LedgerError, LocalDiskError, Unreachable, UsageError


class Deadline:
    """The time that is left for a whole run; `seconds` from now."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._end = self._started + seconds

    def remaining(self, at_least: float = 0.0) -> float:
        """Return the seconds that are left, never less than `at_least`."""
        return max(self._end - self._clock(), at_least)

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return self._clock() - self._started


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a commit's root tree."""

    mode: str
    kind: str
    oid: str
    size: int
    name: str


@dataclass(frozen=True, slots=True)
class Repository:
    """A git directory and the access by which its commands run."""

    git_dir: Path
    access: Access
    deadline: Deadline
    options: tuple[str, ...] = ()
    _trees: dict[str, list[Entry]] = field(default_factory=dict, repr=False)

    def git(self, *arguments: str, stdin: bytes = b"", least: float = 10.0, step: str = "") -> Completed:
        """Run a git command here, whatever its exit code. `least` is the time that it gets in any case, in seconds."""
        return run(
            [f"--git-dir={self.git_dir}", *self.options, *arguments],
            environment=self.access.environment,
            stdin=stdin,
            timeout=self.deadline.remaining(at_least=least),
            step=step or arguments[0],
        )

    def must(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run a local git command that has to succeed and return its stdout without the newline."""
        done = self.git(*arguments, stdin=stdin)
        if not done.ok:
            raise local_failure(done, arguments[0], self.git_dir)
        return done.text.strip()

    def push(
        self, url: str, commit: str, ref: str, seen: str, *, options: Sequence[str] = (), least: float = 1.0
    ) -> Completed:
        """Move a remote's ref to a commit if it still is at `seen` (`""`: not there); `read_push` reads the answer."""
        return self.git(
            "push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no",
            f"--force-with-lease={ref}:{seen}", *(f"--push-option={option}" for option in options),
            "--", url, f"{commit}:{ref}", least=least, step="push",
        )  # fmt: skip

    def fetch(self, url: str, *refspecs: str, how: Sequence[str] = (), least: float = 10.0) -> Completed:
        """Fetch these refs of a remote and nothing else; `how` are options such as `--depth=1`."""
        return self.git(
            "fetch", "--quiet", *how, "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no",
            "--", url, *refspecs, least=least, step="fetch",
        )  # fmt: skip

    def entries(self, commit: str) -> list[Entry]:
        """Return the root tree of a commit, looked up once: a commit never changes."""
        if commit in self._trees:
            return self._trees[commit]
        listing = self.git("ls-tree", "-z", "-l", "--full-tree", commit)
        if not listing.ok:
            raise local_failure(listing, "ls-tree", self.git_dir)
        found = []
        for line in filter(None, listing.stdout.decode("utf-8", "surrogateescape").split("\0")):
            facts, _, name = line.partition("\t")
            mode, kind, oid, size = facts.split()
            found.append(Entry(mode, kind, oid, int(size) if size.isdigit() else 0, name))
        self._trees[commit] = found
        return found

    def ledger_files(self, commit: str, where: str) -> tuple[bytes, bytes | None]:
        """Return the bytes of `ledger.json` and of `ledger.yaml` (None where there is none) at a commit.

        Raises InvalidLedger where `ledger.json` is missing, there twice, no plain file, or beyond any limit.
        """
        named = [entry for entry in self.entries(commit) if entry.name in (LEDGER, SETTINGS)]
        entries = {entry.name: entry for entry in named}
        if len(entries) < len(named):
            raise InvalidLedger(
                f"{where} names {LEDGER} or {SETTINGS} twice", "take that commit away: git itself does not write such"
            )
        ledger, settings = entries.get(LEDGER), entries.get(SETTINGS)
        if ledger is None:
            raise InvalidLedger(
                f"{where} has no {LEDGER}", "make the repository a ledger with `ledger init`, commit and push"
            )
        for entry in filter(None, (ledger, settings)):
            if entry.kind != "blob" or entry.mode == "120000":
                raise InvalidLedger(f"{entry.name} in {where} is no plain file", "replace it with a plain file")
        if ledger.size >= MAX_BYTES:
            raise InvalidLedger(
                f"{LEDGER} in {where} has {ledger.size // 2**20} MB, more than any git host takes",
                "start a second ledger for some of the images",
            )
        if settings and settings.size > 2**20:
            raise UsageError(f"{SETTINGS} in {where} is larger than 1 MB", "check that the right file is there")
        blobs = self.blobs([entry.oid for entry in (ledger, settings) if entry])
        return blobs[0], blobs[1] if settings else None

    def blobs(self, oids: Sequence[str]) -> list[bytes]:
        """Return the contents of blobs."""
        done = self.git("cat-file", "--batch", stdin="".join(f"{oid}\n" for oid in oids).encode())
        if not done.ok:
            raise local_failure(done, "cat-file", self.git_dir)
        found, at = [], 0
        for _ in oids:
            end = done.stdout.index(b"\n", at)
            size = int(done.stdout[at:end].split()[2])
            found.append(done.stdout[end + 1 : end + 1 + size])
            at = end + 1 + size + 1
        return found

    def write_commit(self, parent: str, content: bytes, message: str, *, sign: bool = False) -> str:
        """Write a commit on `parent` in which `ledger.json` has this content and all else is kept; return its id."""
        blob = self.must("hash-object", "-w", "--stdin", stdin=content)
        lines = []
        for entry in self.entries(parent):
            oid = blob if entry.name == LEDGER else entry.oid
            lines.append(f"{entry.mode} {entry.kind} {oid}\t{entry.name}\0")
        tree = self.must("mktree", "-z", stdin="".join(lines).encode("utf-8", "surrogateescape"))
        return self.commit_tree(tree, parent, message, sign=sign)

    def commit_tree(self, tree: str, parent: str, message: str, *, sign: bool = False) -> str:
        """Write a commit of a tree on `parent`; return its id. Raises UsageError where git can't sign or name it."""
        signing = ["-S"] if sign else ["--no-gpg-sign"]
        done = self.git("commit-tree", *signing, "-p", parent, "-F", "-", tree, stdin=message.encode())
        if not done.ok:
            if sign:
                words = " ".join(done.stderr.split())[:300]
                raise UsageError(
                    f"git could not sign the commit: {words}",
                    "set git's `user.signingKey` and `gpg.format`, or pass `--deploy-key`, which can sign too",
                )
            if "ident" in done.stderr or "disallowed characters" in done.stderr:
                words = " ".join(done.stderr.split())[:300]
                raise UsageError(
                    f"git does not take the author's name or address: {words}", "set git's `user.name` and `user.email`"
                )
            raise local_failure(done, "commit-tree", self.git_dir)
        return done.text.strip()

    def is_ancestor(self, commit: str, tip: str) -> bool:
        """Return whether `commit` is `tip` or lies behind it."""
        return commit == tip or self.git("merge-base", "--is-ancestor", commit, tip).ok


def local_failure(done: Completed, command: str, where: Path) -> LedgerError:
    """Return the error for a local git command that failed."""
    words = " ".join(done.stderr.split())[:300]
    if "No space left" in words or "Disk quota" in words:
        return LocalDiskError(
            f"the disk of {where} is full", "free some disk space, then run it again; nothing was written"
        )
    if "Permission denied" in words or "insufficient permission" in words or "Read-only file system" in words:
        return UsageError(f"git can't write to {where}: {words}", "check the permissions of the repository")
    if "promisor remote" in done.stderr:
        return Unreachable(
            f"{where} is a partial clone, and what it leaves out could not be fetched: {words}",
            "run it again where its remote can be reached, or name the remote's URL with `--repo`",
        )
    return GitFailed(
        f"`git {command}` failed in {where}: {words}", "run `git fsck` there; if it is sound, report this as a bug"
    )
