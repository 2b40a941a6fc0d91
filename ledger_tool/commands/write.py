"""The steps that every write shares: run the operation through the store, within the limits of git hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger_tool.core.changes.change import Change, Result, Snapshot, results
from ledger_tool.core.changes.lawful import check_lawful
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.resolve import pull_repository
from ledger_tool.errors import Conflict, LedgerError

if TYPE_CHECKING:  # a write that proposes nothing need not load it
    from ledger_tool.commands.ports import Store
    from ledger_tool.core.changes.proposal import Proposed


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: the result of each image:tag, the change behind them, the number of attempts, and a warning.

    `verified` are the image:tags that a registry was asked about; None where that is irrelevant. `request` is the
    pull request, if the change was only proposed. `notes` are what a person should know about what the registry has.
    `base` is what a dry run would have changed.
    `repositories` are where clients pull each image from, of those that a registry of `ledger.yaml` serves.
    """

    results: Sequence[Result]
    change: Change
    attempts: int
    warning: str = ""
    verified: Set[Name] | None = None
    request: Proposed | None = None
    notes: Sequence[str] = ()
    base: Snapshot | None = None
    repositories: Mapping[str, str] = field(default_factory=dict)


def write(store: Store, operation: Callable[[Snapshot], Change], *, now: Timestamp, dry_run: bool = False) -> Written:
    """Run `operation` through the store, or for a dry run only on what it reads.

    Raises, before anything is sent, UsageError if the ledger would outgrow what hosts accept, and what
    `check_lawful` does for the time `now`; and what `operation` and `Store.transact` raise, of a dry run what
    `Store.rehearse` does.
    """
    warning = ""
    policy = Policy()

    def within_limits(snapshot: Snapshot) -> Change:
        nonlocal warning, policy
        policy = snapshot.policy
        change = operation(snapshot)
        check_lawful(change.effects, policy, now)
        warning = codec.check_size(codec.size(change.ledger)) if change.changed else ""
        return change

    try:
        if dry_run:
            base = store.read()
            change = within_limits(base)
            rehearse(store, base, lambda _: change)
            made = results(change, None)
            return Written(made, change, 0, warning, base=base, repositories=_repositories(policy, made))
        landed = store.transact(within_limits)
    except Conflict as conflict:
        raise _with_its_commit(conflict, store) from None
    made = results(landed.change, landed.commit)
    return Written(
        made, landed.change, landed.attempts, warning, request=landed.request, repositories=_repositories(policy, made)
    )


def rehearse(store: Store, base: Snapshot, operation: Callable[[Snapshot], Change]) -> None:
    """Raise NotTheOwner if `write` would, for an operation on what `read` returned: as far as that shows unasked."""
    change = operation(base)
    if change.changed:
        store.rehearse(base, change)


def _repositories(policy: Policy, made: Sequence[Result]) -> Mapping[str, str]:
    images = {result.name.image for result in made}
    return {image: pull_repository(policy, image) for image in images if policy.serving(image)}


def _with_its_commit(conflict: Conflict, store: Store) -> Conflict:
    """Return a conflict with the commit that published what the ledger has, and its run, if it can be found."""
    from ledger_tool.commands.whence import published_in

    record = conflict.existing[0]
    try:
        commit, run = published_in(store.past(), Name(record["image"], record["tag"]), record["digest"])
    except LedgerError:
        return conflict
    return conflict.published_in(commit, str(run)) if commit else conflict
