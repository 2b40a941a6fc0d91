"""Signed statements attached to images at a real registry, in the ways in which tools attach them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.registries.registry import OCI_INDEX, OCI_MANIFEST
from tests.support.registries.world import World
from tests.support.values import provenance, signing
from tests.support.values.signing import BUNDLE

DSSE = "application/vnd.dsse.envelope.v1+json"
_EMPTY = "application/vnd.oci.empty.v1+json"


def rule(image: str = "*", *, signer: str = "{key: release.pub}", source: str = "", require: bool = False) -> str:
    """Return the part of a `ledger.yaml` that says who has to sign images."""
    sources = f'    source: ["{source}"]\n' if source else ""
    return f'provenance:\n  - images: ["{image}"]\n    signer: {signer}\n{sources}' + (
        "require: [provenance]\n" if require else ""
    )


def settle(world: World, settings: str, files: Mapping[str, bytes] | None = None) -> None:
    """Commit a world's `ledger.yaml` with these settings too, and further files; `release.pub` is always there."""
    kept = {"ledger.yaml": (world.registry.settings() + settings).encode(), "release.pub": signing.public_pem()}
    world.upstream.commit_as_other_writer(kept | dict(files or {}))


def github(*digests: str, **source: str) -> bytes:
    """Return a statement about images, from the source that a world publishes from."""
    return provenance.statement(provenance.github(**source), *digests)


def artifact(world: World, raw: bytes, media_type: str, subject: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Push a manifest with a document as its layer, which refers to a subject; return its entry in a list."""
    layer = world.registry.put_blob(world.image, raw, media_type) | more.pop("layer", {})
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": media_type,
        "config": world.registry.put_blob(world.image, b"{}", _EMPTY),
        "layers": [layer],
        "subject": dict(subject),
    }
    return world.registry.put_manifest(world.image, "", manifest | more) | {"artifactType": media_type}


def subject(digest: str) -> dict[str, Any]:
    """Return the descriptor of what an artifact refers to."""
    return {"mediaType": OCI_MANIFEST, "digest": digest, "size": 1}


def list_referrers(world: World, digest: str, entries: Sequence[Mapping[str, Any]]) -> None:
    """Write the tag that lists the referrers of a digest, as clients of a registry without an API for that do."""
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [dict(entry) for entry in entries]}
    world.registry.put_manifest(world.image, digest.replace(":", "-"), index)


def refer(world: World, digest: str, *documents: bytes, media_type: str = BUNDLE) -> None:
    """Attach documents to a digest as its referrers, and nothing else."""
    entries = [artifact(world, raw, media_type, subject(digest)) for raw in documents]
    list_referrers(world, digest, entries)


def attach(world: World, digest: str, *documents: bytes, annotations: Mapping[str, str] | None = None) -> None:
    """Attach envelopes to a digest by cosign's tag, and nothing else."""
    layers = [
        world.registry.put_blob(world.image, raw, DSSE) | {"annotations": dict(annotations or {})} for raw in documents
    ]
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": world.registry.put_blob(world.image, b"{}", "application/vnd.oci.image.config.v1+json"),
        "layers": layers,
    }
    world.registry.put_manifest(world.image, digest.replace(":", "-") + ".att", manifest)
