"""One commit of a ledger repository, and the files that it touched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ledger_tool.core.ledger.names import Timestamp

TWICE = "twice"  # the mode of a file that a tree names twice


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its id, its parents' ids, who wrote it, when it was committed, and its message."""

    id: str
    parents: tuple[str, ...]
    author: str
    email: str
    at: Timestamp
    message: str

    @property
    def by(self) -> str:
        """The author, in git's notation."""
        return f"{self.author} <{self.email}>"


@dataclass(frozen=True, slots=True)
class File:
    """A file at a commit, as git has it: its mode, such as `100644`, and the id of its content."""

    mode: str
    id: str

    @property
    def is_plain(self) -> bool:
        """Whether it is a file with content of its own: not a symbolic link, a folder or a submodule."""
        return self.mode in ("100644", "100755")


@dataclass(frozen=True, slots=True)
class Touch:
    """What a commit did to a file: its versions in the parents, and its version now; None if it does not exist."""

    before: tuple[File | None, ...]
    after: File | None


@dataclass(frozen=True, slots=True)
class Step:
    """A commit with what it did to the ledger's two files, by path; `others` are other files that it touched.

    If it `is_cut`, the clone does not have what came before it: what it touched is unknown.
    """

    commit: Commit
    touched: Mapping[str, Touch]
    is_cut: bool = False
    others: tuple[str, ...] = ()


def first_parents(commits: Iterable[Commit], start: str, tip: str) -> set[str]:
    """Return the commits that become a branch's own if it is moved from `start` to `tip`: `tip` and its first parents.

    None of them if those do not lead to `start`.
    """
    by_id, line, current = {commit.id: commit for commit in commits}, set[str](), tip
    while current in by_id:
        line.add(current)
        current = next(iter(by_id[current].parents), "")
    return line if current == start else set()
