"""Where every digest of a site comes from: what `whence` tells of one, told of all in one pass through the log.

A place is there as long as the ledger has it, or once had it according to the log, which shows what commit messages
claim and what the diffs of others show. As far as the versions of the file are read (`evidence.py`), nothing is told
that they do not show. What no message tells, such as since when a record has its config, is told only where they do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.history.whence import Span, index_spans, spans
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.ledger.yanks import Yanks
from ledger_tool.core.site.evidence import NOT_READ, Evidence, Held, PastLedgers, held_by
from ledger_tool.core.site.facts import DigestPlace, PlaceKind


def digest_places(
    records: Iterable[Record], yanks: Yanks, log: Sequence[LogEntry], past: PastLedgers = NOT_READ
) -> Mapping[str, Sequence[DigestPlace]]:
    """Return, in order, every digest that records have, or had according to a log, whose newest entry comes first.

    The places of each are those that still have it, the last one first, and then those that had it.
    """
    records = list(records)
    claims: dict[Held, LogEntry] = {}
    former: list[tuple[PlaceKind, Span, Held]] = []
    for kind, span in _spans(log[::-1]):
        held = (kind, span.key, span.start.digest if kind == "image" else span.start.index)
        if span.end is None:
            claims[held] = span.start
        else:
            former.append((kind, span, held))
    starts = _starts(records, claims, log)
    evidence = past.look(_wanted(log, starts, former))
    places: dict[str, list[DigestPlace]] = {}
    for kind, span, held in former:
        if place := _former(kind, span, held, evidence):
            places.setdefault(place.digest, []).append(place)
    for record in records:
        why = yanks.reason(record)
        for held in held_by(record):
            kind, key, digest = held
            start = _start(held, starts[held], evidence, is_claimed=held in claims)
            place = DigestPlace(kind, key, digest, record.source_ref, record.version or "", why, start, record=record)
            places.setdefault(digest, []).append(place)
    return {digest: _in_order(places[digest]) for digest in sorted(places)}


def _spans(oldest_first: Sequence[LogEntry]) -> Iterator[tuple[PlaceKind, Span]]:
    yield from (("image", span) for span in spans(oldest_first))
    yield from (("index", span) for span in index_spans(oldest_first))


def _starts(
    records: Iterable[Record], claims: Mapping[Held, LogEntry], log: Sequence[LogEntry]
) -> dict[Held, Sequence[LogEntry]]:
    """Return the entries that may have introduced what records have: the one that claims it, or all of the record."""
    starts: dict[Held, Sequence[LogEntry]] = {}
    by_name: dict[Name, list[LogEntry]] = {}
    for entry in log:
        by_name.setdefault(entry.name, []).append(entry)
    for record in records:
        for held in held_by(record):
            if held in claims:
                starts[held] = (claims[held],)
            else:
                platforms = ("", record.platform or "")
                starts[held] = [entry for entry in by_name.get(record.name, ()) if entry.platform in platforms]
    return starts


def _wanted(
    log: Sequence[LogEntry],
    starts: Mapping[Held, Sequence[LogEntry]],
    former: Iterable[tuple[PlaceKind, Span, Held]],
) -> Mapping[str, set[str]]:
    """Return the digests to look for at each commit, the newest first."""
    wanted: dict[str, set[str]] = {entry.commit: set() for entry in log}
    for (_, _, digest), entries in starts.items():
        for entry in entries:
            wanted[entry.commit].add(digest)
    for _, span, (_, _, digest) in former:
        wanted[span.start.commit].add(digest)
        if span.end:
            wanted[span.end.commit].add(digest)
    return {commit: digests for commit, digests in wanted.items() if digests}


def _start(held: Held, entries: Iterable[LogEntry], evidence: Evidence, *, is_claimed: bool) -> LogEntry | None:
    """Return the entry that introduced something; None if that is not certain."""
    for entry in entries:
        answer = evidence.introduced(entry.commit, held)
        if answer or (answer is None and is_claimed):
            return entry
        if answer is None or not evidence.after(entry.commit, held):  # it may have been this one, or another commit
            return None
    return None


def _former(kind: PlaceKind, span: Span, held: Held, evidence: Evidence) -> DigestPlace | None:
    """Return where a digest was, in the record as it was at the beginning; None if the ledgers do not show that."""
    start, end = span.start, span.end
    if end is None or evidence.ended(end.commit, held) is False or evidence.after(start.commit, held) is False:
        return None
    since = None if evidence.introduced(start.commit, held) is False else start
    role: PlaceKind = "replaced" if kind == "image" else kind
    return DigestPlace(role, start.key, held[2], start.source_ref, start.version, since=since, until=end)


def _in_order(places: list[DigestPlace]) -> list[DigestPlace]:
    if len(places) == 1:
        return places
    places.sort(key=lambda place: (place.key, place.kind))
    places.sort(key=lambda place: place.since.at if place.since else "", reverse=True)
    places.sort(key=lambda place: place.until is not None)
    return places
