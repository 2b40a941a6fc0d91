"""`remove`: delete records; history keeps them."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_tool.commands.ports import Store
from ledger_tool.commands.write import Written, write
from ledger_tool.core.ledger.names import Platform
from ledger_tool.core.policy.reference import Reference
from ledger_tool.core.writes import edit as edits


def remove(
    store: Store,
    references: Sequence[Reference],
    *,
    reason: str,
    platform: Platform | None = None,
    dry_run: bool = False,
) -> Written:
    """Delete image:tags, or one platform of each. Raises UnknownImage, and what `write` raises."""
    return write(
        store,
        lambda snapshot: edits.remove(snapshot, references, reason=reason, platform=platform),
        dry_run=dry_run,
    )
