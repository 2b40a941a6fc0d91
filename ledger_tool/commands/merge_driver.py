"""`merge-driver`: what git runs if both sides of a merge changed `ledger.json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger_tool.core.changes import conflict
from ledger_tool.core.changes.merge import Collision, merge
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.errors import InvalidLedger


@dataclass(frozen=True, slots=True)
class MergedFile:
    """The merged bytes, with a conflict for each collision; None if one of the files is not a valid ledger."""

    content: bytes | None
    collisions: Sequence[Collision] = ()


def merge_files(base: bytes, ours: bytes, theirs: bytes, *, size: int) -> MergedFile:
    """Merge three `ledger.json` files by record; an empty base means no ledger yet. `size` is the markers' length."""
    try:
        parts = [codec.loads(raw) if raw else Ledger() for raw in (base, ours, theirs)]
    except InvalidLedger:
        return MergedFile(None)
    merged = merge(*parts)
    return MergedFile(conflict.compose(merged, size=size), merged.collisions)
