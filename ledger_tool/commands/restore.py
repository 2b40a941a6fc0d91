"""`restore`: tags at the registries go back to what the ledger says, each looked at again right before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from ledger_tool.commands.deleting_registries import LONGEST
from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Progress, Source
from ledger_tool.commands.restore_looks import OpenPast, RestoreLooks, RestoreTask, RestoringRegistries
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.promotion import no_longer_declared
from ledger_tool.core.ledger.names import Tag, Timestamp, shown
from ledger_tool.core.ledger.query import select_named
from ledger_tool.core.ledger.record import Name, Record, by_name
from ledger_tool.core.policy.policy import check_environment
from ledger_tool.core.policy.resolve import addressed
from ledger_tool.core.registry.drift import Absent
from ledger_tool.core.registry.restore import RestoreAction
from ledger_tool.core.writes.promote import images_of
from ledger_tool.errors import LedgerError, Unreachable, UsageError

ROUNDS = 3
_MOVED = "it moved while the rest was looked at"
_INTERRUPTED = "interrupted: it may have been put back"
_Planned = tuple[RestoreTask, RestoreAction]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRequest:
    """Which tags to put back: those of an environment, or of all else; of those, the ones that patterns name, if any.

    Nothing is put back unless `carry_out`; with `overwrite`, also where a tag serves what the ledger never had. With a
    `registry`, as a person typed it, nothing is looked at elsewhere.
    """

    patterns: Sequence[str] = ()
    environment: str = ""
    registry: str = ""
    overwrite: bool = False
    carry_out: bool = False


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done, or would be, about each tag that differs, of how many, and the errors of what was not done."""

    actions: Sequence[RestoreAction]
    checked: int
    failed: Sequence[LedgerError]
    interrupted: bool


@dataclass(slots=True)
class _Journal:
    """What is done so far."""

    actions: list[RestoreAction] = field(default_factory=list)
    failed: list[LedgerError] = field(default_factory=list)
    checked: int = 0


def restore(
    source: Source,
    registries: RestoringRegistries,
    request: RestoreRequest,
    *,
    now: Timestamp,
    jobs: int,
    open_past: OpenPast,
    note: Callable[[str], None],
    progress: Progress,
) -> Restored:
    """Put the tags back that do not serve what the ledger says, at each registry, without ever deleting anything.

    What was published or removed in the meantime is judged again, by the records that it has then. ^C ends the run
    with what was done. Raises UsageError if no such registry is configured, or for what is no environment; UnknownImage
    for a pattern that names nothing; RuleRefused for what an environment had that is no longer declared; and what
    reading the ledger or its history raises, if nothing was done yet.
    """
    snapshot = source.read()
    snapshot.policy.check_registries("restore tags at")
    if request.registry and not addressed(snapshot.policy.registries, request.registry):
        known = ", ".join(dict.fromkeys(registry.name for registry in snapshot.policy.registries))
        raise UsageError(f"ledger.yaml names no registry `{shown(request.registry)}`", f"its registries are {known}")
    groups = list(by_name(_chosen(snapshot, request)).values())
    journal = _Journal()
    looks = RestoreLooks(
        registries=registries, only=request.registry, open_past=open_past, now=now, jobs=jobs,
        overwrite=request.overwrite, note=note, progress=progress,
    )  # fmt: skip
    try:
        _settle(source, looks, snapshot, groups, journal, carry_out=request.carry_out)
    except KeyboardInterrupt:
        return _restored(journal, interrupted=True)
    except LedgerError as error:
        if not journal.actions:
            raise
        journal.failed.append(error)
    return _restored(journal)


def _restored(journal: _Journal, *, interrupted: bool = False) -> Restored:
    ordered = sorted(journal.actions, key=lambda one: (one.registry, one.image, one.tag))
    return Restored(ordered, journal.checked, journal.failed, interrupted)


def _chosen(snapshot: Snapshot, request: RestoreRequest) -> list[Record]:
    """Return the records whose tags are asked for. Raises UsageError, UnknownImage and RuleRefused."""
    environment, ledger = request.environment, snapshot.ledger
    if environment:
        check_environment(environment, snapshot.policy)
        images = images_of(snapshot, Tag(environment), request.patterns)
        return [record for image in images for record in ledger.find(Name(image, environment)) if record.is_environment]
    patterns = [snapshot.resolver.pattern(pattern) for pattern in request.patterns]
    named = select_named(ledger, patterns) if patterns else list(ledger.records())
    others = [record for record in named if not record.is_environment]
    if patterns and not others:
        name = named[0].name
        if name.tag not in snapshot.policy.environments:
            raise no_longer_declared(name)
        raise UsageError(f"{name} is what an environment has", f"add `--env {name.tag}`")
    return others


def _settle(
    source: Source,
    looks: RestoreLooks,
    snapshot: Snapshot,
    groups: Sequence[Sequence[Record]],
    journal: _Journal,
    *,
    carry_out: bool,
) -> None:
    """Settle the tags of some records as the ledger has them in the end: what changes meanwhile has another round."""
    journal.checked = len(looks.tasks(snapshot, groups))
    put: set[tuple[str, str]] = set()
    for _ in range(ROUNDS):
        planned = looks.planned(snapshot, looks.tasks(snapshot, groups), put)
        if not carry_out:
            journal.actions += [action for _, action in planned]
            return
        fresh = source.read() if planned else snapshot
        stale = _changed(snapshot, fresh, planned)
        current = [(task, action) for task, action in planned if task.name not in stale]
        journal.actions += [action for _, action in current if action.state != "planned"]
        due = [(task, action) for task, action in current if action.state == "planned"]
        put |= {(action.image, str(action.ledger)) for _, action in due}
        _carry_out(due, journal, looks)
        after = source.read() if due else fresh
        stale |= _changed(snapshot, after, due)
        if not stale:
            return
        snapshot, groups = after, [records for name in sorted(stale) if (records := after.ledger.find(name))]
    journal.failed.append(Unreachable("the ledger kept changing while tags were put back", "run it again"))


def _carry_out(due: Sequence[_Planned], journal: _Journal, looks: RestoreLooks) -> None:
    """Put tags back; what becomes of each is in the journal as soon as it is known.

    In a repository, it is one after the other: while a registry stores an image once more, it may not find that image
    below an index.
    """
    waiting = {number: action for number, (_, action) in enumerate(due)}
    try:
        for number, done in (
            result
            for wave in _waves(due)
            for result in in_parallel(lambda number: _put(*due[number]), wave, jobs=looks.jobs, longest=LONGEST)
        ):
            action = waiting.pop(number)
            if isinstance(done, LedgerError):
                done = replace(action, state="unknown", now=None, reason=done.message), done
            journal.actions += [done[0]] if done[0] else []
            journal.failed += [done[1]] if done[1] else []
            looks.progress(len(due) - len(waiting), len(due))
    except KeyboardInterrupt:
        journal.actions += [
            replace(action, state="unknown", now=None, reason=_INTERRUPTED) for action in waiting.values()
        ]
        raise


def _waves(due: Sequence[_Planned]) -> Iterable[Sequence[int]]:
    """Return the numbers of what is due in turns: in each, at most one of a repository."""
    waves: dict[int, list[int]] = {}
    turns: Counter[tuple[bool, str]] = Counter()
    for number, (task, _) in enumerate(due):
        waves.setdefault(turns[task.place[:2]], []).append(number)
        turns[task.place[:2]] += 1
    return waves.values()


def _changed(before: Snapshot, after: Snapshot, planned: Iterable[_Planned]) -> set[Name]:
    """Return the image:tags whose records are not the same in two ledgers."""
    names = {task.name for task, _ in planned}
    return {name for name in names if before.ledger.find(name) != after.ledger.find(name)}


def _put(task: RestoreTask, action: RestoreAction) -> tuple[RestoreAction | None, LedgerError | None]:
    """Put a tag back, and return what became of it, None if somebody else has just done so; with the error, if any.

    Raises what the looks before it raise: then nothing was done.
    """
    registry, (image, tag), recorded = task.registry, task.name, str(action.ledger)
    document = registry.document(image, recorded)
    seen = registry.look(image, tag)
    before = None if isinstance(seen, Absent) else str(seen)
    if before == recorded:
        return None, None
    if isinstance(document, Absent):
        return replace(action, state="lost", now=before, reason="the recorded digest is not there"), None
    if before != action.was:
        moved = Unreachable(f"{image}:{tag} at {registry.name}: {_MOVED}", "run it again")
        return replace(action, state="unknown", was=before, now=before, reason=_MOVED), moved
    failure: LedgerError | None = None
    try:
        registry.put(image, tag, document)
    except LedgerError as error:
        failure = error
    try:
        served = registry.look(image, tag)
    except LedgerError as error:
        reason = f"what it serves now is not known: {error.message}"
        reason = f"{failure.message}; {reason}" if failure else reason
        return replace(action, state="unknown", now=None, reason=reason), failure or error
    if served == recorded:
        return replace(action, state="restored"), None
    after = None if isinstance(served, Absent) else str(served)
    failure = failure or Unreachable(
        f"{image}:{tag} at {registry.name} serves something else right after it was put back", "run it again"
    )
    return replace(action, state="failed", now=after, reason=failure.message), failure
