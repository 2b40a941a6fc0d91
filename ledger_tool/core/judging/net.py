"""What a range of commits does as one change: two changes may not do what one may not.

Each commit of a range is judged by itself (`commit`); here, the range is judged as if it were one. What the base had
and what the head has are compared record by record and field by field, so whatever is back at the base's value did not
change, and a removal followed by a publish is a move.

The facts of a *publication* (digest, publishedAt, sourceRef, `forced`) are set by a publish and by no edit. A
publication is lawful if the base has it, or if allowed changes of the range lead from the base to it: a chain of forced
moves, a corrected sourceRef, a record that the base had not, or whose TTL had run out when it was removed.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

from ledger_tool.core.changes.difference import Difference, by_name, compare
from ledger_tool.core.changes.effect import Effect, effects_of
from ledger_tool.core.judging.commit import FREE, LOSABLE, CommitFault, lacking
from ledger_tool.core.judging.dates import expiring
from ledger_tool.core.judging.pulls import DECISIVE, untold_pulls
from ledger_tool.core.ledger.ledger import Ledger, format_text
from ledger_tool.core.ledger.names import Digest, Timestamp
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Forced, Key, Name, Record, pull_digests
from ledger_tool.core.policy.policy import Policy


class PublishedFacts(NamedTuple):
    """The facts of a record that a publish sets, and no edit changes."""

    platform: str
    digest: Digest
    published_at: Timestamp
    source_ref: str
    forced: Forced | None

    @classmethod
    def of(cls, record: Record) -> PublishedFacts:
        """Return the publication of a record."""
        return cls(record.platform or "", record.digest, record.published_at, record.source_ref, record.forced)


def _facts(record: Record) -> tuple[object, ...]:
    return PublishedFacts.of(record)[2:]


@dataclass(frozen=True, slots=True)
class UnprovenPull:
    """A changed pull digest of an immutable tag, which only a look at a registry can prove.

    It is right if `new` leads, at the registry, to each of the images that were `recorded`.
    """

    name: Name
    old: Digest
    new: Digest
    recorded: tuple[Record, ...]

    @property
    def fault(self) -> CommitFault:
        """The fault of the change, unless it is proved."""
        return CommitFault(
            "index",
            self.recorded[0].key,
            f"{self.name} was pulled by {self.old}, and is by {self.new} afterwards, although its tag is immutable and "
            "no `forced` mark says that it replaces that digest",
        )


@dataclass(frozen=True, slots=True)
class NetVerdict:
    """What is wrong with a range as one change, and what only a look at a registry can tell."""

    faults: Sequence[CommitFault]
    claims: Sequence[UnprovenPull]


@dataclass(slots=True)
class _NameHistory:
    """What the range did to one image:tag.

    `base` are the base's records by platform. `lawful` are its lawful publications; those that are a new publication,
    and not just the base's own with a corrected source, are True. `went` are the digests that commits took away, `came`
    those that they brought, by platform; `expired` are the platforms whose record of the base was removed after its TTL
    had run out, and `unyanked` the digests whose mark was taken away. `pulls` are the pull digests that steps of the
    range lead to, with what has to be proved on the way, and `restored` the texts of records that a revert brought.
    """

    base: dict[str, Record]
    lawful: dict[PublishedFacts, bool]
    went: set[Digest] = field(default_factory=set)
    came: set[tuple[str, Digest]] = field(default_factory=set)
    expired: set[str] = field(default_factory=set)
    unyanked: set[tuple[str, Digest]] = field(default_factory=set)
    pulls: dict[Digest, tuple[UnprovenPull, ...]] = field(default_factory=dict)
    restored: set[str] = field(default_factory=set)
    touched: bool = False

    def rivals(self, new: Record) -> list[Record]:
        """Return the base's records that a record replaces; without a platform it stands for all.

        The same image has at most another platform now, and an index gives way to its images, with its facts.
        """
        own = (new.platform or "", "")
        return [
            record
            for platform, record in self.base.items()
            if (not new.platform or platform in own or record.digest == new.digest)
            and platform not in self.expired
            and not (not platform and record.digest == new.index and _facts(record) == _facts(new))
        ]

    def had_another(self, platform: str, digest: Digest) -> bool:
        """Return whether the range brought another digest for a platform."""
        return any(other != digest and (not platform or where in (platform, "")) for where, other in self.came)

    def brought(self, digest: Digest) -> bool:
        """Return whether a commit of the range brought a digest."""
        return any(other == digest for _, other in self.came)


class NetJudge:
    """The judge of a range as one change to the ledger `before`, under the base's `policy`."""

    def __init__(self, before: Ledger, policy: Policy) -> None:
        self._before = before
        self._policy = policy
        self._names: dict[Name, _NameHistory] = {}
        self._blamed: dict[Key, set[str]] = {}  # the rules that a commit was found to break, by record

    def remember(
        self,
        differences: Sequence[Difference],
        faults: Collection[CommitFault],
        undone: Container[Name] = (),
        at: Timestamp | None = None,
    ) -> None:
        """Note what a commit did, what is wrong with it, to which image:tags it only undid others, and its time."""
        effects = effects_of(differences)
        self._blame(faults)
        unlawful = {fault.key for fault in faults if fault.rule in DECISIVE}
        for effect in effects:
            history = self._history(effect.name)
            history.touched = True
            if effect.kind in ("moved", "removed"):
                history.went.update(old.digest for old in effect.old)
            if effect.kind == "removed":
                self._note_expiry(history, effect.old[0], at)
        for effect in effects:
            if effect.new is None:
                continue
            history = self._history(effect.name)
            if effect.kind != "updated":
                history.came.add((effect.key.platform, effect.new.digest))
            elif "yanked" in effect.lost():
                history.unyanked.add((effect.key.platform, effect.new.digest))
            if effect.name in undone:
                history.restored.add(format_text(effect.new))
            if effect.key not in unlawful:
                self._extend(history, effect, effect.new)
        for move, is_untold in untold_pulls(effects, faults, undone):
            recorded = tuple(old for effect in effects if effect.name == move.name for old in effect.old)
            for old, new in product(move.old, move.new):
                self._note_pull(UnprovenPull(move.name, old, new, recorded), is_told=not is_untold)

    def _note_pull(self, step: UnprovenPull, *, is_told: bool) -> None:
        """Note where the pull digest of an image:tag went, and whether a mark tells of it."""
        pulls = self._history(step.name).pulls
        if step.old in pulls:
            unproven = pulls[step.old] + (() if is_told else (step,))
            if step.new not in pulls or len(unproven) < len(pulls[step.new]):
                pulls[step.new] = unproven

    def _history(self, name: Name) -> _NameHistory:
        if name not in self._names:
            records = self._before.find(name)
            base = {record.platform or "": record for record in records}
            lawful = dict.fromkeys(map(PublishedFacts.of, records), False)
            self._names[name] = _NameHistory(base, lawful, pulls=dict.fromkeys(pull_digests(records), ()))
        return self._names[name]

    @staticmethod
    def _note_expiry(history: _NameHistory, gone: Record, at: Timestamp | None) -> None:
        """Note a record of the base that had expired, by the TTL that the base gave it, when it was removed."""
        platform = gone.platform or ""
        own = history.base.get(platform)
        if own and at and own.digest == gone.digest and is_expired(own, at):
            history.expired.add(platform)

    def _extend(self, history: _NameHistory, effect: Effect, new: Record) -> None:
        """Add the publication that a step leads to, if it is lawful."""
        lawful, publication = history.lawful, PublishedFacts.of(new)
        olds = [lawful.get(PublishedFacts.of(old)) for old in effect.old]
        if effect.kind == "added":
            rivals = history.rivals(new)
            is_other = all(rival.digest != new.digest for rival in rivals)
            is_other = is_other or history.had_another(effect.key.platform, new.digest)
            if not rivals or (is_other and self._policy.is_mutable(new.tag)):
                lawful[publication] = True
        elif None not in olds:
            is_new = effect.of_same_image.kind == "moved"
            lawful[publication] = lawful.get(publication, False) or is_new or any(olds)

    def judge(self, after: Ledger, clock: Timestamp | None = None) -> NetVerdict:
        """Return what is wrong with the range as one change that leaves the ledger `after`, if it lands now.

        What a commit was already blamed for is not repeated.
        """
        differences = compare(self._before, after)
        effects = effects_of(differences)
        faults = [fault for effect in effects for fault in self._of_publication(effect)]
        faults += [*lacking(effects, self._policy), *(expiring(effects, clock) if clock else ())]
        faults = [fault for fault in faults if not self._is_known(fault)]
        self._blame(faults)
        return NetVerdict(faults, list(self._claims(by_name(differences), after)))

    def _is_known(self, fault: CommitFault) -> bool:
        return fault.key is not None and fault.rule in self._blamed.get(fault.key, ())

    def _blame(self, faults: Iterable[CommitFault]) -> None:
        for fault in faults:
            if fault.key is not None:
                self._blamed.setdefault(fault.key, set()).add(fault.rule)

    def _claims(self, names: Iterable[Name], after: Ledger) -> Iterator[UnprovenPull]:
        """Yield the changed pull digests that no mark tells of.

        An image:tag with several pull digests is a fault of the file itself, and a move without a mark is one already.
        """
        moved = {key[:2] for key, rules in self._blamed.items() if rules & {"immutable", "merge"}}
        for name in names:
            history, records = self._history(name), after.find(name)
            now = pull_digests(records)
            if len(now) != 1 or history.expired.issuperset(history.base):
                continue
            if name in moved or self._policy.is_mutable(name.tag):
                continue
            new, was = now.pop(), tuple(history.base.values())
            unproven = history.pulls.get(new)
            older = {record.forced for record in was}
            is_marked = history.restored or any(one.forced and one.forced not in older for one in records)
            if unproven is None or not (unproven or is_marked or new in pull_digests(was)):
                unproven = (UnprovenPull(name, min(pull_digests(was)), new, was),)
            yield from unproven

    def _of_publication(self, effect: Effect) -> Iterator[CommitFault]:
        history = self._history(effect.name)
        if effect.new is None:
            if effect.old[0].digest not in history.went:
                yield _smuggled(effect)
            return
        is_renewed = history.lawful.get(PublishedFacts.of(effect.new))
        if is_renewed is None:
            yield from self._unlawful(history, effect, effect.new)
        elif not history.touched:
            yield _smuggled(effect)
        elif not is_renewed and format_text(effect.new) not in history.restored:
            yield from _edited(history, effect.of_same_image, effect.new)

    def _unlawful(self, history: _NameHistory, effect: Effect, new: Record) -> Iterator[CommitFault]:
        came_back = history.brought(new.digest) and all(old.digest in history.went for old in effect.old)
        if not came_back and effect.key not in self._blamed:
            yield _smuggled(effect)
        elif effect.of_same_image.kind == "moved":
            was = ", ".join(old.digest for old in effect.old)
            yield CommitFault(
                "immutable",
                effect.key,
                f"{effect.key} was {was} before, and is {new.digest} afterwards, although its tag is immutable: "
                "a tag is moved with `ledger publish --force --reason TEXT`",
            )
        elif effect.kind != "added":
            changed = effect.of_same_image.fields() - FREE
            if facts := sorted((changed | effect.of_same_image.lost()) - {"forced"} - LOSABLE):
                yield CommitFault(
                    "facts",
                    effect.key,
                    f"{' and '.join(facts)} of {effect.key} changed, although its digest is the same as before",
                )
            if "forced" in changed:
                yield CommitFault("forced", effect.key, f"the `forced` mark of {effect.key} was changed or lost")


def _smuggled(effect: Effect) -> CommitFault:
    """Return the fault of what the range did but none of its commits: a merge did it.

    A merge commit may choose a side if two collide. Seen from the base, that choice may be a move.
    """
    return CommitFault("merge", effect.key, f"no commit explains the change of {effect.key}: a merge made it")


def _edited(history: _NameHistory, effect: Effect, new: Record) -> Iterator[CommitFault]:
    """Yield what is wrong with a record that has the base's own publication: fields that no command takes away."""
    if gone := sorted(effect.lost() - LOSABLE):
        yield CommitFault(
            "facts",
            effect.key,
            f"{' and '.join(gone)} of {effect.key} went, although its digest is the same as before",
        )
    if "yanked" in effect.lost() and (new.platform or "", new.digest) not in history.unyanked:
        yield CommitFault("facts", effect.key, f"the `yanked` mark of {effect.key} went without a `ledger yank --undo`")
