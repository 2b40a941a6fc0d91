"""The judge of a range of commits, and its findings at positions in the reviewer's files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ledger_tool.core.changes.difference import Difference, compare
from ledger_tool.core.changes.effect import Effect, effects_of
from ledger_tool.core.changes.merge import Merged
from ledger_tool.core.changes.message import Message
from ledger_tool.core.judging.commit import FREE, CommitFault, judge_commit
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.ledger.position import RecordPositions
from ledger_tool.core.ledger.record import Key, Name
from ledger_tool.core.policy.policy import Policy
from ledger_tool.errors import InvalidValue


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """A finding: the rule, the file, line and column from 1, and what is wrong."""

    rule: str
    path: str
    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class RangeJudge:
    """The judge of a range of commits, given one after the other; `base` is the policy of the base, if there is one.

    A tag moves without force only if both the commit's parent and the base allow it: a pull request that makes a
    tag mutable cannot also move it. The judge remembers what the range did, and the digests that it removed, by
    image:tag and platform: a record that comes back with another digest has moved.
    """

    base: Policy | None = None
    _done: dict[Name, list[Effect]] = field(default_factory=dict)
    _gone: dict[Name, dict[str, Digest]] = field(default_factory=dict)

    def commit(
        self,
        differences: Sequence[Difference],
        message: Message | None,
        policy: Policy,
        undone: Sequence[Difference] = (),
    ) -> Iterator[CommitFault]:
        """Yield what is wrong with a commit that makes these differences under a policy; see `judge_commit`."""
        effects = effects_of(differences)
        faults = judge_commit(effects, message, policy, undone)
        yield from faults
        known = {fault.key for fault in faults if fault.rule == "immutable"}
        for fault in judge_commit(effects, message, self.base, undone) if self.base else ():
            if fault.rule == "immutable" and fault.key not in known:
                yield fault
        for effect in effects:
            self._remember(effect)
        for effect in effects:
            yield from self._returned(effect, policy)
            if effect.new and (effect.kind != "updated" or policy.meets_requirements(effect.old[0])):
                try:
                    policy.check_required(effect.new)
                except InvalidValue as error:
                    yield CommitFault("required", effect.key, error.message)

    def _remember(self, effect: Effect) -> None:
        """Note what is removed, and forget what comes back unchanged."""
        self._done.setdefault(effect.name, []).append(effect)
        gone = self._gone.setdefault(effect.name, {})
        if effect.kind == "removed":
            gone[effect.key.platform] = effect.record.digest
        for platform in self._predecessors(effect):
            if gone[platform] == effect.record.digest and effect.new:
                del gone[platform]

    def _predecessors(self, effect: Effect) -> list[str]:
        """Return the platforms of removed records that a record replaces; without a platform it stands for all."""
        gone = self._gone.get(effect.name, {})
        own = effect.key.platform
        return [platform for platform in sorted(gone) if not own or platform in (own, "")]

    def _returned(self, effect: Effect, policy: Policy) -> Iterator[CommitFault]:
        if effect.kind != "added" or policy.is_mutable(effect.name.tag):
            return
        for platform in self._predecessors(effect):
            yield CommitFault(
                "immutable",
                effect.key,
                f"{Key(*effect.name, platform)} was removed as {self._gone[effect.name][platform]} and comes back as "
                f"{effect.record.digest}: a tag is moved with `ledger publish --force --reason TEXT`",
            )

    def net(self, before: Ledger, after: Ledger) -> Iterator[CommitFault]:
        """Yield what the range as a whole did but none of its commits: what a merge smuggled in.

        A merge commit may choose a side if two collide. Seen from the base, that choice may be a move.
        """
        for effect in effects_of(compare(before, after)):
            if not self._did(effect):
                yield CommitFault(
                    "merge", effect.key, f"no commit explains the change of {effect.key}: a merge made it"
                )

    def _did(self, effect: Effect) -> bool:
        """Return whether commits of the range explain an effect."""
        steps = self._done.get(effect.name, ())
        went = {old.digest for step in steps if step.kind != "updated" for old in step.old}
        if effect.new is None:
            return effect.old[0].digest in went
        if effect.kind == "updated" and effect.fields() <= FREE and not effect.lost() - FREE:
            return bool(steps)
        came = {step.new.digest for step in steps if step.new and step.kind != "updated"}
        if effect.kind == "moved" and self.base and self.base.is_mutable(effect.name.tag):
            return effect.new.digest in came
        if effect.kind == "moved":
            return all(effect.new.digest in _led_to(old.digest, steps) for old in effect.old)
        return effect.new.digest in came and all(old.digest in went for old in effect.old)


def _led_to(digest: str, steps: Iterable[Effect]) -> set[str]:
    """Return the digests that a digest was moved to, one move after the other."""
    digests = {digest}
    for step in steps:  # in the order in which they were made
        if step.new and step.kind == "moved" and not digests.isdisjoint(step.replaces):
            digests.add(step.new.digest)
    return digests


def merge_commit(merged: Merged, after: Ledger) -> Iterator[CommitFault]:
    """Yield what a merge commit has beyond the merge of its parents. If they collide, a person may choose."""
    sides = {collision.name: (collision.ours, collision.theirs) for collision in merged.collisions}
    for effect in effects_of(compare(merged.ledger, after)):
        if after.find(effect.name) not in sides.get(effect.name, ()):
            yield CommitFault("merge", effect.key, f"it changes {effect.key} itself, beyond merging its parents")


def located(faults: Iterable[tuple[str, CommitFault]], positions: RecordPositions) -> list[CheckFinding]:
    """Return faults, each with the name of its commit, as findings in `ledger.json`."""
    return [
        CheckFinding(fault.rule, "ledger.json", *positions.of(fault.key), f"{where}: {fault.message}")
        for where, fault in faults
    ]


def in_order(findings: Iterable[CheckFinding]) -> list[CheckFinding]:
    """Return findings in the order of the files, those of `ledger.yaml` first."""
    return sorted(findings, key=lambda one: (one.path != "ledger.yaml", one.line, one.column))
