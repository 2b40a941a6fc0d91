"""What has to stay because it runs: by digest, whatever it is called; and by name, because it will be pulled again.

Everything that a file names counts, also what has ended: a Job starts another pod, and a workload is scaled up again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.resolve import Resolver
from ledger_tool.core.running.classes import names_of
from ledger_tool.core.running.container import RunningContainer
from ledger_tool.core.running.records import digests_of, records_by_digest


@dataclass(frozen=True, slots=True)
class InUse:
    """Why digests and image:tags have to stay, for people; the first place of each counts.

    `digests` are those of indexes, images and configs; those by which something was `pulled` are no config's. `ids` are
    beginnings of such, in hex digits. `images`
    are those of the ledger that were named at all, and `names` the image:tags that were asked for.
    """

    digests: Mapping[str, str] = field(default_factory=dict)
    pulled: Collection[str] = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    images: Collection[str] = ()
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def reason(self, record: Record) -> str:
        """Return why a record has to stay, or `""`."""
        reasons = map(self.of_digest, sorted(digests_of(record)))
        return next(filter(None, reasons), "") or self.names.get((record.image, record.tag), "")

    def of_digest(self, digest: str) -> str:
        """Return why a digest has to stay, or `""`: that of an index, an image or a config."""
        if (reason := self.digests.get(digest)) or not self.ids:
            return reason or ""
        hexadecimal = digest.partition(":")[2]
        return next((why for short, why in self.ids.items() if hexadecimal.startswith(short)), "")

    def is_elsewhere(self, records: Iterable[Record]) -> bool:
        """Return whether nothing of it has to do with a ledger of these records: neither a name nor a digest."""
        return not (self.images or any(map(self.reason, records)))


NOTHING_IN_USE = InUse()


def unmatched(ids: Mapping[str, str], digests: Iterable[str]) -> Mapping[str, str]:
    """Return the beginnings of ids with which none of these digests begins, with their reasons."""
    if not ids:
        return {}
    lengths = set(map(len, ids))
    starts = {digest.partition(":")[2][:length] for digest in digests for length in lengths}
    return {short: reason for short, reason in ids.items() if short not in starts}


def in_use(containers: Iterable[RunningContainer], resolver: Resolver) -> InUse:
    """Return what has to stay because of these containers.

    It stays by every name that an image may have in the ledger, whether a person or a manifest wrote it.
    """
    digests: dict[str, str] = {}
    ids: dict[str, str] = {}
    pulled: set[str] = set()
    images: set[str] = set()
    tags: dict[tuple[str, str], str] = {}
    for container in containers:
        image, reason = container.image, f"{'runs' if container.state == 'runs' else 'is used'} in {container.place}"
        pulled |= image.digests | image.named_digests
        for digest in (*image.digests, *image.named_digests, *image.ids, *image.claimed):
            digests.setdefault(digest, reason)
        if image.short_id:
            ids.setdefault(image.short_id, reason)
        for reference in image.references:
            names = {name for is_typed in (False, True) for name in names_of(reference, resolver, is_typed=is_typed)}
            images |= names
            if tag := reference.effective_tag:
                for name in names:
                    tags.setdefault((name, tag), reason)
    return InUse(digests, pulled, ids, images, tags)


class PulledImage(NamedTuple):
    """An image of the ledger that runs: the digest that it was pulled by, or the tag alone, with the digest `""`."""

    image: str
    tag: str
    digest: str


def pulled_images(containers: Iterable[RunningContainer], resolver: Resolver, ledger: Ledger) -> list[PulledImage]:
    """Return what these containers were pulled by; not what only an id tells of which there is a record."""
    images = list(dict.fromkeys(container.image for container in containers))
    ids = {digest for image in images for digest in image.ids}
    recorded = set(records_by_digest(ledger, (), ids).having) if ids else set[str]()
    pulled: dict[PulledImage, None] = {}
    for image in images:
        digests = image.digests | image.named_digests
        is_known = bool(digests) or not image.ids.isdisjoint(recorded)
        for reference in image.references:
            for name in names_of(reference, resolver, is_typed=image.is_typed):
                for digest in sorted(digests):
                    pulled[PulledImage(name, reference.tag or "", digest)] = None
                if not is_known and reference.effective_tag:
                    pulled[PulledImage(name, reference.effective_tag, "")] = None
    return list(pulled)
