"""`set`, `remove` and `yank`: edits of existing records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from ledger_tool.commands.ports import Store
from ledger_tool.commands.write import Written, write
from ledger_tool.core.ledger.names import Platform, Timestamp, Ttl
from ledger_tool.core.policy.reference import Reference
from ledger_tool.core.writes import edit as writes


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
    edit = partial(writes.set_facts, patterns=patterns, labels=labels, unlabel=unlabel, ttl=ttl, clear_ttl=clear_ttl)
    return write(store, edit, dry_run=dry_run)


def remove(
    store: Store,
    references: Sequence[Reference],
    *,
    reason: str,
    platform: Platform | None = None,
    dry_run: bool = False,
) -> Written:
    """Delete image:tags, or one platform of each. Raises UnknownImage, and what `write` raises."""
    edit = partial(writes.remove, references=references, reason=reason, platform=platform)
    return write(store, edit, dry_run=dry_run)


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
    edit = partial(writes.yank, references=references, now=now, reason=reason, platform=platform, undo=undo)
    return write(store, edit, dry_run=dry_run)
