"""A git repository through plumbing: it reads a commit's files and writes trees and commits without a work tree."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from ledger_tool.core.ledger.names import LEDGER, SETTINGS, Timestamp, shown
from ledger_tool.core.policy.policy import MAX_SETTINGS_READ
from ledger_tool.edges.deadline import Deadline
from ledger_tool.edges.git.connection import Connection, asked
from ledger_tool.edges.git.entries import Entry, ledger_fault, settings_fault, tree_of
from ledger_tool.edges.git.loose import write_loose
from ledger_tool.edges.git.process import Completed, run
from ledger_tool.errors import (
    GitFailed,
    InvalidLedger,
    InvalidSettings,
    LedgerError,
    LocalDiskError,
    Unreachable,
    UsageError,
)

_FSCK = "run `git fsck` there; if it finds no error, report this as a bug"
# How two trees are compared. Otherwise the user's settings could pair files as renames, and a `.gitmodules` in the work
# tree, which anybody may have added, could leave submodules out.
COMPARED = ("--raw", "--no-abbrev", "--no-renames", "--ignore-submodules=none")


@dataclass(frozen=True, slots=True)
class Repository:
    """A git directory, and how its commands run: their environment, and git's own options before the command."""

    git_dir: Path
    environment: Mapping[str, str]
    deadline: Deadline
    options: tuple[str, ...] = ()
    mask: Callable[[str], str] = str  # takes the credentials out of what a server says
    is_ours: bool = False  # whether it is this run's alone, and gone with it
    connection: Connection | None = None  # to the remote, where git's ssh shares one
    _trees: dict[str, list[Entry]] = field(default_factory=dict, repr=False)

    def git(
        self,
        *arguments: str,
        stdin: bytes = b"",
        least: float = 10.0,
        most: float = math.inf,
        step: str = "",
        peer: str = "",
        most_bytes: int = 0,
    ) -> Completed:
        """Run a git command here, and return its result whatever the exit code.

        It gets the time that is left, but `least` seconds if that is less, and `most` if it is more. It is killed when
        it writes more than `most_bytes` to stdout; 0 means that it may.
        """
        try:
            with self.deadline.in_git():
                return run(
                    [f"--git-dir={self.git_dir}", *self.options, *arguments],
                    environment=self.environment,
                    stdin=stdin,
                    timeout=min(self.deadline.remaining(at_least=least), most),
                    step=step or arguments[0],
                    mask=self.mask,
                    peer=peer,
                    most=most_bytes,
                )
        except Unreachable as error:
            if elsewhere := self.deadline.spent_elsewhere:
                raise Unreachable(f"{error.message}{elsewhere}", "give it longer with `--timeout`") from None
            raise

    def succeed(self, *arguments: str, stdin: bytes = b"", least: float = 10.0) -> Completed:
        """Run a local git command that has to succeed. Raises the error that `local_failure` returns."""
        done = self.git(*arguments, stdin=stdin, least=least)
        if not done.ok:
            raise local_failure(done, arguments[0], self.git_dir)
        return done

    def must(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run a local git command that has to succeed; return its stdout without the newline."""
        return self.succeed(*arguments, stdin=stdin).text.strip()

    def in_work_tree(self, top: Path, *arguments: str) -> Completed:
        """Run git as if from the top folder of a work tree, whatever this process's folder is."""
        return self.git("-C", str(top), f"--work-tree={top}", *arguments, step=arguments[0])

    def fetch(self, url: str, *refspecs: str, how: Sequence[str] = (), least: float = 1.0) -> Completed:
        """Fetch these refs of a remote and nothing else; `how` contains options such as `--depth=1`."""
        fetching = ("fetch", "--quiet", *how, "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no")
        return asked(
            lambda: self.git(*fetching, "--", url, *refspecs, least=least, step="fetch", peer=url),
            self.connection,
            self.deadline,
        )

    def commit_of(self, revision: str) -> str:
        """Return the commit id of a revision that we composed ourselves, or `""` if there is none."""
        done = self.git("rev-parse", "--quiet", "--verify", f"{revision}^{{commit}}")
        return done.text.strip() if done.ok else ""

    def written_at(self, commit: str) -> Timestamp:
        """Return the committer's time of a commit."""
        from ledger_tool.edges.git.dates import times  # few commands need it

        return times(self, [commit])[0]

    def entries(self, commit: str) -> list[Entry]:
        """Return the root tree of a commit, looked up once: a commit never changes."""
        if commit not in self._trees:
            self._trees[commit] = self.listed(commit)
        return self._trees[commit]

    def listed(self, commit: str, *options: str, paths: Sequence[str] = ()) -> list[Entry]:
        """Return what `git ls-tree` lists for a commit; with the option `-r`, every file; only `paths`, if given."""
        literal = replace(self, environment={**self.environment, "GIT_LITERAL_PATHSPECS": "1"}) if paths else self
        listing = literal.succeed("ls-tree", *options, "-z", "-l", "--full-tree", "--", commit, *paths)
        entries = []
        for line in paths_of(listing.stdout):
            facts, _, path = line.partition("\t")
            mode, kind, oid, size = facts.split()
            entries.append(Entry(mode, kind, oid, path, int(size) if size.isdigit() else 0))
        return entries

    def ledger_files(self, commit: str, where: str) -> tuple[bytes, bytes | None]:
        """Return the bytes of `ledger.json` and of `ledger.yaml` (None if there is none) at a commit.

        Raises InvalidLedger if `ledger.json` is missing, named twice, not a plain file, or too large, and
        InvalidSettings if `ledger.yaml` is named twice, not a plain file, or too large.
        """
        ledger, settings = self.files_apart(commit, where)
        for file in (ledger, settings):
            if isinstance(file, LedgerError):
                raise file
        return cast("tuple[bytes, bytes | None]", (ledger, settings))

    def files_apart(self, commit: str, where: str) -> tuple[bytes | InvalidLedger, bytes | InvalidSettings | None]:
        """Return what `ledger_files` returns, and for each of the two files that it could not, what it would raise."""
        named = [entry for entry in self.entries(commit) if entry.path in (LEDGER, SETTINGS)]
        ledgers, settings = ([entry for entry in named if entry.path == path] for path in (LEDGER, SETTINGS))
        faults = ledger_fault(ledgers, where), settings_fault(settings)
        usable = [own[0].oid for own, fault in zip((ledgers, settings), faults, strict=True) if own and not fault]
        contents = iter(self.blobs(usable))
        return faults[0] or next(contents), faults[1] or (next(contents) if settings else None)

    def plain_files(self, commit: str, paths: Sequence[str], most: int) -> list[bytes]:
        """Return the bytes of files at the top of a commit; `b""` for what is not one plain file, or over `most`."""
        named = [[entry for entry in self.entries(commit) if entry.path == path] for path in paths]
        usable = {own[0].path: own[0].oid for own in named if len(own) == 1 and own[0].is_plain and own[0].size <= most}
        contents = dict(zip(usable, self.blobs(list(usable.values())), strict=True))
        return [contents.get(path, b"") for path in paths]

    def file(self, commit: str, path: str) -> bytes | None:
        """Return a file that people keep beside the ledger, None if a commit has none. Raises UsageError."""
        entries = [entry for entry in self.listed(commit, paths=[path]) if entry.path == path]
        if not entries:
            return None
        entry = entries[0]
        if not entry.is_plain or len(entries) > 1:
            raise UsageError(f"{path} in the ledger repository is not a plain file", "replace it with a plain file")
        if entry.size > MAX_SETTINGS_READ:
            raise UsageError(f"{path} in the ledger repository is larger than 1 MB", "check that it is the right file")
        return self.blobs([entry.oid])[0]

    def blobs(self, oids: Sequence[str]) -> list[bytes]:
        """Return the contents of blobs, all of which exist."""
        output = self.succeed("cat-file", "--batch", stdin=batch(oids), least=60.0).stdout if oids else b""
        contents = []
        for oid, (there, content) in zip(oids, objects_in(output), strict=True):
            if not there:
                raise missing(oid, self.git_dir)
            contents.append(content)
        return contents

    def fetch_missing(self, oids: Sequence[str], remote: str) -> None:
        """Fetch blobs that a partial clone lacks, all at once; git alone would fetch them one by one.

        Git fetches them the same way (its `promisor-remote.c`). A server without support for this only costs time.
        """
        all_objects = ("cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)")
        present = set(self.git(*all_objects, least=60.0).text.split()) if oids else set()
        if missing := [oid for oid in dict.fromkeys(oids) if oid not in present]:
            self.git(
                "-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
                "--recurse-submodules=no", "--filter=blob:none", "--stdin", "--", remote,
                stdin=batch(missing), least=1.0, step="fetch", peer=remote,
            )  # fmt: skip

    def write_root(self, entries: Sequence[Entry], content: bytes) -> str:
        """Write a root tree of these entries, with this content for `ledger.json`; return its id."""
        if self.is_ours and all(entry.is_usual for entry in entries):  # git judges what is unusual
            width = len(entries[0].oid)
            blob = write_loose(self.git_dir, "blob", content, width)
            own = [replace(entry, oid=blob) if entry.path == LEDGER else entry for entry in entries]
            return write_loose(self.git_dir, "tree", tree_of(own), width)
        blob = self.must("hash-object", "-w", "--stdin", stdin=content)
        lines = "".join(
            f"{entry.mode} {entry.kind} {blob if entry.path == LEDGER else entry.oid}\t{entry.path}\0"
            for entry in entries
        )
        return self.must("mktree", "-z", stdin=lines.encode("utf-8", "surrogateescape"))

    def commit_tree(self, tree: str, parent: str, message: str, *, sign: bool = False) -> str:
        """Write a commit of a tree on `parent`; return its id. Raises UsageError if git cannot sign it or name us."""
        signing = ["-S"] if sign else ["--no-gpg-sign"]
        done = self.git("commit-tree", *signing, "-p", parent, "-F", "-", tree, stdin=message.encode())
        words = " ".join(done.stderr.split())[:300]
        if not done.ok and sign:
            why = words.removeprefix("error:").strip() or "the program that signs did not say why"
            raise UsageError(
                f"git could not sign the commit: {why}",
                "set git's `user.signingKey` and `gpg.format`, or pass `--deploy-key`, which can sign too",
            )
        if not done.ok and ("ident" in done.stderr or "disallowed characters" in done.stderr):
            raise UsageError(
                f"git does not accept the author's name or address: {words}", "set git's `user.name` and `user.email`"
            )
        if not done.ok:
            raise local_failure(done, "commit-tree", self.git_dir)
        return done.text.strip()

    def is_ancestor(self, commit: str, tip: str) -> bool:
        """Return whether `commit` is `tip` or one of its ancestors."""
        return commit == tip or self.git("merge-base", "--is-ancestor", commit, tip).ok


def batch(oids: Iterable[str]) -> bytes:
    """Return object ids in the form that git reads from stdin."""
    return "".join(f"{oid}\n" for oid in oids).encode()


def paths_of(listing: bytes) -> list[str]:
    """Return the entries of a listing with `-z`; paths need not be UTF-8."""
    return [entry for entry in listing.decode("utf-8", "surrogateescape").split("\0") if entry]


def objects_in(output: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the id and content of each object in the output of `git cat-file --batch`; `""` for one that is missing."""
    offset = 0
    while offset < len(output):
        start = output.index(b"\n", offset) + 1
        words = output[offset : start - 1].decode("utf-8", "replace").split(" ")
        if len(words) != 3 or not words[2].isdigit():  # `NAME missing`
            yield "", b""
            offset = start
            continue
        offset = start + int(words[2])
        yield words[0], output[start:offset]
        offset += 1


def missing(oid: str, where: Path) -> GitFailed:
    """Return the error for an object that a repository should have."""
    return GitFailed(f"the object {shown(oid, 64)} is missing in {where}", _FSCK)


def local_failure(done: Completed, command: str, where: Path) -> LedgerError:
    """Return the error for a local git command that failed."""
    words = " ".join(done.stderr.split())[:300]
    if "No space left" in words or "Disk quota" in words:
        return LocalDiskError(
            f"the disk of {where} is full", "free some disk space, then run it again; nothing was written"
        )
    if "Permission denied" in words or "insufficient permission" in words or "Read-only file system" in words:
        return UsageError(f"git cannot write to {where}: {words}", "check the permissions of the repository")
    if "promisor remote" in done.stderr:
        return Unreachable(
            f"{where} is a partial clone, and its missing objects could not be fetched: {words}",
            "run it again when its remote can be reached, or name the remote's URL with `--repo`",
        )
    if re.search(r"\bbad (?:\w+ )?config\b|\bcommand-line config\b", words):
        return UsageError(
            f"git does not understand one of its settings: {words}",
            "correct or remove it; `git config --list --show-origin` says where it is set",
        )
    return GitFailed(
        f"`git {command}` failed in {where}: {words}",
        _FSCK,
    )
