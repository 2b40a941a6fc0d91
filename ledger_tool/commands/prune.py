"""`prune`: what has expired goes, at the registries first if so asked, and then out of the ledger, in one commit.

In this order nothing can be lost without the ledger knowing it: a run that is cut short leaves expired records
whose manifests are gone, and the next run removes them. docs/adr/0021 has the races.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ledger_tool.commands.ports import Store
from ledger_tool.commands.registry_delete import Clearance, DeletingRegistries, Deletion, Registrar, Retained
from ledger_tool.commands.write import Request, Written, write
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger.record import Key, Record
from ledger_tool.core.policy.resolve import Resolver
from ledger_tool.core.writes import edit as edits
from ledger_tool.core.writes.prune import Spared, Wish, choose, remaining_uses
from ledger_tool.errors import Contended, LedgerError, UsageError

ROUNDS = 10
_NO_HOME = "no registry in ledger.yaml serves it"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a prune takes: records that go and that stay, and at the registries what is to be deleted, if asked."""

    wish: Wish
    going: Sequence[Record]
    spared: Sequence[Spared]
    clearance: Clearance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What a prune did, or would do: records, and digests at registries.

    `commit` is None where none was made. `failed` are the images of which not everything that should could be
    looked at, deleted or put back, with the error; `restored` is what was deleted and put back, since a record needs
    it by now. `request` is the pull request, where it was only proposed.
    """

    expired: Sequence[Record]
    spared: Sequence[Spared]
    deleted: Sequence[Deletion] = ()
    retained: Sequence[Retained] = ()
    restored: Sequence[Deletion] = ()
    failed: Mapping[str, LedgerError] = field(default_factory=dict)
    commit: str | None = None
    request: Request | None = None


def plan(read: Callable[[], Snapshot], wish: Wish, registries: DeletingRegistries | None, registrar: Registrar) -> Plan:
    """Return what a prune of the fresh ledger takes; with `registries`, after a look at each digest.

    `read` gives the ledger as it is now, however long the look took. Raises UsageError where no registry is
    configured, Contended where the ledger moves all the time.
    """
    for _ in range(ROUNDS):
        snapshot = read()
        found = _planned(snapshot, wish, registries, registrar)
        # The look may have taken its time; what was looked at is known in the next round.
        if registries is None or read().commit == snapshot.commit:
            return found
    raise Contended("the ledger moved all the time; nothing was deleted or written", "run it again")


def _planned(snapshot: Snapshot, wish: Wish, registries: DeletingRegistries | None, registrar: Registrar) -> Plan:
    wish = replace(wish, patterns=[snapshot.resolver.pattern(pattern) for pattern in wish.patterns])
    chosen = choose(snapshot.ledger, wish)
    if registries is None:
        return Plan(wish, chosen.going, chosen.spared)
    if not snapshot.policy.registries:
        raise UsageError(
            "ledger.yaml names no registry to delete at", "leave `--registry-delete` out, or name it there"
        )
    images = {str(record.image) for record in chosen.going}
    serving = {image: registries.serving(snapshot.policy, image) for image in images}
    going = [record for record in chosen.going if serving[record.image]]
    homeless = [Spared(record, _NO_HOME) for record in chosen.going if not serving[record.image]]
    in_use = remaining_uses(snapshot.ledger, snapshot.resolver, _by_key(going))
    return Plan(wish, going, [*chosen.spared, *homeless], registrar.clearance(going, serving, in_use))


def foresee(plan: Plan) -> Pruned:
    """Return what the plan comes to, if nothing happens meanwhile."""
    clearance = plan.clearance or Clearance((), (), {})
    found = Pruned(
        expired=plan.going,
        spared=plan.spared,
        deleted=clearance.deletions,
        retained=clearance.retained,
        failed=clearance.failed,
    )
    return _without(found, lambda record: clearance.failed.get(record.image))


def delete(plan: Plan, registrar: Registrar) -> Pruned:
    """Delete at the registries what the plan says; return what is done so far, the records that are to go included."""
    before = foresee(plan)
    deleted, left = registrar.delete(before.deleted)
    errors = {(place.image, place.digest): error for place, error in reversed(left)}
    found = replace(before, deleted=deleted, failed={**before.failed, **{at[0]: error for at, error in errors.items()}})
    return _without(
        found,
        lambda record: errors.get((record.image, record.digest)) or errors.get((record.image, record.index or "")),
    )


def settle(
    store: Store,
    plan: Plan,
    done: Pruned,
    registrar: Registrar,
    finish: Callable[[Written], Written] = lambda written: written,
) -> Pruned:
    """Take the records out of the ledger, and put back at the registries what turns out to be in use by now.

    `finish` opens the pull request, where the change is only proposed. Raises what `write` raises; what was deleted
    is deleted then, and to run it again completes it.
    """
    cleared = None if plan.clearance is None else _by_key(done.expired)
    spared: Sequence[Spared] = done.spared
    resolver: Resolver

    def operation(snapshot: Snapshot) -> Change:
        nonlocal spared, resolver
        resolver = snapshot.resolver
        if cleared is None:
            spared = choose(snapshot.ledger, plan.wish).spared
        return edits.prune(snapshot, plan.wish, cleared)

    try:
        written = finish(write(store, operation))
    except LedgerError as error:
        if done.deleted:
            error.hint += f"; what is deleted at the registries already ({len(done.deleted)}) waits for the next run"
        raise
    change = written.change
    expired = [effect.record for effect in change.effects]
    restored: Sequence[Deletion] = ()
    failed = dict(done.failed)
    if done.deleted:
        # What waits for a registry is no living record: the next run deletes the rest of it.
        waiting = {key: record for key, record in _by_key(plan.going).items() if key not in (cleared or ())}
        living = [record for record in change.ledger.records() if waiting.get(record.key) != record]
        restored, trouble = registrar.restore(done.deleted, living, remaining_uses(change.ledger, resolver, waiting))
        failed |= trouble
    back = {one.place for one in restored}
    gone = _by_key(expired)
    stayed = [
        Spared(record, "it was changed meanwhile")
        for record in done.expired
        if record.key not in gone and record.key in change.ledger
    ]
    return Pruned(
        expired=expired,
        spared=[*spared, *(stayed if cleared is not None else [])],
        deleted=[one for one in done.deleted if one.place not in back],
        retained=done.retained,
        restored=restored,
        failed=failed,
        commit=written.results[0].commit if change.changed else None,
        request=written.request,
    )


def _without(found: Pruned, why: Callable[[Record], LedgerError | None]) -> Pruned:
    """Return it with the records for which there is an error among those that stay."""
    errors = {record.key: error for record in found.expired if (error := why(record))}
    return replace(
        found,
        expired=[record for record in found.expired if record.key not in errors],
        spared=[
            *found.spared,
            *(Spared(record, errors[record.key].message) for record in found.expired if record.key in errors),
        ],
    )


def _by_key(records: Sequence[Record]) -> dict[Key, Record]:
    return {record.key: record for record in records}
