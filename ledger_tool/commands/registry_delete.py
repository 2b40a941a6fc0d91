"""Deleting at registries what a prune removes: indexes before what they refer to, and put back what is needed.

`commands.clearance` finds out what may be deleted. What is not in the ledger is ignored: other children of a deleted
index are left to the registry's own garbage collector.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ledger_tool.commands.clearance import Clearance, Clearing, Deletion, StayingTag
from ledger_tool.commands.deleting_registries import LONGEST, DeletingRegistry, Lookups, Place
from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Progress
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry.drift import ABSENT, Absent
from ledger_tool.core.registry.image import ServedDocument
from ledger_tool.core.writes.prune import RemainingUses, homes
from ledger_tool.errors import Denied, LedgerError

_PUSH_AGAIN = "push it again, under the tags that the ledger has"


@dataclass(frozen=True, slots=True)
class Untagging:
    """What became of the tags whose digests stay: those deleted alone, those that stay, and why others failed.

    `declined` says, by registry, why it deletes no tags alone. `failed` are errors by image and tag.
    """

    removed: Sequence[Deletion]
    staying: Sequence[StayingTag]
    declined: Mapping[str, str]
    failed: Mapping[tuple[str, str], LedgerError]


class Registrar:
    """Checks and deletes for one prune; nothing is checked twice. `jobs` requests run at once."""

    def __init__(self, *, jobs: int, progress: Progress, with_untracked: bool = False) -> None:
        self._jobs = jobs
        self._progress = progress
        self._with_untracked = with_untracked
        self._lookups = Lookups(jobs)
        self._ports: dict[DeletingRegistry, None] = {}

    def clearance(
        self, going: Sequence[Record], serving: Mapping[str, Sequence[DeletingRegistry]], uses: RemainingUses
    ) -> Clearance:
        """Return what to delete for the records to remove, at the registries that serve them."""
        self._ports |= {port: None for ports in serving.values() for port in ports}
        return Clearing(self._lookups, going, serving, uses, with_untracked=self._with_untracked).clearance()

    def clocks(self) -> dict[str, float]:
        """Return, by registry, by how many seconds this machine's clock is ahead of those that said their time."""
        clocks = {port.name: port.clock_ahead for port in self._ports}
        return {name: ahead for name, ahead in clocks.items() if ahead is not None}

    def delete(self, deletions: Sequence[Deletion]) -> tuple[list[Deletion], list[tuple[Place, LedgerError]]]:
        """Delete, indexes first; return what is gone, and what stays, with the error.

        What somebody else has deleted counts as gone, and is put back like the rest if needed. Nothing that an index
        refers to is deleted if the index stays, nor anything more of an image once one of its registries stops
        answering.
        """
        done: set[Place] = set()
        not_deleted: list[tuple[Place, LedgerError]] = []
        silent: dict[str, LedgerError] = {}
        held: dict[Place, LedgerError] = {}

        def delete(deletion: Deletion) -> LedgerError | None:
            place = deletion.place
            if error := held.get(place) or silent.get(place.image):
                return error
            try:
                place.registry.delete(place.image, place.digest)
            except LedgerError as error:
                if not isinstance(error, Denied):
                    silent.setdefault(place.image, error)
                return error
            return None

        for batch in _outermost_first(deletions):
            for deletion, error in in_parallel(delete, batch, jobs=self._jobs, longest=LONGEST):
                if error is None:
                    done.add(deletion.place)
                else:
                    not_deleted.append((deletion.place, error))
                    held |= {replace(deletion.place, digest=digest): error for digest in deletion.contents or ()}
                    if deletion.contents is None and deletion.may_be_index:
                        silent.setdefault(deletion.place.image, error)
                self._progress(len(done) + len(not_deleted), len(deletions))
        return [deletion for deletion in deletions if deletion.place in done], not_deleted

    def untag(self, staying: Sequence[StayingTag]) -> Untagging:
        """Delete tags alone, at the registries that can; their digests are in use and stay.

        One at a time: a registry that deletes the image along with the tag gets it back, and no second chance.
        """
        removed: list[Deletion] = []
        left: list[StayingTag] = []
        declined: dict[str, str] = {}
        failed: dict[tuple[str, str], LedgerError] = {}
        documents = self._lookups.documents([tag.place for tag in staying if tag.is_removable])
        for tag in staying:
            place, document = tag.place, documents.get(tag.place, ABSENT)
            is_possible = tag.is_removable and place.registry.name not in declined
            if not is_possible or not isinstance(document, ServedDocument):
                left.append(tag)
                continue
            try:
                if place.registry.look(place.image, tag.tag) != place.digest:  # somebody has just moved it
                    left.append(tag)
                    continue
                place.registry.untag(place.image, tag.tag)
            except Denied as error:
                declined[place.registry.name] = error.message
                left.append(tag)
                continue
            except LedgerError as error:
                failed[place.image, tag.tag] = error
                continue
            removed.append(Deletion(place, document, tags=[tag.tag]))
            try:
                if isinstance(place.registry.look(place.image, place.digest), Absent):
                    declined[place.registry.name] = f"{place.registry.name} deletes images along with their tags"
                    place.registry.put(place.image, place.digest, document)
                    _put_tags(place, document, tag.others)
            except LedgerError as error:
                failed[place.image, tag.tag] = _not_put_back(place, error)
        return Untagging(removed, left, declined, failed)

    def restore(
        self, deleted: Sequence[Deletion], untagged: Sequence[Deletion], records: Sequence[Record], uses: RemainingUses
    ) -> tuple[list[Deletion], dict[str, LedgerError]]:
        """Put back what was deleted and turns out to be in use, children first, and the missing tags of `records`.

        Return what was put back, and the errors of the images for which that could not be decided or done.
        """
        again = [deletion.place for deletion in deleted if deletion.place.digest in uses.why]
        roots = self._roots([deletion.place for deletion in deleted], uses)
        parents, failed = self._lookups.children([*again, *roots[True]], roots[False])
        needed = {place.digest for place in (*parents, *again)}
        batches = list(_outermost_first(deleted))
        for deletion in (deletion for batch in batches for deletion in batch):
            if deletion.place.digest in needed:
                needed.update(deletion.contents or ())
        restored: list[Deletion] = []
        back = [deletion for batch in reversed(batches) for deletion in batch if deletion.place.digest in needed]
        for deletion in [*back, *untagged]:
            place = deletion.place
            tags = [
                record.tag for record in records if record.pull_digest == place.digest and _is_in(place, record, uses)
            ]
            try:
                if deletion in back:
                    place.registry.put(place.image, place.digest, deletion.document)
                    restored.append(deletion)
                _put_tags(place, deletion.document, tags)
            except LedgerError as error:
                failed[place.image] = _not_put_back(place, error)
        return restored, failed

    def _roots(self, places: Iterable[Place], uses: RemainingUses) -> dict[bool, list[Place]]:
        """Return the digests in use in the repositories of these places: those called an index, and the others."""
        roots: dict[bool, list[Place]] = {True: [], False: []}
        for registry, image in dict.fromkeys(place.repository for place in places):
            for digest, is_index in uses.roots.digests(image).items():
                roots[is_index].append(Place(registry, image, digest))
        return roots


def _is_in(place: Place, record: Record, uses: RemainingUses) -> bool:
    """Return whether a record is in the repository of a place, whatever the ledger calls it."""
    resolver, host = uses.tags.resolver, place.registry.host
    is_there = not homes(resolver, host, record.image).isdisjoint(homes(resolver, host, place.image))
    return record.image == place.image or is_there


def _not_put_back(place: Place, error: LedgerError) -> LedgerError:
    return error.within(f"{place} is needed again and could not be put back", _PUSH_AGAIN)


def _put_tags(place: Place, document: ServedDocument, tags: Iterable[str]) -> None:
    """Put back the tags that are missing."""
    for tag in dict.fromkeys(tags):
        if isinstance(place.registry.look(place.image, tag), Absent):
            place.registry.put(place.image, tag, document)


def _outermost_first(deletions: Sequence[Deletion]) -> Iterator[list[Deletion]]:
    """Yield the deletions in batches: what an index refers to comes in a later batch than the index.

    What may be an index and cannot be read comes first.
    """
    yield [deletion for deletion in deletions if deletion.contents is None and deletion.may_be_index]
    waiting = [deletion for deletion in deletions if deletion.contents is not None or not deletion.may_be_index]
    while waiting:
        inside = {replace(one.place, digest=digest) for one in waiting for digest in one.contents or ()}
        outside = [deletion for deletion in waiting if deletion.place not in inside]
        yield outside or waiting
        waiting = [deletion for deletion in waiting if outside and deletion.place in inside]
