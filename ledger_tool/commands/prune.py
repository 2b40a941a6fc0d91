"""`prune`: remove what has expired, first at the registries if requested, then from the ledger, in one commit.

In this order nothing can be lost without the ledger knowing: an interrupted run leaves expired records
whose manifests are gone, and the next run removes them. docs/adr/0021 has the races.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from ledger_tool.commands.clearance import Clearance, Deletion, Retained, StayingTag
from ledger_tool.commands.deleting_registries import DeletingRegistries
from ledger_tool.commands.ports import Progress, Store
from ledger_tool.commands.prune_time import ahead_of_clock, doubt_of_time
from ledger_tool.commands.registry_delete import Registrar
from ledger_tool.commands.write import rehearse, write
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Key, Name, Record
from ledger_tool.core.running.inuse import in_use
from ledger_tool.core.writes import edit as edits
from ledger_tool.core.writes.clock import TOLERANCE
from ledger_tool.core.writes.prune import Choice, PruneCriteria, Spared, Upcoming, choose, remaining_uses
from ledger_tool.errors import Contended, LedgerError, UsageError

if TYPE_CHECKING:
    from ledger_tool.core.changes.proposal import Proposed

ROUNDS = 10
_NO_HOME = "no registry in ledger.yaml serves it"


class OpenStore(Protocol):
    """A function that opens the ledger for writing, with its own deadline."""

    def __call__(self, *, shared: bool = False) -> AbstractContextManager[Store]:
        """Open it. With `shared`, raises UsageError unless it is the branch that everybody uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What a prune did, or would do: records, and digests at registries.

    `commit` is None if none was made. `failed` are the images for which not everything could be
    checked, deleted or put back, with the error; `restored` is what was deleted and put back because a record now needs
    it. `staying` are the tags of removed records that stay served, `untagged` those deleted while their digests stay;
    `declined` says why a registry deletes no tags alone. `request` is the pull request, if it was only proposed.
    `doubt` is why a dry run would not be carried out, `upcoming` what goes next if nothing has expired. If nothing that
    runs has to do with the ledger, it `runs_elsewhere`.
    """

    expired: Sequence[Record]
    spared: Sequence[Spared]
    deleted: Sequence[Deletion] = ()
    retained: Sequence[Retained] = ()
    restored: Sequence[Deletion] = ()
    staying: Sequence[StayingTag] = ()
    untagged: Sequence[Deletion] = ()
    declined: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, LedgerError] = field(default_factory=dict)
    commit: str | None = None
    request: Proposed | None = None
    doubt: LedgerError | None = None
    upcoming: Upcoming | None = None
    runs_elsewhere: bool = False


# The records to remove, and the result of the prune if nothing changes in the meantime.
_Plan = tuple[Sequence[Record], Pruned]


class _Choices:
    """What the criteria of a prune choose of a ledger; of the last one that was asked about, it is remembered."""

    def __init__(self, criteria: PruneCriteria) -> None:
        self.criteria = criteria
        self._last: tuple[Snapshot, PruneCriteria, Choice] | None = None

    def of(self, snapshot: Snapshot) -> tuple[PruneCriteria, Choice]:
        """Return the criteria in the names of a ledger, and what they choose."""
        if self._last is None or self._last[0] is not snapshot:
            criteria = _resolved(self.criteria, snapshot)
            self._last = snapshot, criteria, choose(snapshot.ledger, criteria)
        return self._last[1:]


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
    with_untracked: bool = False,
) -> Pruned:
    """Remove what has expired from the ledger; with `registries`, first delete there what no record needs any longer.

    A digest that tags serve which are not in the ledger stays, with its record; `with_untracked` deletes it with them.

    Deletions have to be recorded for everybody: with `registries`, the store has to be one that pushes and does
    not propose. Raises UsageError if it is not, or if no registry is configured; ClockAhead if the time may be wrong by
    which records have expired; Contended if the ledger keeps moving; and what `write` raises. What was deleted then
    stays deleted, and running it again completes it.
    """
    registrar = Registrar(jobs=jobs, progress=progress, with_untracked=with_untracked)
    choices = _Choices(criteria)
    if registries is None:
        with open_store() as store:
            snapshot = store.read()
            going, planned = _planned(snapshot, choices, None, registrar)
            doubt = doubt_of_time(
                planned.expired, criteria, {}, lambda: store.written_at(snapshot.commit), dry_run=dry_run
            )
            if not dry_run:
                return _settled(store, choices, going, planned, None)
            _rehearse(store, snapshot, criteria, planned)
            return replace(planned, doubt=doubt)
    if proposes or not pushes:
        other = "--pull-request" if proposes else "--no-push"
        raise UsageError(f"`--registry-delete` and `{other}` cannot be combined", "deletions are recorded at once")

    before: Snapshot

    def read() -> Snapshot:  # with its own deadline: checking registries may take longer than a session
        nonlocal before
        with open_store(shared=True) as store:  # another branch may use what this one does not
            before = store.read()
        return before

    def written_at() -> Timestamp:
        with open_store(shared=True) as store:
            return store.written_at(store.read().commit)

    going, planned = _agreed(read, choices, registries, registrar)
    doubt = doubt_of_time(planned.expired, criteria, registrar.clocks(), written_at, dry_run=dry_run)
    if before.policy.has_owners:  # what must not be written must not be deleted either
        with open_store(shared=True) as store:
            _rehearse(store, store.read(), criteria, planned)
    if dry_run:
        return replace(planned, doubt=doubt)
    pruned = _deleted(planned, registrar)
    with open_store(shared=True) as store:
        return _settled(store, choices, going, pruned, registrar)


def _rehearse(store: Store, snapshot: Snapshot, criteria: PruneCriteria, planned: Pruned) -> None:
    """Raise NotTheOwner for what goes without having expired yet: by a time that is a little ahead of the clock."""
    if ahead_of_clock(criteria) <= TOLERANCE:
        going = _by_key(planned.expired)
        rehearse(store, snapshot, lambda base: edits.prune(base, _resolved(criteria, base), going))


def _agreed(
    read: Callable[[], Snapshot], choices: _Choices, registries: DeletingRegistries, registrar: Registrar
) -> _Plan:
    """Return a plan for a ledger that has not moved while the registries were checked."""
    for _ in range(ROUNDS):
        snapshot = read()
        plan = _planned(snapshot, choices, registries, registrar)
        # The check may have taken a while; its results are kept for the next round.
        if read().commit == snapshot.commit:
            return plan
    raise Contended("the ledger kept moving; nothing was deleted or written", "run it again")


def _planned(
    snapshot: Snapshot, choices: _Choices, registries: DeletingRegistries | None, registrar: Registrar
) -> _Plan:
    """Return what a prune of a ledger removes; with `registries`, after checking each digest."""
    criteria, chosen = choices.of(snapshot)
    elsewhere = bool(criteria.running) and criteria.in_use.is_elsewhere(snapshot.ledger.records())
    planned = Pruned(expired=chosen.going, spared=chosen.spared, upcoming=chosen.upcoming, runs_elsewhere=elsewhere)
    if registries is None:
        return chosen.going, planned
    if not snapshot.policy.registries:
        raise UsageError(
            "ledger.yaml names no registry to delete at", "leave `--registry-delete` out, or name it there"
        )
    serving = {image: registries.serving(snapshot.policy, image) for image in {str(one.image) for one in chosen.going}}
    going = [record for record in chosen.going if serving[record.image]]
    spared = [*chosen.spared, *(Spared(record, _NO_HOME) for record in chosen.going if not serving[record.image])]
    failed: dict[str, LedgerError] = {}
    while True:  # a record that stays after all needs its digests, too
        uses = remaining_uses(snapshot.ledger, snapshot.resolver, _by_key(going), criteria.in_use)
        clearance = registrar.clearance(going, serving, uses)
        failed |= clearance.failed
        staying = _staying(going, clearance)
        if not staying:
            break
        spared += [Spared(record, reason) for record in going if (reason := staying.get(record.name))]
        going = [record for record in going if record.name not in staying]
    planned = replace(
        planned,
        expired=going,
        spared=sorted(spared, key=lambda one: one.record.key),
        deleted=clearance.deletions,
        retained=clearance.retained,
        staying=clearance.staying,
        failed=failed,
    )
    return going, planned


def _staying(going: Sequence[Record], clearance: Clearance) -> dict[Name, str]:
    """Return why image:tags stay that something outside of the ledger needs, or that could not be checked."""
    reasons: dict[Name, str] = {}
    for record in going:
        if error := clearance.failed.get(record.image):
            reasons[record.name] = error.message
        for digest in (record.index, record.digest):
            if reason := clearance.held.get((record.image, digest or "")):
                reasons.setdefault(record.name, reason)
    return reasons


def _deleted(planned: Pruned, registrar: Registrar) -> Pruned:
    """Delete at the registries as planned; return what is done so far, including the records to remove."""
    deleted, not_deleted = registrar.delete(planned.deleted)
    errors = {(place.image, place.digest): error for place, error in reversed(not_deleted)}
    untagging = registrar.untag(planned.staying)
    failed = {image: error for (image, _), error in [*errors.items(), *untagging.failed.items()]}

    def why(record: Record) -> LedgerError | None:
        digests = (record.digest, record.index or "")
        return next(
            (errors[record.image, digest] for digest in digests if (record.image, digest) in errors),
            untagging.failed.get((record.image, record.tag)),
        )

    done = replace(
        planned,
        deleted=deleted,
        staying=untagging.staying,
        untagged=untagging.removed,
        declined=untagging.declined,
        failed={**planned.failed, **failed},
    )
    return _without(done, why)


def _settled(
    store: Store, choices: _Choices, going: Sequence[Record], before: Pruned, registrar: Registrar | None
) -> Pruned:
    """Remove the records from the ledger, and put back at the registries what turns out to be in use now.

    Without a registrar, everything that has expired by now is removed.
    """
    cleared = _by_key(before.expired) if registrar else None
    last: Snapshot

    def operation(snapshot: Snapshot) -> Change:
        nonlocal last
        last = snapshot
        criteria, chosen = choices.of(snapshot)
        return edits.prune(snapshot, criteria, cleared, chosen)

    try:
        written = write(store, operation, now=choices.criteria.clock or choices.criteria.now)
    except LedgerError as error:
        if not before.deleted:
            raise
        waiting = f"the next run completes what is already deleted at the registries ({len(before.deleted)})"
        raise error.within("", f"{error.hint}; {waiting}") from None
    ledger, expired = written.change.ledger, [effect.record for effect in written.change.effects]
    commit = written.results[0].commit if written.change.changed else None
    pruned = replace(before, expired=expired, commit=commit, request=written.request)
    if registrar is None or cleared is None:
        return replace(pruned, spared=choices.of(last)[1].spared)
    gone = _by_key(expired)
    stayed = [record for key, record in cleared.items() if key not in gone and key in ledger]
    spared = [*before.spared, *(Spared(record, "it was changed in the meantime") for record in stayed)]
    if not before.deleted and not before.untagged:
        return replace(pruned, spared=spared)
    # A record that waits for a registry does not count as remaining: the next run deletes the rest of it.
    pending = {record.key: record for record in going if record.key not in cleared}
    remaining = [record for record in ledger.records() if pending.get(record.key) != record]
    uses = remaining_uses(ledger, last.resolver, pending)
    restored, failed = registrar.restore(before.deleted, before.untagged, remaining, uses)
    restored_places = {deletion.place for deletion in restored}
    deleted = [deletion for deletion in before.deleted if deletion.place not in restored_places]
    return replace(pruned, spared=spared, deleted=deleted, restored=restored, failed={**before.failed, **failed})


def _resolved(criteria: PruneCriteria, snapshot: Snapshot) -> PruneCriteria:
    resolver = snapshot.resolver
    patterns = [resolver.pattern(pattern) for pattern in criteria.patterns]
    return replace(criteria, patterns=patterns, in_use=in_use(criteria.running, resolver))


def _without(pruned: Pruned, why: Callable[[Record], LedgerError | None]) -> Pruned:
    """Return the result with the records that have an error among those that stay."""
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
