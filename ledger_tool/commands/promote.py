"""`promote`: give an environment versions: named ones, those of another environment, or those that it had before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ledger_tool.commands.ports import History, Store
from ledger_tool.commands.records import AsOf
from ledger_tool.commands.write import Written, write
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.message import Message, parse_message
from ledger_tool.core.changes.promotion import has_same, of_a_tag, version_of
from ledger_tool.core.history.commit import Step
from ledger_tool.core.history.revision import Moment
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import LEDGER, Tag, Timestamp
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.policy.policy import check_environment
from ledger_tool.core.writes import promote as writes
from ledger_tool.core.writes.promote import Promotion
from ledger_tool.errors import InvalidLedger, RuleRefused, UnknownImage, UsageError

ChoosePromotion = Callable[[Snapshot], Promotion]


def promote(
    store: Store, choose: ChoosePromotion, *, now: Timestamp, reason: str = "", dry_run: bool = False
) -> Written:
    """Give an environment what `choose` finds in the ledger, in one commit.

    A version that was recorded before provenance was required may still be promoted: that is a note. Raises
    UnknownImage, RuleRefused, and what `write` raises.
    """
    unproved: dict[str, None] = {}

    def operation(snapshot: Snapshot) -> Change:
        change = writes.promote(snapshot, choose(snapshot), now=now, reason=reason)
        unproved.clear()
        new = (effect.new for effect in change.effects if effect.new)
        unproved.update({f"{one.image}:{one.version}": None for one in new if snapshot.policy.lacks_proof(one)})
        return change

    written = write(store, operation, now=now, dry_run=dry_run)
    notes = [f"note: {name} lacks the provenance that ledger.yaml requires of new versions" for name in unproved]
    return replace(written, notes=notes)


def as_before(history: History, environment: Tag, patterns: Sequence[str]) -> Promotion:
    """Return the promotion of what an environment had before, of each image that a pattern names.

    That is the version, or the digest of one, that its present one has replaced, along the branch's own line. Raises
    UnknownImage for a pattern that names none, RuleRefused for an image that had no other version there, and UsageError
    for what is not an environment, and for a shallow clone.
    """
    history.must_be_whole()
    now = history.snapshot(history.head())
    check_environment(environment, now.policy)
    try:
        images = writes.images_of(now, environment, patterns)
    except UnknownImage as error:
        raise error.within("", f"`--at TIME|REV` brings back what was taken out of {environment}") from None
    names = [Name(image, environment) for image in images]
    seen = {name: now.ledger.find(name) for name in names}
    if odd := next((name for name, records in seen.items() if not version_of(records)), None):
        raise of_a_tag(odd)
    had = dict(_had_before(history, seen))
    if never := next((name for name in names if name not in had), None):
        raise RuleRefused(
            f"{never} had no other version before {version_of(seen[never])} since it came to {environment}",
            f"`ledger log {never}` shows what it had; `--at TIME|REV` goes back beyond that",
        )
    return _promotion(environment, {name.image: had[name] for name in names}, {n.image: seen[n] for n in names})


def as_at(history: History, moment: Moment, environment: Tag, patterns: Sequence[str]) -> Promotion:
    """Return the promotion of all that an environment had at a moment: what it got since goes.

    Patterns restrict it to the images that they name. Raises UsageError for what is not an environment, for a revision
    or time that the history does not have, and for a shallow clone.
    """
    history.must_be_whole()
    now, then = history.snapshot(history.head()), AsOf(history, moment).read()
    check_environment(environment, now.policy)
    both = Snapshot(now.commit, now.ledger.replaced(_missing(now, then, environment)), now.policy)
    images = writes.images_of(both, environment, patterns)
    had = {image: then.ledger.find(Name(image, environment)) for image in images}
    if odd := next((image for image, records in had.items() if records and not version_of(records)), ""):
        raise UsageError(
            f"{odd}:{environment} was the record of a tag then, and not what an environment has",
            "name a later time or revision",
        )
    seen = {image: now.ledger.find(Name(image, environment)) for image in images}
    return _promotion(environment, had, seen)


def _missing(now: Snapshot, then: Snapshot, environment: Tag) -> dict[Name, tuple[Record, ...]]:
    """Return what an environment had, of the images that it no longer has."""
    had = {Name(image, tag) for image, tag in then.ledger.names() if tag == environment}
    return {name: then.ledger.find(name) for name in had if not now.ledger.find(name)}


def _promotion(environment: Tag, had: dict[str, tuple[Record, ...]], seen: dict[str, tuple[Record, ...]]) -> Promotion:
    return Promotion(
        environment,
        versions={image: Tag(version_of(records)) for image, records in had.items() if records},
        dropped=[image for image, records in had.items() if not records and seen[image]],
        meant={image: records for image, records in had.items() if records},
        seen=seen,
    )


def _had_before(history: History, seen: dict[Name, tuple[Record, ...]]) -> Iterator[tuple[Name, tuple[Record, ...]]]:
    """Yield what environments had before, of the records that are `seen` there now; nothing for one that had nothing.

    The commits whose messages tell of them are looked at first. If those do not lead there, all commits are. Raises
    UsageError if those do not, either: then nobody can tell.
    """
    steps = [step for step in history.steps("", history.head(), line=True) if LEDGER in step.touched]
    steps.reverse()
    previous, stop = _followed(history, [step for step in steps if _tells_of(step, seen)], seen)
    if stop:
        previous, stop = _followed(history, steps, seen)
    if stop and (untold := next((name for name in seen if name not in previous), None)):
        raise UsageError(
            f"what {untold} had before cannot be told: the history cannot be followed at commit {stop[:12]}",
            "`ledger audit` says what is wrong there; `--at TIME|REV` goes back to a time or revision that you name",
        )
    yield from previous.items()


def _tells_of(step: Step, names: dict[Name, tuple[Record, ...]]) -> bool:
    message: Message = parse_message(step.commit.message)
    if message.silent or message.counting or message.reverts or message.reverted_subjects:
        return True
    return any(entry.name in names for block in message.blocks for entry in block.entries)


def _followed(
    history: History, steps: Sequence[Step], seen: dict[Name, tuple[Record, ...]]
) -> tuple[dict[Name, tuple[Record, ...]], str]:
    """Return what was there before, going back over some commits, and the last that does not lead on, `""` for none."""
    left, previous, last = dict(seen), dict[Name, tuple[Record, ...]](), ""
    for step in steps:
        if not left:
            break
        last = step.commit.id
        try:
            after, before = history.snapshot(last).ledger, _before(history, step)
        except (InvalidLedger, UsageError):
            return previous, last
        for name, records in list(left.items()):
            was = before.find(name)
            if after.find(name) != records:
                return previous, last
            if was == records:
                continue
            if _is_another(was, records):
                previous[name] = was
            if not was or name in previous:
                del left[name]
            else:
                left[name] = was
    return previous, last or history.head() if left else ""


def _before(history: History, step: Step) -> Ledger:
    """Return the ledger before a commit that touched it, empty if there was none. Raises InvalidLedger, UsageError."""
    was_there = any(step.touched[LEDGER].before)
    return history.snapshot(step.commit.parents[0]).ledger if was_there else Ledger()


def _is_another(was: Sequence[Record], now: Sequence[Record]) -> bool:
    return bool(version_of(was)) and not has_same(was, now)
