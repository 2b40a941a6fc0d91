"""Manifests and indexes as a registry serves them: bytes in, values out.

Sources: OCI image-spec 1.1 "Image Manifest" and "Image Index"; Docker image manifest v2, schema 2. A digest is always
computed from the raw bytes, and compared with what the registry's headers claim.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ledger_tool.core.ledger import jsontext, names
from ledger_tool.core.ledger.names import Digest, Platform, SourceRef, shown
from ledger_tool.errors import BadManifest, InvalidValue, UnreadableManifest

T = TypeVar("T")
V = TypeVar("V")
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
MEDIA_TYPES = (*INDEXES, *MANIFESTS)
_ATTESTATION = "attestation-manifest"  # buildkit's `vnd.docker.reference.type`


@dataclass(frozen=True, slots=True)
class Child:
    """One image of an index; attestations are not images and are left out."""

    digest: Digest
    platform: Platform | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A parsed manifest or index. `children` are an index's images, `blobs` a manifest's config and layers.

    `referenced` is every digest that an index refers to, including attestations, as written: those of other things than
    images are not checked, and may be malformed. `nested` are those of indexes.
    """

    digest: Digest
    is_index: bool
    children: tuple[Child, ...] = ()
    referenced: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    config: Digest | None = None
    blobs: tuple[Digest, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def reached(self) -> frozenset[str]:
        """The digests that lead to an image of it: its own, and those of an index's images."""
        return frozenset((self.digest, *(child.digest for child in self.children)))


@dataclass(frozen=True, slots=True)
class ServedDocument:
    """A manifest or index as a registry served it: its bytes, and the media type that came with them."""

    raw: bytes
    media_type: str


def digest_of(raw: bytes, algorithm: str = "sha256") -> Digest:
    """Return the digest of bytes; `algorithm` is `sha256` or `sha512`."""
    return Digest(f"{algorithm}:{hashlib.new(algorithm, raw).hexdigest()}")


def parse(raw: bytes, content_type: str, expected: str = "") -> Manifest:
    """Return the manifest of a response's body.

    `expected` is the requested or claimed digest, or `""`. Raises BadManifest if the body does not hash to it. Raises
    UnreadableManifest, with the digest, if it is not JSON, has an unknown or a contradictory media type, is of Docker's
    schema 1, or is malformed; without an expected digest, what is no manifest at all is a BadManifest, too.
    """
    digest = digest_of(raw, expected.partition(":")[0] or "sha256")
    if expected and digest != expected:
        raise _bad(f"the registry says {shown(expected)}, but the body hashes to {digest}")
    try:
        data = _object(raw)
    except BadManifest as error:
        raise (_unreadable(error.message, digest) if expected else error) from None
    served = content_type.partition(";")[0].strip().lower()
    media_type = data.get("mediaType", served)
    if media_type not in MEDIA_TYPES or (served in MEDIA_TYPES and served != media_type):
        raise _unreadable(
            f"the registry served `{shown(served)}`, but the body says `{shown(str(media_type))}`", digest
        )
    try:
        return _index(data, digest) if media_type in INDEXES else _manifest(data, digest)
    except (InvalidValue, KeyError, TypeError, AttributeError):
        raise _unreadable("the registry served a malformed manifest", digest) from None


def _object(raw: bytes) -> dict[str, Any]:
    """Return the JSON object of a body whose digest is that of its bytes."""
    try:
        data = jsontext.parse(raw.decode("utf-8"))
    except (jsontext.JsonFault, UnicodeDecodeError):
        raise _bad("the registry served a manifest that is not JSON") from None
    if not isinstance(data, dict):
        raise _bad("the registry served a manifest that is not a JSON object")
    if data.get("schemaVersion") != 2:
        raise _bad("the registry served a manifest of Docker's schema 1, whose digest is not the image's")
    return data


_HINT = "check the registry and any proxy in front of it: one of them is broken, or lies"


def _bad(message: str) -> BadManifest:
    return BadManifest(message, _HINT)


def _unreadable(message: str, digest: str) -> UnreadableManifest:
    return UnreadableManifest(message, _HINT, digest=digest)


def _index(data: Mapping[str, Any], digest: Digest) -> Manifest:
    entries = data["manifests"]
    images = [
        Child(names.parse_digest(entry["digest"]), platform_of(entry.get("platform")))
        for entry in entries
        if (entry.get("annotations") or {}).get("vnd.docker.reference.type") != _ATTESTATION
        and entry.get("mediaType", MANIFESTS[0]) in MEDIA_TYPES
    ]
    return Manifest(
        digest=digest,
        is_index=True,
        children=tuple(images),
        referenced=tuple(str(entry.get("digest", "")) for entry in entries),
        nested=tuple(str(entry.get("digest", "")) for entry in entries if entry.get("mediaType") in INDEXES),
        annotations=_strings(data.get("annotations")),
    )


def _manifest(data: Mapping[str, Any], digest: Digest) -> Manifest:
    blobs = tuple(names.parse_digest(blob["digest"]) for blob in (data["config"], *data["layers"]))
    annotations = _strings(data.get("annotations"))
    return Manifest(digest=digest, is_index=False, config=blobs[0], blobs=blobs, annotations=annotations)


def _strings(value: Any) -> dict[str, str]:
    return {key: text for key, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}


def platform_of(value: Any) -> Platform | None:
    """Return the platform of an OCI descriptor or image config, or None. Raises InvalidValue for a malformed one."""
    if not isinstance(value, dict) or not value.get("os") or not value.get("architecture"):
        return None
    if value["os"] == "unknown":
        return None
    version = f"({value['os.version']})" if value.get("os.version") else ""
    variant = f"/{value['variant']}" if value.get("variant") else ""
    return names.parse_platform(f"{value['os']}{version}/{value['architecture']}{variant}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """The well-formed facts that an image states about itself."""

    platform: Platform | None = None
    source_ref: SourceRef | None = None
    depends_on: tuple[str, ...] = ()


def facts(manifest: Manifest, config: Mapping[str, Any]) -> ImageFacts:
    """Return the facts of an image, from its annotations or else its config's labels.

    Malformed facts are left out: an image is not refused because of a bad label. Source of the keys: OCI image-spec 1.1
    "Pre-Defined Annotation Keys".
    """
    inner = config.get("config")
    labels = _strings(inner.get("Labels") if isinstance(inner, dict) else None)
    annotations = {**labels, **manifest.annotations}
    keys = ("source", "revision", "base.name", "base.digest")
    source, revision, base, digest = (annotations.get(f"org.opencontainers.image.{key}", "") for key in keys)
    depends_on = _tried(names.parse_dependency, f"{base}@{digest}") if base and digest else None
    return ImageFacts(
        platform=_tried(platform_of, config),
        source_ref=_tried(names.parse_source_ref, f"{source}@{revision}") if source and revision else None,
        depends_on=(depends_on,) if depends_on else (),
    )


def _tried(parse: Callable[[V], T | None], value: V) -> T | None:
    try:
        return parse(value)
    except InvalidValue:
        return None
