"""Whole trees by plumbing: the files of a commit or an index, and a commit with some of them replaced.

No work tree is read or written, no hook or filter runs: what is stored is the bytes that are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ledger_tool.edges.files.disk import local_errors
from ledger_tool.edges.git.access import Access
from ledger_tool.edges.git.objects import Repository, local_failure


@dataclass(frozen=True, slots=True)
class TreeFile:
    """One entry of a commit or an index. `size` is -1 where it was not asked for; `stage` is 0 unless in conflict."""

    mode: str
    oid: str
    size: int = -1
    stage: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether it is a regular file, and no link or submodule."""
        return self.mode.startswith("100")


def files_of(repository: Repository, commit: str) -> dict[str, TreeFile]:
    """Return every file of a commit by its path."""
    done = repository.git("ls-tree", "-r", "-z", "-l", "--full-tree", commit)
    if not done.ok:
        raise local_failure(done, "ls-tree", repository.git_dir)
    found = {}
    for entry in _entries(done.stdout):
        facts, _, path = entry.partition("\t")
        mode, _, oid, size = facts.split()
        found[path] = TreeFile(mode, oid, int(size) if size.isdigit() else -1)
    return found


def index_of(repository: Repository) -> dict[str, TreeFile]:
    """Return every file of the index by its path; of one in conflict, one of its stages."""
    done = repository.git("ls-files", "--stage", "-z")
    if not done.ok:
        raise local_failure(done, "ls-files", repository.git_dir)
    found = {}
    for entry in _entries(done.stdout):
        facts, _, path = entry.partition("\t")
        mode, oid, stage = facts.split()
        found[path] = TreeFile(mode, oid, stage=int(stage))
    return found


def store(repository: Repository, contents: Sequence[bytes], folder: Path) -> list[str]:
    """Store blobs and return their ids; `folder` is private and temporary."""
    place = folder / "blobs"
    with local_errors(place, "write to"):
        place.mkdir(exist_ok=True)
        paths = [place / str(at) for at in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
    listing = "".join(f"{path}\n" for path in paths).encode()
    done = repository.git("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=listing)
    if not done.ok:
        raise local_failure(done, "hash-object", repository.git_dir)
    return done.text.split()


def write_tree(repository: Repository, commit: str, changes: Mapping[str, TreeFile], folder: Path) -> str:
    """Write the tree of a commit with some files replaced; return its id."""
    index = folder / "index"
    index.unlink(missing_ok=True)
    environment = {**repository.access.environment, "GIT_INDEX_FILE": str(index)}
    aside = replace(repository, access=Access(environment))
    aside.must("read-tree", commit)
    aside.must("update-index", "-z", "--index-info", stdin=index_info(changes))
    return aside.must("write-tree")


def index_info(changes: Mapping[str, TreeFile]) -> bytes:
    """Return what `git update-index -z --index-info` takes."""
    lines = "".join(f"{file.mode} {file.oid}\t{path}\0" for path, file in changes.items())
    return lines.encode("utf-8", "surrogateescape")


def _entries(listing: bytes) -> list[str]:
    return [entry for entry in listing.decode("utf-8", "surrogateescape").split("\0") if entry]
