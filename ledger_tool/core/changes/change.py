"""What one write does to a ledger, as a value: what it saw, what it leaves, and what became of each record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from ledger_tool.core.changes.effect import Act
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.ledger.record import Name, Record, pull_digest
from ledger_tool.core.policy.policy import Policy

Effect = Literal["added", "updated", "moved", "removed", "unchanged"]
Verb = Literal["publish", "set", "remove", "yank", "unyank", "prune"]
VERBS: tuple[Verb, ...] = get_args(Verb)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A ledger repository at one commit: `commit` is its id, or `""` for a folder outside git."""

    commit: str
    ledger: Ledger
    policy: Policy


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record; `replaces` are the digests that a moved one takes the place of."""

    effect: Effect
    record: Record
    replaces: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """The result of a write's pure function: the ledger afterwards, and every outcome in the caller's order.

    `acts` are what differs afterwards, which is what the commit's message says; `details` are extra trailers,
    such as `("Label", "env=prod")`.
    """

    verb: Verb
    ledger: Ledger
    outcomes: Sequence[Outcome]
    acts: Sequence[Act] = ()
    reason: str = ""
    details: Sequence[tuple[str, str]] = ()

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self.acts)


@dataclass(frozen=True, slots=True)
class Result:
    """What a write did to one image:tag: the JSON object that the commands that write print.

    `digest` is the one to pull by; `records` are the image:tag's records afterwards.
    """

    name: Name
    digest: str | None
    changed: bool
    commit: str | None
    records: tuple[Record, ...]


def results(change: Change, commit: str | None) -> list[Result]:
    """Return the result of each image:tag of a change, in the caller's order."""
    changed: dict[Name, bool] = {}
    touched: dict[Name, set[str]] = {}
    for outcome in change.outcomes:
        name = outcome.record.name
        changed[name] = changed.get(name, False) or outcome.effect != "unchanged"
        touched.setdefault(name, set()).add(outcome.record.index or outcome.record.digest)
    found = []
    for name, is_changed in changed.items():
        records = change.ledger.find(name)
        given = touched[name]
        digest = pull_digest(records) or (next(iter(given)) if len(given) == 1 else None)
        found.append(Result(name, digest, is_changed, commit, records))
    return found
