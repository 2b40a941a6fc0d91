"""`whence`: which records have a digest, or had it; who published it, from what, in which ledger commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ledger_tool.commands.log import entries
from ledger_tool.commands.ports import History
from ledger_tool.core.changes.message import parse_message
from ledger_tool.core.history.commit import LEDGER, Commit
from ledger_tool.core.history.log import GONE, LogEntry, by
from ledger_tool.core.history.whence import DigestPrefix, Occurrence, occurrences_in, spans
from ledger_tool.core.ledger.names import Digest, Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.errors import InvalidLedger, UnknownImage, UsageError

_MOST_READ = 50  # versions one by one: each costs two git processes, and of a remote a fetch

WhenceKind = Literal["image", "index", "config", "replaced"]


@dataclass(frozen=True, slots=True)
class Point:
    """A commit of the ledger: its id, when and by whom it was made, and what it did (see `timeline.LogEntry`).

    `digest` is what it left at the record's key, or `""` where it left nothing, or nobody can tell.
    """

    commit: str
    at: Timestamp
    by: str
    action: str
    reason: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class WhenceMatch:
    """A record that has the digest, as what, and since which commit.

    `until` is None for one that has it still; a record that had it as its own digest and has it no more is `replaced`.
    """

    kind: WhenceKind
    digest: str
    record: Record
    since: Point
    until: Point | None


def whence(
    history: History, wanted: DigestPrefix, *, note: Callable[[str], None], progress: Callable[[int, int], None]
) -> list[WhenceMatch]:
    """Return every record that has or had a digest: those that have it first, then the newest.

    The ledger as it is and the trailers are asked first. What neither knows, such as the index of a record that is
    long gone, is looked for in every version of the file; `note` and `progress` are told.
    Raises UnknownImage where nothing has it, and UsageError for the beginning of several digests.
    """
    head = history.head()
    log = list(entries(history, "", head, note))

    @lru_cache(maxsize=64)
    def at(commit: str) -> dict[Occurrence, Record]:
        try:
            return occurrences_in(history.files(commit)[0], wanted)
        except InvalidLedger:
            return {}

    now = at(head)
    found = [*_own(log, wanted, at, now), *_served(log, at, now)]
    if {place for place in now if not any(_is_at(one, place) for one in found)} or not found:
        found = list(_searched(history, head, wanted, note, progress))
    digests = sorted({one.digest for one in found})
    if not digests:
        raise UnknownImage(
            f"neither the ledger nor its history has the digest {wanted}",
            "look for the record by its name: `ledger log IMAGE:TAG` shows every digest that a tag had",
        )
    if len(digests) > 1:
        told = ", ".join(digests[:10]) + (f" and {len(digests) - 10} more" if len(digests) > 10 else "")
        raise UsageError(f"{wanted} is the beginning of {len(digests)} digests", f"give more digits of one of {told}")
    found.sort(key=lambda one: one.since.at, reverse=True)
    return sorted(found, key=lambda one: one.until is not None)


def _own(
    log: Sequence[LogEntry],
    wanted: DigestPrefix,
    at: Callable[[str], dict[Occurrence, Record]],
    now: dict[Occurrence, Record],
) -> Iterator[WhenceMatch]:
    """Yield the records whose own digest it is or was, as the log says, if the ledger of that commit says so too."""
    for span in spans(reversed(log), wanted):
        start = span.start
        then = Occurrence("image", start.key, Digest(start.digest))
        today = Occurrence("image", span.key, then.digest)
        if then not in at(start.commit):
            continue
        if span.end:
            yield WhenceMatch("replaced", then.digest, at(start.commit)[then], _point(start), _point(span.end))
        elif today in now:
            yield WhenceMatch("image", then.digest, now[today], _point(start), None)


def _served(
    log: Sequence[LogEntry], at: Callable[[str], dict[Occurrence, Record]], now: dict[Occurrence, Record]
) -> Iterator[WhenceMatch]:
    """Yield the records that have it as their index or config, with the commit that first had it so.

    A record that changed very often meanwhile is left out: to read all versions at once is faster then.
    """
    for place, record in now.items():
        if place.kind == "image":
            continue
        since = None
        for count, entry in enumerate(one for one in log if one.key == place.key):
            if count == _MOST_READ:
                since = None
            if count == _MOST_READ or place not in at(entry.commit):
                break
            since = entry
        if since:
            yield WhenceMatch(place.kind, place.digest, record, _point(since), None)


def _is_at(match: WhenceMatch, place: Occurrence) -> bool:
    return (match.kind, match.record.key, match.digest) == (place.kind, place.key, place.digest) and not match.until


def _searched(
    history: History, head: str, wanted: DigestPrefix, note: Callable[[str], None], progress: Callable[[int, int], None]
) -> Iterator[WhenceMatch]:
    """Yield what all versions of the file say, one after the other along the branch's own line."""
    steps = [step for step in history.steps("", head, line=True) if LEDGER in step.touched]
    files = [step.touched[LEDGER].after for step in steps]
    note(f"no commit's message tells where {wanted} comes from: reading all {len(steps)} versions of {LEDGER}")
    contents = iter(history.contents([file.id for file in files if file]))
    there: dict[Occurrence, tuple[Record, Point]] = {}
    for done, (step, file) in enumerate(zip(steps, files, strict=True), 1):
        raw = next(contents) if file else None
        seen = occurrences_in(raw, wanted) if raw else {}
        if seen or there:
            here = _made(step.commit)
            for place in [place for place in there if place not in seen]:
                record, since = there.pop(place)
                yield WhenceMatch(_past(place), place.digest, record, since, here)
            there = {place: (record, there[place][1] if place in there else here) for place, record in seen.items()}
        progress(done, len(steps))
    for place, (record, since) in there.items():
        yield WhenceMatch(place.kind, place.digest, record, since, None)


def _past(place: Occurrence) -> WhenceKind:
    return "replaced" if place.kind == "image" else place.kind


def _point(entry: LogEntry) -> Point:
    digest = "" if entry.action in GONE else entry.digest
    return Point(entry.commit, entry.at, entry.by, entry.action, entry.reason, digest)


def _made(commit: Commit) -> Point:
    message = parse_message(commit.message)
    return Point(commit.id, commit.at, by(commit), message.verb or "updated", message.reason)
