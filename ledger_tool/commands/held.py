"""What tags hold that the ledger does not have: a prune at the registries keeps it, with its record."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_tool.commands.observe import Looks, Observed, TaggedPlace
from ledger_tool.commands.remedy import HeldDigest
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.registry.drift import Unknown
from ledger_tool.core.writes.prune import tags_of

_MOST_ASKED = 200  # tags that the ledger does not have, each a HEAD


def held_digests(looks: Looks, observed: Sequence[Observed], snapshot: Snapshot, now: Timestamp) -> set[HeldDigest]:
    """Return the digests that tags serve beside those of the ledger, where something recorded has expired.

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
        own = () if isinstance(tags, Unknown) else set(tags) - recorded.of(registry.host, image)
        asked += [(registry, image, tag) for tag in sorted(own)]
    asked.sort(key=lambda place: (place[0].name, *place[1:]))
    return {
        (image, digest)
        for (_, image, _), digest in looks.served(asked[:_MOST_ASKED]).items()
        if isinstance(digest, str)
    }
