"""Manifests and indexes as a registry serves them: bytes in, values out.

Sources: OCI image-spec 1.1 "Image Manifest", "Image Index" and "Artifacts Guidance"; Docker image manifest v2, schema
2. A digest is always computed from the raw bytes, and compared with what the registry's headers claim.

What tools write against the letter of the specifications is read wherever its meaning is plain. An odd entry of an
index is no reason to refuse the others: it is kept as `unreadable`, for whoever needs that entry.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ledger_tool.core.ledger import jsontext, names
from ledger_tool.core.ledger.names import Digest, Platform, shown
from ledger_tool.core.registry.descriptor import (
    Attestation,
    StatementLayer,
    attestations_in,
    is_attestation,
    statements_in,
    strings_of,
)
from ledger_tool.core.registry.platforms import NOTHING_STATED, StatedPlatform, folded, stated
from ledger_tool.errors import BadManifest, InvalidValue, UnreadableManifest

_OF_DOCUMENTS = ("schemaVersion", "mediaType", "config", "layers", "manifests", "annotations", "fsLayers")
_OF_DESCRIPTORS = ("digest", "urls", "platform", "os", "os.version", "architecture", "variant")
_KEYS = frozenset((*_OF_DOCUMENTS, *_OF_DESCRIPTORS))
_FOLDED = {folded(key): key for key in _KEYS}
Kind = Literal["image", "index", "other", ""]
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
MEDIA_TYPES = (*INDEXES, *MANIFESTS)
# Configs that say which platform an image is for; anything else is the business of the tool that made the artifact.
_IMAGE_CONFIGS = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.wasm.config.v0+json",
)
_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+"
# Layers that stay where their `urls` point to, such as those of Windows' base images.
_ELSEWHERE = ("rootfs.foreign.", "layer.nondistributable.")
_BLOB = r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]{1,256}"  # image-spec "Digests": any algorithm


@dataclass(frozen=True, slots=True)
class Child:
    """An entry of an index that is, or may be, an image or an index; attestations are neither, and are left out.

    `platform` is that of the entry, None if it has none or a malformed one; `stated` is what it says in its own words.
    `kind` is what it says that it is, `""` if nothing.
    """

    digest: Digest
    platform: Platform | None
    stated: StatedPlatform = field(default=NOTHING_STATED, compare=False)
    kind: Kind = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A parsed manifest or index. `children` are an index's images, `blobs` a manifest's config and layers.

    `referenced` is every digest that an index refers to, including attestations, as written: those of other things than
    images are not checked, and may be malformed. `manifests` are those of them that are, or may be, manifests or
    indexes; `nested` are those that are, or may be, indexes. `unreadable` says which entries have no valid digest.
    `blobs` leaves out layers that are not meant to be at the registry. `attestations` are an index's, about its images;
    `statements` are the layers of an attestation.
    """

    digest: Digest
    is_index: bool
    children: tuple[Child, ...] = ()
    referenced: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    config: Digest | None = None
    config_type: str = ""
    blobs: tuple[str, ...] = ()
    attestations: tuple[Attestation, ...] = ()
    statements: tuple[StatementLayer, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)

    def attested(self, image: str) -> tuple[Digest, ...]:
        """Return the digests of an index's attestations about an image in it."""
        return tuple(one.digest for one in self.attestations if one.subject == image)

    @property
    def reached(self) -> frozenset[str]:
        """The digests that lead to an image of it: its own, and those of an index's images."""
        return frozenset((self.digest, *(child.digest for child in self.children)))

    @property
    def kind(self) -> Kind:
        """What it is."""
        return "index" if self.is_index else "image"

    @property
    def image_config(self) -> Digest | None:
        """Its config, if that is an image's; what the config of a chart or of another artifact says does not count."""
        return self.config if self.config_type in ("", *_IMAGE_CONFIGS) else None


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
    UnreadableManifest, with the digest, for anything but a valid image or index; without an expected digest, what does
    not even look like one is a BadManifest, too: it may be a proxy's own page.
    """
    served = content_type.partition(";")[0].strip().lower()
    algorithm = expected.partition(":")[0] or "sha256"
    if algorithm not in ("sha256", "sha512"):
        raise _bad(f"the registry claims the digest {shown(expected)}")
    digest = digest_of(raw, algorithm)
    if expected and digest != expected and not served.startswith(_SCHEMA_1):  # whose digest is not that of its bytes
        raise _bad(f"the registry says {shown(expected)}, but the body hashes to {digest}")
    data: dict[str, Any] = {}
    try:
        data = _object(raw)
        return (_index if _media_type(data, served) in INDEXES else _manifest)(data, digest)
    except _Fault as fault:
        if expected or "schemaVersion" in data:
            message = f"the registry serves something that is not a valid image or index: {fault}"
            hint = "find out which tool pushed it, and push it again with another"
            raise UnreadableManifest(message, hint, digest=expected or digest) from None
        raise _bad(f"the registry serves something that is not a manifest: {fault}") from None


def unread(raw: bytes, digest: str) -> Manifest:
    """Return what bytes may refer to that are neither a valid image nor a valid index: every digest in them."""
    referenced = tuple(dict.fromkeys(re.findall(names.DIGEST, raw.decode("utf-8", "replace"))))
    return Manifest(digest=Digest(digest), is_index=True, referenced=referenced, nested=referenced)


class _Fault(Exception):
    """Why a document is not a valid image or index."""


def _bad(message: str) -> BadManifest:
    return BadManifest(message, "check the registry and any proxy in front of it: one of them is broken, or lies")


def _object(raw: bytes) -> dict[str, Any]:
    try:
        data = jsontext.parse_bytes(raw)
    except jsontext.JsonFault as fault:
        raise _Fault(f"it is not JSON: {fault.reason}") from None
    if not isinstance(data, dict):
        raise _Fault("it is not a JSON object")
    _check_spelling(data)
    return data


def _check_spelling(data: Mapping[str, Any], where: str = "") -> None:
    """Refuse keys that clients written in Go, which fold case, take for others: two readers would see two things."""
    for key in data:
        if key not in _KEYS and (meant := _FOLDED.get(folded(key))):
            raise _Fault(f"it has `{where}{shown(key)}`, which some clients read as `{where}{meant}`")


def _media_type(data: Mapping[str, Any], served: str) -> str:
    """Return the media type on which a document and the answer that it came with agree."""
    if data.get("schemaVersion") == 1 or "fsLayers" in data or served.startswith(_SCHEMA_1):
        raise _Fault("it is a manifest of Docker's schema 1, whose digest is not the image's")
    own = data.get("mediaType") or served
    if served in MEDIA_TYPES and own != served:
        raise _Fault(f"it is served as `{shown(served)}`, but the body says `{shown(str(own))}`")
    if own not in MEDIA_TYPES:
        raise _Fault(f"its media type is `{shown(str(own))}`")
    if (version := data.get("schemaVersion")) != 2:
        raise _Fault(f"its `schemaVersion` is `{shown(json.dumps(version))}`, not `2`")
    return str(own)


def _without(data: Mapping[str, Any], what: str, *keys: str) -> None:
    """Refuse a document that two clients could read as two different things (CVE-2021-41190)."""
    for key in keys:
        if key in data:
            raise _Fault(f"it is {what}, and has `{key}` as well")


def _objects(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return the objects of a list; Go writes an empty one as null."""
    values = data.get(key)
    if values is None:
        return []
    if not isinstance(values, list):
        raise _Fault(f"its `{key}` is not a list")
    for number, value in enumerate(values):
        if not isinstance(value, dict):
            raise _Fault(f"its `{key}[{number}]` is not an object")
        _check_spelling(value, f"{key}[{number}].")
        if isinstance(platform := value.get("platform"), dict):
            _check_spelling(platform, f"{key}[{number}].platform.")
    return values


def _index(data: Mapping[str, Any], digest: Digest) -> Manifest:
    _without(data, "an index", "config", "layers")
    if "manifests" not in data:
        raise _Fault("it is an index without `manifests`")
    entries = _objects(data, "manifests")
    children, unreadable = [], []
    for number, entry in enumerate(entries):
        platform, kind = stated(entry.get("platform")), _kind(entry)
        if platform.is_unknown or kind == "other" or is_attestation(entry):
            continue
        try:
            child = names.parse_digest(_digest(entry))
        except InvalidValue:
            unreadable.append(f"`manifests[{number}].digest` is `{shown(_digest(entry))}`")
        else:
            children.append(Child(child, _normal(platform), platform, kind))
    return Manifest(
        digest=digest,
        is_index=True,
        children=tuple(children),
        referenced=tuple(_digest(entry) for entry in entries),
        manifests=tuple(_digest(entry) for entry in entries if _kind(entry) != "other"),
        nested=tuple(_digest(entry) for entry in entries if _kind(entry) in ("index", "")),
        unreadable=tuple(unreadable),
        attestations=attestations_in(entries),
        annotations=strings_of(data.get("annotations")),
    )


def _digest(descriptor: Mapping[str, Any]) -> str:
    """Return the digest of a descriptor as it is written."""
    return str(descriptor.get("digest", ""))


def _kind(entry: Mapping[str, Any]) -> Kind:
    """Return what an entry says that it is, `""` if it leaves that open."""
    media_type = entry.get("mediaType")
    if not media_type or not isinstance(media_type, str):
        return ""
    return "index" if media_type in INDEXES else "image" if media_type in MANIFESTS else "other"


def _manifest(data: Mapping[str, Any], digest: Digest) -> Manifest:
    _without(data, "a manifest", "manifests")
    config = data.get("config")
    if not isinstance(config, dict):
        raise _Fault("it is a manifest without `config`")
    _check_spelling(config, "config.")
    try:
        config_digest = names.parse_digest(_digest(config))
    except InvalidValue:
        raise _Fault(f"its `config.digest` is `{shown(_digest(config))}`") from None
    media_type, layers = config.get("mediaType"), _objects(data, "layers")
    return Manifest(
        digest=digest,
        is_index=False,
        config=config_digest,
        config_type=media_type if isinstance(media_type, str) else "",
        blobs=(config_digest, *_layers(layers)),
        statements=statements_in(layers),
        annotations=strings_of(data.get("annotations")),
    )


def _layers(layers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the digests of the layers that the registry has to have."""
    digests = []
    for number, layer in enumerate(layers):
        digest = layer.get("digest")
        if not isinstance(digest, str) or not re.fullmatch(_BLOB, digest):
            raise _Fault(f"its `layers[{number}].digest` is `{shown(str(digest))}`")
        if not (layer.get("urls") or any(part in str(layer.get("mediaType")) for part in _ELSEWHERE)):
            digests.append(digest)
    return digests


def platform_of(value: Any) -> Platform | None:
    """Return the platform of an OCI descriptor or image config, or None. Raises InvalidValue for a malformed one."""
    return stated(value).normal()


def _normal(platform: StatedPlatform) -> Platform | None:
    try:
        return platform.normal()
    except InvalidValue:
        return None
