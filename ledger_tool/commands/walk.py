"""Walking through indexes at a registry: from a tag or a digest down to the images and blobs below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ledger_tool.commands.ports import RegistryPort
from ledger_tool.core.registry.drift import Absent
from ledger_tool.core.registry.image import Manifest
from ledger_tool.errors import LedgerError, Unreachable

P = TypeVar("P", bound=RegistryPort)
WalkAnswer = Manifest | Absent | LedgerError
_DEEPEST = 8  # nested indexes; no tool makes more than two levels


@dataclass(frozen=True)
class RegistryDigest(Generic[P]):
    """A digest of an image at one registry."""

    registry: P
    image: str
    digest: str

    @property
    def repository(self) -> tuple[P, str]:
        """The registry and the image, which identify its repository."""
        return self.registry, self.image

    def __str__(self) -> str:
        return f"{self.image}@{self.digest}"


def served_manifest(registry: RegistryPort, image: str, tag: str, digest: str) -> Manifest:
    """Return the manifest of the digest that a tag just served. Raises Unreachable if it is gone again."""
    manifest = registry.manifest(image, digest)
    if isinstance(manifest, Absent):
        raise Unreachable(f"{image}:{tag} moved at {registry.name} while it was being checked", "run it again")
    return manifest


def missing_below(registry: RegistryPort, image: str, digest: str) -> list[str]:
    """Return what a manifest refers to and the registry does not have, including itself."""
    manifest = registry.manifest(image, digest)
    if isinstance(manifest, Absent):
        return [digest]
    if manifest.is_index:
        return [child.digest for child in manifest.children if isinstance(registry.look(image, child.digest), Absent)]
    return [blob for blob in dict.fromkeys(manifest.blobs) if not registry.has_blob(image, blob)]


def walk_indexes(
    starts: Iterable[RegistryDigest[P]],
    look: Callable[[Sequence[RegistryDigest[P]]], Iterable[tuple[RegistryDigest[P], WalkAnswer]]],
) -> Iterator[tuple[RegistryDigest[P], WalkAnswer]]:
    """Yield the answer of `look` for each start and each index nested in those, level by level, each digest once.

    An index that is nested too deep is Unreachable.
    """
    level = list(dict.fromkeys(starts))
    known = set(level)
    for _ in range(_DEEPEST):
        nested: list[RegistryDigest[P]] = []
        for place, answer in look(level):
            yield place, answer
            if isinstance(answer, Manifest):
                nested += [replace(place, digest=digest) for digest in answer.nested]
        level = [place for place in dict.fromkeys(nested) if place not in known]
        known.update(level)
        if not level:
            return
    for place in level:
        yield place, Unreachable(f"{place.registry.name} serves indexes nested without end", "check that registry")
