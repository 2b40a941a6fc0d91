"""A real registry (Debian's docker-registry) on loopback, and images pushed into it by a real client (skopeo)."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.support.git.servers import free_port, wait_for_port

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True)
class RealRegistry:
    """A running registry; `host` is host and port."""

    host: str
    scheme: str
    folder: Path
    auth_file: Path | None = None

    @property
    def url(self) -> str:
        """Its origin."""
        return f"{self.scheme}://{self.host}"

    def settings(self, images: str = "*") -> str:
        """Return a `ledger.yaml` that names it."""
        host = self.host if self.scheme == "https" else self.url
        return f'registries:\n  - host: {host}\n    images: ["{images}"]\ntags:\n  mutable: [latest]\n'

    def push(self, layout: Layout, name: str, *, media: str = "oci", all_platforms: bool = False) -> str:
        """Push an image (or index) of a layout as `image:tag`; return the digest that the tag serves."""
        words = ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", "--preserve-digests"]
        words += ["--all"] if all_platforms else []
        words += ["--dest-authfile", str(self.auth_file)] if self.auth_file else []
        if media == "docker":
            words = [word for word in words if word != "--preserve-digests"] + ["--format", "v2s2"]
        subprocess.run(
            [*words, f"oci:{layout.folder}", f"docker://{self.host}/{name}"], check=True, capture_output=True
        )
        return self.served(name) if media == "docker" else layout.digest  # skopeo converts it, or keeps its bytes

    def put_blob(self, image: str, raw: bytes, media_type: str = "") -> dict[str, Any]:
        """Store a blob as a client does; return its descriptor."""
        digest = "sha256:" + hashlib.sha256(raw).hexdigest()
        start = urllib.request.Request(f"{self.url}/v2/{image}/blobs/uploads/", method="POST")
        with urllib.request.urlopen(start, timeout=10) as answer:
            location = answer.headers["Location"]
        body = {"Content-Type": "application/octet-stream"}
        put = urllib.request.Request(f"{location}&digest={digest}", raw, method="PUT", headers=body)
        urllib.request.urlopen(put, timeout=10).close()
        return {"mediaType": media_type or "application/octet-stream", "digest": digest, "size": len(raw)}

    def put_manifest(self, image: str, tag: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Store any manifest or index under a tag, or under its digest if that is `""`; return its descriptor."""
        raw, media_type = json.dumps(document).encode(), document["mediaType"]
        digest = "sha256:" + hashlib.sha256(raw).hexdigest()
        put = urllib.request.Request(
            f"{self.url}/v2/{image}/manifests/{tag or digest}", raw, method="PUT", headers={"Content-Type": media_type}
        )
        urllib.request.urlopen(put, timeout=10).close()
        return {"mediaType": media_type, "digest": digest, "size": len(raw)}

    def served(self, name: str) -> str:
        """Return the digest that a tag serves, as skopeo sees it."""
        words = ["skopeo", "inspect", "--raw", "--tls-verify=false"]
        words += ["--authfile", str(self.auth_file)] if self.auth_file else []
        raw = subprocess.run([*words, f"docker://{self.host}/{name}"], check=True, capture_output=True).stdout
        return "sha256:" + hashlib.sha256(raw).hexdigest()

    def delete_manifest(self, image: str, digest: str) -> None:
        """Delete a manifest behind everybody's back: all its tags are gone with it."""
        request = urllib.request.Request(f"{self.url}/v2/{image}/manifests/{digest}", method="DELETE")
        urllib.request.urlopen(request, timeout=10).close()

    def has(self, image: str, digest: str) -> bool:
        """Return whether a manifest is there."""
        accept = {"Accept": f"{OCI_MANIFEST}, {OCI_INDEX}, {DOCKER_MANIFEST}"}
        request = urllib.request.Request(f"{self.url}/v2/{image}/manifests/{digest}", method="HEAD", headers=accept)
        try:
            urllib.request.urlopen(request, timeout=10).close()
        except urllib.error.HTTPError as error:
            return error.code != 404
        return True

    def pulls(self, name: str, folder: Path) -> bool:
        """Return whether skopeo can pull `image:tag` or `image@digest`, every layer and every platform of it."""
        words = ["skopeo", "--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", "--all"]
        words += ["--src-authfile", str(self.auth_file)] if self.auth_file else []
        done = subprocess.run(
            [*words, f"docker://{self.host}/{name}", f"dir:{folder / uuid4().hex}"], check=False, capture_output=True
        )
        return done.returncode == 0

    def collect_garbage(self, *options: str) -> str:
        """Run the registry's own garbage collector; return what it says."""
        config = self.folder.parent / "config.yml"
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder.parent), "OTEL_TRACES_EXPORTER": "none"}
        return subprocess.run(
            ["docker-registry", "garbage-collect", *options, str(config)],
            check=True, capture_output=True, text=True, env=environment,
        ).stdout  # fmt: skip

    def chosen(self, name: str, platform: str, folder: Path) -> str:
        """Return the digest of the image that skopeo pulls for a platform by `image:tag` or `image@digest`."""
        system, architecture, *variant = platform.split("/")
        target = folder / uuid4().hex
        words = ["skopeo", "--insecure-policy", f"--override-os={system}", f"--override-arch={architecture}"]
        words += [f"--override-variant={variant[0]}"] if variant else []
        words += ["copy", "--quiet", "--src-tls-verify=false", f"docker://{self.host}/{name}", f"dir:{target}"]
        subprocess.run(words, check=True, capture_output=True)
        return "sha256:" + hashlib.sha256((target / "manifest.json").read_bytes()).hexdigest()

    def blobs(self) -> set[str]:
        """Return the digests of all blobs that are stored."""
        return {f"sha256:{path.parent.name}" for path in self.folder.glob("docker/registry/v2/blobs/sha256/*/*/data")}

    def delete_tag(self, image: str, tag: str) -> None:
        """Take a tag away and leave its manifest: this registry has no call for it, but a folder."""
        shutil.rmtree(self.folder / "docker/registry/v2/repositories" / image / "_manifests/tags" / tag)

    def delete_blob(self, image: str, digest: str) -> None:
        """Take a blob out of a repository, as a garbage collector gone wrong does."""
        shutil.rmtree(
            self.folder / "docker/registry/v2/repositories" / image / "_layers/sha256" / digest.partition(":")[2]
        )


@contextmanager
def real_registry(
    folder: Path,
    *,
    htpasswd: str = "",
    certificate: tuple[Path, Path] | None = None,
    token_realm: str = "",
    token_roots: Path | None = None,
    delete: bool = True,
    read_only: RealRegistry | None = None,
) -> Iterator[RealRegistry]:
    """Run docker-registry on a free port: open, or with htpasswd, TLS or a token server.

    With `read_only`, it serves what another one has, and takes nothing.
    """
    port = free_port()
    data = read_only.folder if read_only else folder / "data"
    for own in (folder, data):
        own.mkdir(parents=True, exist_ok=True)
    config: dict[str, Any] = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(data)}, "delete": {"enabled": delete}, "cache": {}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "test"},
        "validation": {"manifests": {"urls": {"allow": ["^https://example[.]com/"]}}},  # layers that are kept elsewhere
    }
    if read_only:
        config["storage"]["maintenance"] = {"readonly": {"enabled": True}}
    auth_file = None
    if certificate:
        config["http"]["tls"] = {"certificate": str(certificate[0]), "key": str(certificate[1])}
    if htpasswd:
        (folder / "htpasswd").write_text(htpasswd)
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    if token_realm:
        config["auth"] = {
            "token": {"realm": token_realm, "service": "registry", "issuer": "test", "rootcertbundle": str(token_roots)}
        }
    (folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
    if htpasswd or token_realm:
        auth_file = folder / "auth.json"
        auth_file.write_text(json.dumps({"auths": {f"127.0.0.1:{port}": {"auth": "dXNlcjpzZWNyZXQtcGFzc3dvcmQ="}}}))
    server = subprocess.Popen(
        ["docker-registry", "serve", str(folder / "config.yml")],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "OTEL_TRACES_EXPORTER": "none"},
    )  # fmt: skip
    try:
        wait_for_port(port)
        yield RealRegistry(f"127.0.0.1:{port}", "https" if certificate else "http", data, auth_file)
    finally:
        server.terminate()
        server.wait(10)


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
        cls, folder: Path, text: str, platforms: tuple[str, ...], *, attest: bool = False, **config: Any
    ) -> Layout:
        """Make a layout of an index with an image for each platform, and perhaps an attestation as buildx adds it."""
        layout = cls._new(folder)
        entries = []
        for platform in platforms:
            system, architecture, *variant = platform.split("/")
            described = {"os": system, "architecture": architecture} | ({"variant": variant[0]} if variant else {})
            entry = layout.add_image(f"{text} for {platform}", platform=described, **config)
            entries.append(entry | {"platform": described})
            if attest:
                note = layout.add_image(f"attestation of {text} for {platform}")
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
        annotations: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Add an image of one small layer; return its descriptor."""
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
            "layers": [self._blob(layer, "application/vnd.oci.image.layer.v1.tar+gzip")],
        } | ({"annotations": dict(annotations)} if annotations else {})
        return self._blob(json.dumps(manifest).encode(), OCI_MANIFEST)

    @classmethod
    def _new(cls, folder: Path) -> Layout:
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        return cls(folder)

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
