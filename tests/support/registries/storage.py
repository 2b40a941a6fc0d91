"""The files in which docker-registry keeps its images, written as a push leaves them.

A push takes twenty times as long. The registry looks at them on every request, so that what is written here is served
at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tests.support.registries.layout import OCI_INDEX, Layout


def store(layout: Layout, folder: Path, repository: str, tag: str) -> None:
    """Write an image or index, with all its platforms, where a registry that keeps its data in `folder` looks for it.

    The tag serves it from now on.
    """
    root = folder / "docker/registry/v2"
    here = root / "repositories" / repository
    for digest, is_manifest in _documents(layout, layout.digest):
        raw = (layout.folder / "blobs" / digest.replace(":", "/")).read_bytes()
        hexadecimal = digest.partition(":")[2]
        _write(root / "blobs/sha256" / hexadecimal[:2] / hexadecimal / "data", raw)
        kind = "_manifests/revisions" if is_manifest else "_layers"
        _write(here / kind / "sha256" / hexadecimal / "link", digest.encode())
    of_tag = here / "_manifests/tags" / tag
    _write(of_tag / "index/sha256" / layout.digest.partition(":")[2] / "link", layout.digest.encode())
    _write(of_tag / "current/link", layout.digest.encode())


def _documents(layout: Layout, digest: str) -> Iterator[tuple[str, bool]]:
    """Yield the digest of each part of an image or index, and whether it is a manifest; its own comes last."""
    document = layout.read(digest)
    if document["mediaType"] == OCI_INDEX:
        for entry in document["manifests"]:
            yield from _documents(layout, entry["digest"])
    else:
        for blob in (document["config"], *document["layers"]):
            yield blob["digest"], False
    yield digest, True


def _write(path: Path, raw: bytes) -> None:
    """Write a file at once, as the registry does: it may be reading the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}")
    new.write_bytes(raw)
    os.replace(new, path)
