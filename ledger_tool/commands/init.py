"""`init`: a folder that is a ledger, ready to push."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger_tool.core.writes.init import new_ledger_files


class Workplace(Protocol):
    """The folder that becomes a ledger."""

    def missing(self, names: Sequence[str]) -> list[str]:
        """Return which of the named files do not exist yet."""

    def prepare(self) -> bool:
        """Create the folder and its git repository if missing; return whether it is new: no commit, nothing staged."""

    def write(self, files: Mapping[str, str]) -> None:
        """Write new files; one that exists is never touched."""

    def why_invalid(self) -> str:
        """Return why the existing `ledger.json` is not a valid ledger, or `""`."""

    def has_remote(self) -> bool:
        """Return whether the repository has a remote."""

    def commit_all(self, names: Sequence[str], message: str) -> str:
        """Make the first commit, of exactly these files; return its id."""


@dataclass(frozen=True, slots=True)
class Scaffolded:
    """The files added and those kept; the first commit's id, and why a kept `ledger.json` is invalid, each or `""`."""

    added: Sequence[str]
    kept: Sequence[str]
    commit: str
    has_remote: bool
    invalid: str


def init(workplace: Workplace, *, registry: str = "", kit: Mapping[str, str] | None = None) -> Scaffolded:
    """Add the missing files of a ledger, with those of a CI system in `kit`, by path. A repository without commits
    gets its first one; in any other, committing is up to the user.
    """
    files = new_ledger_files(registry, kit)
    is_new = workplace.prepare()
    added = workplace.missing(list(files))
    workplace.write({name: files[name] for name in added})
    kept = [name for name in files if name not in added]
    commit = workplace.commit_all(list(files), "start the ledger\n") if is_new and not kept else ""
    return Scaffolded(added, kept, commit, workplace.has_remote(), workplace.why_invalid())
