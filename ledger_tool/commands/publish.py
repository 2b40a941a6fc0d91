"""`publish`: record images, all of them in one commit or none."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_tool.commands.ports import Store
from ledger_tool.commands.write import Written, write
from ledger_tool.core import rules
from ledger_tool.core.draft import Draft


def publish(store: Store, drafts: Sequence[Draft], *, force_reason: str = "", dry_run: bool = False) -> Written:
    """Record every draft. Raises Conflict and whatever else `rules.publish` and `write` raise."""
    return write(store, lambda snapshot: rules.publish(snapshot, drafts, force_reason=force_reason), dry_run=dry_run)
