"""What runs inside of manifests that may be deleted: an image of an index, or an image by the id of its config.

The ledger need not know either: a record may have no config, and an index images that have no record. The registry
does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ledger_tool.commands.deleting_registries import Lookups, Place
from ledger_tool.core.registry.drift import Absent
from ledger_tool.core.registry.image import Manifest, ServedDocument, parse, unread
from ledger_tool.core.running.inuse import InUse, unmatched
from ledger_tool.core.writes.prune import RemainingUses
from ledger_tool.errors import BadManifest, LedgerError, Unreachable, UnreadableManifest

_TELL = "give what `docker inspect` prints in place of `docker ps`, or prune without `--registry-delete`"


@dataclass
class RunningInside:
    """Why manifests stay, and the images of which something could not be read."""

    why: dict[Place, str] = field(default_factory=dict)
    failed: dict[str, LedgerError] = field(default_factory=dict)


def running_inside(lookups: Lookups, documents: Mapping[Place, ServedDocument], uses: RemainingUses) -> RunningInside:
    """Return why some of these manifests stay; the registry is asked for what is in an index, and in that.

    None is free as long as something runs of which only the beginning of an id is known, and nothing that was read has
    such an id: it may be an index with them, and no registry can be asked for it.
    """
    found, in_use, known = RunningInside(), uses.in_use, set(lookups.digests())
    if not (in_use.digests or in_use.ids):
        return found
    parents: dict[Place, list[Place]] = {}
    level: Mapping[Place, ServedDocument | Absent | LedgerError] = documents
    seen: set[Place] = set()
    while level:
        seen |= level.keys()
        inside: dict[Place, None] = {}
        for place, document in level.items():
            if isinstance(document, LedgerError):
                found.failed.setdefault(place.image, document)
            elif isinstance(document, ServedDocument):
                manifest = _read(place, document)
                known |= {place.digest, *_inside(manifest)}
                if reason := _reason(manifest, in_use):
                    found.why[place] = reason
                for digest in manifest.manifests if manifest else ():
                    child = replace(place, digest=digest)
                    parents.setdefault(child, []).append(place)
                    inside[child] = None
        level = lookups.documents(child for child in inside if child not in seen)
    for short, reason in unmatched(uses.unknown_ids, known).items():
        error = Unreachable(f"what has an id that begins with {short} {reason}, and nothing tells what that is", _TELL)
        found.failed = {place.image: error for place in documents} | found.failed
        break
    waiting = list(found.why)
    while waiting:
        place = waiting.pop()
        for parent in parents.get(place, ()):
            if parent not in found.why:
                found.why[parent] = f"in {place.digest}, which is in it, {found.why[place]}"
                waiting.append(parent)
    return found


def _inside(manifest: Manifest | None) -> Iterator[str]:
    if manifest is not None:
        yield from filter(None, (manifest.config, *manifest.referenced))


def _read(place: Place, document: ServedDocument) -> Manifest | None:
    try:
        return parse(document.raw, document.media_type, place.digest)
    except UnreadableManifest:
        return unread(document.raw, place.digest)
    except BadManifest:
        return None


def _reason(manifest: Manifest | None, in_use: InUse) -> str:
    if manifest is None:
        return "what is in it cannot be read, and may be what runs"
    if manifest.config and (reason := in_use.of_digest(manifest.config)):
        return f"{manifest.config}, which is its config, {reason}"
    named = ((one, in_use.of_digest(one)) for one in manifest.referenced)
    return next((f"{one}, which is in it, {reason}" for one, reason in named if reason), "")
