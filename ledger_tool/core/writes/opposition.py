"""What of the recorded images of one image:tag speaks against a publication (`publication`), and how it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.ledger.record import Record, to_json
from ledger_tool.errors import Conflict

Records = Mapping[str, Record]  # of one image:tag, by platform


def leads_from(stated: Digest, images: Sequence[Record], recorded: Records) -> Callable[[Record], bool]:
    """Return whether a look at a registry found a recorded image, for its platform, where there is one.

    Where the look names another platform for it, that is its platform, unless it is recorded for that one as well.
    """
    known = {(record.platform, record.digest) for record in recorded.values() if record.platform}

    def is_led_to(record: Record) -> bool:
        if record.platform is None and record.digest == stated:
            return True
        of_platform = [image for image in images if record.platform and image.platform == record.platform]
        others = [image for image in images if not record.platform or (image.platform, image.digest) not in known]
        return any(image.digest == record.digest for image in of_platform or others)

    return is_led_to


def rival_of(record: Record, images: Sequence[Record], recorded: Records) -> Record | None:
    """Return the image that cannot be right beside a recorded one, below the same pull digest.

    Without a platform, on either side, an image stands for all; but for none if the other side has it.
    """
    if record.platform is None and any(image.digest == record.digest for image in images):
        return None
    known = {other.digest for other in recorded.values()}
    rivals = (
        image
        for image in images
        if image.digest != record.digest
        and not record.is_index_of(image)
        and (
            record.platform is None
            or image.platform == record.platform
            or image.index == record.digest  # which is an index then, and no image for a platform
            or not (image.platform or image.digest in known)
        )
    )
    return next(rivals, None)


def absent_from(opposed: Sequence[Record], images: Sequence[Record]) -> list[Record]:
    """Return the opposed records that no image succeeds, because it is of their platform or of none."""
    platforms = {image.platform for image in images}
    return [record for record in opposed if record.platform and not platforms & {None, record.platform}]


def conflict_with(given: Record, opposed: Sequence[Record], snapshot: Snapshot, *, is_absent: bool = False) -> Conflict:
    """Return the error that refuses an image; if it `is_absent`, that of recorded ones which a look did not find."""
    first = opposed[0]
    known, compared = "recorded with another digest", [_compared("recorded", first), _compared("refused", given)]
    outcome = ""
    hint = "publish under another tag, or use `--force --reason TEXT` to move this one"
    is_of_another_platform = given.platform and all(record.platform for record in opposed)
    if is_of_another_platform and given.platform not in {record.platform for record in opposed}:
        hint = "push an index of all its images, then publish it once; or use `--force --reason TEXT` to move this one"
    elif given.platform is None and any(record.platform and record.pull_digest == given.digest for record in opposed):
        hint = "pass `--platform` to say which of its images this is, or use `--force --reason TEXT` to replace all"
    if is_absent:
        known, compared = "recorded", compared[:1]
        outcome = f"; {first.pull_digest} leads to no such image for that platform at the registry"
        hint = "take what is not there out with `ledger remove --platform`, or use `--force --reason TEXT`"
    if len(mirrors := snapshot.policy.serving(first.image)) > 1:
        hosts = " and ".join(registry.name for registry in mirrors[:2])
        hint += f"; if {hosts} have different images of that name, give one of them a `ledgerPrefix` in ledger.yaml"
    return Conflict(
        f"conflict: {first.key} is {known}, from {first.source_ref}, published {first.published_at}{outcome}",
        hint,
        existing=[to_json(record) for record in opposed],
        given=given.digest,
        ledger_commit=snapshot.commit,
        compared=compared,
    )


def _compared(what: str, record: Record) -> tuple[str, str, str]:
    """Return a record's digest, with that of its index: the one that a push or a pull shows."""
    return what, record.digest, record.index or ""
