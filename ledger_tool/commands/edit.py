"""`set`, `remove` and `yank`: edits of existing records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from ledger_tool.commands.ports import Store
from ledger_tool.commands.write import Written, write
from ledger_tool.core.ledger.names import Platform, Timestamp, Ttl, some_of
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.ledger.yanks import yanks_among
from ledger_tool.core.policy.reference import Reference
from ledger_tool.core.writes import edit as writes


def set_facts(
    store: Store,
    patterns: Sequence[str],
    *,
    now: Timestamp,
    labels: Mapping[str, str],
    unlabel: Sequence[str] = (),
    ttl: Ttl | None = None,
    clear_ttl: bool = False,
    dry_run: bool = False,
) -> Written:
    """Edit every record that matches a pattern. Raises UnknownImage, and what `write` raises."""
    edit = partial(writes.set_facts, patterns=patterns, labels=labels, unlabel=unlabel, ttl=ttl, clear_ttl=clear_ttl)
    return write(store, edit, now=now, dry_run=dry_run)


def remove(
    store: Store,
    references: Sequence[Reference],
    *,
    now: Timestamp,
    reason: str,
    platform: Platform | None = None,
    dry_run: bool = False,
) -> Written:
    """Delete image:tags, or one platform of each. Raises UnknownImage, and what `write` raises.

    A note names the environments that have what is removed.
    """
    edit = partial(writes.remove, references=references, reason=reason, platform=platform)
    written = write(store, edit, now=now, dry_run=dry_run)
    gone = {effect.name for effect in written.change.effects if not effect.new}
    return _with_environments(
        written,
        lambda record: Name(record.image, str(record.version)) in gone,
        "which stays there, and without its record cannot be promoted again",
    )


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
    """Mark image:tags, or one platform of each. Raises UnknownImage, and what `write` raises.

    A note names the environments that have what is marked.
    """
    edit = partial(writes.yank, references=references, now=now, reason=reason, platform=platform, undo=undo)
    written = write(store, edit, now=now, dry_run=dry_run)
    if undo:
        return written
    marked = yanks_among(effect.new for effect in written.change.effects if effect.new)
    return _with_environments(written, lambda record: bool(marked.of(record)), "which is yanked now: promote another")


def _with_environments(written: Written, is_hit: Callable[[Record], bool], what_then: str) -> Written:
    """Return what was written, with a note for each version that environments have, and that it takes away."""
    ledger = written.change.ledger
    held: dict[Name, dict[str, None]] = {}
    for image in dict.fromkeys(effect.name.image for effect in written.change.effects):
        for record in ledger.having("version", image):
            if is_hit(record):
                held.setdefault(Name(image, str(record.version)), {})[record.tag] = None
    notes = []
    for version, tags in held.items():
        verb = "has" if len(tags) == 1 else "have"
        notes.append(f"note: {some_of(list(tags), 5)} {verb} {version}, {what_then}")
    return replace(written, notes=[*written.notes, *notes])
