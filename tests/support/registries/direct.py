"""A registry spoken to directly, without a client program: push parts, see what is there, pull without writing it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
from requests.adapters import HTTPAdapter

from tests.support.registries.registry import OCI_INDEX, OCI_MANIFEST, RealRegistry

_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
Descriptor = dict[str, Any]


@dataclass
class Direct:
    """One registry, over one connection."""

    registry: RealRegistry
    _session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self._session.mount("http://", HTTPAdapter(max_retries=3))  # the registry closes a connection that rests

    def push_image(self, repository: str, text: str, architecture: str = "amd64") -> Descriptor:
        """Push an image whose layer is a text; return its entry for an index."""
        layer = text.encode()
        config = {
            "os": "linux",
            "architecture": architecture,
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self._push_blob(repository, json.dumps(config).encode(), _CONFIG),
            "layers": [self._push_blob(repository, layer, _LAYER)],
        }
        platform = {"os": "linux", "architecture": architecture}
        return self._push(repository, manifest) | {"platform": platform}

    def push_index(self, repository: str, entries: Sequence[Descriptor], **more: Any) -> Descriptor:
        """Push an index of images, attestations or indexes; return its entry for another index."""
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries)} | more
        return self._push(repository, index)

    def tag(self, repository: str, tag: str, digest: str) -> None:
        """Let a tag serve a digest that is there."""
        got = self._get(repository, digest)
        assert got is not None
        self._put(repository, tag, got.content, got.headers["Content-Type"])

    def tags(self, repository: str) -> dict[str, str]:
        """Return what each tag serves."""
        answer = self._session.get(f"{self.registry.url}/v2/{repository}/tags/list", timeout=10)
        names = (answer.json()["tags"] or []) if answer.ok else []
        return {name: _digest(got.content) for name in names if (got := self._get(repository, name)) is not None}

    def manifests(self, repository: str) -> list[str]:
        """Return the digest of every manifest and index that a repository has, tagged or not."""
        folder = self.registry.folder / "docker/registry/v2/repositories" / repository / "_manifests/revisions/sha256"
        digests = [f"sha256:{path.parent.name}" for path in folder.glob("*/link")]
        return [digest for digest in digests if self._get(repository, digest) is not None]

    def is_whole(self, repository: str, digest: str) -> bool:
        """Return whether a digest can be pulled, with all that it refers to."""
        got = self._get(repository, digest)
        if got is None:
            return False
        manifest = got.json()
        if "manifests" in manifest:
            return all(self.is_whole(repository, entry["digest"]) for entry in manifest["manifests"])
        blobs = [manifest["config"], *manifest["layers"]]
        urls = [f"{self.registry.url}/v2/{repository}/blobs/{blob['digest']}" for blob in blobs]
        return all(self._session.head(url, timeout=10).ok for url in urls)

    def pulls(self, repository: str, digest: str, folder: Path) -> bool:
        """Return whether skopeo pulls a digest, with every platform and layer of it.

        It does not pull an index in an index, but each of those that are inside.
        """
        got = self._get(repository, digest)
        inner = (
            [entry["digest"] for entry in got.json().get("manifests", []) if entry["mediaType"] == OCI_INDEX]
            if got
            else []
        )
        if inner:
            return all(self.pulls(repository, own, folder) for own in inner)
        target = folder / uuid4().hex
        words = ["skopeo", "--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", "--all"]
        source = f"docker://{self.registry.host}/{repository}@{digest}"
        done = subprocess.run([*words, source, f"dir:{target}"], check=False, capture_output=True)
        shutil.rmtree(target, ignore_errors=True)
        return done.returncode == 0

    def _get(self, repository: str, reference: str) -> requests.Response | None:
        accept = {"Accept": f"{OCI_MANIFEST}, {OCI_INDEX}"}
        url = f"{self.registry.url}/v2/{repository}/manifests/{reference}"
        answer = self._session.get(url, headers=accept, timeout=10)
        return answer if answer.ok else None

    def _push(self, repository: str, manifest: dict[str, Any]) -> Descriptor:
        raw = json.dumps(manifest).encode()
        self._put(repository, _digest(raw), raw, manifest["mediaType"])
        return {"mediaType": manifest["mediaType"], "digest": _digest(raw), "size": len(raw)}

    def _put(self, repository: str, reference: str, raw: bytes, media_type: str) -> None:
        url = f"{self.registry.url}/v2/{repository}/manifests/{reference}"
        answer = self._session.put(url, data=raw, headers={"Content-Type": media_type}, timeout=10)
        assert answer.status_code == 201, answer.text

    def _push_blob(self, repository: str, raw: bytes, media_type: str) -> Descriptor:
        digest = _digest(raw)
        url = f"{self.registry.url}/v2/{repository}/blobs"
        if not self._session.head(f"{url}/{digest}", timeout=10).ok:
            start = self._session.post(f"{url}/uploads/", timeout=10).headers["Location"]
            octets = {"Content-Type": "application/octet-stream"}
            done = self._session.put(start, params={"digest": digest}, data=raw, headers=octets, timeout=10)
            assert done.status_code == 201, done.text
        return {"mediaType": media_type, "digest": digest, "size": len(raw)}


def _digest(raw: bytes) -> str:
    return "sha256:" + hashlib.sha256(raw).hexdigest()
