"""The signed documents that a registry has for a digest: its referrers, and what cosign attaches by a tag.

What the registry does not show to the end is unknown, and so is what it lists and does not have: nobody can tell what
that says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ledger_tool.commands.ports import RegistryPort
from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.provenance.statement import MAX_BYTES
from ledger_tool.core.registry.drift import ABSENT, Absent
from ledger_tool.core.registry.referrers import (
    MOST_STATEMENTS,
    Referrer,
    SignedLayer,
    attestation_tag,
    parse_referrers,
    referrers_tag,
    signed_layers,
    unique,
)
from ledger_tool.errors import LedgerError, Unreachable

MOST_BYTES = 64 * 2**20  # of all documents for a digest


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """A document, where it was found, and the annotations of its layer; `fault` says why it has no bytes."""

    place: str
    raw: bytes = field(repr=False, default=b"")
    annotations: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Attached:
    """The documents for a digest, and why there may be more."""

    documents: Sequence[FoundDocument]
    unknown: Sequence[str] = ()


def attached(registry: RegistryPort, image: str, digest: str) -> Attached:
    """Return the signed documents that a registry has for a digest of an image."""
    documents: dict[str, FoundDocument] = {}
    unknown: list[str] = []

    def take(look: Callable[[], Iterator[tuple[str, FoundDocument]]]) -> None:
        try:
            for blob, document in look():
                documents.setdefault(blob, document)
                _check_bounds(documents.values())
        except LedgerError as error:
            unknown.append(f"what is attached to {digest} at {registry.name} could not be looked at: {error.message}")

    take(lambda: _referring(registry, image, digest))
    take(lambda: _tagged(registry, image, digest))
    return Attached(list(documents.values()), unknown)


def _check_bounds(documents: Collection[FoundDocument]) -> None:
    """Raise Unreachable for more than anybody attaches: what is left out may be what does not hold."""
    if len(documents) > MOST_STATEMENTS:
        raise Unreachable(f"there are more than {MOST_STATEMENTS} signed statements")
    if sum(len(document.raw) for document in documents) > MOST_BYTES:
        raise Unreachable(f"its signed statements have more than {MOST_BYTES // 2**20} MiB in all")


def _referring(registry: RegistryPort, image: str, digest: str) -> Iterator[tuple[str, FoundDocument]]:
    """Yield the documents among the referrers of a digest, by the digests of their blobs."""
    listed = registry.referrers(image, digest)
    if listed is None:
        listed = _by_tag(registry, image, digest)
    candidates = unique([one for one in listed if one.may_be_signed])
    if len(candidates) > MOST_STATEMENTS:
        raise Unreachable(f"it has more than {MOST_STATEMENTS} referrers that may be signed statements")
    for candidate in candidates:
        yield from _of_manifest(registry, image, candidate.digest, is_said=candidate.is_said_to_be_signed)


def _by_tag(registry: RegistryPort, image: str, digest: str) -> list[Referrer]:
    tag = referrers_tag(digest)
    served = registry.look(image, tag)
    if served == digest:  # GitLab resolves `sha256-HEX` to the digest itself: no such tag exists
        return []
    document = served if isinstance(served, Absent) else registry.document(image, served)
    return [] if isinstance(document, Absent) else parse_referrers(document.raw, f"{registry.name}: {tag}")


def _tagged(registry: RegistryPort, image: str, digest: str) -> Iterator[tuple[str, FoundDocument]]:
    """Yield the documents that cosign has attached to a digest."""
    tag = attestation_tag(digest)
    served = registry.look(image, tag) if tag else ABSENT
    if not isinstance(served, Absent):
        yield from _of_manifest(registry, image, served, is_said=True)


def _of_manifest(
    registry: RegistryPort, image: str, manifest: Digest, *, is_said: bool
) -> Iterator[tuple[str, FoundDocument]]:
    served = registry.document(image, manifest)
    if isinstance(served, Absent):
        raise Unreachable(f"it lists {manifest}, and does not have it", "delete it from the list, or attach it again")
    layers = signed_layers(served.raw, f"{registry.name}: {manifest}", is_said=is_said)
    if len(layers) > MOST_STATEMENTS:
        raise Unreachable(f"{manifest} has more than {MOST_STATEMENTS} signed statements")
    for layer in layers:
        yield layer.digest, _of_layer(registry, image, layer)


def _of_layer(registry: RegistryPort, image: str, layer: SignedLayer) -> FoundDocument:
    place = f"{layer.digest} at {registry.name}"
    if layer.is_too_large:
        return FoundDocument(place, fault=f"it is larger than {MAX_BYTES // 2**20} MiB")
    raw = registry.blob(image, layer.digest, limit=MAX_BYTES, what="signed statement")
    return FoundDocument(place, raw, layer.annotations)
