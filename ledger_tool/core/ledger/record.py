"""One record: one complete image, never a manifest list. Plain frozen values, no rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple, Protocol, TypeVar

from ledger_tool.core.ledger.names import Digest, Image, Platform, SourceRef, Tag, Timestamp, Ttl

# The fields of a record in `ledger.json`, in their canonical order.
FIELDS = (
    "image", "tag", "platform", "digest", "index", "config", "publishedAt", "sourceRef",
    "labels", "dependsOn", "ttl", "provenance", "version", "forced", "yanked",
)  # fmt: skip
_values = attrgetter(
    "image", "tag", "platform", "digest", "index", "config", "published_at", "source_ref",
    "labels", "depends_on", "ttl", "provenance", "version", "forced", "yanked",
)  # fmt: skip
# What an image has once in an image:tag, for however many platforms it is recorded there.
SHARED = ("publishedAt", "sourceRef", "yanked")

D = TypeVar("D", bound=Digest | None, covariant=True)


class Pulled(Protocol[D]):
    """An image, or what is said of one, with the digest that its image:tag is pulled by."""

    @property
    def pull_digest(self) -> D:
        """The index's digest if there is one, else the image's own."""


class Name(NamedTuple):
    """`image:tag`, what people call an image."""

    image: str
    tag: str

    def __str__(self) -> str:
        return f"{self.image}:{self.tag}"


class Key(NamedTuple):
    """What a record is unique by, and sorted by. The platform is `""` where it is not known."""

    image: str
    tag: str
    platform: str

    def __str__(self) -> str:
        return f"{self.image}:{self.tag}" + (f" ({self.platform})" if self.platform else "")


@dataclass(frozen=True, slots=True)
class Provenance:
    """What an attestation at the registry proves: its digest, who built the image, and who signed that, if known."""

    digest: Digest
    builder: str = ""
    signer: str = ""


@dataclass(frozen=True, slots=True)
class Forced:
    """The mark of a forced move: the digest that was replaced, and why."""

    replaces: Digest
    reason: str


@dataclass(frozen=True, slots=True)
class Yanked:
    """The mark of a record that must no longer be used."""

    at: Timestamp
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record as in `ledger.json`; see `schema/ledger-v1.schema.json` for what each field means."""

    image: Image
    tag: Tag
    platform: Platform | None = None
    digest: Digest
    index: Digest | None = None
    config: Digest | None = None
    published_at: Timestamp
    source_ref: SourceRef
    labels: Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    ttl: Ttl | None = None
    provenance: Provenance | None = None
    version: Tag | None = None
    forced: Forced | None = None
    yanked: Yanked | None = None

    def __hash__(self) -> int:
        return hash((self.digest, self.tag, self.platform))  # few records have the same, and most are hashed often

    @property
    def key(self) -> Key:
        """What the record is unique by, and sorted by."""
        return Key(self.image, self.tag, self.platform or "")

    @property
    def name(self) -> Name:
        """The record's `image:tag`."""
        return Name(self.image, self.tag)

    @property
    def is_environment(self) -> bool:
        """Whether it is what an environment has: its tag is the name of one then, and never a version of the image."""
        return self.version is not None

    @property
    def signer(self) -> str:
        """Who has signed the statement that was checked of it, `""` if none was."""
        return self.provenance.signer if self.provenance else ""

    @property
    def pull_digest(self) -> Digest:
        """What its image:tag is pulled by: the index digest if there is one, else the image's own."""
        return self.index or self.digest

    @property
    def may_be_index(self) -> bool:
        """Whether nobody looked, when it was published, at what its digest is: it may be an index, with images.

        A config says nothing: tools print that of an image beside the digest of its index.
        """
        return not (self.platform or self.index)

    @property
    def is_pulled_by_index(self) -> bool:
        """Whether its pull digest is an index, or may be one."""
        return bool(self.index) or self.may_be_index

    def is_index_of(self, image: Record) -> bool:
        """Return whether this is the index of an image, recorded before anybody looked into it."""
        return self.platform is None and self.digest == image.index


def to_json(record: Record) -> dict[str, Any]:
    """Return the record as a JSON object: keys in the canonical order, empty ones left out."""
    fields: dict[str, Any] = {
        "image": record.image,
        "tag": record.tag,
        "platform": record.platform,
        "digest": record.digest,
        "index": record.index,
        "config": record.config,
        "publishedAt": record.published_at,
        "sourceRef": record.source_ref,
        "labels": dict(sorted(record.labels.items())),
        "dependsOn": list(record.depends_on),
        "ttl": record.ttl,
        "provenance": record.provenance and _provenance_to_json(record.provenance),
        "version": record.version,
        "forced": record.forced and {"replaces": record.forced.replaces, "reason": record.forced.reason},
        "yanked": record.yanked and {"at": record.yanked.at, "reason": record.yanked.reason},
    }
    return {name: value for name, value in fields.items() if value}


def changed_fields(old: Record, new: Record) -> set[str]:
    """Return the names of the fields, as in `ledger.json`, that differ."""
    return {name for name, was, now in _pairs(old, new) if (was or None) != (now or None)}


def lost_fields(old: Record, new: Record) -> set[str]:
    """Return the names of the fields, as in `ledger.json`, that only the old record has."""
    return {name for name, was, now in _pairs(old, new) if was and not now}


def _pairs(old: Record, new: Record) -> Iterable[tuple[str, object, object]]:
    return zip(FIELDS, _values(old), _values(new), strict=True)


def _provenance_to_json(provenance: Provenance) -> dict[str, str]:
    fields = {"digest": provenance.digest, "builder": provenance.builder, "signer": provenance.signer}
    return {name: value for name, value in fields.items() if value}


_NO_LABELS: Mapping[str, str] = {}


def from_json(fields: Mapping[str, Any]) -> Record:
    """Return the record of a JSON object that is known to be valid; the inverse of `to_json`."""
    provenance, forced, yanked = fields.get("provenance"), fields.get("forced"), fields.get("yanked")
    return Record(
        image=fields["image"],
        tag=fields["tag"],
        platform=fields.get("platform"),
        digest=fields["digest"],
        index=fields.get("index"),
        config=fields.get("config"),
        published_at=fields["publishedAt"],
        source_ref=fields["sourceRef"],
        labels=fields.get("labels", _NO_LABELS),
        depends_on=tuple(fields.get("dependsOn", ())),
        ttl=fields.get("ttl"),
        provenance=Provenance(**provenance) if provenance else None,
        version=fields.get("version"),
        forced=Forced(forced["replaces"], forced["reason"]) if forced else None,
        yanked=Yanked(yanked["at"], yanked["reason"]) if yanked else None,
    )


def by_name(records: Iterable[Record]) -> dict[Name, list[Record]]:
    """Return records grouped by image:tag, in order."""
    groups: dict[Name, list[Record]] = {}
    for record in records:
        groups.setdefault(record.name, []).append(record)
    return groups


def pull_digests(images: Iterable[Pulled[D]]) -> set[D]:
    """Return the digests to pull one image:tag by.

    Its records have one, unless version 0.2 wrote them. Drafts of it state those that were given or found.
    """
    return {image.pull_digest for image in images}


def pull_digest(records: tuple[Record, ...]) -> Digest | None:
    """Return the digest to pull an image:tag by, or None if its records do not agree on one.

    No write leaves an image:tag without one; ledgers of version 0.2 may have such records.
    """
    digests = pull_digests(records)
    return digests.pop() if len(digests) == 1 else None
