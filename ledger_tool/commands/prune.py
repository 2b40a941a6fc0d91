"""`prune`: what has expired goes, at the registries first if so asked, and then out of the ledger, in one commit.

In this order nothing can be lost without the ledger knowing it: a run that is cut short leaves expired records
whose manifests are gone, and the next run removes them. docs/adr/0021 has the races.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from ledger_tool.commands.ports import Progress, Store
from ledger_tool.commands.registry_delete import DeletingRegistries, Deletion, Registrar, Retained
from ledger_tool.commands.write import write
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger.record import Key, Record
from ledger_tool.core.writes import edit as edits
from ledger_tool.core.writes.prune import PruneCriteria, Spared, choose, remaining_uses
from ledger_tool.errors import Contended, LedgerError, UsageError

if TYPE_CHECKING:
    from ledger_tool.core.changes.proposal import Proposed

ROUNDS = 10
_NO_HOME = "no registry in ledger.yaml serves it"


class OpenStore(Protocol):
    """What opens the ledger to write to, for a time of its own."""

    def __call__(self, *, shared: bool = False) -> AbstractContextManager[Store]:
        """Open it. With `shared`, it has to be the branch that everybody uses; else UsageError is raised."""


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
    request: Proposed | None = None


# The records that are to go, and what a prune comes to if nothing happens meanwhile.
_Plan = tuple[Sequence[Record], Pruned]


def prune(
    open_store: OpenStore,
    criteria: PruneCriteria,
    *,
    registries: DeletingRegistries | None,
    jobs: int,
    progress: Progress,
    proposes: bool = False,
    pushes: bool = True,
    dry_run: bool = False,
) -> Pruned:
    """Take what has expired out of the ledger; with `registries`, delete there first what no record needs any more.

    What is deleted has to be recorded for everybody: with `registries`, the store has to be one that pushes and does
    not propose. Raises UsageError where it is not or where no registry is configured, Contended where the ledger
    moves all the time, and what `write` raises; what was deleted is deleted then, and to run it again completes it.
    """
    registrar = Registrar(jobs=jobs, progress=progress)
    if registries is None:
        with open_store() as store:
            going, foreseen = _planned(store.read(), criteria, None, registrar)
            return foreseen if dry_run else _settled(store, criteria, going, foreseen, None)
    if proposes or not pushes:
        other = "--pull-request" if proposes else "--no-push"
        raise UsageError(f"`--registry-delete` and `{other}` cannot be combined", "what is deleted has to be recorded")

    def fresh() -> Snapshot:  # with a time of its own: a look at registries may take longer than a session
        with open_store(shared=True) as store:  # what one branch does not use, another one may
            return store.read()

    going, foreseen = _agreed(fresh, criteria, registries, registrar)
    if dry_run:
        return foreseen
    pruned = _deleted(foreseen, registrar)
    with open_store(shared=True) as store:
        return _settled(store, criteria, going, pruned, registrar)


def _agreed(
    fresh: Callable[[], Snapshot], criteria: PruneCriteria, registries: DeletingRegistries, registrar: Registrar
) -> _Plan:
    """Return a plan for a ledger that has not moved while the registries were looked at."""
    for _ in range(ROUNDS):
        snapshot = fresh()
        plan = _planned(snapshot, criteria, registries, registrar)
        # The look may have taken its time; what was looked at is known in the next round.
        if fresh().commit == snapshot.commit:
            return plan
    raise Contended("the ledger moved all the time; nothing was deleted or written", "run it again")


def _planned(
    snapshot: Snapshot, criteria: PruneCriteria, registries: DeletingRegistries | None, registrar: Registrar
) -> _Plan:
    """Return what a prune of a ledger takes; with `registries`, after a look at each digest."""
    chosen = choose(snapshot.ledger, _resolved(criteria, snapshot))
    if registries is None:
        return chosen.going, Pruned(expired=chosen.going, spared=chosen.spared)
    if not snapshot.policy.registries:
        raise UsageError(
            "ledger.yaml names no registry to delete at", "leave `--registry-delete` out, or name it there"
        )
    images = {str(record.image) for record in chosen.going}
    serving = {image: registries.serving(snapshot.policy, image) for image in images}
    going = [record for record in chosen.going if serving[record.image]]
    unserved = [Spared(record, _NO_HOME) for record in chosen.going if not serving[record.image]]
    clearance = registrar.clearance(going, serving, remaining_uses(snapshot.ledger, snapshot.resolver, _by_key(going)))
    foreseen = Pruned(
        expired=going,
        spared=[*chosen.spared, *unserved],
        deleted=clearance.deletions,
        retained=clearance.retained,
        failed=clearance.failed,
    )
    return going, _without(foreseen, lambda record: clearance.failed.get(record.image))


def _deleted(foreseen: Pruned, registrar: Registrar) -> Pruned:
    """Delete at the registries what is foreseen; return what is done so far, the records that are to go included."""
    deleted, left = registrar.delete(foreseen.deleted)
    errors = {(place.image, place.digest): error for place, error in reversed(left)}
    failed = {image: error for (image, _), error in errors.items()}
    return _without(
        replace(foreseen, deleted=deleted, failed={**foreseen.failed, **failed}),
        lambda record: errors.get((record.image, record.digest)) or errors.get((record.image, record.index or "")),
    )


def _settled(
    store: Store, criteria: PruneCriteria, going: Sequence[Record], before: Pruned, registrar: Registrar | None
) -> Pruned:
    """Take the records out of the ledger, and put back at the registries what turns out to be in use by now.

    Without a registrar, all goes that has expired by now.
    """
    cleared = _by_key(before.expired) if registrar else None
    last: Snapshot

    def operation(snapshot: Snapshot) -> Change:
        nonlocal last
        last = snapshot
        return edits.prune(snapshot, _resolved(criteria, snapshot), cleared)

    try:
        written = write(store, operation)
    except LedgerError as error:
        if not before.deleted:
            raise
        waiting = f"what is deleted at the registries already ({len(before.deleted)}) waits for the next run"
        raise error.within("", f"{error.hint}; {waiting}") from None
    ledger, expired = written.change.ledger, [effect.record for effect in written.change.effects]
    commit = written.results[0].commit if written.change.changed else None
    pruned = replace(before, expired=expired, commit=commit, request=written.request)
    if registrar is None or cleared is None:
        return replace(pruned, spared=choose(last.ledger, _resolved(criteria, last)).spared)
    gone = _by_key(expired)
    stayed = [record for key, record in cleared.items() if key not in gone and key in ledger]
    spared = [*before.spared, *(Spared(record, "it was changed meanwhile") for record in stayed)]
    if not before.deleted:
        return replace(pruned, spared=spared)
    # What waits for a registry is not a living record: the next run deletes the rest of it.
    pending = {record.key: record for record in going if record.key not in cleared}
    living = [record for record in ledger.records() if pending.get(record.key) != record]
    uses = remaining_uses(ledger, last.resolver, pending)
    restored, failed = registrar.restore(before.deleted, living, uses)
    back = {deletion.place for deletion in restored}
    deleted = [deletion for deletion in before.deleted if deletion.place not in back]
    return replace(pruned, spared=spared, deleted=deleted, restored=restored, failed={**before.failed, **failed})


def _resolved(criteria: PruneCriteria, snapshot: Snapshot) -> PruneCriteria:
    return replace(criteria, patterns=[snapshot.resolver.pattern(pattern) for pattern in criteria.patterns])


def _without(pruned: Pruned, why: Callable[[Record], LedgerError | None]) -> Pruned:
    """Return it with the records for which there is an error among those that stay."""
    errors = {record.key: error for record in pruned.expired if (error := why(record))}
    return replace(
        pruned,
        expired=[record for record in pruned.expired if record.key not in errors],
        spared=[
            *pruned.spared,
            *(Spared(record, errors[record.key].message) for record in pruned.expired if record.key in errors),
        ],
    )


def _by_key(records: Sequence[Record]) -> dict[Key, Record]:
    return {record.key: record for record in records}
