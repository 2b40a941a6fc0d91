"""A real registry (Debian's docker-registry) on loopback, and images in it as a real client (skopeo) pushes them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.support.git.servers import free_port, wait_for_port
from tests.support.registries.layout import OCI_INDEX as OCI_INDEX
from tests.support.registries.layout import OCI_MANIFEST as OCI_MANIFEST
from tests.support.registries.layout import Layout as Layout
from tests.support.registries.storage import store

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

# Go's threads wait for work by looking for it, and its collector runs often: a third of what a registry takes here.
_ONE_CORE = {"GOMAXPROCS": "1", "GOGC": "400"}


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
        """Let an image (or index) of a layout be served as `image:tag`, as after a push; return the tag's digest."""
        if media == "docker" or not (all_platforms or layout.read(layout.digest)["mediaType"] == OCI_MANIFEST):
            return self.push_with_skopeo(layout, name, media=media)
        store(layout, self.folder, *name.rsplit(":", 1))
        return layout.digest

    def push_with_skopeo(self, layout: Layout, name: str, *, media: str = "oci", all_platforms: bool = False) -> str:
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
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "OTEL_TRACES_EXPORTER": "none", **_ONE_CORE},
    )  # fmt: skip
    try:
        wait_for_port(port)
        yield RealRegistry(f"127.0.0.1:{port}", "https" if certificate else "http", data, auth_file)
    finally:
        server.terminate()
        server.wait(10)
