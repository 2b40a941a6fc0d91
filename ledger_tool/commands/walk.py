"""Walking through indexes at a registry: from a tag or a digest down to the images and blobs below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ledger_tool.commands.ports import RegistryPort
from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.registry.drift import Absent
from ledger_tool.core.registry.image import Child, Manifest
from ledger_tool.core.registry.platforms import StatedPlatform
from ledger_tool.errors import LedgerError, RuleRefused, Unreachable

P = TypeVar("P", bound=RegistryPort)
WalkAnswer = Manifest | Absent | LedgerError
MOST = 256  # images and indexes below one index that are looked at; the largest that are known have some forty
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


def images_below(
    registry: RegistryPort, image: str, index: Manifest, *, only: Digest | None, platform: StatedPlatform
) -> Iterator[tuple[Child, Manifest]]:
    """Yield the images that an index leads to, with their entries, in the order in which clients prefer them.

    They prefer entries that state a platform, and then the first. Nested indexes are descended into, each once. What
    cannot be `only`, or what `only` leads to, or contradicts `platform`, is not asked for. Raises RuleRefused for an
    index that is too large or too deep, and for an entry that is not there, or is not what its index says.
    """
    descended = {index.digest}
    asked = 0

    def below(index: Manifest, only: Digest | None, depth: int) -> Iterator[tuple[Child, Manifest]]:
        nonlocal asked
        place = f"{image}@{index.digest}"
        entries = [entry for entry in _in_order(index, only) if entry.stated.agrees_with(platform)]
        asked += len(entries)
        if asked > MOST or depth > _DEEPEST:
            limit = f"leads to more than {MOST} images" if asked > MOST else f"nests indexes more than {_DEEPEST} deep"
            raise RuleRefused(
                f"{place} {limit}", "publish one of its images with `--platform`, or push a smaller index"
            )
        if index.unreadable and not only and platform.says_nothing:
            hint = "push an index whose entries all have a digest, or publish one of its images with `--platform`"
            raise RuleRefused(f"{place} cannot be followed: its {index.unreadable[0]}", hint)
        for entry in entries:
            if entry.digest in descended:
                continue
            manifest = registry.manifest(image, entry.digest)
            if isinstance(manifest, Absent):
                hint = "push the whole index again, and find out what deletes images there"
                raise RuleRefused(f"{place} refers to {entry.digest}, which {registry.name} does not have", hint)
            if entry.kind not in ("", manifest.kind):
                listed = f"{place} lists {entry.digest} as an {entry.kind}, but it is an {manifest.kind}"
                raise RuleRefused(listed, "push the index again with another tool")
            if manifest.is_index:
                descended.add(entry.digest)
                yield from below(manifest, None if entry.digest == only else only, depth + 1)
            else:
                yield entry, manifest

    yield from below(index, only, 1)


def _in_order(index: Manifest, only: Digest | None) -> list[Child]:
    """Return the entries of an index that may be `only`, or lead to it, those with a platform first."""
    entries: Sequence[Child] = sorted(index.children, key=lambda entry: entry.stated.says_nothing)
    if only:
        itself = [entry for entry in entries if entry.digest == only]
        return itself or [entry for entry in entries if entry.kind != "image"]
    return list(entries)


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
