"""Where every digest of a site comes from: what `whence` tells of one, told of all in one pass through the log.

A place is there as long as the ledger has it, or once had it according to the log, which shows what commit messages
claim and what the diffs of others show. Since when a record has it is left open where the log does not tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ledger_tool.core.history.log import GONE, LogEntry
from ledger_tool.core.history.whence import index_spans, spans
from ledger_tool.core.ledger.record import Key, Record
from ledger_tool.core.ledger.yanks import Yanks
from ledger_tool.core.site.facts import DigestPlace, PlaceKind

_Held = tuple[PlaceKind, Key, str]


def digest_places(
    records: Iterable[Record], yanks: Yanks, log: Sequence[LogEntry]
) -> Mapping[str, Sequence[DigestPlace]]:
    """Return every digest that records have, or had according to a log (the newest entry first), in order.

    The places of each are those that still have it, the last one first, and then those that had it.
    """
    since: dict[_Held, LogEntry] = {}
    places: dict[str, list[DigestPlace]] = {}
    oldest_first = log[::-1]
    for span in spans(oldest_first):
        if span.end:
            place = DigestPlace(
                "replaced", span.start.key, span.start.digest, span.start.source_ref, span.start.version,
                since=span.start, until=span.end,
            )  # fmt: skip
            places.setdefault(place.digest, []).append(place)
        else:
            since["image", span.key, span.start.digest] = span.start
    for span in index_spans(oldest_first):
        if span.end:
            place = DigestPlace(
                "index", span.start.key, span.start.index, span.start.source_ref, span.start.version,
                since=span.start, until=span.end,
            )  # fmt: skip
            places.setdefault(place.digest, []).append(place)
        else:
            since["index", span.key, span.start.index] = span.start
    only = _untouched(oldest_first)
    for record in records:
        why = yanks.reason(record)
        held: Sequence[tuple[PlaceKind, str | None]] = (
            ("image", record.digest),
            ("index", record.index),
            ("config", record.config),
        )
        for kind, digest in held:
            if digest:
                start = since.get((kind, record.key, digest)) or only.get(record.key)
                place = DigestPlace(
                    kind, record.key, digest, record.source_ref, record.version or "", why, start, record=record
                )
                places.setdefault(digest, []).append(place)
    return {digest: _in_order(places[digest]) for digest in sorted(places)}


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
    places.sort(key=lambda place: (place.key, place.kind))
    places.sort(key=lambda place: place.since.at if place.since else "", reverse=True)
    places.sort(key=lambda place: place.until is not None)
    return places
