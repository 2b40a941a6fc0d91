"""What tags hold beside those of the records that go: a prune at the registries keeps it, with its record.

The rule is that of `clearance`, asked before a prune is printed. A digest is held by a tag that serves it, or an index
with it: a tag that the ledger does not have, or one that serves something else than what is recorded. Where that could
not be found out, it may be held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ledger_tool.commands.observe import DigestPlace, Looks, Observed, TaggedPlace, TagList
from ledger_tool.commands.ports import RegistryPort
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry.circumstances import Hold
from ledger_tool.core.registry.drift import Absent, Unknown
from ledger_tool.core.registry.image import Manifest
from ledger_tool.core.writes.prune import tags_of

_MOST_ASKED = 200  # tags that this run has not looked at, each a HEAD
_HeldDigest = tuple[str, str]  # an image, a digest


@dataclass(frozen=True, slots=True)
class Holds:
    """What holds a digest: `serving` are tags that serve it, `above` those that serve an index with it.

    `recorded` are the tags of the ledger among them, each with its image, and `unclear` the images of which not
    everything could be found out.
    """

    serving: Mapping[_HeldDigest, set[str]] = field(default_factory=dict)
    above: Mapping[_HeldDigest, set[str]] = field(default_factory=dict)
    recorded: frozenset[tuple[str, str]] = frozenset()
    unclear: frozenset[str] = frozenset()

    def of(self, records: Sequence[Record]) -> Hold:
        """Return whether anything keeps what is recorded of an image:tag from a prune of it."""
        image, tag = records[0].name
        digests = {(image, digest) for record in records for digest in (record.digest, record.pull_digest)}
        serving = set[str]().union(*(self.serving.get(one, ()) for one in digests)) - {tag}
        above = set[str]().union(*(self.above.get(one, ()) for one in digests))
        if image in self.unclear or above or any((image, other) in self.recorded for other in serving):
            return "other"
        return "untracked" if serving else ""


NOTHING_HELD = Holds()


def held_digests(looks: Looks, observed: Sequence[Observed], snapshot: Snapshot, now: Timestamp) -> Holds:
    """Return what holds digests at the registries where something recorded has expired and is there."""
    places = {
        (registry, records[0].image): None
        for (registry, records), seen in observed
        if any(is_expired(record, now) and seen.has(record.pull_digest) is True for record in records)
    }
    if not places:
        return Holds()
    tags = tags_of(snapshot.ledger.records(), snapshot.resolver)
    known = {(registry, *records[0].name): seen.served for (registry, records), seen in observed}
    own: dict[TagList, dict[str, set[str]]] = {(port, image): tags.of(port.host, image) for port, image in places}
    asked: list[TaggedPlace] = []
    unclear: set[str] = set()
    for (port, image), listed in looks.lists(places):
        if isinstance(listed, Unknown):
            unclear.add(image)
        else:
            asked += [(port, image, tag) for tag in sorted({*own[port, image], *listed})]
    asked.sort(key=lambda place: (place[0].name, *place[1:]))
    unknown = [place for place in asked if place not in known]
    served = {**{place: known[place] for place in asked if place in known}, **looks.served(unknown[:_MOST_ASKED])}
    unclear |= {image for _, image, _ in unknown[_MOST_ASKED:]}
    serving: dict[_HeldDigest, set[str]] = {}
    above: dict[_HeldDigest, set[str]] = {}
    read: dict[DigestPlace, Sequence[str] | None] = {}
    for (port, image, tag), digest in served.items():
        if isinstance(digest, Absent) or digest in own[port, image].get(tag, ()):
            continue  # a record that stays keeps its digest, and what is below it, and lets the other's record go
        if isinstance(digest, Unknown):
            unclear.add(image)
            continue
        serving.setdefault((image, digest), set()).add(tag)
        if (port, image, digest) not in read:
            read[port, image, digest] = _below(looks, port, image, digest)
        below = read[port, image, digest]
        unclear |= {image} if below is None else set()
        for child in below or ():
            above.setdefault((image, child), set()).add(tag)
    recorded = frozenset((image, tag) for (_, image), names in own.items() for tag in names)
    return Holds(serving, above, recorded, frozenset(unclear))


def _below(looks: Looks, port: RegistryPort, image: str, digest: str) -> Sequence[str] | None:
    """Return what a served digest refers to, None if that is not known; there may be more below an index in it."""
    contents = looks.contents(port, image, digest)
    if not isinstance(contents, Manifest):
        return None
    inner = [_below(looks, port, image, nested) for nested in contents.nested if nested != digest]
    return None if None in inner else [*contents.manifests, *(one for own in inner for one in own or ())]
