"""`publish`: record images, all of them in one commit or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ledger_tool.commands.inspected import Inspected
from ledger_tool.commands.write import Written, write
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.writes import publish as writes
from ledger_tool.core.writes.draft import Draft
from ledger_tool.core.writes.told import as_told
from ledger_tool.errors import Contended

if TYPE_CHECKING:
    from ledger_tool.commands.ports import Registries, Store
    from ledger_tool.commands.proofs import OpenProver

CHECKS = 5


class Overtaken(Contended):
    """What was looked at may not be what would be written: the ledger has changed since; nothing was written."""


def publish(
    store: Store,
    drafts: Sequence[Draft],
    *,
    now: Timestamp,
    registries: Registries | None,
    open_prover: OpenProver | None = None,
    has_bundle: bool = False,
    host: str = "",
    jobs: int = 8,
    force_reason: str = "",
    dry_run: bool = False,
) -> Written:
    """Check the registry once, if there is one, and the signed statements that rules ask for, and record every draft.

    `has_bundle` says that `open_prover` has statements of its own, which need no registry. Raises Conflict and whatever
    else `inspect`, `checked`, `writes.publish` and `write` raise.
    """
    for remaining in reversed(range(CHECKS)):
        before = store.read() if registries is not None or has_bundle else None
        asked = registries if before and (before.policy.registries or host) else None
        if before is None or (asked is None and not has_bundle):
            told = _as_told(drafts)
            as_given = partial(writes.publish, drafts=told.drafts, force_reason=force_reason)
            return replace(write(store, as_given, now=now, dry_run=dry_run), verified=told.verified, notes=told.notes)
        if asked is None:
            seen = _as_told(drafts)
        else:
            from ledger_tool.commands.inspect import inspect

            seen = inspect(drafts, before, asked, host=host, jobs=jobs, is_forced=bool(force_reason))
        if open_prover and (before.policy.provenance or has_bundle):
            from ledger_tool.commands.checked import checked

            seen = checked(seen, before, asked, open_prover, host=host, jobs=jobs, force_reason=force_reason)
        try:
            operation = recording(before, seen, force_reason=force_reason)
            written = write(store, operation, now=now, dry_run=dry_run)
            return replace(written, verified=seen.verified, notes=seen.notes)
        except Overtaken:
            if not remaining:
                raise
    raise AssertionError("unreachable")


def _as_told(drafts: Sequence[Draft]) -> Inspected:
    """Return drafts as their input tells of them, where no registry is asked."""
    filled = [as_told(draft, f"{draft.reference.path}:{draft.tag}") for draft in drafts]
    notes = dict.fromkeys(note for _, own in filled for note in own)
    return Inspected([draft for draft, _ in filled], frozenset(), list(notes))


def recording(before: Snapshot, seen: Inspected, *, force_reason: str = "") -> Callable[[Snapshot], Change]:
    """Return the write that records what was seen, at a registry and in signed statements, after `before` was read.

    It raises Overtaken if a record with one of those digests has left the ledger since (see docs/adr/0021), and if what
    would be recorded is not what the statements were checked for.
    """
    digests = {digest for draft in seen.drafts for digest in (draft.digest, draft.index) if digest}

    def operation(snapshot: Snapshot) -> Change:
        if snapshot.commit != before.commit:
            from ledger_tool.core.writes.prune import withdrawn

            if lost := digests & withdrawn(before.ledger, snapshot.ledger):
                raise Overtaken(
                    f"{min(lost)} was pruned while the registry was checked; nothing was written", "run it again"
                )
        change = writes.publish(snapshot, seen.drafts, force_reason=force_reason)
        if snapshot.commit != before.commit and _is_unproved(before, snapshot, seen, change):
            raise Overtaken("the ledger has changed while signed statements were checked", "run it again")
        return change

    return operation


def _is_unproved(before: Snapshot, now: Snapshot, seen: Inspected, change: Change) -> bool:
    """Return whether a change records something else than what signed statements were checked for."""
    names = {Name(key.image, key.tag) for key in seen.held}
    records = {record.key: record for name in names for record in change.ledger.find(name)}
    held = {
        key: (record.digest, record.index, record.source_ref) for key, record in records.items() if key in seen.held
    }
    return seen.is_open or held != seen.held or now.policy.provenance != before.policy.provenance
