"""`set`: edit labels and TTL of many records at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger_tool.commands.ports import Store
from ledger_tool.commands.write import Written, write
from ledger_tool.core.ledger.names import Ttl
from ledger_tool.core.writes import edit as edits


def set_facts(
    store: Store,
    patterns: Sequence[str],
    *,
    labels: Mapping[str, str],
    unlabel: Sequence[str] = (),
    ttl: Ttl | None = None,
    clear_ttl: bool = False,
    dry_run: bool = False,
) -> Written:
    """Edit every record that matches a pattern. Raises UnknownImage, and what `write` raises."""
    return write(
        store,
        lambda snapshot: edits.set_facts(
            snapshot, patterns, labels=labels, unlabel=unlabel, ttl=ttl, clear_ttl=clear_ttl
        ),
        dry_run=dry_run,
    )
