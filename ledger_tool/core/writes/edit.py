"""What set, remove, yank and prune do to a ledger: edits of existing records.

Like `publish`, each is run again on every new tip and depends only on its arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger.names import Platform, Timestamp, Ttl
from ledger_tool.core.ledger.query import select_named, unknown_image, unknown_platform
from ledger_tool.core.ledger.record import Key, Record, Yanked
from ledger_tool.core.policy.reference import Reference
from ledger_tool.core.writes.pending import PendingRecords
from ledger_tool.core.writes.prune import Choice, PruneCriteria, choose
from ledger_tool.errors import RuleRefused


def set_facts(
    snapshot: Snapshot,
    patterns: Sequence[str],
    *,
    labels: Mapping[str, str],
    unlabel: Iterable[str] = (),
    ttl: Ttl | None = None,
    clear_ttl: bool = False,
) -> Change:
    """Return the change that edits labels and TTL of all records that match any of the patterns.

    What environments have stays. Raises UnknownImage for a pattern that matches nothing, RuleRefused if nothing else
    matches, and InvalidValue if it would remove what the policy requires.
    """
    requested = []
    patterns = [snapshot.resolver.pattern(pattern) for pattern in patterns]
    gone = frozenset(unlabel)
    chosen = select_named(snapshot.ledger, patterns)
    editable = [record for record in chosen if not record.is_environment]
    if not editable and chosen:
        raise RuleRefused(
            f"{chosen[0].name} is what an environment has, which has neither labels nor a TTL",
            f"edit the version instead: `{chosen[0].image}:{chosen[0].version}`",
        )
    pending = PendingRecords(snapshot.ledger, chosen)
    same: dict[frozenset[tuple[str, str]], Mapping[str, str]] = {}  # many records have the same labels
    for old in editable:
        kept = {key: value for key, value in old.labels.items() if key not in gone} | dict(labels)
        edited = same.setdefault(frozenset(kept.items()), kept)
        new = replace(old, labels=edited, ttl=None if clear_ttl else ttl or old.ttl)
        if snapshot.policy.meets_requirements(old):
            snapshot.policy.check_required(new)
        pending.of(old.name)[old.platform or ""] = new
        requested.append(new)
    details = [("Label", f"{key}={value}") for key, value in sorted(labels.items())]
    details += [("Unlabel", key) for key in sorted(gone)]
    details += [("TTL", "none" if clear_ttl else ttl or "")] if clear_ttl or ttl else []
    return pending.change("set", requested, details=details)


def remove(
    snapshot: Snapshot, references: Sequence[Reference], *, reason: str, platform: Platform | None = None
) -> Change:
    """Return the change that removes image:tags (or only one platform of each).

    Raises UnknownImage for a name that the ledger does not have, and RuleRefused for a platform of an environment's.
    """
    pending = PendingRecords(snapshot.ledger)
    requested = list(_named(snapshot, references, platform, pending))
    for record in requested:
        if platform and record.is_environment:
            raise RuleRefused(
                f"{record.name} is what an environment has, for all platforms of {record.version} or for none",
                "leave `--platform` out, or promote a version without that platform",
            )
        del pending.of(record.name)[record.platform or ""]
    return pending.change("remove", requested, reason=reason)


def yank(
    snapshot: Snapshot,
    references: Sequence[Reference],
    *,
    now: Timestamp,
    reason: str,
    platform: Platform | None = None,
    undo: bool = False,
) -> Change:
    """Return the change that marks image:tags as not to be used, or with `undo` removes the mark.

    An image that an image:tag has for several platforms is good for all of them, or for none. A record that is already
    marked keeps the time, and gets the new reason. Raises UnknownImage for a name that the ledger does not have, and
    RuleRefused for one that is an environment's.
    """
    pending = PendingRecords(snapshot.ledger)
    requested = []
    for old in _with_copies(_named(snapshot, references, platform, pending), pending):
        if old.is_environment:
            raise RuleRefused(
                f"{old.name} is what an environment has, and a mark belongs to a version",
                f"yank {old.image}:{old.version}, and promote another version of it",
            )
        copies = [record for record in pending.of(old.name).values() if record.digest == old.digest]
        yanked_at = min((record.yanked.at for record in copies if record.yanked), default=now)
        new = replace(old, yanked=None if undo else Yanked(yanked_at, reason))
        pending.of(old.name)[old.platform or ""] = new
        requested.append(new)
    return pending.change("unyank" if undo else "yank", requested, reason=reason)


def prune(
    snapshot: Snapshot,
    criteria: PruneCriteria,
    only: Mapping[Key, Record] | None = None,
    chosen: Choice | None = None,
) -> Change:
    """Return the change that removes the expired records that match the criteria.

    With `only`, just these records are removed, and only if they are exactly as given: what was published
    again or edited in the meantime stays. `chosen` is what the criteria choose, if that is known.
    """
    pending = PendingRecords(snapshot.ledger)
    going = (chosen or choose(snapshot.ledger, criteria)).going
    requested = [record for record in going if only is None or only.get(record.key) == record]
    for record in requested:
        del pending.of(record.name)[record.platform or ""]
    return pending.change("prune", requested, reason="expired")


def _with_copies(records: Iterable[Record], pending: PendingRecords) -> list[Record]:
    """Return records, and those of the same images for other platforms of their image:tags."""
    chosen: dict[Key, Record] = {}
    for record in records:
        same = [other for other in pending.of(record.name).values() if other.digest == record.digest]
        chosen |= {other.key: other for other in [record, *same]}
    return list(chosen.values())


def _named(
    snapshot: Snapshot, references: Iterable[Reference], platform: Platform | None, pending: PendingRecords
) -> Iterator[Record]:
    """Yield the records of image:tags, or of one platform of each; a repeated image:tag counts once.

    Raises UnknownImage for a name that the ledger does not have.
    """
    for reference in references:
        name = snapshot.name(reference)
        if name in pending:
            continue
        records = pending.of(name)
        chosen = [records[key] for key in sorted(records) if platform is None or key == platform]
        if not records:
            raise unknown_image(str(name), snapshot.ledger.names())
        if platform is not None and not chosen:
            raise unknown_platform(list(records.values()), platform)
        yield from chosen
