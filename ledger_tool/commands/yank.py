"""`yank`: mark records as not to be used; `--undo` takes the mark away."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_tool.commands.ports import Store
from ledger_tool.commands.write import Written, write
from ledger_tool.core.ledger.names import Platform, Timestamp
from ledger_tool.core.policy.reference import Reference
from ledger_tool.core.writes import edit as edits


def yank(
    store: Store,
    references: Sequence[Reference],
    *,
    now: Timestamp,
    reason: str,
    platform: Platform | None = None,
    undo: bool = False,
    dry_run: bool = False,
) -> Written:
    """Mark image:tags, or one platform of each. Raises UnknownImage, and what `write` raises."""
    return write(
        store,
        lambda snapshot: edits.yank(snapshot, references, at=now, reason=reason, platform=platform, undo=undo),
        dry_run=dry_run,
    )
