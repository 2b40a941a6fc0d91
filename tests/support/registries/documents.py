"""A registry of any documents in memory, and what a client pulls from it, by containerd's own way to choose.

The oracle follows containerd's `images.Manifest`: the entries that match, those that state a platform first, and of
these the first; only where an entry has no platform does the config decide. It shares no code with the program.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.registry.drift import ABSENT, Absent
from ledger_tool.core.registry.image import Manifest, ServedDocument, parse

INDEX = "application/vnd.oci.image.index.v1+json"
IMAGE = "application/vnd.oci.image.manifest.v1+json"
PLATFORMS: list[dict[str, str]] = [
    {"os": "linux", "architecture": "amd64"},
    {"os": "linux", "architecture": "arm64"},
    {"os": "linux", "architecture": "arm", "variant": "v6"},
    {"os": "linux", "architecture": "arm", "variant": "v7"},
]
NAMES = ["linux/amd64", "linux/arm64", "linux/arm/v6", "linux/arm/v7"]
UNKNOWN = {"os": "unknown", "architecture": "unknown"}


@dataclass(eq=False)
class Documents:
    """A registry in memory that serves bytes; also the one that serves every image."""

    name: str = "registry.example.com"
    host: str = "registry.example.com"
    documents: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    blobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    tagged: str = ""
    plain_http: bool = False

    def repository(self, image: str) -> str:
        return f"{self.host}/{image}"

    def add(self, document: Mapping[str, Any]) -> dict[str, Any]:
        raw = json.dumps(document).encode()
        digest = "sha256:" + hashlib.sha256(raw).hexdigest()
        self.documents[digest] = raw, document["mediaType"]
        return {"mediaType": document["mediaType"], "digest": digest, "size": len(raw)}

    def image(self, seed: int, config: Mapping[str, Any]) -> dict[str, Any]:
        raw = json.dumps({"seed": seed, **config}).encode()
        digest = "sha256:" + hashlib.sha256(raw).hexdigest()
        self.blobs[digest] = json.loads(raw)
        return self.add({"schemaVersion": 2, "mediaType": IMAGE, "config": {"digest": digest}, "layers": []})

    def index(self, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return self.add({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(entries)})

    def look(self, image: str, reference: str) -> Digest | Absent:
        return Digest(self.tagged)

    def manifest(self, image: str, reference: str) -> Manifest | Absent:
        return parse(*self.documents[reference], reference) if reference in self.documents else ABSENT

    def document(self, image: str, digest: str) -> ServedDocument | Absent:
        return ServedDocument(*self.documents[digest]) if digest in self.documents else ABSENT

    def config(self, image: str, digest: str) -> Mapping[str, object]:
        return self.blobs[digest]

    def blob(self, image: str, digest: str, *, limit: int, what: str = "blob") -> bytes:
        return json.dumps(self.blobs[digest]).encode()

    def has_blob(self, image: str, digest: str) -> bool:
        return True

    def referrers(self, image: str, digest: str) -> None:
        return None

    def tags(self, image: str) -> Iterator[str]:
        return iter(())

    def serving(self, policy: Policy, image: str) -> Sequence[Documents]:
        return [self]


@st.composite
def registries(draw: st.DrawFn) -> Documents:
    """Return a registry whose tag serves an index of images, indexes and other things, in any order and often twice."""
    made = Documents()
    stated = st.sampled_from([*PLATFORMS, None, None, UNKNOWN])
    configs = st.sampled_from([*PLATFORMS, {}])

    def entry(depth: int) -> dict[str, Any]:
        if depth and draw(st.integers(0, 3)) == 0:
            below = made.index([entry(depth - 1) for _ in range(draw(st.integers(0, 3)))])
        else:
            below = made.image(draw(st.integers(0, 2)), draw(configs))
        platform = draw(stated)
        return below | ({"platform": platform} if platform else {})

    made.tagged = made.index([entry(2) for _ in range(draw(st.integers(0, 4)))])["digest"]
    return made


def chosen(made: Documents, digest: str, wanted: Mapping[str, str], stated: Mapping[str, str] | None = None) -> str:
    """Return the digest of the image that a client for a platform pulls through an index or image, `""` if none."""
    document = json.loads(made.documents[digest][0])
    if document["mediaType"] == IMAGE:
        own = stated or made.blobs[document["config"]["digest"]]
        return digest if {key: own[key] for key in own if key != "seed"} == wanted else ""
    entries = [entry for entry in document["manifests"] if entry.get("platform") in (None, wanted)]
    entries.sort(key=lambda entry: "platform" not in entry)
    return chosen(made, entries[0]["digest"], wanted, entries[0].get("platform")) if entries else ""
