"""One commit of a ledger repository, as history tells it."""

from __future__ import annotations

from dataclasses import dataclass

from ledger_tool.core.names import Timestamp


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its id, its parents' ids, who wrote it, when it was committed, and its message."""

    id: str
    parents: tuple[str, ...]
    author: str
    email: str
    at: Timestamp
    message: str
