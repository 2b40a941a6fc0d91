"""What a pull digest leads to at a registry, and whether that is what a record says of its image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ledger_tool.commands.once import OncePerRun
from ledger_tool.commands.ports import RegistryPort
from ledger_tool.commands.walk import images_below
from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.registry.drift import Absent, Unknown
from ledger_tool.core.registry.facts import ImageFacts, facts
from ledger_tool.core.registry.image import Child, Manifest
from ledger_tool.core.registry.platforms import NOTHING_STATED, StatedPlatform, stated_by
from ledger_tool.core.registry.refutation import Refutation, refutation
from ledger_tool.core.registry.selection import ListedImage, Wanted
from ledger_tool.errors import LedgerError


def listed_below(
    once: OncePerRun,
    registry: RegistryPort,
    image: str,
    index: Manifest,
    *,
    only: Digest | None = None,
    platform: StatedPlatform = NOTHING_STATED,
) -> list[ListedImage]:
    """Return the images that an index leads to, with what they say about themselves; see `images_below`."""
    listed = []
    for below in images_below(once, registry, image, index, only=only, platform=platform):
        stated = stated_facts(once, registry, image, below.manifest)
        offer = ListedImage(below.entry, below.manifest, stated, below.attestations)
        if offer.stated.agrees_with(below.within):
            listed.append(offer)
    return listed


def listed_alone(once: OncePerRun, registry: RegistryPort, image: str, manifest: Manifest) -> ListedImage:
    """Return an image that is not in an index, with what it says about itself."""
    return ListedImage(Child(manifest.digest, None), manifest, stated_facts(once, registry, image, manifest))


def stated_facts(once: OncePerRun, registry: RegistryPort, image: str, manifest: Manifest) -> ImageFacts:
    """Return what an image says about itself. Raises what `RegistryPort.config` raises."""
    return facts(manifest, once.config(registry, image, manifest.image_config) if manifest.image_config else {})


def refuted_at(once: OncePerRun, registry: RegistryPort, record: Record) -> Refutation | None:
    """Return what a registry shows to be wrong about a record; None if nothing, or if it lacks the pull digest.

    Raises LedgerError for what could not be looked at, or cannot be followed.
    """
    image = record.image
    pulled = once.manifest(registry, image, record.pull_digest)
    if isinstance(pulled, Absent):
        return None
    if not pulled.is_index:
        alone = [listed_alone(once, registry, image, pulled)]
        return refutation(record, pulled, alone, alone)
    platform = stated_by(record.platform) if record.platform else NOTHING_STATED
    offered = listed_below(once, registry, image, pulled, platform=platform) if record.index or record.platform else []
    itself = listed_below(once, registry, image, pulled, only=record.digest) if record.index else []
    return refutation(record, pulled, offered, [one for one in itself if one.manifest.digest == record.digest])


def proves_platform(once: OncePerRun, registry: RegistryPort, record: Record) -> bool:
    """Return whether a registry says that an image is for the platform recorded: in an index, or in its own config.

    What neither says is not refuted, and not proved. Raises LedgerError for what could not be looked at.
    """
    pulled = once.manifest(registry, record.image, record.pull_digest)
    if isinstance(pulled, Absent):
        return False
    if pulled.is_index:
        listed = listed_below(once, registry, record.image, pulled, only=record.digest)
    else:
        listed = [listed_alone(once, registry, record.image, pulled)]
    return any(
        one.manifest.digest == record.digest and record.platform in (one.normal, one.chosen_by) for one in listed
    )


def is_led_to(
    once: OncePerRun, registry: RegistryPort, record: Record, pull_digest: Digest, *, for_sure: bool = False
) -> bool:
    """Return whether a registry shows that clients get a recorded image, for its platform, by another pull digest.

    `for_sure` means that its platform has to be said there, too. What the registry does not have, and what cannot be
    looked at or followed, is not shown.
    """
    try:
        if isinstance(once.manifest(registry, record.image, pull_digest), Absent):
            return False
        below = replace(record, index=None if record.digest == pull_digest else pull_digest, config=None)
        is_right = refuted_at(once, registry, below) is None
        return is_right and (not for_sure or proves_platform(once, registry, below))
    except LedgerError:
        return False


def pulled_images(
    once: OncePerRun, registries: Iterable[RegistryPort], name: Name, digest: Digest
) -> Sequence[Manifest] | Unknown:
    """Return the images that clients get by a digest of an image:tag, whatever their platforms.

    They are those that a publish records, from the first registry that shows all of them.
    """
    unknown = Unknown("no registry of ledger.yaml serves it")
    for registry in registries:
        try:
            pulled = once.manifest(registry, name.image, digest)
            if isinstance(pulled, Absent):
                unknown = Unknown(f"{registry.name} does not have {digest}")
            elif not pulled.is_index:
                return [pulled]
            else:
                listed = listed_below(once, registry, name.image, pulled)
                images, _ = Wanted(str(name), registry.name, None, None).images(pulled, listed)
                return [image.manifest for image in images]
        except LedgerError as error:
            unknown = Unknown(error.in_full)
    return unknown
