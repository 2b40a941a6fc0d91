"""Which images of an index are recorded: those that clients pull.

Clients choose by the platform in an entry, and by an image's config only where its entry has none; of several entries
for one platform they take the first, those that state one before those that do not (containerd's `images.Manifest`,
containers/image's `chooseInstance`). What is not for a platform is left out: attestations, signatures, charts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ledger_tool.core.ledger.names import Digest, Platform
from ledger_tool.core.registry.facts import ImageFacts
from ledger_tool.core.registry.image import Child, Manifest
from ledger_tool.core.registry.platforms import NOTHING_STATED, StatedPlatform, stated_by
from ledger_tool.errors import InvalidValue, RuleRefused

_MOST = 256  # ways through nested indexes; no tool makes more than a few


@dataclass(frozen=True, slots=True)
class ListedImage:
    """An image with its entry in an index, what it says about itself, and the digests of attestations about it."""

    entry: Child
    manifest: Manifest
    facts: ImageFacts
    attestations: tuple[Digest, ...] = ()

    @property
    def stated(self) -> StatedPlatform:
        """Its platform, by its entry and its config."""
        return self.entry.stated.completed_by(self.facts.platform)

    @property
    def normal(self) -> Platform | None:
        """Its platform in the normal form, None if it has none, or one that a record cannot hold."""
        return _normal(self.stated)

    @property
    def chosen_by(self) -> Platform | None:
        """What clients compare of its platform."""
        return _normal(self.stated.chosen_by)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: a tag at a registry, and perhaps one image of it, or one platform."""

    name: str
    registry: str
    digest: Digest | None
    platform: Platform | None

    @property
    def stated(self) -> StatedPlatform:
        """The platform, in its parts."""
        return stated_by(self.platform) if self.platform else NOTHING_STATED

    def images(self, index: Manifest, images: Sequence[ListedImage]) -> tuple[list[ListedImage], list[str]]:
        """Return what to record of the images that an index leads to, one for each platform, and notes for a person.

        `images` are in the order in which clients choose. Raises RuleRefused if there is nothing to record, or more
        than one thing that it could be.
        """
        firsts: dict[Platform | None, ListedImage] = {}
        notes = []
        for image in self._chosen(index, images):
            platform = self.platform_of(image)
            first = firsts.setdefault(self.platform or image.chosen_by, image)
            if first.entry.digest != image.entry.digest:
                notes.append(
                    f"note: {self.name} has several images for {platform} at {self.registry}; {first.entry.digest} is "
                    f"recorded, which is the first, so that clients choose it, and not {image.entry.digest}"
                )
            elif first is image and not image.entry.stated.agrees_with(image.facts.platform):
                notes.append(
                    f"warning: {self.name} lists {image.entry.digest} as {image.entry.stated} at {self.registry}, but "
                    f"its config says {image.facts.platform}; recorded as listed, because clients choose by the list"
                )
        return list(firsts.values()), notes

    def platform_of(self, image: ListedImage) -> Platform | None:
        """Return the platform to record: the one that is asked for, or the image's own.

        Raises RuleRefused if the two contradict each other, or a record cannot hold the image's own.
        """
        if self.platform:
            if not image.stated.agrees_with(self.stated):
                raise self._for_another(image)
            return self.platform
        try:
            return image.stated.normal()
        except InvalidValue:
            message = f"{self.name} has {image.manifest.digest} at {self.registry}, for the platform `{image.stated}`"
            hint = "a record cannot hold that platform; say what to record with `--platform`, one image at a time"
            raise RuleRefused(message, hint) from None

    def clients_get(self, digest: str, index: Manifest, offered: Sequence[ListedImage]) -> Sequence[ListedImage]:
        """Return what clients for the platform get, for all platforms if there is none; empty if there is nothing.

        `offered` are an index's images for the platform, in the order in which clients choose. Where clients differ in
        what they get, it is the image of a digest if that is one of them.
        """
        try:
            return replace(self, digest=None).images(index, offered)[0]
        except RuleRefused:
            return [one for one in offered if one.manifest.digest == digest and one.stated.agrees_with(self.stated)]

    def check_is_what_clients_get(self, digest: str, index: Manifest, offered: Sequence[ListedImage]) -> None:
        """Raise RuleRefused for an image that comes after another for its platform: clients get the other."""
        chosen = self.clients_get(digest, index, offered)
        if chosen and all(image.manifest.digest != digest for image in chosen):
            raise RuleRefused(
                f"{self.name} leads to {chosen[0].manifest.digest} for {self.platform} at {self.registry}, and has "
                f"{digest} only after it",
                "publish the first, which is the one that clients choose, or push the index in another order",
            )

    def _chosen(self, index: Manifest, images: Sequence[ListedImage]) -> Sequence[ListedImage]:
        """Return the images for the platform, if any, and what has no platform only where it is all there is."""
        with_platform = [image for image in images if not image.stated.says_nothing]
        if with_platform:
            if chosen := self._matching(with_platform):
                return chosen
            if self.digest:
                raise self._for_another(with_platform[0])
        elif len({image.entry.digest for image in images}) == 1:
            if self.digest or not self.platform or _states_no_platform(index):
                return images[:1]
        elif images and not self.platform:
            message = f"{self.name} leads to {len(images)} things at {self.registry}, none of which has a platform"
            raise RuleRefused(message, "give each a tag of its own")
        platforms = dict.fromkeys(entry.platform or str(entry.stated) or "none given" for entry in index.children)
        for_platform = f" for {self.platform}" if self.platform else ""
        message = f"{self.name} has no image{for_platform} at {self.registry}"
        if not platforms:
            raise RuleRefused(message, "push it again with its images; what it has is not for any platform")
        raise RuleRefused(message, f"its platforms are: {', '.join(platforms)}")

    def _matching(self, images: Sequence[ListedImage]) -> Sequence[ListedImage]:
        """Return the images for the platform: exactly that one, or else the only one that it can mean."""
        matching = [image for image in images if image.stated.agrees_with(self.stated)]
        if not self.platform:
            return matching
        if exact := [image for image in matching if self.platform in (image.normal, image.chosen_by)]:
            return exact
        platforms = dict.fromkeys(image.normal or str(image.stated) for image in matching)
        if len(platforms) > 1:
            message = f"{self.name} has several images for {self.platform} at {self.registry}"
            raise RuleRefused(message, f"give the platform in full: {', '.join(platforms)}")
        return matching

    def _for_another(self, image: ListedImage) -> RuleRefused:
        platform = image.normal or image.stated
        message = f"{self.name} is an image for {platform} at {self.registry}, not for {self.platform}"
        return RuleRefused(message, "leave the platform out, or give the image's own")


def flattened(index: Manifest, nested: Mapping[str, Manifest]) -> Manifest:
    """Return an index with the entries of those `nested` in it in their place, limited to the platforms on the way."""
    descended: set[tuple[str, StatedPlatform]] = set()

    def entries(index: Manifest, within: StatedPlatform) -> Iterator[Child]:
        descended.add((index.digest, within))
        for entry in sorted(index.children, key=lambda entry: not _stated(entry)):
            if not _stated(entry).agrees_with(within):
                continue
            limited = _stated(entry).completed_by(within)
            inner = nested.get(entry.digest)
            if inner is None or not inner.is_index:
                yield replace(entry, stated=limited, platform=_normal(limited))
            elif (inner.digest, limited) not in descended and len(descended) < _MOST:
                yield from entries(inner, limited)

    return replace(index, children=tuple(entries(index, NOTHING_STATED)))


def leads_to(index: Manifest, platform: Platform | None, digest: str) -> bool | None:
    """Return whether clients for a platform, or for any if there is none, get an image from an index.

    None if the entries do not tell: where one that may be meant leaves its platform open, configs decide, and where
    indexes are among them, their order does.
    """
    offered = offered_by(index, platform)
    if digest not in (digests := {entry.digest for entry in offered}) or len(digests) == 1:
        return digest in digests
    wanted = Wanted("", "", None, platform)
    stated = [entry for entry in offered if entry.stated]
    if any(platform and _normal(entry.stated.chosen_by) == _normal(wanted.stated.chosen_by) for entry in stated):
        offered = stated  # clients prefer these
    if index.nested or any(_is_open(entry, wanted.stated, offered) for entry in offered):
        return None
    listed = [ListedImage(entry, Manifest(digest=entry.digest, is_index=False), ImageFacts()) for entry in offered]
    return any(image.entry.digest == digest for image in wanted.clients_get(digest, index, listed))


def offered_by(index: Manifest, platform: Platform | None) -> list[Child]:
    """Return the entries of an index that may be for a platform, all if there is none, as clients prefer them."""
    wanted = stated_by(platform).chosen_by if platform else NOTHING_STATED
    entries = [replace(entry, stated=_stated(entry)) for entry in index.children]
    offered = [entry for entry in entries if entry.stated.chosen_by.agrees_with(wanted)]
    return sorted(offered, key=lambda entry: entry.stated.says_nothing)


def _is_open(entry: Child, wanted: StatedPlatform, offered: Sequence[Child]) -> bool:
    """Return whether an image's config may say for which of several platforms it is."""
    compared = [wanted] if wanted else [other.stated for other in offered]
    return entry.kind == "index" or not entry.stated or any(entry.stated.is_vaguer_than(other) for other in compared)


def _stated(entry: Child) -> StatedPlatform:
    return stated_by(entry.platform) if entry.platform and entry.stated.says_nothing else entry.stated


def listed_images(index: Manifest) -> frozenset[tuple[Platform, Digest]] | None:
    """Return the images that clients choose from an index, None if its entries alone do not tell."""
    if index.unreadable or any(entry.kind != "image" or entry.platform is None for entry in index.children):
        return None
    firsts = {entry.platform: entry.digest for entry in reversed(index.children) if entry.platform}
    return frozenset(firsts.items())


def _states_no_platform(index: Manifest) -> bool:
    """Return whether no entry states a platform, or leads to one that does."""
    return all(entry.stated.says_nothing and entry.kind != "index" for entry in index.children)


def _normal(stated: StatedPlatform) -> Platform | None:
    try:
        return stated.normal()
    except InvalidValue:
        return None
