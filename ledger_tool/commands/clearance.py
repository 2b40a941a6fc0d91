"""What a prune may delete at the registries: what neither the ledger nor any other tag needs.

A digest stays if a remaining record uses it, is served through it or is built on it, or if an index in use refers to
it. Which recorded digest is an index only the registry knows, so it is asked for each of them. A digest is also held
by tags that serve it, or an index with it, and are not removed with it: those that the ledger does not have, and those
that serve something else than what is recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ledger_tool.commands.deleting_registries import DeletingRegistry, Lookups, Place, Repository
from ledger_tool.commands.running_inside import running_inside
from ledger_tool.commands.served_tags import RecordedTags, served_tags
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry.drift import Absent
from ledger_tool.core.registry.driftreport import looks_half_empty
from ledger_tool.core.registry.image import ServedDocument, parse, unread
from ledger_tool.core.writes.prune import RemainingUses, tags_of
from ledger_tool.errors import BadManifest, LedgerError, Unreachable, UnreadableManifest

_LOOK = "check the registry with `ledger reconcile`, or prune without `--registry-delete`"


@dataclass(frozen=True, slots=True)
class Deletion:
    """A manifest or index to delete, with its bytes and the tags that go with it.

    `contents` are the digests to which an index refers, or None if it cannot be read; `may_be_index` is what the
    ledger says.
    """

    place: Place
    document: ServedDocument
    contents: Sequence[str] | None = ()
    may_be_index: bool = False
    tags: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Retained:
    """A digest that stays at the registry although its record is removed, and why."""

    place: Place
    reason: str


@dataclass(frozen=True, slots=True)
class StayingTag:
    """A tag of a removed record that stays served, with what it serves, and why.

    `is_removable` says that it serves what was recorded, so a registry that can delete a tag alone may do it.
    `others` are the other tags that serve the same.
    """

    place: Place
    tag: str
    reason: str
    is_removable: bool
    others: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Clearance:
    """What to delete, what stays, what tags outside of the ledger hold, and the images that could not be checked.

    `held` are reasons, by image and digest.
    """

    deletions: Sequence[Deletion]
    retained: Sequence[Retained]
    held: Mapping[tuple[str, str], str]
    staying: Sequence[StayingTag]
    failed: Mapping[str, LedgerError]


@dataclass(frozen=True, slots=True)
class _Tags:
    """The tags of one repository: what each serves, and those of records that go and of records that stay."""

    serves: Mapping[str, str]
    going: RecordedTags
    kept: RecordedTags

    def is_leaving(self, tag: str) -> bool:
        """Return whether a tag goes with its records: somebody who has pushed it again may need what it serves now."""
        return self.serves.get(tag) in self.going.get(tag, ())


class Clearing:
    """Finds out what may be deleted of the records that go, at the registries that serve them."""

    def __init__(
        self,
        lookups: Lookups,
        going: Sequence[Record],
        serving: Mapping[str, Sequence[DeletingRegistry]],
        uses: RemainingUses,
        *,
        with_untracked: bool,
    ) -> None:
        self._lookups = lookups
        self._uses = uses
        self._with_untracked = with_untracked
        self._going = going
        self._indexes = {(record.image, record.pull_digest) for record in going if record.is_pulled_by_index}
        wanted = self._indexes | {(record.image, record.digest) for record in going}
        self._places = [Place(port, image, digest) for image, digest in sorted(wanted) for port in serving[image]]
        self._repositories = list(dict.fromkeys(place.repository for place in self._places))
        self._candidates = {place for place in self._places if place.digest not in uses.why}
        self._failed: dict[str, LedgerError] = {}

    def clearance(self) -> Clearance:
        """Return what to delete, and what stays."""
        tags = self._tags()
        reasons = self._children_in_use()
        held = self._held(tags)
        retained, free = [], []
        held_here: dict[tuple[str, str], str] = {}
        for place in self._places:
            name = (place.image, place.digest)
            if reason := self._uses.why.get(place.digest) or reasons.get(place.digest, ""):
                retained.append(Retained(place, reason))
            elif name in held:
                held_here[name] = held[name]
            elif place.image not in self._failed:
                free.append(place)
        possible = self._deletions(free, tags)
        inside = running_inside(self._lookups, {one.place: one.document for one in possible}, self._uses)
        self._failed = inside.failed | self._failed
        held_here |= {(place.image, place.digest): reason for place, reason in inside.why.items()}
        deletions = [one for one in possible if one.place not in inside.why and one.place.image not in self._failed]
        deleted = {deletion.place for deletion in deletions}
        why_kept = {one.place: one.reason for one in retained}
        named = {(str(record.image), str(record.tag)) for record in self._going}
        staying = [
            tag
            for repository in self._repositories
            for tag in _staying(repository, tags[repository], deleted, why_kept)
            if (tag.place.image, tag.tag) in named
        ]
        return Clearance(deletions, retained, held_here, staying, self._failed)

    def _tags(self) -> dict[Repository, _Tags]:
        """Return what the tags serve: all of them, because a tag that is deleted alone may take the others along."""
        remaining, removed = self._uses.tags, tags_of(self._going, self._uses.tags.resolver)
        kept = {(port, image): remaining.of(port.host, image) for port, image in self._repositories}
        going = {
            (port, image): {tag: own for tag, own in removed.of(port.host, image).items() if tag not in staying}
            for (port, image), staying in kept.items()
        }
        recorded = {one: {**going[one], **kept[one]} for one in self._repositories}
        served = served_tags(self._lookups, recorded)
        self._failed = served.failed | self._failed
        return {one: _Tags(served.by_repository[one], going[one], kept[one]) for one in self._repositories}

    def _children_in_use(self) -> dict[str, str]:
        """Return why each digest is in use to which an index in use refers: content is the same at every registry."""
        used = [place for place in self._places if place.digest in self._uses.why]
        indexes, others = used, list[Place]()
        for port, image in dict.fromkeys(place.repository for place in self._candidates):
            for digest, is_index in self._uses.roots.digests(image).items():
                (indexes if is_index else others).append(Place(port, image, digest))
        parents, failed = self._lookups.children(indexes, others)
        self._failed = failed | self._failed
        for port, image in dict.fromkeys(place.repository for place in self._candidates):
            recorded = [Place(port, image, digest) for digest in self._uses.recorded.get(image, ())]
            gone = [place for place in recorded if self._lookups.is_gone(place)]
            if looks_half_empty(len(gone), len(recorded)):
                message = (
                    f"{port.name} looks half empty: {len(gone)} of {len(recorded)} digests of {image} are gone there"
                )
                self._failed.setdefault(image, Unreachable(message, _LOOK))
        self._check_read(
            Place(port, image, digest)
            for port, image in dict.fromkeys(place.repository for place in self._candidates)
            for digest in self._uses.roots.indexes(image).intersection(self._uses.recorded.get(image, ()))
        )
        return {place.digest: f"it is in the index {index.digest}, which is in use" for place, index in parents.items()}

    def _check_read(self, indexes: Iterable[Place]) -> None:
        """Delete nothing of an image if what may be an index in use is at none of its registries: who knows its images?

        The same goes for an index in another one that was read.
        """
        ports: dict[str, set[DeletingRegistry]] = {}
        for place in self._candidates:
            ports.setdefault(place.image, set()).add(place.registry)
        for place in sorted({*indexes, *self._lookups.nested()}, key=str):
            places = [replace(place, registry=port) for port in ports.get(place.image, ())]
            if places and self._lookups.is_gone(place) and not any(map(self._lookups.is_read, places)):
                message = f"{place} is in use and gone, so what it refers to is not known"
                self._failed.setdefault(place.image, Unreachable(message, _LOOK))

    def _held(self, tags: Mapping[Repository, _Tags]) -> dict[tuple[str, str], str]:
        """Return what tags hold that do not go with their records: the digest that each serves, and its children."""
        held: dict[tuple[str, str], str] = {}
        holders: dict[Place, str] = {}
        for (port, image), own in tags.items():
            for tag, digest in own.serves.items():
                place = Place(port, image, digest)
                is_candidate = place in self._candidates
                is_ours = tag in own.kept or tag in own.going
                runs = self._uses.in_use.names.get((image, tag), "")
                goes = own.is_leaving(tag) or (self._with_untracked and not is_ours and not runs)
                if is_candidate and goes:
                    continue
                what = runs or ("is recorded with another digest" if is_ours else "is not in the ledger")
                holders.setdefault(place, f"the tag `{tag}`, which {what}")
                if is_candidate:
                    held.setdefault((image, digest), f"{holders[place]}, serves it")
        running = self._running(tags)
        asked = [place for place in {**holders, **running} if place.image not in self._failed]
        parents, failed = self._lookups.children([], asked)
        self._failed = failed | self._failed
        self._check_read(holders)
        for place, index in parents.items():
            holder = holders.get(index, "an index that is served")
            why = f"it is in {index.digest}, which {running[index]}" if index in running else ""
            held.setdefault((place.image, place.digest), why or f"{holder}, serves an index with it")
        return held

    def _running(self, repositories: Iterable[Repository]) -> dict[Place, str]:
        """Return what runs, in each repository: there it may be an index with what would be deleted.

        Whatever its name is, and whatever records it has in other repositories.
        """
        used = self._uses.in_use
        running = {
            Place(port, image, digest): reason
            for port, image in repositories
            for digest, reason in used.digests.items()
        }
        by_id = [place for place in running if place.digest not in used.pulled]
        configs = self._lookups.without_index(by_id)
        return {place: reason for place, reason in running.items() if place not in configs}

    def _deletions(self, free: Sequence[Place], tags: Mapping[Repository, _Tags]) -> list[Deletion]:
        deletions = []
        empty = {place.repository: place for place in self._places}
        for place, document in self._lookups.documents(free).items():
            if isinstance(document, LedgerError):
                self._failed.setdefault(place.image, document)
            elif isinstance(document, ServedDocument):
                own = [tag for tag, digest in tags[place.repository].serves.items() if digest == place.digest]
                may_be_index = (place.image, place.digest) in self._indexes
                deletions.append(Deletion(place, document, _contents(place, document), may_be_index, sorted(own)))
                empty.pop(place.repository, None)
        self._check_emptied([place for place in empty.values() if place.image not in self._failed])
        return [deletion for deletion in deletions if deletion.place.image not in self._failed]

    def _check_emptied(self, places: Sequence[Place]) -> None:
        """Fail images whose newest record a registry also lacks: it is the wrong one, or has lost its data."""
        newest = self._uses.newest
        asked = [replace(place, digest=newest[place.image].digest) for place in places if place.image in newest]
        for place, seen in self._lookups.looks(asked).items():
            if isinstance(seen, LedgerError):
                self._failed.setdefault(place.image, seen)
            elif isinstance(seen, Absent):
                message = f"{place.registry.name} has nothing of {place.image}, not even {newest[place.image].name}"
                self._failed[place.image] = Unreachable(message, _LOOK)


def _contents(place: Place, document: ServedDocument) -> Sequence[str] | None:
    try:
        return parse(document.raw, document.media_type, place.digest).referenced
    except UnreadableManifest:
        return unread(document.raw, place.digest).referenced
    except BadManifest:
        return None


def _staying(
    repository: Repository, tags: _Tags, deleted: Collection[Place], why_kept: Mapping[Place, str]
) -> Iterator[StayingTag]:
    """Yield the tags of removed records that still serve something after the deletions."""
    for tag in sorted(tags.going):
        digest = tags.serves.get(tag)
        if digest is None or (place := Place(*repository, digest)) in deleted:
            continue
        others = sorted(other for other, same in tags.serves.items() if same == digest and not tags.is_leaving(other))
        reason = why_kept.get(place, "") if tags.is_leaving(tag) else ""
        why = f"its digest stays: {reason}" if reason else "it serves something else than what was recorded"
        yield StayingTag(place, tag, why, bool(reason), others)
