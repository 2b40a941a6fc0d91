"""Whole trees and the index through plumbing: replaces some files of a commit, or of an index.

No work tree is read or written, and no hook or filter runs: the given bytes are stored as they are.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from ledger_tool.edges.files.disk import local_errors
from ledger_tool.edges.git.entries import Entry
from ledger_tool.edges.git.repository import Repository, local_failure, paths_of
from ledger_tool.errors import Contended

_TRIES = 30  # to lock the index, a tenth of a second apart


def files_of(repository: Repository, commit: str) -> dict[str, Entry]:
    """Return every file of a commit by its path."""
    return {entry.path: entry for entry in repository.listed(commit, "-r")}


def index_of(repository: Repository) -> dict[str, Entry]:
    """Return every file of the index by its path; for one in conflict, one of its stages."""
    entries = {}
    for line in paths_of(repository.succeed("ls-files", "--stage", "-z").stdout):
        facts, _, path = line.partition("\t")
        mode, oid, stage = facts.split()
        entries[path] = Entry(mode, "blob", oid, path, stage=int(stage))
    return entries


def update_index(repository: Repository, top: Path, entries: Collection[Entry]) -> None:
    """Put entries into the index of the work tree at `top`. Raises Contended while another git command locks it."""
    for _ in range(_TRIES):
        done = repository.git("update-index", "-z", "--index-info", stdin=_index_info(entries))
        if done.ok:
            return
        if "index.lock" not in done.stderr:
            raise local_failure(done, "update-index", top)
        time.sleep(0.1)
    raise Contended(
        f"another git command is running in {top}: its `index.lock` exists",
        "run it again; if no git command is running, a crash left that file",
    )


def store(repository: Repository, contents: Sequence[bytes], folder: Path) -> list[str]:
    """Store blobs and return their ids; `folder` is private and temporary."""
    blobs = folder / "blobs"
    with local_errors(blobs, "write to"):
        blobs.mkdir(exist_ok=True)
        paths = [blobs / str(number) for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
    listing = "".join(f"{path}\n" for path in paths).encode()
    return repository.must("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=listing).split()


def write_tree(repository: Repository, commit: str, changes: Collection[Entry], folder: Path) -> str:
    """Write the tree of a commit with some files replaced; return its id."""
    index = folder / "index"
    index.unlink(missing_ok=True)
    with_index = replace(repository, environment={**repository.environment, "GIT_INDEX_FILE": str(index)})
    with_index.must("read-tree", commit)
    with_index.must("update-index", "-z", "--index-info", stdin=_index_info(changes))
    return with_index.must("write-tree")


def _index_info(entries: Collection[Entry]) -> bytes:
    lines = "".join(f"{entry.mode} {entry.oid}\t{entry.path}\0" for entry in entries)
    return lines.encode("utf-8", "surrogateescape")
