"""What a message says about one image:tag, held against what the commit did to it.

The message of a single write tells what its commit did, and nothing else. A squash tells every step on the way, in no
certain order, and the steps that a later one undid. So each of its blocks counts only as far as it leads from the
records before the commit to those after it: of a digest that was published and then replaced in the same squash, the
ledger never shows anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ledger_tool.core.changes.difference import Difference
from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.changes.message import Block, Message, MessageEntry
from ledger_tool.core.ledger.record import Name

_GONE = ""  # in place of a digest: there is no record
_REMOVING = ("remove", "prune")
_REMOVES_OR_NOT = ("", "promote")  # with a reason, such a block may remove
# The verbs that may do to the record of a tag what can be seen; a publish may let platforms go.
_COUNTED: Mapping[str, Sequence[str]] = {
    "added": ("publish",),
    "moved": ("publish",),
    "updated": ("publish", "set", "yank", "unyank"),
    "removed": ("publish", *_REMOVING),
}


@dataclass(frozen=True)
class Account:
    """The blocks that tell about one image:tag, and what reverts of other commits did to it.

    Blocks that only count may tell about any. `is_of_squash` says that the message tells of several writes.
    """

    blocks: Sequence[Block]
    entries: Sequence[tuple[Block, MessageEntry]] = ()
    undone: Sequence[Difference] = ()
    is_of_squash: bool = False

    @property
    def verbs(self) -> set[str]:
        """The verbs of the blocks, `""` for one without."""
        return {block.verb for block in self.blocks} or {""}

    def has_reason(
        self, may: Callable[[Block], bool], leads: Callable[[Sequence[MessageEntry]], bool] = lambda _: True
    ) -> bool:
        """Return whether there is a reason for what became of the image:tag; a revert is one.

        Of a squash, a block counts that `may` do such a thing, and names what `leads` to what is there. Without one, a
        count may have been about anything that its verb does: then each of those must give a reason.
        """
        if self.undone or not self.is_of_squash:
            return bool(self.undone) or any(block.reason for block in self.blocks)
        naming: dict[Block, list[MessageEntry]] = {}
        for block, entry in self.entries:
            naming.setdefault(block, []).append(entry)
        own = [block for block, entries in naming.items() if may(block) and leads(entries)]
        if own:
            return any(block.reason for block in own)
        counting = [block for block in self.blocks if block.counts and may(block)]
        counting = [block for block in counting if block.verb or block.environments] or counting
        return bool(counting) and all(block.reason for block in counting)

    def gives(self, reason: str, *verbs: str) -> bool:
        """Return whether a block gives this reason, in lines that a host may have broken elsewhere.

        Of a squash, only one with such a verb, or one whose verb is lost.
        """
        blocks = [block for block in self.blocks if not self.is_of_squash or block.verb in ("", *verbs)]
        return any(block.reason == reason or block.reason.split() == reason.split() for block in blocks)

    def lets_go(self, effect: Effect, same_name: Iterable[Effect], *, is_mutable: bool) -> bool:
        """Return whether a publish, which looked at a registry, may have let a record go while others stay.

        It may where the tag moves, where the image stays for another platform, and if the mark of a record that stays
        names one that goes; or the pull digest, if it is not that of a corrected sourceRef.
        """
        if effect.new or "publish" not in self.verbs:
            return False
        same_name = list(same_name)
        stay = [other.new for other in same_name if other.new]
        if not stay:
            return False
        gone = {old.digest for other in same_name if other.new is None for old in other.old}
        marks = [new.forced for new in stay if new.forced and new.forced.replaces in gone]
        pulled = effect.record.pull_digest
        marks += [
            other.mark
            for other in same_name
            if other.mark and other.mark.replaces == pulled and "sourceRef" not in other.fields()
        ]
        is_kept = effect.record.digest in {new.digest for new in stay}
        return is_mutable or is_kept or any(self.gives(mark.reason, "publish") for mark in marks)

    def explains(self, effect: Effect) -> bool:
        """Return whether the steps lead from the old records of an effect to its new one."""
        if effect.new is None:
            # What had no platform may have given way to images, under their own digests, before they were removed.
            is_any_gone = any(_GONE in ends for ends in self._steps.values())
            gone = [_GONE in _reached({old.digest}, self._steps) for old in effect.old if old.platform]
            return all(gone) and (bool(gone) or is_any_gone)
        if not self.naming(effect) and not self._was_undone_to(effect):
            return False
        if effect.kind == "updated":
            return True
        return all(effect.new.digest in _reached(start, self._steps) for start in _replaced_by(effect) or [{_GONE}])

    def naming(self, effect: Effect) -> list[MessageEntry]:
        """Return what the blocks say about the record of an effect with its digest."""
        return [one for _, one in self.entries if (one.key, one.digest) == (effect.key, effect.record.digest)]

    def was_forced(self, effect: Effect, last: str) -> bool:
        """Return whether forced moves, each with its reason, lead from the old records to the new one over `last`."""
        gone = _replaced_by(effect)
        is_end = all(self.replaced(effect, last, digests) for digests in gone or [set[str]()])
        return is_end and all(last in _reached(digests, self._forced) for digests in gone)

    def replaced(self, effect: Effect, digest: str, before: Collection[str]) -> bool:
        """Return whether a step on the way from what was there before replaced a digest by what an effect leaves.

        Digests are those of images and those that the image:tag was pulled by; none means that it was not there.
        """
        ends = {effect.record.digest, effect.record.pull_digest}
        if not any(start == digest and end in ends for _, start, end in self._replacements):
            return False
        is_counted = any(block.record_count is not None for block in self.blocks)
        return is_counted or digest in _reached(before or (_GONE,), self._steps)

    def _was_undone_to(self, effect: Effect) -> bool:
        return any(one.key == effect.key and one.new == effect.new for one in self.undone)

    @cached_property
    def _replacements(self) -> Sequence[tuple[Block, str, str]]:
        """The digests that gave way to others: of images, and those that the image:tag was pulled by."""
        replacements = []
        for block, entry in self.entries:
            replacements += [(block, digest, entry.digest) for digest in entry.replaces]
            for claim in block.pulls:
                if claim.name == entry.name:
                    start = claim.replaces or _GONE
                    replacements += [(block, start, claim.index or entry.digest), (block, start, entry.digest)]
        return replacements

    @cached_property
    def _steps(self) -> Mapping[str, set[str]]:
        """The digests that each digest gave way to, according to the blocks."""
        steps: dict[str, set[str]] = {}
        for block, entry in self.entries:
            if block.verb in _REMOVING or (block.verb in _REMOVES_OR_NOT and block.reason):
                steps.setdefault(entry.digest, set()).add(_GONE)
            if block.verb not in _REMOVING and not entry.replaces:
                steps.setdefault(_GONE, set()).add(entry.digest)
        for block, start, end in self._replacements:
            if block.verb not in _REMOVING:
                steps.setdefault(start, set()).add(end)
        for difference in self.undone:
            old, new = (record.digest if record else _GONE for record in (difference.old, difference.new))
            steps.setdefault(old, set()).add(new)
        return steps

    @cached_property
    def _forced(self) -> Mapping[str, set[str]]:
        steps: dict[str, set[str]] = {}
        for block, start, end in self._replacements:
            if block.reason:
                steps.setdefault(start, set()).add(end)
        return steps


def may_count(block: Block, effect: Effect) -> bool:
    """Return whether a block that counts may have done to one of its records what can be seen, by its verb."""
    records = [record for record in (*effect.old, effect.new) if record]
    if any(record.is_environment for record in records):
        names_it = block.environments == (effect.name.tag,)
        return (names_it and block.verb in ("", "promote")) or (not effect.new and block.verb in ("", "remove"))
    return not block.environments and block.verb in ("", *_COUNTED[effect.kind])


class Accounts:
    """What a message, and what it reverts, says about each image:tag; all judges of one commit share it.

    The message is None for a change that has none yet.
    """

    def __init__(self, message: Message | None, undone: Iterable[Difference] = ()) -> None:
        undone = list(undone)
        has_steps = message is not None and (message.is_squash or bool(undone))
        self.by_name: Mapping[Name, Account] = _by_name(message, undone) if message and has_steps else {}
        if message is None:
            blocks: Sequence[Block] = ()
        elif message.is_squash:
            blocks = message.counting
        else:
            blocks = [message.block if message.blocks else Block(message.verb)]
        self._of_all = Account(blocks, is_of_squash=message is not None and message.is_squash)

    def of(self, name: Name) -> Account:
        """Return what is said about an image:tag."""
        return self.by_name.get(name, self._of_all)


def _by_name(message: Message, undone: Iterable[Difference]) -> dict[Name, Account]:
    """Return what a squash, and what it reverts, says about each image:tag that it names."""
    entries: dict[Name, list[tuple[Block, MessageEntry]]] = {}
    for block in message.blocks:
        for entry in block.entries:
            entries.setdefault(entry.name, []).append((block, entry))
    reverts: dict[Name, list[Difference]] = {}
    for difference in undone:
        reverts.setdefault(Name(*difference.key[:2]), []).append(difference)
    counting = message.counting
    return {
        name: Account(
            list(dict.fromkeys([*(block for block, _ in entries.get(name, ())), *counting])),
            entries.get(name, ()),
            reverts.get(name, ()),
            message.is_squash,
        )
        for name in entries.keys() | reverts.keys()
    }


def _replaced_by(effect: Effect) -> list[set[str]]:
    """Return, of each record that gave way to another image, its digest and the one that it was pulled by."""
    return [{old.digest, old.pull_digest} for old in effect.old if old.digest in effect.replaces]


def _reached(starts: Iterable[str], steps: Mapping[str, set[str]]) -> set[str]:
    """Return what can be reached from some digests, themselves included."""
    reached = set(starts)
    ahead = list(reached)
    while ahead:
        new = steps.get(ahead.pop(), set()) - reached
        reached |= new
        ahead += new
    return reached
