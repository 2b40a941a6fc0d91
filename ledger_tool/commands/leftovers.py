"""Tags that a prune has left at a registry: they must not come back as news every night.

A prune cannot always delete a tag: its digest may be needed by others. As long as that is so, the tag is not reported
again. And what was pruned is not adopted, or it would be pruned and adopted for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress

from ledger_tool.commands.log import entries
from ledger_tool.commands.observe import Looks
from ledger_tool.commands.ports import History
from ledger_tool.commands.remedy import Serving
from ledger_tool.commands.untracked import port_of
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.dependencies.uses import by_repository, uses_of
from ledger_tool.core.ledger.record import Key, Name
from ledger_tool.core.registry.drift import DriftFinding
from ledger_tool.errors import LedgerError

OpenPast = Callable[[], AbstractContextManager[History]]  # opens the ledger's history
Pruned = Mapping[Name, frozenset[str]]  # the image digests with which image:tags were pruned, if nothing came after


def pruned_tags(open_past: OpenPast | None) -> Pruned:
    """Return the image:tags that were pruned and not recorded again, as far as there is a history to be read."""
    if open_past is None:
        return {}
    pruned: dict[Name, set[str]] = {}
    seen: set[Key] = set()
    with suppress(LedgerError), open_past() as history:
        for entry in entries(history, "", history.head(), lambda _: None):
            if entry.key not in seen and entry.action == "prune":
                pruned.setdefault(entry.name, set()).add(entry.digest)
            seen.add(entry.key)
    return {name: frozenset(digests) for name, digests in pruned.items()}


def without_leftovers(
    looks: Looks, findings: Sequence[DriftFinding], serving: Serving, snapshot: Snapshot, open_past: OpenPast | None
) -> list[DriftFinding]:
    """Return the findings except untracked tags that a prune has left because their digest is in use.

    Such a tag was pruned, or it has a default TTL. The history is only read if something depends on it.
    """
    tags = [port_of(finding, serving) for finding in findings if finding.drift == "untracked"]
    if not tags:
        return list(findings)
    roots = by_repository(uses_of(snapshot.ledger.records(), snapshot.resolver), snapshot.resolver)
    used = {image: roots.digests(image) for _, image, _ in tags}
    served = looks.served(tags)
    in_use = {place for place, digest in served.items() if isinstance(digest, str) and digest in used[place[1]]}
    left = {place for place in in_use if snapshot.policy.default_ttl(place[2])}
    if in_use - left:
        pruned = pruned_tags(open_past)
        for port, image, tag in in_use - left:
            if any(name.tag == tag and port.repository(name.image) == port.repository(image) for name in pruned):
                left.add((port, image, tag))
    return [one for one in findings if one.drift != "untracked" or port_of(one, serving) not in left]
