"""What one write does to a ledger, as a value: what it read, what it leaves, and what it reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Platform
from ledger_tool.core.ledger.query import unknown_image, unknown_platform
from ledger_tool.core.ledger.record import Name, Record, pull_digest
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.reference import Reference
from ledger_tool.core.policy.resolve import Resolver

if TYPE_CHECKING:  # a write that proposes nothing need not load it
    from ledger_tool.core.changes.proposal import Proposed

Verb = Literal["publish", "set", "remove", "yank", "unyank", "prune", "promote"]
VERBS: tuple[Verb, ...] = get_args(Verb)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A ledger repository at one commit: `commit` is its id, or `""` for a folder outside git."""

    commit: str
    ledger: Ledger
    policy: Policy

    @property
    def resolver(self) -> Resolver:
        """The resolver of references for this ledger."""
        return Resolver(self.policy, self.ledger.has_image)

    def name(self, reference: Reference) -> Name:
        """Return the image:tag that a reference names. Raises UsageError for an unknown registry."""
        return Name(self.resolver.image(reference), reference.tag or "")

    def find(self, reference: Reference, platform: Platform | None = None) -> tuple[Record, ...]:
        """Return the records of one image:tag, or of one platform of it. Raises UnknownImage."""
        name = self.name(reference)
        records = self.ledger.find(name)
        if not records:
            raise unknown_image(str(name), self.ledger.names())
        chosen = tuple(record for record in records if platform in (None, record.platform))
        if platform is not None and not chosen:
            raise unknown_platform(records, platform)
        return chosen


@dataclass(frozen=True, slots=True)
class Change:
    """The result of a write's pure function: the ledger afterwards, and what happened to the records.

    `reported` is what to report to the caller, in the caller's order, unchanged records included; `details` are extra
    trailers, such as `("Label", "env=prod")`.
    """

    verb: Verb
    ledger: Ledger
    reported: Sequence[Effect]
    reason: str = ""
    details: Sequence[tuple[str, str]] = ()

    @property
    def effects(self) -> list[Effect]:
        """What differs afterwards: the content of the commit's message."""
        return [effect for effect in self.reported if effect.kind != "unchanged"]

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self.effects)


@dataclass(frozen=True, slots=True)
class Landed:
    """A finished write: the commit in which the ledger is as the change says, and how many attempts it took.

    There were none if there was nothing to write. `request` is the open request to merge it, if it was only proposed.
    """

    commit: str
    change: Change
    attempts: int
    request: Proposed | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a write did to one image:tag: the JSON object that writing commands print.

    `digest` is the one to pull by; `records` are those of the image:tag afterwards.
    """

    name: Name
    digest: str | None
    changed: bool
    commit: str | None
    records: tuple[Record, ...]


def results(change: Change, commit: str | None) -> list[Result]:
    """Return the result of each image:tag of a change, in the caller's order."""
    touched: dict[Name, set[str]] = {}
    for effect in change.reported:
        touched.setdefault(effect.name, set()).add(effect.record.pull_digest)
    changed = {effect.name for effect in change.effects}
    in_order = []
    for name, digests in touched.items():
        records = change.ledger.find(name)
        digest = pull_digest(records) or (digests.pop() if len(digests) == 1 else None)
        in_order.append(Result(name, digest, name in changed, commit, records))
    return in_order
