"""Deleting at registries what a prune takes: look first, indexes before their children, and put back what is needed.

Nothing is deleted that a living record uses, is served through, or is built on, and no child of an index that is
in use; which those are, only the registry knows. What is not in the ledger is not looked at: other children of a
deleted index are left to the registry's own garbage collector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ledger_tool.commands.observe import in_parallel
from ledger_tool.commands.ports import RegistryPort
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.registry.drift import ABSENT, Absent, Unknown, expected
from ledger_tool.core.registry.image import Document, Manifest, parse
from ledger_tool.core.writes.prune import Uses, may_be_index
from ledger_tool.errors import BadManifest, Denied, LedgerError, Unreachable

T = TypeVar("T")
Progress = Callable[[int, int], None]
# Every single request is bounded; together they take as long as they take.
_LONGEST = 86_400.0
_DEEPEST = 8  # an index in an index in an index …: no tool makes three of them
_LOOK = "look at the registry with `ledger reconcile`, or prune without `--registry-delete`"


class DeletingRegistry(RegistryPort, Protocol):
    """A registry whose manifests can be deleted. What can't be done raises Unreachable, Denied or BadManifest."""

    def document(self, image: str, digest: str) -> Document | Absent:
        """Return a manifest or index as it is served, its bytes checked against the digest."""

    def delete(self, image: str, digest: str) -> None:
        """Delete a manifest or index by digest; one that is not there any more is no error."""

    def put(self, image: str, reference: str, document: Document) -> None:
        """Store a manifest or index under a tag or its digest."""


class DeletingRegistries(Protocol):
    """All the registries of a policy."""

    def serving(self, policy: Policy, image: str) -> Sequence[DeletingRegistry]:
        """Return the registries that serve an image, in the policy's order."""


@dataclass(frozen=True, slots=True)
class Place:
    """A digest of an image at one registry."""

    registry: DeletingRegistry
    image: str
    digest: str

    @property
    def key(self) -> tuple[int, str, str]:
        """What it is known by; a registry is itself, whatever its name is."""
        return (*self.home, self.digest)

    @property
    def home(self) -> tuple[int, str]:
        """What its repository is known by."""
        return (id(self.registry), self.image)


@dataclass(frozen=True, slots=True)
class Deletion:
    """A manifest or index to delete, as it is now; `first` is set for what may be an index."""

    place: Place
    document: Document
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
        self._manifests: dict[tuple[int, str, str], Manifest | Absent | LedgerError] = {}
        self._documents: dict[tuple[int, str, str], Document | Absent | LedgerError] = {}
        self._looks: dict[tuple[int, str, str], str | Absent | LedgerError] = {}

    def clearance(
        self, going: Sequence[Record], serving: Mapping[str, Sequence[DeletingRegistry]], uses: Uses
    ) -> Clearance:
        """Return what to delete of records that go, at the registries that serve them."""
        firsts = {(record.image, digest) for record in going if (digest := may_be_index(record))}
        wanted = firsts | {(record.image, record.digest) for record in going}
        places = [Place(registry, image, digest) for image, digest in sorted(wanted) for registry in serving[image]]
        homes = {place.home: place for place in places}.values()
        children, failed = self._children(
            [Place(home.registry, home.image, root) for home in homes for root in uses.roots(home.image)]
        )
        kept = [place for place in places if (place.image, place.digest) in firsts and place.digest in uses.why]
        of_kept, failed_of_kept = self._children(kept)
        children, failed = children | of_kept, failed | failed_of_kept
        retained = []
        free = []
        for place in places:
            if reason := uses.why.get(place.digest) or children.get(place.key, ""):
                retained.append(Retained(place, reason))
            elif place.image not in failed:
                free.append(place)
        deletions = []
        empty = {home.home: home for home in homes}
        for place, document in self._known(self._documents, free, lambda place: place.registry.document):
            if isinstance(document, LedgerError):
                failed.setdefault(place.image, document)
            elif isinstance(document, Document):
                deletions.append(Deletion(place, document, (place.image, place.digest) in firsts))
                empty.pop(place.home, None)
        failed = self._emptied([home for home in empty.values() if home.image not in failed], uses) | failed
        return Clearance([one for one in deletions if one.place.image not in failed], retained, failed)

    def _emptied(self, homes: Sequence[Place], uses: Uses) -> dict[str, LedgerError]:
        """Return the images of which a registry has nothing at all: it is the wrong one, or has lost its data.

        Where it had nothing of what is to go, the newest living record of the image has to be there.
        """
        wanted = [
            Place(home.registry, home.image, uses.newest[home.image].digest)
            for home in homes
            if home.image in uses.newest
        ]
        failed: dict[str, LedgerError] = {}
        for place, seen in self._known(self._looks, wanted, lambda place: place.registry.look):
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
        held: dict[tuple[int, str, str], LedgerError] = {}

        def delete(deletion: Deletion) -> LedgerError | None:
            place = deletion.place
            if error := held.get(place.key) or silent.get(place.image):
                return error
            error = _tried(lambda: place.registry.delete(place.image, place.digest))
            if error and not isinstance(error, Denied):
                silent.setdefault(place.image, error)
            return error

        for first in (True, False):
            batch = [one for one in deletions if one.first is first]
            for deletion, answer in in_parallel(delete, batch, jobs=self._jobs, longest=_LONGEST):
                place = deletion.place
                if answer is None:
                    done.append(deletion)
                else:
                    error = _error(answer, place)
                    left.append((place, error))
                    index = _parsed(deletion) if first else None
                    if isinstance(index, Manifest):
                        held |= {Place(place.registry, place.image, one).key: error for one in index.referenced}
                    elif first:  # nobody knows what is in it
                        silent.setdefault(place.image, error)
                self._progress(len(done) + len(left), len(deletions))
        order = {one.place.key: at for at, one in enumerate(deletions)}
        return sorted(done, key=lambda one: order[one.place.key]), left

    def restore(
        self, deleted: Sequence[Deletion], records: Sequence[Record], uses: Uses
    ) -> tuple[list[Deletion], dict[str, LedgerError]]:
        """Put back what was deleted and turns out to be in use, children first; with the tags of `records`, if gone.

        Return what was put back, and the errors of the images where that can't be told or done.
        """
        again = [one for one in deleted if one.first and one.place.digest in uses.why]
        self._manifests |= {one.place.key: _parsed(one) for one in deleted if one.first}
        homes = {one.place.home: one.place for one in deleted}.values()
        roots = [Place(home.registry, home.image, root) for home in homes for root in uses.roots(home.image)]
        children, failed = self._children([*roots, *(one.place for one in again)])
        back: list[Deletion] = []
        for deletion in sorted(deleted, key=lambda one: one.first):
            place = deletion.place
            if place.digest not in uses.why and place.key not in children:
                continue
            tags = [one.tag for one in records if one.image == place.image and expected(one) == place.digest]
            error = _tried(lambda deletion=deletion, tags=tags: _put_back(deletion, tags))  # type: ignore[misc]
            if isinstance(error, LedgerError):
                failed[place.image] = error
            else:
                back.append(deletion)
        return back, failed

    def _children(self, places: Iterable[Place]) -> tuple[dict[tuple[int, str, str], str], dict[str, LedgerError]]:
        """Return why what indexes refer to is in use, by its own key, and the images where that can't be told."""
        found: dict[tuple[int, str, str], str] = {}
        failed: dict[str, LedgerError] = {}
        waiting = list(places)
        for _ in range(_DEEPEST):
            nested = []
            for place, manifest in self._known(self._manifests, waiting, lambda place: place.registry.manifest):
                if isinstance(manifest, LedgerError):
                    failed.setdefault(place.image, manifest)
                elif isinstance(manifest, Manifest):
                    for digest in manifest.referenced:
                        child = Place(place.registry, place.image, digest)
                        found.setdefault(child.key, f"it is in the index {place.digest}, which is in use")
                        nested += [child] if digest in manifest.nested else []
            waiting = nested
        for place in waiting:
            failed.setdefault(place.image, Unreachable(f"{place.registry.name} serves indexes without an end", _LOOK))
        return found, failed

    def _known(
        self,
        known: dict[tuple[int, str, str], T | LedgerError],
        places: Iterable[Place],
        ask: Callable[[Place], Callable[[str, str], T]],
    ) -> list[tuple[Place, T | LedgerError]]:
        """Return what is at each place; ask only where that is not known yet."""
        wanted = {place.key: place for place in places}
        fresh = [place for key, place in wanted.items() if key not in known]
        looked = in_parallel(
            lambda place: _tried(lambda: ask(place)(place.image, place.digest)), fresh,
            jobs=self._jobs, longest=_LONGEST,
        )  # fmt: skip
        for place, answer in looked:
            known[place.key] = _error(answer, place) if isinstance(answer, Unknown | LedgerError) else answer
        return [(place, known[key]) for key, place in wanted.items()]


def _tried(work: Callable[[], T]) -> T | LedgerError:
    try:
        return work()
    except LedgerError as error:
        return error


def _error(answer: Unknown | LedgerError, place: Place) -> LedgerError:
    if isinstance(answer, Unknown):
        return Unreachable(f"{place.registry.name}: {answer.reason}", "run it again later")
    return answer


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
        error.message = f"{place.image}@{place.digest} is needed again and could not be put back: {error.message}"
        error.hint = "push it again, under the tags that the ledger has"
        raise
