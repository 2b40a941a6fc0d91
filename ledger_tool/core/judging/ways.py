"""The lawful ways on which the commits of a range lead one image:tag from state to state.

A way starts at the base, or where a branch started that was merged in. A step goes on with it if what the commit does
is allowed, and if what comes in the place of a record that was removed before might have come in one step: a removal
and a publish are a move. What is back at a state that was reached before is there by the shorter way.

Only what the base has is protected like that, and what lawfully took its place: what the range itself has brought may
be removed and published again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.changes.merge import merge_records
from ledger_tool.core.judging.commit import unmarks
from ledger_tool.core.judging.oneness import State, UnprovenPull, effects_between, faults_as_one, relabelled, unproven
from ledger_tool.core.ledger.names import Digest, Timestamp
from ledger_tool.core.ledger.query import is_expired, is_far_ahead
from ledger_tool.core.ledger.record import Key, Record, pull_digests
from ledger_tool.core.policy.policy import Policy

_MOST = 100  # ways to one state; without the others, a range of very many removals may be refused


@dataclass(frozen=True, slots=True)
class TagStep:
    """What a commit does to one image:tag, when; `is_undoing` says that it only undoes other commits."""

    before: State
    after: State
    effects: Sequence[Effect]
    at: Timestamp | None
    is_undoing: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """A lawful way from a state to another one.

    `kept` are the platforms of the records that the start had, or that took their place. `heirs` are those of the
    images that took the place of an index: while one of them is there, it has the index's facts. `gone` are the records
    that were removed, and `claims` what has to be proved.
    """

    start: State
    kept: frozenset[str]
    heirs: frozenset[str] = frozenset()
    gone: State = ()
    claims: tuple[UnprovenPull, ...] = ()

    @classmethod
    def at(cls, state: State) -> Way:
        """Return the way that starts at a state, and is there."""
        return cls(state, frozenset(_platforms(state)))


class Ways:
    """The ways of one image:tag from the `base`, under the base's policy, as the `clock` says now (None: unknown)."""

    def __init__(self, base: State, policy: Policy, clock: Timestamp | None) -> None:
        self.base = base
        self._policy = policy
        self._clock = clock
        self._ways: dict[State, list[Way]] = {base: [Way.at(base)]}
        self.made: set[State] = set()  # by commits and merges
        self._put_back: set[tuple[Key, Digest]] = set()  # images that got another platform by undoing what gave it
        self.told = {base}  # reached from the base by commits, lawful or not

    def step(self, step: TagStep, *, is_lawful: bool) -> None:
        """Note a commit; it is lawful if nothing is wrong with what it does by itself."""
        if step.is_undoing:
            claims = relabelled(step.before, step.after, self._policy)
            self._put_back.update(_image(claim) for claim in claims if not self._was_here(claim))
        if step.before in self.told:
            self.told.add(step.after)
        ways = [self._next(way, step) for way in self._to(step.before)] if is_lawful else []
        self.made.add(step.after)
        self._add(step.after, [way for way in ways if way])

    def merge(self, ours: State, theirs: State, after: State) -> None:
        """Note a merge commit, which has what the merge of its parents has, or the state of one of them."""
        pairs = product(self._to(ours), self._to(theirs))
        ways = [self._merged(one, ours, other, theirs, after) for one, other in pairs]
        self.made.add(after)
        self._add(after, [way for way in ways if way])

    def claims(self, after: State) -> tuple[UnprovenPull, ...] | None:
        """Return what has to be proved of a state, by the way with the least of that; None if no way leads there."""
        made = [way.claims for way in self._to(after) if self._at_base(way, after) == after]
        left = [self._to_prove(claims, after) for claims in made]
        is_marked = any(record.forced for record in self.base)
        if is_marked and any(map(self._loses_its_mark, effects_between(self.base, after))):
            # What is back needs no proof; but then it does not say either why a mark went that would have told of it.
            left = [claims for claims, every in zip(left, made, strict=True) if claims == every]
        if not left:
            return None
        claims = min(left, key=len)
        known = {claim.recorded[0].key for claim in claims if claim.is_relabelled}
        more = [claim for claim in relabelled(self.base, after, self._policy) if _image(claim) not in self._put_back]
        return (*claims, *(claim for claim in more if claim.recorded[0].key not in known))

    def _was_here(self, claim: UnprovenPull) -> bool:
        """Return whether the range had before what a claim leads to: then no revert of a revert makes it proved."""
        if claim.is_relabelled:
            return _image(claim) in {(record.key, record.digest) for state in self.made for record in state}
        return claim.new in {digest for state in self.made for digest in pull_digests(state)}

    def _to_prove(self, claims: Sequence[UnprovenPull], after: State) -> tuple[UnprovenPull, ...]:
        """Return the claims without those of what is as the base has it."""
        if not claims:
            return ()
        is_same_pull = pull_digests(after) == pull_digests(self.base) and not self._moves_an_image(after)
        had = {(record.key, record.digest) for record in self.base}
        return tuple(claim for claim in claims if not (_image(claim) in had if claim.is_relabelled else is_same_pull))

    def _moves_an_image(self, after: State) -> bool:
        """Return whether a platform of the base has another image, and no mark says so."""
        faults = faults_as_one(effects_between(self.base, after), self._policy)
        return any(fault.rule == "immutable" for fault in faults)

    def _loses_its_mark(self, effect: Effect) -> bool:
        return "forced" in effect.of_same_image.lost() and not unmarks(effect, self._policy)

    def _to(self, state: State) -> list[Way]:
        """Return the ways to a state; one that nothing in the range made is where a branch starts."""
        return self._ways.get(state) or ([] if state in self.made else [Way.at(state)])

    def _add(self, state: State, found: Sequence[Way]) -> None:
        known = self._ways.setdefault(state, [])
        for way in found:
            same = next((one for one in known if replace(one, claims=()) == replace(way, claims=())), None)
            if same is None or len(way.claims) < len(same.claims):
                known[:] = [one for one in known if one != same] + [way]
        known[1:] = known[1:][-_MOST:]  # the first one may be the base itself
        if not known:
            del self._ways[state]

    def _next(self, way: Way, step: TagStep) -> Way | None:
        """Return the way that a step leads on to; None if something that was removed before forbids it."""
        if not (way.kept or way.heirs or way.gone or step.before):  # there is nothing that it could take the place of
            return way
        way = self._without(way, step)
        # What the range brought is not protected; where it is a removed image, or below it, it takes its place now.
        held = [record for record in step.before if (record.platform or "") in way.kept | way.heirs]
        same = {(record.platform, record.digest, record.index) for record in held}
        came = [record for record in step.after if (record.platform, record.digest, record.index) not in same]
        touched = [_undated(old, came, self._clock) for old in way.gone if _takes_place(old, came, step)]
        again = {old.digest for old in touched}
        before = [record for record in step.before if record in held or not again & {record.digest, record.index}]
        effects = effects_between([*before, *touched], step.after) if touched else step.effects
        if touched and faults_as_one(effects, self._policy):
            return None
        kept, heirs = _inherited(way, effects, {record.platform or "" for record in touched})
        recorded = [*before, *touched] if before else way.gone
        claims = tuple(unproven(recorded, effects, step.after, self._policy))
        if not before and recorded:  # a mark of an earlier move went with what was removed
            anew = effects_between(way.start, step.after)
            claims = tuple(dict.fromkeys((*claims, *unproven(way.start, anew, step.after, self._policy))))
        if step.is_undoing and before:  # which says why, but not of an earlier removal
            claims = tuple(filter(self._was_here, claims))
        left = {record.platform for record in touched}
        gone = tuple(record for record in way.gone if record.platform not in left)
        return Way(way.start, kept, heirs, gone, (*way.claims, *claims))

    @staticmethod
    def _without(way: Way, step: TagStep) -> Way:
        """Return a way with what a step removes; what had run out as its start had it need not be remembered."""
        kept, heirs = way.kept, way.heirs
        removed = [effect.old[0] for effect in step.effects if effect.new is None]
        if not removed:
            return way
        gone = {record.platform or "": record for record in way.gone}
        for old in removed:
            platform = old.platform or ""
            start = _started_as(way, old)
            is_over = bool(step.at and start and is_expired(start, step.at))
            if platform in kept and not is_over:
                gone[platform] = old
            if heirs == {platform} and old.index and not is_over:  # nobody has the index's facts any more
                gone[""] = replace(old, platform=None, digest=old.index, index=None, config=None)
            kept, heirs = kept - {platform}, heirs - {platform}
        return replace(way, kept=kept, heirs=heirs, gone=tuple(gone[platform] for platform in sorted(gone)))

    def _merged(self, one: Way, ours: State, other: Way, theirs: State, after: State) -> Way | None:
        """Return the way that leads on from a merge of two ways, if both come to the same as one after the other."""
        is_fork = one.start == other.start
        if is_fork:
            start, expected = one.start, merge_records(one.start, ours, theirs)
        elif other.start == theirs:
            start, expected = theirs, merge_records(one.start, theirs, ours)
        elif one.start == ours:
            start, expected = ours, merge_records(other.start, ours, theirs)
        else:
            mine, other_s = self._at_base(one, ours), self._at_base(other, theirs)
            start, expected = self.base, None
            if mine is not None and other_s is not None:
                expected = merge_records(self.base, mine, other_s)
        sides = ((one, ours), (other, theirs))
        if expected != after or not all(_keeps_times(way, end, after, is_fork=is_fork) for way, end in sides):
            return None
        platforms = frozenset(_platforms(after))
        gone = {record.platform or "": record for way in (one, other) for record in way.gone}
        return Way(
            start,
            (one.kept | other.kept) & platforms,
            (one.heirs | other.heirs) & platforms,
            tuple(gone[platform] for platform in sorted(gone.keys() - platforms)),
            tuple(dict.fromkeys((*one.claims, *other.claims))),
        )

    def _at_base(self, way: Way, state: State) -> State | None:
        """Return the end of a way, as it would be if it had started at the base; None if that collides."""
        return state if way.start == self.base else merge_records(way.start, self.base, state)


def _image(claim: UnprovenPull) -> tuple[Key, Digest]:
    """Return the image that got another platform, with that platform."""
    return claim.recorded[0].key, claim.recorded[0].digest


def _platforms(state: State) -> Iterator[str]:
    return (record.platform or "" for record in state)


def _started_as(way: Way, record: Record) -> Record | None:
    """Return the record of an image, or of its index, where a way starts; its platform may have been filled in."""
    own = [one for one in way.start if one.platform == record.platform and one.digest == record.digest]
    wholes = [one for one in way.start if one.platform is None and one.digest in (record.digest, record.index)]
    return next(iter(own or wholes), None)


def _takes_place(old: Record, came: Sequence[Record], step: TagStep) -> bool:
    """Return whether something is in the place of a removed record: for its platform, for all, or the same image."""
    if old.platform is None:
        return bool(step.after)
    is_taken = any(new.platform in (None, old.platform) for new in came if new not in step.before)
    return is_taken or any(old.digest in (new.digest, new.index) for new in came)


def _keeps_times(way: Way, state: State, after: State, *, is_fork: bool) -> bool:
    """Return whether a merge leaves the images that one side kept with the time of their publication.

    If both sides start at one state (`is_fork`), what one of them left as it was the other one may have published anew.
    """
    untouched = {(old.digest, old.published_at) for old in way.start} if is_fork else set()
    kept = {
        (old.key, old.digest): old.published_at
        for old in state
        if (old.platform or "") in way.kept and (old.digest, old.published_at) not in untouched
    }
    return all(kept.get((new.key, new.digest), new.published_at) == new.published_at for new in after)


def _undated(old: Record, came: Sequence[Record], clock: Timestamp | None) -> Record:
    """Return a removed record; if it is of the future, with the time that its image has now.

    By the clock of this machine, and not by a commit's date, which is whatever its author says.
    """
    new = next((new for new in came if new.digest == old.digest), None)
    is_ahead = clock is not None and is_far_ahead(old.published_at, clock)
    return replace(old, published_at=new.published_at) if new and is_ahead else old


def _inherited(way: Way, effects: Sequence[Effect], back: set[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return which platforms are kept, and which of them are heirs, after a step."""
    kept, heirs = way.kept | back, way.heirs
    for effect in effects:
        if effect.new is None:
            continue
        platform, was = effect.key.platform, {old.platform or "" for old in effect.old}
        index = next((old for other in effects for old in other.old if old.is_index_of(effect.new)), None)
        if index and "" in way.kept | back and (effect.kind == "updated" or _have_the_same_facts(index, effect.new)):
            heirs |= {platform}
        elif was & heirs and effect.kind == "updated" and effect.old[0].index == effect.new.index:
            heirs = (heirs - was) | {platform}
        elif was & (kept | heirs):
            kept = (kept - was) | {platform}
            heirs -= was
    came = {effect.key.platform for effect in effects if effect.new}
    left = {old.platform or "" for effect in effects if effect.new for old in effect.old} - came
    return kept - left, heirs - left


def _have_the_same_facts(old: Record, new: Record) -> bool:
    names = ("published_at", "source_ref", "forced", "yanked")
    return all(getattr(old, name) == getattr(new, name) for name in names)
