"""Stands for `docker` on a `Stage`: `python -m tests.support.stage.docker ARGUMENTS...`.

It knows `build`, `push`, `buildx build` and `buildx bake`, and builds nothing: an image holds the files of its
build context, so that the same context has the same digest. The push is real, by `skopeo`. As buildx does,
the last two wrap the image in an index with an attestation, unless `BUILDX_NO_DEFAULT_ATTESTATIONS` is set.
All else, such as `login`, does nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.registries.registry import Layout

REGISTRY = "registry.example.com"
_BUILT = Path.home() / ".docker" / "built"


def main(words: Sequence[str]) -> None:
    """Do what `docker WORDS...` does, as far as the docs' examples need it."""
    parser = argparse.ArgumentParser(prog="docker", add_help=False)
    parser.add_argument("context", nargs="?", default="")
    parser.add_argument("--tag", "-t", action="append", default=[])
    parser.add_argument("--platform", default="linux/amd64")
    parser.add_argument("--label", action="append", default=[])
    parser.add_argument("--metadata-file")
    parser.add_argument("--progress")
    parser.add_argument("--quiet", "-q", action="store_true")
    parser.add_argument("--push", action="store_true")
    verb = " ".join(word for word in words[:2] if word in ("build", "push", "buildx", "bake"))
    given, _ = parser.parse_known_args(words[len(verb.split()) :])
    labels = dict(label.split("=", 1) for label in given.label)
    match verb:
        case "build":
            for name in given.tag:
                path = _BUILT / name.replace("/", "%")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(_content(given.context))
        case "push":
            _push(
                given.context, (_BUILT / given.context.replace("/", "%")).read_text(), ["linux/amd64"], {}, wrap=False
            )
            if given.quiet:
                sys.stdout.write(f"{given.context}\n")
        case "buildx build":
            described = _built(given.tag, given.context, given.platform.split(","), labels)
            _write(given.metadata_file, described)
        case "buildx bake":
            tag = os.environ["TAG"]
            targets = {
                name: _built([f"{REGISTRY}/myorg/{name}:{tag}"], name, [given.platform], labels)
                for name in ("app", "worker")
            }
            _write(given.metadata_file, targets)
        case _:
            if "--password-stdin" in words:
                sys.stdin.read()


def _content(context: str) -> str:
    files = sorted(path for path in Path(context).glob("**/*") if path.is_file())
    return "\n".join([context, *(f"{path}\n{path.read_text()}" for path in files)])


def _built(tags: Sequence[str], context: str, platforms: list[str], labels: Mapping[str, str]) -> dict[str, Any]:
    wrap = not os.environ.get("BUILDX_NO_DEFAULT_ATTESTATIONS") or len(platforms) > 1
    entries = [_push(name, _content(context), platforms, labels, wrap=wrap) for name in tags]
    return {
        "containerimage.descriptor": entries[0],
        "containerimage.digest": entries[0]["digest"],
        "image.name": ",".join(tags),
    }


def _push(
    name: str, content: str, platforms: Sequence[str], labels: Mapping[str, str], *, wrap: bool
) -> dict[str, Any]:
    """Push an image as `name`; return its descriptor."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "layout"
        if wrap:
            attest = not os.environ.get("BUILDX_NO_DEFAULT_ATTESTATIONS")
            Layout.multi_platform(place, content, tuple(platforms), attest=attest, labels=labels)
        else:
            Layout.image(place, content, labels=labels)
        words = ["skopeo", "--insecure-policy", "copy", "--quiet", "--preserve-digests", "--all"]
        subprocess.run([*words, f"oci:{place}", f"docker://{name}"], check=True)
        entry: dict[str, Any] = json.loads((place / "index.json").read_text())["manifests"][0]
        return entry


def _write(path: str | None, metadata: Mapping[str, Any]) -> None:
    if path:
        Path(path).write_text(json.dumps(metadata, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
