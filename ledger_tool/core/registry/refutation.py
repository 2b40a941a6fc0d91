"""What a record says of its image, held against the image itself.

A digest leads to the same content wherever it is, so this is true of every registry: which images an index has, for
which platforms, and which config an image has. A record that says otherwise is wrong, whatever its tag serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger_tool.core.ledger.names import Platform
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry.image import Manifest
from ledger_tool.core.registry.selection import ListedImage, Wanted


@dataclass(frozen=True, slots=True)
class Refutation:
    """Why a record is wrong; `is_other_image` says that its pull digest leads to another image than the recorded one.

    Otherwise the image is right, and what the record says of it (its platform, its config) is not.
    """

    reason: str
    is_other_image: bool = False


def refutation(
    record: Record, pulled: Manifest, offered: Sequence[ListedImage], itself: Sequence[ListedImage]
) -> Refutation | None:
    """Return why a record is wrong, None if nothing that was read contradicts it.

    `pulled` is what its pull digest serves, `offered` the images that it has for the record's platform, in the order in
    which clients choose, and `itself` each place of the recorded image among all its images. Of an image that is not
    in an index, both are that image.
    """
    if pulled.is_index and not record.index:
        return _of_bare_index(record, offered)
    if record.index and not pulled.is_index:
        is_other_image = record.digest != pulled.digest
        other = f", and not the recorded {record.digest}" if is_other_image else ""
        return Refutation(f"the recorded index is an image{other}", is_other_image=is_other_image)
    wanted = Wanted(str(record.name), "", None, record.platform)
    chosen = [*wanted.clients_get(record.digest, pulled, offered)]
    chosen += [] if record.platform else [image for image in itself if image.stated.says_nothing]
    if not chosen and not itself:
        return Refutation("the recorded index does not lead to the recorded image", is_other_image=True)
    if chosen and all(image.manifest.digest != record.digest for image in chosen):
        first = f"leads to {chosen[0].manifest.digest}{_for(record.platform)}"
        behind = any(image.manifest.digest == record.digest for image in offered)
        where = ", and has the recorded image only after it" if behind else ", not to the recorded image"
        return Refutation(f"the recorded index {first}{where}", is_other_image=True)
    reasons = [] if chosen else [f"the recorded image is{_for(_platforms(itself))}, not{_for(record.platform)}"]
    config = itself[0].manifest.config if itself else None
    if itself and record.config not in (None, config):
        reasons.append(f"the config of the recorded image is {config}, not the recorded {record.config}")
    return Refutation("; ".join(reasons)) if reasons else None


def _of_bare_index(record: Record, offered: Sequence[ListedImage]) -> Refutation | None:
    """Return what is wrong with a record whose digest is an index: it may be one only if nobody looked into it."""
    if record.platform:
        leads = f", which leads to {offered[0].manifest.digest} for {record.platform}" if offered else ""
        return Refutation(f"the recorded image is an index{leads}", is_other_image=True)
    return Refutation("the recorded image is an index, which has no config") if record.config else None


def _platforms(images: Sequence[ListedImage]) -> str:
    return " and ".join(dict.fromkeys(str(image.stated) for image in images))


def _for(platform: Platform | str | None) -> str:
    return f" for {platform}" if platform else ""
