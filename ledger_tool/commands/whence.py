"""`whence`: which records have or had a digest; who published it, from what, in which ledger commit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ledger_tool.commands.log import entries
from ledger_tool.commands.ports import History, Progress
from ledger_tool.core.changes.message import parse_message
from ledger_tool.core.changes.runclaim import NO_RUN, RunClaim
from ledger_tool.core.history.commit import Touch
from ledger_tool.core.history.log import GONE, LogEntry, claimed, run_that_published
from ledger_tool.core.history.whence import DigestPrefix, Occurrence, occurrences_in, parse_digest_prefix, spans
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.names import LEDGER, Digest, Timestamp
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.errors import InvalidLedger, UnknownImage, UsageError

_MOST_LOOKS = 20  # commits whose ledgers are compared to find a publisher
_MOST_READ = 50  # versions one by one: each costs two git processes and, at a remote, a fetch

WhenceKind = Literal["image", "index", "config", "replaced"]
Occurrences = Mapping[Occurrence, Record]


@dataclass(frozen=True, slots=True)
class Point:
    """A commit of the ledger: its id, when, by whom and in which run it was made, and what it did (see `LogEntry`).

    `digest` is what it left at the record's key, or `""` if nothing, or if unknown.
    """

    commit: str
    at: Timestamp
    by: str
    action: str
    reason: str = ""
    digest: str = ""
    run: RunClaim = NO_RUN


@dataclass(frozen=True, slots=True)
class WhenceMatch:
    """A record that has the digest, its role there, and since which commit.

    `until` is None for one that still has it; a record that once had it as its own digest is `replaced`.
    """

    kind: WhenceKind
    digest: str
    record: Record
    since: Point
    until: Point | None


def whence(
    history: History, wanted: DigestPrefix, *, note: Callable[[str], None], progress: Progress
) -> list[WhenceMatch]:
    """Return every record that has or had a digest: those that still have it first, and the newest first.

    The present ledger and the trailers are searched first. What neither has, such as the index of a record that is
    long gone, is searched for in every version of the file, reported to `note` and `progress`.
    Raises UnknownImage if nothing has it, and UsageError if several digests start with the given digits.
    """
    head = history.head()
    log = list(entries(history, "", head, note))

    @lru_cache(maxsize=64)
    def occurrences_at(commit: str) -> Occurrences:
        try:
            return occurrences_in(history.ledger_file(commit), wanted)
        except InvalidLedger:
            return {}

    now = occurrences_at(head)
    matches = [*_own(log, wanted, occurrences_at, now), *_served(log, occurrences_at, now)]
    known = {(match.kind, match.record.key, match.digest) for match in matches if not match.until}
    if not matches or any((current.kind, current.key, current.digest) not in known for current in now):
        matches = list(_searched(history, head, [wanted], note, progress))
    digests = sorted({match.digest for match in matches})
    if not digests:
        raise UnknownImage(
            f"neither the ledger nor its history has the digest {wanted}",
            "look for the record by its name: `ledger log IMAGE:TAG` shows every digest that a tag had",
        )
    if len(digests) > 1:
        some = ", ".join(digests[:10]) + (f" and {len(digests) - 10} more" if len(digests) > 10 else "")
        raise UsageError(f"{wanted} is the beginning of {len(digests)} digests", f"give more digits of one of {some}")
    matches.sort(key=lambda match: match.since.at, reverse=True)
    return sorted(matches, key=lambda match: match.until is not None)


def whence_each(
    history: History, digests: Collection[str], *, note: Callable[[str], None], progress: Progress
) -> dict[str, list[WhenceMatch]]:
    """Return, for each of some full digests, the records that have or had it, the newest first; none if none ever had.

    The trailers are searched first, and then every version of the file, once for all digests that they do not tell.
    Raises UsageError for a shallow clone: what it lacks may have had them.
    """
    head = history.head()
    history.must_be_whole()
    log = list(entries(history, "", head, note))
    wanted = {digest: parse_digest_prefix(digest) for digest in digests}

    @lru_cache(maxsize=64)
    def occurrences_at(commit: str) -> Occurrences:
        try:
            return occurrences_in(history.ledger_file(commit), *wanted.values())
        except InvalidLedger:
            return {}

    now = occurrences_at(head)
    found = {digest: list(_own(log, prefix, occurrences_at, now)) for digest, prefix in wanted.items()}
    if untold := [wanted[digest] for digest, matches in found.items() if not matches]:
        for match in _searched(history, head, untold, note, progress):
            found[match.digest].append(match)
    return {
        digest: sorted(matches, key=lambda match: match.since.at, reverse=True) for digest, matches in found.items()
    }


def published_in(history: History, name: Name, digest: str) -> tuple[str, RunClaim]:
    """Return the last commit that gave an image:tag a digest, `""` if it is not among those that are looked at.

    With it comes the run that its message claims.

    The messages say where to look, and the ledgers before and after a commit whether it was the one.
    """
    looks = 0
    for step in reversed(history.steps("", history.head(), line=False)):
        if step.is_cut or looks == _MOST_LOOKS:
            break
        message = parse_message(step.commit.message)
        claims = claimed(step.commit, message)
        is_silent = claims is None
        if not is_silent and (name, digest) not in {(entry.name, entry.digest) for entry in claims or ()}:
            continue
        looks += 1
        touch = step.touched.get(LEDGER, Touch((), None))
        files = [file.id for file in (touch.after, *touch.before) if file]
        after, *before = (_has(raw, name, digest) for raw in history.contents(files)) if touch.after else (False,)
        if after and not any(before):
            return step.commit.id, run_that_published(message, name, digest)
    return "", NO_RUN


def _has(raw: bytes | None, name: Name, digest: str) -> bool:
    records = codec.records_holding(raw or b"", digest)
    return any((record.name, record.digest) == (name, digest) for record in records)


def _own(
    log: Sequence[LogEntry],
    wanted: DigestPrefix,
    occurrences_at: Callable[[str], Occurrences],
    now: Occurrences,
) -> Iterator[WhenceMatch]:
    """Yield the records whose own digest it is or was, according to the log and to the ledger at that commit."""
    for span in spans(reversed(log), wanted):
        start = span.start
        then = Occurrence("image", start.key, Digest(start.digest))
        today = Occurrence("image", span.key, then.digest)
        if then not in occurrences_at(start.commit):
            continue
        if span.end:
            record = occurrences_at(start.commit)[then]
            yield WhenceMatch("replaced", then.digest, record, _point(start), _point(span.end))
        elif today in now:
            yield WhenceMatch("image", then.digest, now[today], _point(start), None)


def _served(
    log: Sequence[LogEntry], occurrences_at: Callable[[str], Occurrences], now: Occurrences
) -> Iterator[WhenceMatch]:
    """Yield the records that have it as their index or config, with the commit that introduced it.

    A record that has changed very often since is left out: reading all versions at once is then faster.
    """
    for current, record in now.items():
        if current.kind == "image":
            continue
        since = None
        for count, entry in enumerate(entry for entry in log if entry.key == current.key):
            if count == _MOST_READ:
                since = None
            if count == _MOST_READ or current not in occurrences_at(entry.commit):
                break
            since = entry
        if since:
            yield WhenceMatch(current.kind, current.digest, record, _point(since), None)


def _searched(
    history: History, head: str, wanted: Sequence[DigestPrefix], note: Callable[[str], None], progress: Progress
) -> Iterator[WhenceMatch]:
    """Yield the matches in all versions of the file, in the order of the branch's own line."""
    steps = [step for step in history.steps("", head, line=True) if LEDGER in step.touched]
    files = [step.touched[LEDGER].after for step in steps]
    what = f"{wanted[0]} comes" if len(wanted) == 1 else f"{len(wanted)} digests come"
    note(f"no commit message says where {what} from: reading all {len(steps)} versions of {LEDGER}")
    contents = iter(history.contents([file.id for file in files if file]))
    present: dict[Occurrence, tuple[Record, Point]] = {}
    for done, (step, file) in enumerate(zip(steps, files, strict=True), 1):
        raw = next(contents) if file else None
        occurrences = occurrences_in(raw, *wanted) if raw else {}
        if occurrences or present:
            commit, message = step.commit, parse_message(step.commit.message)
            told = message.block
            point = Point(commit.id, commit.at, commit.by, message.verb or "updated", told.reason, run=told.run)
            for gone in [occurrence for occurrence in present if occurrence not in occurrences]:
                record, since = present.pop(gone)
                kind: WhenceKind = "replaced" if gone.kind == "image" else gone.kind
                yield WhenceMatch(kind, gone.digest, record, since, point)
            present = {
                occurrence: (record, present[occurrence][1] if occurrence in present else point)
                for occurrence, record in occurrences.items()
            }
        progress(done, len(steps))
    for current, (record, since) in present.items():
        yield WhenceMatch(current.kind, current.digest, record, since, None)


def _point(entry: LogEntry) -> Point:
    digest = "" if entry.action in GONE else entry.digest
    return Point(entry.commit, entry.at, entry.by, entry.action, entry.reason, digest, entry.run)
