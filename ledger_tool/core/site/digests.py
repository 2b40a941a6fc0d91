"""Where every digest of a site comes from: what `whence` tells of one, told of all in one pass through the log.

A place is there as long as the ledger has it, or once had it according to the log, which shows what commit messages
claim and what the diffs of others show; no version of the file is read to verify it. A record that no entry names after
the one that added it has had all that it has since then. Since when another one has it is left open where the log does
not tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ledger_tool.core.history.log import GONE, LogEntry
from ledger_tool.core.history.whence import KINDS, Span, index_spans, spans
from ledger_tool.core.ledger.record import Key, Record
from ledger_tool.core.ledger.yanks import Yanks
from ledger_tool.core.site.facts import DigestPlace, PlaceKind

_Held = tuple[PlaceKind, Key, str]


def digest_places(
    records: Iterable[Record], yanks: Yanks, log: Sequence[LogEntry]
) -> Mapping[str, Sequence[DigestPlace]]:
    """Return, in order, every digest that records have, or had according to a log, whose newest entry comes first.

    The places of each are those that still have it, the last one first, and then those that had it.
    """
    since: dict[_Held, LogEntry] = {}
    places: dict[str, list[DigestPlace]] = {}
    oldest_first = log[::-1]
    for kind, span in _spans(oldest_first):
        digest = span.start.digest if kind == "image" else span.start.index
        if span.end is None:
            since[kind, span.key, digest] = span.start
        else:
            places.setdefault(digest, []).append(_former(kind, span, digest))
    only = _untouched(oldest_first)
    for record in records:
        why = yanks.reason(record)
        key, version = record.key, record.version or ""
        for kind, held in zip(KINDS, (record.digest, record.index, record.config), strict=True):
            if held:
                start = since.get((kind, key, held)) or only.get(key)
                place = DigestPlace(kind, key, held, record.source_ref, version, why, start, record=record)
                places.setdefault(held, []).append(place)
    return {digest: _in_order(places[digest]) for digest in sorted(places)}


def _spans(oldest_first: Sequence[LogEntry]) -> Iterator[tuple[PlaceKind, Span]]:
    yield from (("image", span) for span in spans(oldest_first))
    yield from (("index", span) for span in index_spans(oldest_first))


def _former(kind: PlaceKind, span: Span, digest: str) -> DigestPlace:
    """Return where a digest was, in the record as it was at the beginning."""
    start, role = span.start, "replaced" if kind == "image" else kind
    return DigestPlace(role, start.key, digest, start.source_ref, start.version, since=start, until=span.end)


def _untouched(oldest_first: Iterable[LogEntry]) -> dict[Key, LogEntry]:
    """Return the entry that added each record of which nothing was changed since: it has had all that it has since."""
    added: dict[Key, LogEntry] = {}
    touched: set[Key] = set()
    for entry in oldest_first:
        if entry.action in GONE:
            added.pop(entry.key, None)
            touched.discard(entry.key)
        elif entry.key in added or entry.key in touched:
            added.pop(entry.key, None)
            touched.add(entry.key)
        else:
            added[entry.key] = entry
    return added


def _in_order(places: list[DigestPlace]) -> list[DigestPlace]:
    if len(places) == 1:
        return places
    places.sort(key=lambda place: (place.key, place.kind))
    places.sort(key=lambda place: place.since.at if place.since else "", reverse=True)
    places.sort(key=lambda place: place.until is not None)
    return places
