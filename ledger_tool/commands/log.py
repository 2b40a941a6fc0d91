"""`log`: every digest that a tag ever had, according to the commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice

from ledger_tool.commands.ports import History
from ledger_tool.core.changes.difference import Difference
from ledger_tool.core.changes.effect import Effect, effects_of
from ledger_tool.core.changes.message import Message, parse_message
from ledger_tool.core.changes.runclaim import RunClaim
from ledger_tool.core.history.commit import Step, Touch
from ledger_tool.core.history.log import GONE, LogEntry, claimed, seen
from ledger_tool.core.history.revision import Moment
from ledger_tool.core.history.versions import Versions
from ledger_tool.core.judging.diff import Claims
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import LEDGER, Timestamp, shown
from ledger_tool.core.ledger.record import Key, Name
from ledger_tool.core.policy.policy import ReadPolicy
from ledger_tool.core.policy.reference import Reference
from ledger_tool.core.policy.resolve import Resolver
from ledger_tool.errors import InvalidLedger, UnknownImage

_AT_FIRST = 100  # commits whose messages are read at once, and four times as many each time after


def log(
    history: History,
    reference: Reference | None,
    *,
    since: Moment | None = None,
    limit: int | None = None,
    read_policy: ReadPolicy,
    note: Callable[[str], None],
) -> list[LogEntry]:
    """Return what was done to an image, an image:tag or all of them, the newest commit first.

    `note` gets messages about what cannot be read. Raises UnknownImage for a name that is nowhere in the history.
    """
    head = history.head()
    images = _images(history, head, reference, read_policy) if reference else []
    tag = reference.tag if reference else None
    base = history.resolve(since.revision) if since and since.revision else ""

    ever: set[tuple[str, str]] = set()

    def is_named(entry: LogEntry) -> bool:
        ever.add((entry.name.image, entry.name.tag))
        return not images or (entry.name.image in images and tag in (None, entry.name.tag))

    everything = entries(history, base, head, note, since=since.time if since else None)
    newest = list(islice(filter(is_named, everything), limit))
    if reference and not newest and not since:
        name = f"{images[0]}:{tag}" if tag else images[0]
        from ledger_tool.core.ledger.nearest import did_you_mean, near_names  # here, since few runs need it

        near = near_names(sorted(ever), images[0], tag or "")
        hint = did_you_mean(near) if near else "`ledger log` shows everything that it ever had"
        raise UnknownImage(f"the ledger never had {name}", hint)
    return newest


def _images(history: History, head: str, reference: Reference, read_policy: ReadPolicy) -> Sequence[str]:
    """Return the image that a reference means now; if the ledger no longer has one, every name that it may have had.

    Raises UsageError for an unknown registry.
    """
    resolver = Resolver(read_policy(history.files(head)[1]), lambda _: False)
    images = resolver.names(reference) or [resolver.image(reference)]
    if len(images) > 1:
        with suppress(InvalidLedger):  # its history is still of interest
            ledger = history.snapshot(head).ledger
            images = [image for image in images if ledger.has_image(image)][:1] or images
    return images


def entries(
    history: History,
    base: str,
    head: str,
    note: Callable[[str], None],
    *,
    since: Timestamp | None = None,
    steps: Sequence[Step] | None = None,
) -> Iterator[LogEntry]:
    """Yield what the commits of a span did, the newest first: from their trailers, or else from their diffs.

    `steps` are those of the span, if they are known. Raises UsageError where a shallow clone is cut off.
    """
    all_steps = history.steps(base, head, line=False) if steps is None else steps
    if not all_steps and not base:
        history.files(head)  # raises: there is no ledger
    wanted = [
        step
        for step in reversed(all_steps)
        if step.is_cut or (LEDGER in step.touched and (since is None or step.commit.at >= since))
    ]
    known = next((number for number, step in enumerate(wanted) if step.is_cut), len(wanted))
    done, size = 0, _AT_FIRST
    while done < known:  # a reader may need only the last few
        part = wanted[done : min(done + size, known)]
        yield from _entries(history, [(step, parse_message(step.commit.message)) for step in part], note)
        done, size = done + len(part), 4 * size
    if known < len(wanted):
        history.must_be_whole()


def claims_between(history: History, base: str, head: str) -> Claims:
    """Return what the messages of a span claim of what can be seen of a record afterwards.

    Of an environment, the last reason for what it has then counts: it may have had it before for another one.
    """
    steps = [
        (step, parse_message(step.commit.message))
        for step in history.steps(base, head, line=False)
        if not step.is_cut and LEDGER in step.touched
    ]
    claiming = [
        (step, message)
        for step, message in steps
        if any(block.run or block.reason or block.verb == "promote" for block in message.blocks)
    ]
    runs: dict[tuple[Key, str], list[RunClaim]] = {}
    reasons: dict[tuple[Key, str, str], str] = {}
    removals: dict[Name, str] = {}
    for entry in _entries(history, claiming, lambda _: None):
        if entry.run and entry.run not in (known := runs.setdefault((entry.key, entry.digest), [])):
            known.append(entry.run)
        reasons[entry.key, entry.digest, entry.version] = entry.reason
        if entry.action in GONE:
            removals[entry.name] = entry.reason

    def reason_of(effect: Effect) -> str:
        if effect.new is None:  # whatever it had when it was removed
            return removals.get(effect.name, "")
        return reasons.get((effect.key, effect.new.digest, effect.new.version or ""), "")

    return Claims(lambda effect: runs.get((effect.key, effect.record.digest), ()), reason_of)


def _entries(
    history: History, steps: Sequence[tuple[Step, Message]], note: Callable[[str], None]
) -> Iterator[LogEntry]:
    claims = [claimed(step.commit, message) for step, message in steps]
    unclaimed = [step.touched[LEDGER] for (step, _), claim in zip(steps, claims, strict=True) if claim is None]
    diffs = _diffs(history, unclaimed)
    for (step, message), claim in zip(steps, claims, strict=True):
        if claim is not None:
            yield from claim
        elif (differences := next(diffs)) is not None:
            yield from seen(step.commit, message, effects_of(differences))
        else:
            who = f"{step.commit.id[:12]} ({shown(step.commit.message.partition(chr(10))[0])})"
            what = f"the ledger.json of commit {who}, or the one before it, is not valid: what it did is left out"
            note(f"warning: {what}")


def _diffs(history: History, touches: Sequence[Touch]) -> Iterator[Sequence[Difference] | None]:
    """Yield what each touch changed in the ledger; for a merge, what differs from all its parents; None if invalid."""
    ids = [file.id for touch in touches for file in (*touch.before, touch.after) if file]
    contents = iter(history.contents(ids))
    versions = Versions()
    for touch in touches:
        before = [next(contents) if file else _EMPTY for file in touch.before]
        after = next(contents) if touch.after else _EMPTY
        yield _difference(versions, before, after)


_EMPTY = codec.dumps(Ledger())


def _difference(versions: Versions, before: Sequence[bytes | None], after: bytes | None) -> Sequence[Difference] | None:
    common: Sequence[Difference] | None = None
    try:
        for parent in before or [_EMPTY]:
            if parent is None or after is None:
                return None
            versions.read(parent)
            differences = versions.follow(after)
            keys = {difference.key for difference in differences}
            common = differences if common is None else [other for other in common if other.key in keys]
    except InvalidLedger:
        return None
    return common
