"""`publish`: record images, all of them in one commit or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from ledger_tool.commands.ports import Registries, Store
from ledger_tool.commands.write import Written, write
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.writes import publish as writes
from ledger_tool.core.writes.draft import Draft
from ledger_tool.core.writes.told import as_told
from ledger_tool.errors import Contended

CHECKS = 5


class Overtaken(Contended):
    """A prune since the registry check may have deleted what it found; nothing was written."""


def publish(
    store: Store,
    drafts: Sequence[Draft],
    *,
    registries: Registries | None,
    host: str = "",
    jobs: int = 8,
    force_reason: str = "",
    dry_run: bool = False,
) -> Written:
    """Check the registry once, if there is one, and record every draft.

    Raises Conflict and whatever else `inspect`, `writes.publish` and `write` raise.
    """
    for remaining in reversed(range(CHECKS)):
        if registries is None or not ((before := store.read()).policy.registries or host):
            filled = [as_told(draft, f"{draft.reference.path}:{draft.tag}") for draft in drafts]
            as_given = partial(writes.publish, drafts=[draft for draft, _ in filled], force_reason=force_reason)
            notes = list(dict.fromkeys(note for _, own in filled for note in own))
            return replace(write(store, as_given, dry_run=dry_run), verified=frozenset(), notes=notes)
        from ledger_tool.commands.inspect import inspect

        inspected = inspect(drafts, before, registries, host=host, jobs=jobs, is_forced=bool(force_reason))
        try:
            written = write(store, recording(before, inspected.drafts, force_reason=force_reason), dry_run=dry_run)
            return replace(written, verified=inspected.verified, notes=inspected.notes)
        except Overtaken:
            if not remaining:
                raise
    raise AssertionError("unreachable")


def recording(before: Snapshot, drafts: Sequence[Draft], *, force_reason: str = "") -> Callable[[Snapshot], Change]:
    """Return the write that records what a registry had after `before` was read.

    It raises Overtaken if a record with one of those digests has left the ledger since: see docs/adr/0021.
    """
    seen = {digest for draft in drafts for digest in (draft.digest, draft.index) if digest}

    def operation(snapshot: Snapshot) -> Change:
        if snapshot.commit != before.commit:
            from ledger_tool.core.writes.prune import withdrawn

            if lost := seen & withdrawn(before.ledger, snapshot.ledger):
                raise Overtaken(
                    f"{min(lost)} was pruned while the registry was checked; nothing was written", "run it again"
                )
        return writes.publish(snapshot, drafts, force_reason=force_reason)

    return operation
