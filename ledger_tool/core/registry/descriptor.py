"""What the entries of an index, and the layers of a manifest, are of attestations about its images.

Sources: OCI image-spec 1.1 "Content Descriptors"; BuildKit's "Image Attestation Storage".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ledger_tool.core.ledger.names import DIGEST, Digest
from ledger_tool.core.provenance.statement import MEDIA_TYPE

_TYPE, _SUBJECT = "vnd.docker.reference.type", "vnd.docker.reference.digest"
_PREDICATE = "in-toto.io/predicate-type"


@dataclass(frozen=True, slots=True)
class Attestation:
    """An entry of an index that says something about an image in it: its digest, and the image's as it is written."""

    digest: Digest
    subject: str


@dataclass(frozen=True, slots=True)
class StatementLayer:
    """A layer that is a statement: its digest, its size in bytes, and what it says, `""` if that is unsaid."""

    digest: Digest
    size: int
    predicate_type: str


def is_attestation(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry of an index is an attestation, and not an image."""
    return strings_of(entry.get("annotations")).get(_TYPE) == "attestation-manifest"


def attestations_in(entries: Iterable[Mapping[str, Any]]) -> tuple[Attestation, ...]:
    """Return the attestations among the entries of an index; those without a valid digest are left out."""
    return tuple(
        Attestation(Digest(digest), strings_of(entry.get("annotations")).get(_SUBJECT, ""))
        for entry in entries
        if is_attestation(entry) and (digest := _digest(entry))
    )


def statements_in(layers: Iterable[Mapping[str, Any]]) -> tuple[StatementLayer, ...]:
    """Return the statements among the layers of a manifest; those without a valid digest are left out."""
    statements = []
    for layer in layers:
        if layer.get("mediaType") == MEDIA_TYPE and (digest := _digest(layer)):
            size = layer.get("size")
            predicate_type = strings_of(layer.get("annotations")).get(_PREDICATE, "")
            statements.append(StatementLayer(Digest(digest), size if isinstance(size, int) else 0, predicate_type))
    return tuple(statements)


def strings_of(value: Any) -> dict[str, str]:
    """Return the entries of an object that are text, such as annotations or labels."""
    return {key: text for key, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}


def _digest(descriptor: Mapping[str, Any]) -> str:
    digest = descriptor.get("digest")
    return digest if isinstance(digest, str) and re.fullmatch(DIGEST, digest) else ""
