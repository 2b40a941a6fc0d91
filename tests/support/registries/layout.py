"""OCI image layouts, made by hand; a process of its own makes some of them, and imports little for it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
# What an attestation has of the image of a platform, by its digest: statements, each with its predicate's type.
Said = Callable[[str, str], Sequence[tuple[str, bytes]]]


@dataclass
class Layout:
    """An OCI image layout on disk (image-spec "Image Layout"), made by hand."""

    folder: Path

    @classmethod
    def image(cls, folder: Path, text: str, **config: Any) -> Layout:
        """Make a layout of one image that holds `text`; see `add_image`."""
        layout = cls._new(folder)
        layout._index([layout.add_image(text, **config)])
        return layout

    @classmethod
    def multi_platform(
        cls,
        folder: Path,
        text: str,
        platforms: tuple[str, ...],
        *,
        attest: bool = False,
        said: Said | None = None,
        **config: Any,
    ) -> Layout:
        """Make a layout of an index with an image for each platform, and perhaps an attestation as buildx adds it.

        `said` gives the statements in it.
        """
        layout = cls._new(folder)
        entries = []
        for platform in platforms:
            system, architecture, *variant = platform.split("/")
            described = {"os": system, "architecture": architecture} | ({"variant": variant[0]} if variant else {})
            entry = layout.add_image(f"{text} for {platform}", platform=described, **config)
            entries.append(entry | {"platform": described})
            if attest or said:
                statements = said(platform, entry["digest"]) if said else ()
                note = layout.add_image(f"attestation of {text} for {platform}", statements=statements)
                annotations = {
                    "vnd.docker.reference.type": "attestation-manifest",
                    "vnd.docker.reference.digest": entry["digest"],
                }
                entries.append(
                    note | {"platform": {"os": "unknown", "architecture": "unknown"}, "annotations": annotations}
                )
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
        layout._index([layout._blob(json.dumps(index).encode(), OCI_INDEX)])
        return layout

    @property
    def digest(self) -> str:
        """The digest of what `push` pushes."""
        found: str = json.loads((self.folder / "index.json").read_text())["manifests"][0]["digest"]
        return found

    def read(self, digest: str) -> Any:
        """Return the JSON of a manifest, index or config."""
        return json.loads((self.folder / "blobs" / "sha256" / digest.partition(":")[2]).read_bytes())

    def images(self) -> dict[str, str]:
        """Return the digest of each image of an index, by platform; attestations left out."""
        found = {}
        for entry in self.read(self.digest)["manifests"]:
            platform = entry["platform"]
            if platform["os"] != "unknown":
                variant = f"/{platform['variant']}" if "variant" in platform else ""
                found[f"{platform['os']}/{platform['architecture']}{variant}"] = entry["digest"]
        return found

    def add_image(
        self, text: str, *, platform: Mapping[str, str] | None = None, labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None, statements: Sequence[tuple[str, bytes]] = (),
    ) -> dict[str, Any]:  # fmt: skip
        """Add an image of one small layer, or an attestation of statements instead; return its descriptor."""
        layer, uncompressed = _layer(text)
        described = dict(platform or {"os": "linux", "architecture": "amd64"})
        config = described | {
            "config": {"Labels": dict(labels or {})},
            "rootfs": {"type": "layers", "diff_ids": [uncompressed]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self._blob(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
            "layers": [self._statement(*one) for one in statements]
            or [self._blob(layer, "application/vnd.oci.image.layer.v1.tar+gzip")],
        } | ({"annotations": dict(annotations)} if annotations else {})
        return self._blob(json.dumps(manifest).encode(), OCI_MANIFEST)

    @classmethod
    def _new(cls, folder: Path) -> Layout:
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        return cls(folder)

    def _statement(self, predicate_type: str, raw: bytes) -> dict[str, Any]:
        annotations = {"annotations": {"in-toto.io/predicate-type": predicate_type}} if predicate_type else {}
        return self._blob(raw, "application/vnd.in-toto+json") | annotations

    def _blob(self, raw: bytes, media_type: str) -> dict[str, Any]:
        digest = hashlib.sha256(raw).hexdigest()
        (self.folder / "blobs" / "sha256" / digest).write_bytes(raw)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(raw)}

    def _index(self, entries: list[dict[str, Any]]) -> None:
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))


def _layer(text: str) -> tuple[bytes, str]:
    """Return a gzipped tar with one file, and the digest of the tar."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("text")
        member.size = len(text.encode())
        archive.addfile(member, io.BytesIO(text.encode()))
    tar = file.getvalue()
    return gzip.compress(tar, mtime=0), "sha256:" + hashlib.sha256(tar).hexdigest()
