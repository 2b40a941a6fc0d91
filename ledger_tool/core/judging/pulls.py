"""Whether a commit may change the pull digest of an immutable tag, and whether anybody says why.

A forced move carries a mark. Where an index only grew, or an image was wrapped into one or taken out of one, somebody
has to have looked at the registry. Git cannot show that: the commit's trailers claim it.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ledger_tool.core.changes.difference import Difference, by_name
from ledger_tool.core.changes.effect import Effect, PullMove, pull_moves
from ledger_tool.core.changes.message import Message
from ledger_tool.core.judging.commit import CommitFault
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import Key, Name, pull_digests
from ledger_tool.core.policy.policy import Policy

DECISIVE = ("immutable", "facts", "forced")  # rules whose breach leaves a mark without effect


def untold_pulls(
    effects: Sequence[Effect], faults: Collection[CommitFault], undone: Container[Name]
) -> Iterator[tuple[PullMove, bool]]:
    """Yield the pull digests that a commit changes, and whether no mark tells of it, given what is wrong with it.

    `undone` are the image:tags to which it only undid other commits, which is told, too.
    """
    unlawful = {fault.key for fault in faults if fault.rule in DECISIVE}
    told = {effect.name for effect in effects if effect.mark and effect.key not in unlawful}
    for move in pull_moves(effects):
        yield move, move.name not in undone and move.name not in told


def is_claimed(move: PullMove, message: Message) -> bool:
    """Return whether a message claims a changed pull digest; one that only counts its records claims them all.

    The blocks of a squash may lead from the old one to the new one in several steps.
    """
    if any(block.counts and block.verb in ("", "publish") for block in message.blocks):
        return True
    claims = [claim for block in message.blocks for claim in block.pulls if claim.name == move.name]
    reached: set[str] = set(move.old)
    for _ in claims:  # in no certain order
        for claim in claims:
            if claim.replaces in reached:
                reached.update({claim.index} if claim.index else move.new)
    return reached.issuperset(move.new)


def told_by_nobody(
    moves: Iterable[tuple[PullMove, bool]],
    message: Message | None,
    effects: Sequence[Effect],
    faults: Collection[CommitFault],
    policy: Policy,
) -> Iterator[CommitFault | None]:
    """Yield, for each pull digest of an immutable tag that a commit changes without a mark, its fault or None.

    None is the publisher's claim; without a message, the trailers could have claimed it. What `untold_pulls` yields are
    the moves. A move that is a fault already is none here.
    """
    moved = {fault.key[:2] for fault in faults if fault.key and fault.rule == "immutable"}
    for move, is_untold in moves:
        if not is_untold or move.name in moved or policy.is_mutable(move.name.tag):
            continue
        if message is None or is_claimed(move, message):
            yield None
            continue
        key = next(effect.key for effect in effects if effect.name == move.name)
        was, now = (", ".join(digests) for digests in (move.old, move.new))
        why = f"{move.name} was pulled by {was}, and is by {now}: no mark or trailer says so"
        yield CommitFault("index", key, why)


@dataclass(slots=True)
class PullClaims:
    """The image:tags whose changed pull digests the messages of a range claim, or do not tell of."""

    _claimed: set[Name] = field(default_factory=set)
    _untold: set[Name] = field(default_factory=set)

    def remember(self, moves: Iterable[tuple[PullMove, bool]], message: Message | None) -> None:
        """Note what `untold_pulls` yields of a commit, and what its message says of that."""
        for move, is_untold in moves:
            if is_untold:
                is_told = message is not None and is_claimed(move, message)
                (self._claimed if is_told else self._untold).add(move.name)

    def __contains__(self, name: Name) -> bool:
        return name in self._claimed and name not in self._untold


def split_by(differences: Iterable[Difference], after: Ledger) -> Iterator[CommitFault]:
    """Yield a fault for each image:tag that a commit leaves with several pull digests, and that had one before."""
    for name, of_name in by_name(differences).items():
        if len(after.pull_digests(name)) < 2:
            continue
        now = after.find(name)
        new = {one.key for one in of_name if one.new}
        before = [one.old for one in of_name if one.old] + [one for one in now if one.key not in new]
        if len(pull_digests(now)) > 1 >= len(pull_digests(before)):
            yield split_fault(now[0].key, name, sorted(pull_digests(now)))


def split_fault(key: Key, name: Name, digests: Sequence[str]) -> CommitFault:
    """Return the fault of an image:tag with several pull digests."""
    return CommitFault(
        "index",
        key,
        f"{name} has {len(digests)} pull digests, {', '.join(digests)}: publish it again by the one index that it is "
        "served through, with `--force --reason TEXT`",
    )
