"""What tags hold that do not go with their records: a prune at the registries keeps it, with its record."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_tool.commands.observe import Looks, Observed, TaggedPlace
from ledger_tool.commands.remedy import HeldDigest
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry.drift import Observation, Unknown
from ledger_tool.core.writes.prune import tags_of

_MOST_ASKED = 200  # tags that the ledger does not have, each a HEAD


def held_digests(looks: Looks, observed: Sequence[Observed], snapshot: Snapshot, now: Timestamp) -> set[HeldDigest]:
    """Return what tags serve that the ledger does not have, or has with another digest, where something has expired.

    So many tags are asked, and no more: of the rest, and of what cannot be listed, nothing is known.
    """
    places = {
        (registry, records[0].image): None
        for (registry, records), seen in observed
        if any(is_expired(record, now) and seen.has(record.pull_digest) is True for record in records)
    }
    if not places:
        return set()
    recorded = tags_of(snapshot.ledger.records(), snapshot.resolver)
    asked: list[TaggedPlace] = []
    for (registry, image), tags in looks.lists(places):
        own = () if isinstance(tags, Unknown) else set(tags) - recorded.of(registry.host, image).keys()
        asked += [(registry, image, tag) for tag in sorted(own)]
    asked.sort(key=lambda place: (place[0].name, *place[1:]))
    moved = {(records[0].image, str(seen.served)) for (_, records), seen in observed if _has_moved(records, seen)}
    return moved | {
        (image, digest)
        for (_, image, _), digest in looks.served(asked[:_MOST_ASKED]).items()
        if isinstance(digest, str)
    }


def _has_moved(records: Sequence[Record], seen: Observation) -> bool:
    return isinstance(seen.served, str) and all(record.pull_digest != seen.served for record in records)
