"""`publish`: record images, all of them in one commit or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ledger_tool.commands.ports import Registries, Store
from ledger_tool.commands.write import Written, write
from ledger_tool.core import rules
from ledger_tool.core.draft import Draft
from ledger_tool.core.record import Name


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
    """Look at the registry once, then record every draft; `registries` None records what is told.

    Raises Conflict and whatever else `inspect`, `rules.publish` and `write` raise.
    """
    told: Sequence[Draft] = drafts
    verified: frozenset[Name] = frozenset()
    if registries is not None:
        policy = store.read().policy
        if policy.registries or host:
            from ledger_tool.commands.inspect import inspect

            found = inspect(drafts, policy, registries, host=host, jobs=jobs)
            told, verified = found.drafts, found.verified
    written = write(store, lambda snapshot: rules.publish(snapshot, told, force_reason=force_reason), dry_run=dry_run)
    return replace(written, verified=verified)
