"""Deleting at registries what a prune removes: check first, indexes before their children, and put back what is needed.

Nothing is deleted that a remaining record uses, is served through, or is built on, nor a child of an index in use,
according to the registry. What is not in the ledger is ignored: other children of a deleted index are left to the
registry's own garbage collector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Progress, RegistryPort
from ledger_tool.commands.walk import RegistryDigest, WalkAnswer, walk_indexes
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.registry.drift import ABSENT, Absent, expected
from ledger_tool.core.registry.image import Manifest, ServedDocument, parse
from ledger_tool.core.writes.prune import RemainingUses, may_be_index
from ledger_tool.errors import BadManifest, Denied, LedgerError, Unreachable, UnreadableManifest

T = TypeVar("T")
_LONGEST = 86_400.0  # seconds; every request has its own bound
_LOOK = "check the registry with `ledger reconcile`, or prune without `--registry-delete`"


class DeletingRegistry(RegistryPort, Protocol):
    """A registry whose manifests can be deleted. What cannot be done raises Unreachable, Denied or BadManifest."""

    def document(self, image: str, digest: str) -> ServedDocument | Absent:
        """Return a manifest or index as it is served, its bytes checked against the digest."""

    def delete(self, image: str, digest: str) -> None:
        """Delete a manifest or index by digest; one that is already gone is not an error."""

    def put(self, image: str, reference: str, document: ServedDocument) -> None:
        """Store a manifest or index under a tag or its digest."""


class DeletingRegistries(Protocol):
    """All the registries of a policy."""

    def serving(self, policy: Policy, image: str) -> Sequence[DeletingRegistry]:
        """Return the registries that serve an image, in the policy's order."""


Place = RegistryDigest[DeletingRegistry]


@dataclass(frozen=True, slots=True)
class Deletion:
    """A manifest or index to delete, with its current content."""

    place: Place
    document: ServedDocument
    may_be_index: bool


@dataclass(frozen=True, slots=True)
class Retained:
    """A digest that stays at the registry although its record is removed, and why."""

    place: Place
    reason: str


@dataclass(frozen=True, slots=True)
class Clearance:
    """What to delete, what stays, and the images that could not be checked completely."""

    deletions: Sequence[Deletion]
    retained: Sequence[Retained]
    failed: Mapping[str, LedgerError]


class Registrar:
    """Checks and deletes for one prune; nothing is checked twice. `jobs` requests run at once."""

    def __init__(self, *, jobs: int, progress: Progress) -> None:
        self._jobs = jobs
        self._progress = progress
        self._manifests: dict[Place, WalkAnswer] = {}
        self._documents: dict[Place, ServedDocument | Absent | LedgerError] = {}
        self._looks: dict[Place, str | Absent | LedgerError] = {}

    def clearance(
        self, going: Sequence[Record], serving: Mapping[str, Sequence[DeletingRegistry]], uses: RemainingUses
    ) -> Clearance:
        """Return what to delete for the records to remove, at the registries that serve them."""
        indexes = {(record.image, digest) for record in going if (digest := may_be_index(record))}
        wanted = indexes | {(record.image, record.digest) for record in going}
        places = [Place(registry, image, digest) for image, digest in sorted(wanted) for registry in serving[image]]
        kept = [place for place in places if (place.image, place.digest) in indexes and place.digest in uses.why]
        reasons, failed = self._children([*_roots(places, uses), *kept])
        retained = []
        free = []
        for place in places:
            if reason := uses.why.get(place.digest) or reasons.get(place, ""):
                retained.append(Retained(place, reason))
            elif place.image not in failed:
                free.append(place)
        deletions = []
        empty = {place.repository: place for place in places}
        fetched = self._known(self._documents, lambda place: place.registry.document(place.image, place.digest), free)
        for place, document in fetched:
            if isinstance(document, LedgerError):
                failed.setdefault(place.image, document)
            elif isinstance(document, ServedDocument):
                deletions.append(Deletion(place, document, (place.image, place.digest) in indexes))
                empty.pop(place.repository, None)
        failed = self._emptied([place for place in empty.values() if place.image not in failed], uses) | failed
        return Clearance([one for one in deletions if one.place.image not in failed], retained, failed)

    def _emptied(self, places: Sequence[Place], uses: RemainingUses) -> dict[str, LedgerError]:
        """Return the images whose newest record a registry also lacks: it is the wrong one, or has lost its data."""
        newest = [replace(one, digest=uses.newest[one.image].digest) for one in places if one.image in uses.newest]
        failed: dict[str, LedgerError] = {}
        looked = self._known(self._looks, lambda place: place.registry.look(place.image, place.digest), newest)
        for place, seen in looked:
            if isinstance(seen, LedgerError):
                failed.setdefault(place.image, seen)
            elif isinstance(seen, Absent):
                name = uses.newest[place.image].name
                message = f"{place.registry.name} has nothing of {place.image}, not even {name}"
                failed[place.image] = Unreachable(message, _LOOK)
        return failed

    def delete(self, deletions: Sequence[Deletion]) -> tuple[list[Deletion], list[tuple[Place, LedgerError]]]:
        """Delete, possible indexes first; return what is gone, and what stays, with the error.

        What somebody else has deleted counts as gone, and is put back like the rest if needed. No image
        of an index that stays is deleted, nor anything more of an image once one of its registries stops answering.
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

        for is_index_round in (True, False):
            batch = [deletion for deletion in deletions if deletion.may_be_index is is_index_round]
            for deletion, error in in_parallel(delete, batch, jobs=self._jobs, longest=_LONGEST):
                place = deletion.place
                if error is None:
                    done.add(place)
                else:
                    not_deleted.append((place, error))
                    index = _parsed(deletion) if is_index_round else None
                    if isinstance(index, Manifest):
                        held |= {replace(place, digest=digest): error for digest in index.referenced}
                    elif is_index_round:  # its contents are unknown
                        silent.setdefault(place.image, error)
                self._progress(len(done) + len(not_deleted), len(deletions))
        return [deletion for deletion in deletions if deletion.place in done], not_deleted

    def restore(
        self, deleted: Sequence[Deletion], records: Sequence[Record], uses: RemainingUses
    ) -> tuple[list[Deletion], dict[str, LedgerError]]:
        """Put back what was deleted and turns out to be in use, children first, and the missing tags of `records`.

        Return what was put back, and the errors of the images for which that could not be decided or done.
        """
        self._manifests |= {deletion.place: _parsed(deletion) for deletion in deleted if deletion.may_be_index}
        again = [one.place for one in deleted if one.may_be_index and one.place.digest in uses.why]
        reasons, failed = self._children([*_roots([deletion.place for deletion in deleted], uses), *again])
        restored: list[Deletion] = []
        for deletion in sorted(deleted, key=lambda deletion: deletion.may_be_index):
            place = deletion.place
            if place.digest not in uses.why and place not in reasons:
                continue
            own = [record for record in records if record.image == place.image]
            tags = [record.tag for record in own if expected(record) == place.digest]
            try:
                place.registry.put(place.image, place.digest, deletion.document)
                for tag in tags:
                    if isinstance(place.registry.look(place.image, tag), Absent):
                        place.registry.put(place.image, tag, deletion.document)
                restored.append(deletion)
            except LedgerError as error:
                hint = "push it again, under the tags that the ledger has"
                failed[place.image] = error.within(f"{place} is needed again and could not be put back", hint)
        return restored, failed

    def _children(self, places: Iterable[Place]) -> tuple[dict[Place, str], dict[str, LedgerError]]:
        """Return why each digest that indexes refer to is in use, and the images for which that is unknown."""
        reasons: dict[Place, str] = {}
        failed: dict[str, LedgerError] = {}

        def look(level: Iterable[Place]) -> list[tuple[Place, WalkAnswer]]:
            return self._known(self._manifests, lambda place: place.registry.manifest(place.image, place.digest), level)

        for place, answer in walk_indexes(places, look):
            if isinstance(answer, LedgerError):
                failed.setdefault(place.image, answer)
            elif isinstance(answer, Manifest):
                reason = f"it is in the index {place.digest}, which is in use"
                for digest in answer.referenced:
                    reasons.setdefault(replace(place, digest=digest), reason)
        return reasons, failed

    def _known(
        self, known: dict[Place, T | LedgerError], ask: Callable[[Place], T], places: Iterable[Place]
    ) -> list[tuple[Place, T | LedgerError]]:
        """Return what is at each place; ask only if it is not known yet."""
        distinct = list(dict.fromkeys(places))
        unknown = [place for place in distinct if place not in known]
        known |= in_parallel(ask, unknown, jobs=self._jobs, longest=_LONGEST)
        return [(place, known[place]) for place in distinct]


def _roots(places: Iterable[Place], uses: RemainingUses) -> list[Place]:
    """Return the roots of the digests in use, in the repositories of these places."""
    repositories = {place.repository: place for place in places}.values()
    return [replace(place, digest=root) for place in repositories for root in uses.roots(place.image)]


def _parsed(deletion: Deletion) -> Manifest | Absent:
    """Return what was deleted; a manifest of an unknown kind has no children."""
    try:
        return parse(deletion.document.raw, deletion.document.media_type, deletion.place.digest)
    except (BadManifest, UnreadableManifest):
        return ABSENT
