"""Deleting at registries what a prune takes: look first, indexes before their children, and put back what is needed.

Nothing is deleted that a living record uses, is served through, or is built on, and no child of an index that is
in use; which those are, only the registry knows. What is not in the ledger is not looked at: other children of a
deleted index are left to the registry's own garbage collector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import RegistryPort
from ledger_tool.commands.walk import RegistryDigest, walk_indexes
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.registry.drift import ABSENT, Absent, expected
from ledger_tool.core.registry.image import Manifest, ServedDocument, parse
from ledger_tool.core.writes.prune import RemainingUses, may_be_index
from ledger_tool.errors import BadManifest, Denied, LedgerError, Unreachable

T = TypeVar("T")
Progress = Callable[[int, int], None]
# Every single request is bounded; together they take as long as they take.
_LONGEST = 86_400.0
_LOOK = "look at the registry with `ledger reconcile`, or prune without `--registry-delete`"


class DeletingRegistry(RegistryPort, Protocol):
    """A registry whose manifests can be deleted. What can't be done raises Unreachable, Denied or BadManifest."""

    def document(self, image: str, digest: str) -> ServedDocument | Absent:
        """Return a manifest or index as it is served, its bytes checked against the digest."""

    def delete(self, image: str, digest: str) -> None:
        """Delete a manifest or index by digest; one that is not there any more is no error."""

    def put(self, image: str, reference: str, document: ServedDocument) -> None:
        """Store a manifest or index under a tag or its digest."""


class DeletingRegistries(Protocol):
    """All the registries of a policy."""

    def serving(self, policy: Policy, image: str) -> Sequence[DeletingRegistry]:
        """Return the registries that serve an image, in the policy's order."""


Place = RegistryDigest[DeletingRegistry]


@dataclass(frozen=True, slots=True)
class Deletion:
    """A manifest or index to delete, as it is now; `first` is set for what may be an index."""

    place: Place
    document: ServedDocument
    first: bool


@dataclass(frozen=True, slots=True)
class Retained:
    """A digest of a record that goes, which stays at the registry, and why."""

    place: Place
    reason: str


@dataclass(frozen=True, slots=True)
class Clearance:
    """What is to be deleted, what stays, and the images of which not everything could be looked at."""

    deletions: Sequence[Deletion]
    retained: Sequence[Retained]
    failed: Mapping[str, LedgerError]


class Registrar:
    """Looks and deletes for one prune; what was looked at once is known. `jobs` requests run at once."""

    def __init__(self, *, jobs: int, progress: Progress) -> None:
        self._jobs = jobs
        self._progress = progress
        self._manifests: dict[Place, Manifest | Absent | LedgerError] = {}
        self._documents: dict[Place, ServedDocument | Absent | LedgerError] = {}
        self._looks: dict[Place, str | Absent | LedgerError] = {}

    def clearance(
        self, going: Sequence[Record], serving: Mapping[str, Sequence[DeletingRegistry]], uses: RemainingUses
    ) -> Clearance:
        """Return what to delete of records that go, at the registries that serve them."""
        firsts = {(record.image, digest) for record in going if (digest := may_be_index(record))}
        wanted = firsts | {(record.image, record.digest) for record in going}
        places = [Place(registry, image, digest) for image, digest in sorted(wanted) for registry in serving[image]]
        homes = {place.repository: place for place in places}.values()
        children, failed = self._children(
            [Place(home.registry, home.image, root) for home in homes for root in uses.roots(home.image)]
        )
        kept = [place for place in places if (place.image, place.digest) in firsts and place.digest in uses.why]
        of_kept, failed_of_kept = self._children(kept)
        children, failed = children | of_kept, failed | failed_of_kept
        retained = []
        free = []
        for place in places:
            if reason := uses.why.get(place.digest) or children.get(place, ""):
                retained.append(Retained(place, reason))
            elif place.image not in failed:
                free.append(place)
        deletions = []
        empty = {home.repository: home for home in homes}
        for place, document in self._known(self._documents, _document, free):
            if isinstance(document, LedgerError):
                failed.setdefault(place.image, document)
            elif isinstance(document, ServedDocument):
                deletions.append(Deletion(place, document, (place.image, place.digest) in firsts))
                empty.pop(place.repository, None)
        failed = self._emptied([home for home in empty.values() if home.image not in failed], uses) | failed
        return Clearance([one for one in deletions if one.place.image not in failed], retained, failed)

    def _emptied(self, homes: Sequence[Place], uses: RemainingUses) -> dict[str, LedgerError]:
        """Return the images of which a registry has nothing at all: it is the wrong one, or has lost its data.

        Where it had nothing of what is to go, the newest living record of the image has to be there.
        """
        wanted = [
            Place(home.registry, home.image, uses.newest[home.image].digest)
            for home in homes
            if home.image in uses.newest
        ]
        failed: dict[str, LedgerError] = {}
        for place, seen in self._known(self._looks, _digest, wanted):
            if isinstance(seen, LedgerError):
                failed.setdefault(place.image, seen)
            elif isinstance(seen, Absent):
                failed[place.image] = Unreachable(
                    f"{place.registry.name} has nothing of {place.image}, not even {uses.newest[place.image].name}",
                    _LOOK,
                )
        return failed

    def delete(self, deletions: Sequence[Deletion]) -> tuple[list[Deletion], list[tuple[Place, LedgerError]]]:
        """Delete, what may be an index first; return what is gone, and what stays, with the error.

        What somebody else deleted meanwhile is gone as well, and put back like the rest where it is needed. No image
        of an index that stays is deleted; nor anything more of an image once a registry of it does not answer.
        """
        done: list[Deletion] = []
        left: list[tuple[Place, LedgerError]] = []
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

        for first in (True, False):
            batch = [one for one in deletions if one.first is first]
            for deletion, error in in_parallel(delete, batch, jobs=self._jobs, longest=_LONGEST):
                place = deletion.place
                if error is None:
                    done.append(deletion)
                else:
                    left.append((place, error))
                    index = _parsed(deletion) if first else None
                    if isinstance(index, Manifest):
                        held |= {replace(place, digest=digest): error for digest in index.referenced}
                    elif first:  # nobody knows what is in it
                        silent.setdefault(place.image, error)
                self._progress(len(done) + len(left), len(deletions))
        order = {deletion.place: number for number, deletion in enumerate(deletions)}
        return sorted(done, key=lambda deletion: order[deletion.place]), left

    def restore(
        self, deleted: Sequence[Deletion], records: Sequence[Record], uses: RemainingUses
    ) -> tuple[list[Deletion], dict[str, LedgerError]]:
        """Put back what was deleted and turns out to be in use, children first; with the tags of `records`, if gone.

        Return what was put back, and the errors of the images where that can't be told or done.
        """
        again = [one for one in deleted if one.first and one.place.digest in uses.why]
        self._manifests |= {one.place: _parsed(one) for one in deleted if one.first}
        homes = {one.place.repository: one.place for one in deleted}.values()
        roots = [Place(home.registry, home.image, root) for home in homes for root in uses.roots(home.image)]
        children, failed = self._children([*roots, *(one.place for one in again)])
        back: list[Deletion] = []
        for deletion in sorted(deleted, key=lambda one: one.first):
            place = deletion.place
            if place.digest not in uses.why and place not in children:
                continue
            tags = [one.tag for one in records if one.image == place.image and expected(one) == place.digest]
            try:
                _put_back(deletion, tags)
                back.append(deletion)
            except LedgerError as error:
                failed[place.image] = error
        return back, failed

    def _children(self, places: Iterable[Place]) -> tuple[dict[Place, str], dict[str, LedgerError]]:
        """Return why what indexes refer to is in use, by its own key, and the images where that can't be told."""
        reasons: dict[Place, str] = {}
        failed: dict[str, LedgerError] = {}
        for place, answer in walk_indexes(places, partial(self._known, self._manifests, _manifest)):
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
        """Return what is at each place; ask only where that is not known yet."""
        wanted = list(dict.fromkeys(places))
        fresh = [place for place in wanted if place not in known]
        known |= in_parallel(ask, fresh, jobs=self._jobs, longest=_LONGEST)
        return [(place, known[place]) for place in wanted]


def _manifest(place: Place) -> Manifest | Absent:
    return place.registry.manifest(place.image, place.digest)


def _document(place: Place) -> ServedDocument | Absent:
    return place.registry.document(place.image, place.digest)


def _digest(place: Place) -> str | Absent:
    return place.registry.look(place.image, place.digest)


def _parsed(deletion: Deletion) -> Manifest | Absent:
    """Return what was deleted; what is no manifest that we know has no children either."""
    try:
        return parse(deletion.document.raw, deletion.document.media_type, deletion.place.digest)
    except BadManifest:
        return ABSENT


def _put_back(deletion: Deletion, tags: Sequence[str]) -> None:
    place = deletion.place
    try:
        place.registry.put(place.image, place.digest, deletion.document)
        for tag in tags:
            if isinstance(place.registry.look(place.image, tag), Absent):
                place.registry.put(place.image, tag, deletion.document)
    except LedgerError as error:
        hint = "push it again, under the tags that the ledger has"
        raise error.within(f"{place} is needed again and could not be put back", hint) from None
