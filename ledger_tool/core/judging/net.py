"""What a range of commits does as one change: two changes may not do what one may not.

Each commit of a range is judged by itself (`commit`). Here, the range is judged image:tag by image:tag. What it leaves
is lawful if allowed steps lead there from the base (`ways`), or if one change from the base might have done the same
(`oneness`): so whatever is back at the base's value did not change, and a chain of forced moves is one.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import Effect, effects_of
from ledger_tool.core.changes.promotion import is_of_environment
from ledger_tool.core.judging.commit import CommitFault, lacks_required
from ledger_tool.core.judging.dates import short_lived
from ledger_tool.core.judging.environment import net_faults
from ledger_tool.core.judging.oneness import State, UnprovenPull, effects_between, faults_as_one, unproven
from ledger_tool.core.judging.pulls import DECISIVE
from ledger_tool.core.judging.ways import TagStep, Ways
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Forced, Key, Name
from ledger_tool.core.policy.policy import Policy


@dataclass(frozen=True, slots=True)
class NetVerdict:
    """What is wrong with a range as one change, and what only a look at a registry can tell."""

    faults: Sequence[CommitFault]
    claims: Sequence[UnprovenPull]


class NetJudge:
    """The judge of a range as one change to the ledger `before`, under the base's `policy`, if it lands now.

    The `clock` says when that is; without it, nothing expires, and nothing is of the future.
    """

    def __init__(self, before: Ledger, policy: Policy, clock: Timestamp | None) -> None:
        self._before = before
        self._policy = policy
        self._clock = clock
        self._names: dict[Name, Ways] = {}
        self._has_merges = False
        self._marks: set[Forced] = set()  # that lawful steps made
        self._reasoned: set[tuple[Name, State]] = set()  # to what a commit with a reason led an environment
        self._blamed: dict[Key, set[str]] = {}  # the rules that a commit was found to break, by record

    def remember(
        self,
        before: Ledger,
        effects: Iterable[Effect],
        faults: Collection[CommitFault],
        undone: Container[Name] = (),
        at: Timestamp | None = None,
    ) -> None:
        """Note what a commit did to the ledger before it, what is wrong with that, and when it was made.

        The effects are those of whole image:tags, in their order.
        `undone` are the image:tags to which it only undid other commits.
        """
        self.blame(faults)
        unlawful = {fault.key[:2] for fault in faults if fault.key and fault.rule in DECISIVE}
        for name, group in groupby(effects, key=lambda effect: effect.name):
            of_name, old = list(group), before.find(name)
            gone = {one.key for effect in of_name for one in effect.old}
            kept = {record.key: record for record in old if record.key not in gone}
            kept |= {effect.new.key: effect.new for effect in of_name if effect.new}
            new = tuple(kept[key] for key in sorted(kept))
            step = TagStep(old, new, of_name, at, name in undone)
            self._ways(name, old if before is self._before else None).step(step, is_lawful=name not in unlawful)
            if name not in unlawful:
                self._marks.update(effect.mark for effect in of_name if effect.mark)

    def explain(self, name: Name, after: State) -> None:
        """Note that a commit gives a reason for what an environment has after it."""
        self._reasoned.add((name, after))

    def merge(self, ours: Ledger, theirs: Ledger, after: Ledger) -> None:
        """Note a merge commit; the commits before it that are in the range have been noted."""
        self._has_merges = True
        for name, ways in self._names.items():
            ways.merge(ours.find(name), theirs.find(name), after.find(name))

    def judge(self, after: Ledger) -> NetVerdict:
        """Return what is wrong with the range as one change that leaves the ledger `after`.

        What a commit was already blamed for is not repeated.
        """
        effects = effects_of(compare(self._before, after))
        faults: list[CommitFault] = []
        claims: list[UnprovenPull] = []
        for name in dict.fromkeys(effect.name for effect in effects):
            ways, left = self._ways(name), after.find(name)
            if is_of_environment(name.tag, (*ways.base, *left), self._policy):
                of_environment = net_faults(
                    name, self._before, after, self._policy, has_reason=(name, left) in self._reasoned
                )
                faults += [fault for fault in of_environment if not self._is_known(fault)]
                continue
            own_faults, own_claims = self._of_name(name, ways, left)
            faults += [fault for fault in own_faults if not self._is_known(fault)]
            claims += own_claims
        more = [*lacks_required(effects, self._policy), *(short_lived(effects, self._clock) if self._clock else ())]
        faults += [fault for fault in more if not self._is_known(fault)]
        self.blame(faults)
        return NetVerdict(faults, claims)

    def _of_name(self, name: Name, ways: Ways, after: State) -> tuple[Sequence[CommitFault], Sequence[UnprovenPull]]:
        claims = ways.claims(after)
        if claims is not None:
            return (), claims
        effects = effects_between(ways.base, after)
        if self._has_merges and after not in ways.told and (after not in ways.made or self._is_bad(effects)):
            is_blamed = any(key[:2] == name for key in self._blamed)
            return ([] if is_blamed else list(map(_smuggled, effects))), ()
        marks = self._marks.union(record.forced for record in ways.base if record.forced)
        faults = faults_as_one(effects, self._policy, marks)
        is_moved = any(fault.rule == "immutable" for fault in faults)
        return faults, (() if is_moved else list(unproven(ways.base, effects, after, self._policy)))

    def _is_bad(self, effects: Sequence[Effect]) -> bool:
        return bool(faults_as_one(effects, self._policy))

    def _ways(self, name: Name, base: State | None = None) -> Ways:
        ways = self._names.get(name)
        if ways is None:
            base = self._before.find(name) if base is None else base
            ways = self._names[name] = Ways(base, self._policy, self._clock)
        return ways

    def _is_known(self, fault: CommitFault) -> bool:
        return fault.key is not None and fault.rule in self._blamed.get(fault.key, ())

    def blame(self, faults: Iterable[CommitFault]) -> None:
        """Note what is wrong with a commit: that is not said again of the range."""
        for fault in faults:
            if fault.key is not None:
                self._blamed.setdefault(fault.key, set()).add(fault.rule)


def _smuggled(effect: Effect) -> CommitFault:
    """Return the fault of what the range did but none of its commits: a merge did it.

    Of two sides that collide, it may have chosen one. Seen from the base, that choice may be a move.
    """
    return CommitFault("merge", effect.key, f"no commit explains the change of {effect.key}: a merge made it")
