"""Walking through indexes at a registry: from a tag or a digest down to the images and blobs below it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ledger_tool.commands.once import OncePerRun
from ledger_tool.commands.ports import RegistryPort
from ledger_tool.core.ledger.names import DIGEST, Digest, shown
from ledger_tool.core.registry.drift import Absent
from ledger_tool.core.registry.image import Child, Manifest, unread
from ledger_tool.core.registry.platforms import StatedPlatform
from ledger_tool.errors import LedgerError, RuleRefused, Unreachable, UnreadableManifest

P = TypeVar("P", bound=RegistryPort)
WalkAnswer = Manifest | Absent | LedgerError
MOST = 256  # manifests and indexes below one index that are looked at; the largest that are known have some sixty
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


Look = Callable[[Sequence[RegistryDigest[P]]], Iterable[tuple[RegistryDigest[P], WalkAnswer]]]


def served_manifest(registry: RegistryPort, image: str, tag: str, digest: str) -> Manifest:
    """Return the manifest of the digest that a tag just served. Raises Unreachable if it is gone again."""
    manifest = registry.manifest(image, digest)
    if isinstance(manifest, Absent):
        raise Unreachable(f"{image}:{tag} moved at {registry.name} while it was being checked", "run it again")
    return manifest


def _asking_below(once: OncePerRun, start: Manifest) -> Look[P]:
    """Return a look, one question at a time, at what is below a manifest that is already known."""

    def look(level: Iterable[RegistryDigest[P]]) -> Iterator[tuple[RegistryDigest[P], WalkAnswer]]:
        for place in level:
            is_start = place.digest == start.digest
            yield place, start if is_start else once.manifest(place.registry, place.image, place.digest)

    return look


def reached_from(registry: P, image: str, manifest: Manifest) -> frozenset[str]:
    """Return the digests that lead to an image of a manifest or index, in the indexes below it too."""
    reached: set[str] = set()
    start = RegistryDigest(registry, image, manifest.digest)
    for place, answer in walk_indexes([start], _asking_below(OncePerRun(), manifest)):
        if isinstance(answer, LedgerError):
            raise answer
        reached |= answer.reached if isinstance(answer, Manifest) else {place.digest}
    return frozenset(reached)


@dataclass(frozen=True, slots=True)
class ImageBelow:
    """An image that an index leads to: its entry, its manifest, and the platform to which the way to it is limited.

    `attestations` are the digests of what its index has about it.
    """

    entry: Child
    manifest: Manifest
    within: StatedPlatform
    attestations: tuple[Digest, ...]


def images_below(
    once: OncePerRun, registry: P, image: str, index: Manifest, *, only: Digest | None, platform: StatedPlatform
) -> Iterator[ImageBelow]:
    """Yield the images that an index leads to, in the order in which clients prefer them.

    They prefer entries that state a platform, and then the first. Nested indexes are descended into where they stand.
    What cannot be `only`, or what `only` leads to, or contradicts `platform`, is not asked for. Raises RuleRefused for
    an index that is too large or too deep, and for an entry that is not there, or is not what its index says.
    """
    start = RegistryDigest(registry, image, index.digest)
    choice = _Choice(start, only, platform, {only} if only else {index.digest})

    answers: dict[str, Manifest | Absent] = {}
    for place, answer in walk_below(
        [start], _asking_below(once, index), lambda index: [entry.digest for entry in choice.of(index)]
    ):
        if isinstance(answer, LedgerError):
            raise answer
        answers[place.digest] = answer
    for number, image_below in enumerate(_in_order(choice, index, platform, answers, set())):
        if number == MOST:
            raise _too_much(start)
        yield image_below


def _in_order(
    choice: _Choice[P],
    index: Manifest,
    within: StatedPlatform,
    answers: Mapping[str, Manifest | Absent],
    descended: set[tuple[str, StatedPlatform]],
) -> Iterator[ImageBelow]:
    """Yield the images below an index that is listed for the platform `within`: clients for others pass it by."""
    descended.add((index.digest, within))
    if len(descended) > MOST:
        raise _too_much(choice.start)
    for entry in choice.of(index):
        if not entry.stated.agrees_with(within):
            continue
        place, manifest = replace(choice.start, digest=index.digest), answers[entry.digest]
        if isinstance(manifest, Absent):
            hint = "push the whole index again, and find out what deletes images there"
            raise RuleRefused(f"{place} refers to {entry.digest}, which {place.registry.name} does not have", hint)
        if entry.kind not in ("", manifest.kind):
            listed = f"{place} lists {entry.digest} as an {entry.kind}, but it is an {manifest.kind}"
            raise RuleRefused(listed, "push the index again with another tool")
        if not manifest.is_index:
            yield ImageBelow(entry, manifest, within, index.attested(entry.digest))
        elif (entry.digest, inner := entry.stated.completed_by(within)) not in descended:
            yield from _in_order(choice, manifest, inner, answers, descended)


@dataclass(frozen=True, slots=True)
class _Choice(Generic[P]):
    """What is asked for below an index: one digest and what it leads to, or what may be for a platform.

    `inside` are the digests below which all is asked for.
    """

    start: RegistryDigest[P]
    only: Digest | None
    platform: StatedPlatform
    inside: set[str]

    def of(self, index: Manifest) -> list[Child]:
        """Return the entries to follow, in the order in which clients prefer them."""
        distinct = {(entry.digest, entry.stated, entry.kind): entry for entry in index.children}
        entries = sorted(distinct.values(), key=lambda entry: entry.stated.says_nothing)
        if index.digest not in self.inside:
            itself = [entry for entry in entries if entry.digest == self.only]
            return itself or [entry for entry in entries if entry.kind != "image"]
        if index.unreadable and self.platform.says_nothing:
            place = replace(self.start, digest=index.digest)
            hint = "push an index whose entries all have a digest, or publish one of its images with `--platform`"
            raise RuleRefused(f"{place} cannot be followed: its {index.unreadable[0]}", hint)
        self.inside.update(entry.digest for entry in entries)
        followed = [entry for entry in entries if entry.stated.agrees_with(self.platform)]
        if len(followed) > MOST:
            raise _too_much(self.start)
        return followed


def missing_below(once: OncePerRun, registry: RegistryPort, image: str, digest: str) -> list[str]:
    """Return what a registry does not have of a manifest or index: itself, all that it leads to, and their blobs.

    What is missing is missing, whatever else could not be observed; if nothing is, raises what could not. An entry that
    is no image has to be there, but need not make sense.
    """
    images: set[str] = {digest}

    def look(
        level: Iterable[RegistryDigest[RegistryPort]],
    ) -> Iterator[tuple[RegistryDigest[RegistryPort], WalkAnswer]]:
        for place in level:
            try:
                yield place, once.manifest(registry, image, place.digest)
            except LedgerError as error:
                yield place, error

    missing: list[str] = []
    failures: list[LedgerError] = []
    blobs: dict[str, None] = {}
    for place, answer in walk_below([RegistryDigest(registry, image, digest)], look, _manifests_in):
        if isinstance(answer, Manifest):
            images.update([child.digest for child in answer.children], answer.nested)
            blobs |= dict.fromkeys(answer.blobs)
        elif isinstance(answer, Absent):
            missing.append(place.digest)
        elif place.digest in images or not isinstance(answer, UnreadableManifest):
            failures.append(answer)
    for blob in blobs:
        try:
            missing += [] if once.has_blob(registry, image, blob) else [blob]
        except LedgerError as error:
            failures.append(error)
    if failures and not missing:
        raise failures[0]
    return missing


def _manifests_in(index: Manifest) -> list[str]:
    """Return what an index refers to as a manifest, attestations too; nothing else has to be where manifests are."""
    return [digest for digest in index.manifests if re.fullmatch(DIGEST, digest)]


def contents(place: RegistryDigest[P]) -> Manifest | Absent:
    """Return a manifest; of one that is neither a valid image nor a valid index, all that it may refer to.

    Raises Unreachable if what it refers to cannot be asked for.
    """
    try:
        manifest = place.registry.manifest(place.image, place.digest)
    except UnreadableManifest:
        document = place.registry.document(place.image, place.digest)
        return document if isinstance(document, Absent) else unread(document.raw, place.digest)
    for digest in manifest.nested if isinstance(manifest, Manifest) else ():
        if not re.fullmatch(DIGEST, digest):
            reason = f"{place} at {place.registry.name} refers to the malformed digest `{shown(digest)}`"
            raise Unreachable(reason, "push that index again with another tool")
    return manifest


def is_no_index(place: RegistryDigest[P]) -> bool:
    """Return whether a digest is that of a blob which is no index, such as a config. What may be missing may be one."""
    try:
        return "manifests" not in place.registry.config(place.image, place.digest)
    except RuleRefused:
        return False


def walk_indexes(starts: Iterable[RegistryDigest[P]], look: Look[P]) -> Iterator[tuple[RegistryDigest[P], WalkAnswer]]:
    """Yield the answer of `look` for each start, and for what is, or may be, an index below one: see `walk_below`."""
    return walk_below(starts, look, lambda index: index.nested)


def walk_below(
    starts: Iterable[RegistryDigest[P]], look: Look[P], follow: Callable[[Manifest], Sequence[str]]
) -> Iterator[tuple[RegistryDigest[P], WalkAnswer]]:
    """Yield the answer of `look` for each start, and for what `follow` names in each manifest.

    It goes level by level, and to each digest once. For what is too much below one start, or nested too deep, the
    answer is a RuleRefused.
    """
    level = list(dict.fromkeys(starts))
    start_of = {place: place for place in level}
    count: Counter[RegistryDigest[P]] = Counter()
    for depth in range(_DEEPEST + 1):
        below: list[RegistryDigest[P]] = []
        for place, answer in look(level):
            yield place, answer
            if not isinstance(answer, Manifest):
                continue
            start = start_of[place]
            followed = [replace(place, digest=digest) for digest in dict.fromkeys(follow(answer))]
            new = [place for place in followed if place not in start_of]
            count[start] += len(new)
            if count[start] > MOST:
                yield start, _too_much(start)
                continue
            if new and depth == _DEEPEST:
                yield start, _refused(f"{start} nests indexes more than {_DEEPEST} deep")
                continue
            below += new
            start_of |= dict.fromkeys(new, start)
        level = below
        if not level:
            return


def walk_uses(
    indexes: Iterable[RegistryDigest[P]], others: Iterable[RegistryDigest[P]], look: Look[P]
) -> Iterator[tuple[RegistryDigest[P], WalkAnswer]]:
    """Yield the answer of `look` for all that may be an index, and for each index nested in those.

    Only the registry knows what a recorded digest is: an index that was published without a look there may be
    recorded as an image. So the `others` are asked for as well, unless an index says that they are images.
    """
    asked: set[RegistryDigest[P]] = set()
    images: set[str] = set()
    for place, answer in walk_indexes(indexes, look):
        asked.add(place)
        if isinstance(answer, Manifest):
            images.update(child.digest for child in answer.children if child.digest not in answer.nested)
        yield place, answer
    yield from walk_indexes([place for place in others if place not in asked and place.digest not in images], look)


def _too_much(start: RegistryDigest[P]) -> RuleRefused:
    return _refused(f"{start} leads to more than {MOST} images and indexes")


def _refused(message: str) -> RuleRefused:
    return RuleRefused(message, "push a smaller index, or publish one image of it")
