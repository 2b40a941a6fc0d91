"""What is attached to an image: the lists of its referrers, and the layers of signed statements in them.

Sources: OCI distribution-spec 1.1 "Listing Referrers" and "Referrers Tag Schema"; image-spec 1.1 "Image Manifest",
`artifactType`; cosign, "Attestation Specification" and "Bundle" (`sha256-HEX.att`, layers of DSSE envelopes).

What a list says of the type of an entry is only used to skip what is plainly something else: what counts is what the
manifest has. Media types are compared without their case and their parameters (RFC 9110 section 8.3.1).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import Digest, shown
from ledger_tool.core.provenance.envelope import BUNDLE, DSSE
from ledger_tool.core.provenance.statement import MAX_BYTES
from ledger_tool.core.registry.descriptor import strings_of
from ledger_tool.errors import BadManifest, InvalidValue

MOST_REFERRERS = 1000  # of an image, in all pages
MOST_STATEMENTS = 64  # of an image, that are fetched
# Types that say nothing about what an artifact is: tools that do not set `artifactType` leave that of a config.
_OPEN_TYPES = (
    "", "application/vnd.oci.empty.v1+json", "application/vnd.oci.image.config.v1+json",
    "application/vnd.oci.image.manifest.v1+json", "application/octet-stream",
)  # fmt: skip
INDEX = "application/vnd.oci.image.index.v1+json"
_LONGEST_TAG = 128  # image-spec and distribution-spec: a tag's grammar
_COSIGN = "application/vnd.dev.cosign.artifact.att."
_HINT = "report it to the registry's operator, or to whoever makes the tool that pushed it"


@dataclass(frozen=True, slots=True)
class Referrer:
    """An entry of a list of referrers: its digest, and the type that the list says it has, or `""`."""

    digest: Digest
    artifact_type: str = ""

    @property
    def is_said_to_be_signed(self) -> bool:
        """Whether its type says that it is a signed statement."""
        return _says_signed(self.artifact_type)

    @property
    def may_be_signed(self) -> bool:
        """Whether it may be a signed statement: its type says so, or leaves it open."""
        return _kind(self.artifact_type) in _OPEN_TYPES or self.is_said_to_be_signed


@dataclass(frozen=True, slots=True)
class SignedLayer:
    """A layer that has a signed document."""

    digest: Digest
    annotations: Mapping[str, str] = field(default_factory=dict)
    is_too_large: bool = False


def referrers_tag(digest: str) -> str:
    """Return the tag that lists the referrers of a digest where the registry has no API for it."""
    algorithm, _, encoded = digest.partition(":")
    return f"{algorithm[:32]}-{encoded[:64]}"


def attestation_tag(digest: str) -> str:
    """Return the tag under which cosign attaches attestations to a digest; `""` if that is too long to be a tag."""
    tag = f"{digest.replace(':', '-')}.att"
    return tag if len(tag) <= _LONGEST_TAG else ""


def is_list(raw: bytes, media_type: str) -> bool:
    """Return whether an answer is a list of referrers by its type, or else by its form: a registry may answer others.

    Not each list is well-formed: `parse_referrers` finds that out.
    """
    if _kind(media_type) == INDEX:
        return True
    try:
        return "manifests" in _object(raw, "")
    except BadManifest:
        return False


def parse_referrers(raw: bytes, where: str) -> list[Referrer]:
    """Return the entries of a list of referrers, an OCI index; `where` is for messages. Raises BadManifest.

    An empty list may be `null`, as Go writes one that was never made.
    """
    data = _object(raw, where)
    entries = data.get("manifests", "")
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise BadManifest(f"{where} is not an index", _HINT)
    return [_referrer(entry, where) for entry in entries]


def signed_layers(raw: bytes, where: str, *, is_said: bool) -> list[SignedLayer]:
    """Return the layers of a manifest that have signed documents; none if it is something else.

    Raises BadManifest; also for one that should have such a document, as `is_said` or as its own `artifactType` says,
    and does not, such as an index.
    """
    manifest = _object(raw, where)
    layers = manifest.get("layers")
    known = [layer for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []
    signed = [layer for layer in known if _is_signed(layer.get("mediaType"))]
    if not signed and (is_said or _says_signed(manifest.get("artifactType"))):
        what = "no layer that is one" if known else "no layers"
        raise BadManifest(f"{where} is said to have a signed statement, and has {what}", _HINT)
    return [_layer(layer, where) for layer in signed]


def _is_signed(media_type: Any) -> bool:
    kind = _kind(media_type)
    return kind.startswith(BUNDLE) or kind == DSSE


def _says_signed(artifact_type: Any) -> bool:
    return _kind(artifact_type).startswith((BUNDLE, DSSE, _COSIGN))


def _kind(media_type: Any) -> str:
    """Return a media type as it is compared, `""` for what is none."""
    return media_type.partition(";")[0].strip().lower() if isinstance(media_type, str) else ""


def _layer(layer: Mapping[str, Any], where: str) -> SignedLayer:
    size = layer.get("size")
    is_too_large = isinstance(size, int) and size > MAX_BYTES
    return SignedLayer(_digest(layer, where), strings_of(layer.get("annotations")), is_too_large)


def _referrer(entry: Any, where: str) -> Referrer:
    if not isinstance(entry, dict):
        raise BadManifest(f"{where} has an entry that is not an object", _HINT)
    artifact_type = entry.get("artifactType")
    return Referrer(_digest(entry, where), artifact_type if isinstance(artifact_type, str) else "")


def _digest(descriptor: Mapping[str, Any], where: str) -> Digest:
    digest = descriptor.get("digest")
    try:
        return names.parse_digest(digest if isinstance(digest, str) else "")
    except InvalidValue:
        raise BadManifest(f"{where} has an entry with the digest `{shown(str(digest))}`", _HINT) from None


def _object(raw: bytes, where: str) -> Mapping[str, Any]:
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadManifest(f"{where} is not JSON", _HINT) from None
    if not isinstance(data, dict):
        raise BadManifest(f"{where} is not a JSON object", _HINT)
    return data


def unique(referrers: Sequence[Referrer]) -> list[Referrer]:
    """Return referrers, each digest once."""
    return list({referrer.digest: referrer for referrer in reversed(referrers)}.values())[::-1]
