"""What a host's squash of a range of commits would lose, told before it happens.

A squash is the host's choice, and the commits are in order without it. So these are notes and not findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ledger_tool.core.changes.account import Accounts
from ledger_tool.core.changes.difference import Difference, compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.changes.message import Message
from ledger_tool.core.changes.revert import Undone
from ledger_tool.core.history.commit import Commit
from ledger_tool.core.judging.commit import judge_commit
from ledger_tool.core.judging.environment import judge_environments
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.policy.policy import Policy

_MOST = 5  # notes of a kind


@dataclass(frozen=True, slots=True)
class SquashForecast:
    """The commits of a range: the message of each, and what it did."""

    messages: list[Message] = field(default_factory=list)
    made: list[tuple[Commit, Sequence[Difference]]] = field(default_factory=list)

    def remember(self, commit: Commit, differences: Sequence[Difference], message: Message) -> None:
        """Note a commit of the range."""
        self.messages.append(message)
        self.made.append((commit, differences))

    @property
    def brought(self) -> Mapping[tuple[Name, str], str]:
        """The commit that first brought each digest to an image:tag."""
        brought: dict[tuple[Name, str], str] = {}
        for commit, differences in self.made:
            for difference in differences:
                new, old = difference.new, difference.old
                if new and (old is None or old.digest != new.digest):
                    brought.setdefault((new.name, new.digest), commit.id)
        return brought

    @property
    def is_squashable(self) -> bool:
        """Whether there are several commits, so that a squash would lose anything."""
        return len(self.messages) > 1

    @property
    def message(self) -> Message:
        """What the message of a squash says that has those of all its commits."""
        return Message(
            blocks=tuple(block for message in self.messages for block in message.blocks),
            reverts=tuple(dict.fromkeys(id_ for message in self.messages for id_ in message.reverts)),
            reverted_subjects=tuple(dict.fromkeys(one for each in self.messages for one in each.reverted_subjects)),
        )

    def losses(self, before: Ledger, after: Ledger, policy: Policy, undone: Undone) -> list[str]:
        """Return what history would not have after a squash, and what nobody could explain then."""
        if not self.is_squashable:
            return []
        differences = compare(before, after)
        lost = list(self._lost(differences, after))
        effects, message = effects_of(differences, after.find), self.message
        accounts = Accounts(message, undone.differences)
        faults = [
            *judge_commit(effects, message, policy, undone, accounts),
            *judge_environments(effects, after, message, policy, undone, accounts=accounts),
        ]
        unclear = list(dict.fromkeys(f"in one commit, {fault.message}" for fault in faults))
        return [*_first(lost), *_first(unclear)]

    def _lost(self, differences: Sequence[Difference], after: Ledger) -> Iterator[str]:
        kept = {(one.old.name, one.old.digest) for one in differences if one.old}
        for (name, digest), commit in self.brought.items():
            if (name, digest) not in kept and all(record.digest != digest for record in after.find(name)):
                yield f"history would not have {name} as {digest}, which commit {commit[:12]} brings"


def _first(notes: Sequence[str]) -> Iterator[str]:
    yield from notes[:_MOST]
    if len(notes) > _MOST:
        yield f"and {len(notes) - _MOST} more"
