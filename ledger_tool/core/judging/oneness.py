"""What is wrong with a change of one image:tag as one change, whatever commits made it.

Every step has been judged by itself, against its message; so here only what no message could excuse counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ledger_tool.core.changes.difference import Difference
from ledger_tool.core.changes.effect import Effect, effects_of
from ledger_tool.core.judging.commit import FREE, LOSABLE, CommitFault, judge_commit, unmarks
from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.ledger.record import Forced, Name, Record, pull_digests
from ledger_tool.core.policy.policy import Policy

State = tuple[Record, ...]  # the records of one image:tag at one time, in the order of their keys


@dataclass(frozen=True, slots=True)
class UnprovenPull:
    """What became of an immutable tag that only a look at a registry can prove.

    It is right if `new` leads, at the registry, to each of the images that were `recorded`. If one `is_relabelled`,
    that is its record with the platform that it has now.
    """

    name: Name
    old: Digest
    new: Digest
    recorded: State
    is_relabelled: bool = False

    @property
    def fault(self) -> CommitFault:
        """The fault of the change, unless it is proved."""
        key = self.recorded[0].key
        if self.is_relabelled:
            why = f"{self.recorded[0].digest} was recorded for another platform of {self.name} than {key.platform}, "
            return CommitFault("platform", key, why + "although its tag is immutable and no `forced` mark says so")
        return CommitFault(
            "index",
            key,
            f"{self.name} was pulled by {self.old}, and is by {self.new} afterwards, although its tag is immutable and "
            "no `forced` mark says that it replaces that digest",
        )


def effects_between(before: Iterable[Record], after: Iterable[Record]) -> list[Effect]:
    """Return what happened to the records of one image:tag."""
    old, new = ({record.key: record for record in records} for records in (before, after))
    pairs = ((key, old.get(key), new.get(key)) for key in sorted(old.keys() | new.keys()))
    return effects_of([Difference(*pair) for pair in pairs if pair[1] != pair[2]], lambda _: new.values())


def faults_as_one(
    effects: Sequence[Effect], policy: Policy, marks: Collection[Forced] | None = None
) -> list[CommitFault]:
    """Return what is wrong with a change of one image:tag; given `marks`, no other new mark has any effect."""
    if marks is not None:
        effects = [_without_mark(effect, marks) for effect in effects]
    by_key = {effect.key: effect for effect in effects}
    moves = [
        fault for fault in judge_commit(effects, None, policy) if fault.key and fault.rule in ("immutable", "forced")
    ]
    return [
        *(_moved(by_key[fault.key]) if fault.key and fault.rule == "immutable" else fault for fault in moves),
        *(fault for effect in effects for fault in _of_same_image(effect, policy)),
    ]


def _moved(effect: Effect) -> CommitFault:
    was, others = ", ".join(effect.replaces), ", ".join(str(old.key) for old in effect.old if old.key != effect.key)
    moved = f"was {was} before, and is {effect.record.digest} afterwards" if was else f"takes the place of {others}"
    return CommitFault(
        "immutable",
        effect.key,
        f"{effect.key} {moved}, although its tag is immutable: a tag is moved with "
        "`ledger publish --force --reason TEXT`",
    )


def _without_mark(effect: Effect, marks: Collection[Forced]) -> Effect:
    new = effect.new
    return replace(effect, new=replace(new, forced=None)) if new and effect.mark and new.forced not in marks else effect


def _of_same_image(effect: Effect, policy: Policy) -> Iterator[CommitFault]:
    same = effect.of_same_image
    changed, lost = same.fields() - FREE, same.lost()
    if effect.mark:
        changed -= {"forced", "sourceRef"}
    elif unmarks(effect, policy):
        changed -= {"forced"}
    if "yanked" in lost:
        why = f"the `yanked` mark of {effect.key} went without a `ledger yank --undo`"
        yield CommitFault("facts", effect.key, why)
    if facts := sorted((changed | lost) - {"forced"} - LOSABLE):
        yield CommitFault(
            "facts",
            effect.key,
            f"{' and '.join(facts)} of {effect.key} changed, although its digest is the same as before",
        )
    if "forced" in changed:
        yield CommitFault("forced", effect.key, f"the `forced` mark of {effect.key} was changed or lost")


def unproven(
    before: Sequence[Record], effects: Sequence[Effect], after: Sequence[Record], policy: Policy
) -> Iterator[UnprovenPull]:
    """Yield what a change of an immutable tag does that no mark tells of: to its pull digest, or to its platforms.

    An image:tag with several pull digests is a fault of the file itself.
    """
    if not before or not after or policy.is_mutable(after[0].tag):
        return
    moved = [(effect.of_same_image.old[0], effect.new) for effect in effects if effect.new and relabels(effect)]
    old, new = sorted(pull_digests(before)), sorted(pull_digests(after))
    for _, record in moved:
        yield UnprovenPull(record.name, old[0], new[0], (record,), is_relabelled=True)
    if old != new and len(new) == 1 and not any(effect.mark for effect in effects):
        now = {record.key: image for record, image in moved}
        recorded = tuple(now.get(record.key, record) for record in before)
        yield UnprovenPull(after[0].name, old[0], new[0], recorded)


def relabelled(before: State, after: State, policy: Policy) -> Iterator[UnprovenPull]:
    """Yield the images of an immutable tag that are there for none of the platforms that they had, if no mark is new.

    One that came to a second platform, and then left the first one, did that in two steps.
    """
    if not before or not after or policy.is_mutable(after[0].tag):
        return
    if any(effect.mark for effect in effects_between(before, after)):
        return
    old, new = min(pull_digests(before)), min(pull_digests(after))
    for record in after:
        had = {other.platform for other in before if other.digest == record.digest}
        now = {other.platform for other in after if other.digest == record.digest}
        if had and not had & {None, *now}:
            yield UnprovenPull(record.name, old, new, (record,), is_relabelled=True)


def relabels(effect: Effect) -> bool:
    """Return whether an image gets another platform than the one that was recorded, and no mark says so."""
    same = effect.of_same_image
    if same.kind != "updated" or same.new is None or effect.mark or same.old[0] in effect.copies:
        return False
    was, now = same.old[0].platform, same.new.platform
    return bool(was and now) and was != now
