"""The registries of a prune: what they have to be able to do, and everything that they are asked, once each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol, TypeVar

from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import RegistryPort
from ledger_tool.commands.walk import RegistryDigest, WalkAnswer, contents, is_no_index, walk_uses
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.registry.drift import Absent
from ledger_tool.core.registry.image import Manifest, ServedDocument
from ledger_tool.errors import Denied, LedgerError, TryAgain, Unreachable

T = TypeVar("T")
K = TypeVar("K")
LONGEST = 86_400.0  # seconds; every request has its own bound


class DeletingRegistry(RegistryPort, Protocol):
    """A registry whose manifests can be deleted. What cannot be done raises Unreachable, Denied or BadManifest."""

    @property
    def clock_ahead(self) -> float | None:
        """By how many seconds this machine's clock is ahead of the registry's, or None if it has not said."""

    def delete(self, image: str, digest: str) -> None:
        """Delete a manifest or index by digest; one that is already gone is not an error."""

    def untag(self, image: str, tag: str) -> None:
        """Delete a tag alone; one that is already gone is not an error. Raises Denied where that is not supported."""

    def put(self, image: str, reference: str, document: ServedDocument) -> None:
        """Store a manifest or index under a tag or its digest."""


class DeletingRegistries(Protocol):
    """All the registries of a policy."""

    def serving(self, policy: Policy, image: str) -> Sequence[DeletingRegistry]:
        """Return the registries that serve an image, in the policy's order."""


Place = RegistryDigest[DeletingRegistry]
Repository = tuple[DeletingRegistry, str]


@dataclass
class Lookups:
    """Everything that one prune asks registries, each question once; `jobs` requests run at once.

    `again` asks a second time, once each, where one answer contradicts another.
    """

    jobs: int
    _manifests: dict[Place, WalkAnswer] = field(default_factory=dict)
    _documents: dict[Place, ServedDocument | Absent | LedgerError] = field(default_factory=dict)
    _looks: dict[Place, str | Absent | LedgerError] = field(default_factory=dict)
    _configs: dict[Place, bool | LedgerError] = field(default_factory=dict)
    _tags: dict[Repository, Sequence[str] | LedgerError] = field(default_factory=dict)

    @cached_property
    def again(self) -> Lookups:
        """Second looks."""
        return Lookups(self.jobs)

    def documents(self, places: Iterable[Place]) -> dict[Place, ServedDocument | Absent | LedgerError]:
        """Return the bytes of manifests and indexes."""
        return self._known(self._documents, lambda place: place.registry.document(place.image, place.digest), places)

    def looks(self, places: Iterable[Place]) -> dict[Place, str | Absent | LedgerError]:
        """Return what tags serve, or whether digests exist; a tag is in the digest's place."""
        return self._known(self._looks, lambda place: place.registry.look(place.image, place.digest), places)

    def without_index(self, places: Iterable[Place]) -> set[Place]:
        """Return the ids that are a config's there: some registries fail if one is asked for as a manifest."""
        answers = self._known(self._configs, is_no_index, places)
        return {place for place, answer in answers.items() if answer is True}

    def tags(self, repositories: Iterable[Repository]) -> dict[Repository, Sequence[str] | LedgerError]:
        """Return the tags of repositories."""
        return self._known(self._tags, lambda repository: list(repository[0].tags(repository[1])), repositories)

    def children(
        self, indexes: Iterable[Place], others: Iterable[Place]
    ) -> tuple[dict[Place, Place], dict[str, LedgerError]]:
        """Return which index refers to each child, and the images for which that could not be found out."""
        parents: dict[Place, Place] = {}
        failed: dict[str, LedgerError] = {}

        def look(level: Iterable[Place]) -> Iterable[tuple[Place, WalkAnswer]]:
            return self._known(self._manifests, contents, level).items()

        for place, answer in walk_uses(indexes, others, look):
            if isinstance(answer, TryAgain | Denied):
                failed.setdefault(place.image, answer)
            elif isinstance(answer, LedgerError):
                failed.setdefault(place.image, Unreachable(answer.message, answer.hint))
            elif isinstance(answer, Manifest):
                for digest in answer.referenced:
                    parents.setdefault(replace(place, digest=digest), place)
        return parents, failed

    def is_gone(self, place: Place) -> bool:
        """Return whether the registry was asked for a manifest and does not have it."""
        return isinstance(self._manifests.get(place), Absent)

    def is_read(self, place: Place) -> bool:
        """Return whether the registry was asked for a manifest and has it."""
        return isinstance(self._manifests.get(place), Manifest)

    def nested(self) -> Iterator[Place]:
        """Yield what is, or may be, an index in one of the indexes that were read."""
        for place, answer in self._manifests.items():
            if isinstance(answer, Manifest):
                yield from (replace(place, digest=digest) for digest in answer.nested)

    def digests(self) -> Iterator[str]:
        """Yield every digest of what was read: of manifests, of all that they refer to, and of configs."""
        for place, answer in self._manifests.items():
            if isinstance(answer, Manifest):
                yield from (place.digest, *answer.referenced, *filter(None, [answer.config]))

    def _known(
        self, known: dict[K, T | LedgerError], ask: Callable[[K], T], things: Iterable[K]
    ) -> dict[K, T | LedgerError]:
        """Return the answer for each; ask only if it is not known yet."""
        distinct = list(dict.fromkeys(things))
        unknown = [thing for thing in distinct if thing not in known]
        known |= in_parallel(ask, unknown, jobs=self.jobs, longest=LONGEST)
        return {thing: known[thing] for thing in distinct}
