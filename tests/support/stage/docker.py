"""Stands for `docker` on a `Stage`: `python -m tests.support.stage.docker ARGUMENTS...`.

It knows `build`, `push`, `buildx build` and `buildx bake`, and builds nothing: an image holds the files of its
build context, so that the same context has the same digest. The push is real, by `skopeo`; on a stage that lends the
registry's folder as `~/.docker/registry`, an image is stored there as a push leaves it. As buildx does, the last two
wrap the image in an index with an attestation, unless `BUILDX_NO_DEFAULT_ATTESTATIONS` is set; with `--provenance` it
says what BuildKit says of a build context in git.
`run` runs the program under test. All else, such as `login`, does nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.registries.layout import Layout, Said
from tests.support.registries.storage import store

REGISTRY = "registry.example.com"
_BASE = f"{REGISTRY}/myorg/base:12"


def main(words: Sequence[str]) -> None:
    """Do what `docker WORDS...` does, as far as the docs' examples need it."""
    if words[:1] == ["run"]:
        _run(words[1:])
    parser = argparse.ArgumentParser(prog="docker", add_help=False)
    parser.add_argument("context", nargs="?", default="")
    parser.add_argument("--tag", "-t", action="append", default=[])
    parser.add_argument("--platform", default="linux/amd64")
    parser.add_argument("--label", action="append", default=[])
    parser.add_argument("--metadata-file")
    parser.add_argument("--progress")
    parser.add_argument("--provenance")
    parser.add_argument("--quiet", "-q", action="store_true")
    parser.add_argument("--push", action="store_true")
    verb = " ".join(word for word in words[:2] if word in ("build", "push", "buildx", "bake"))
    given, _ = parser.parse_known_args(words[len(verb.split()) :])
    labels = dict(label.split("=", 1) for label in given.label)
    match verb:
        case "build":
            for name in given.tag:
                path = _built_as(name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(_content(given.context))
        case "push":
            _push(given.context, _built_as(given.context).read_text(), ["linux/amd64"], {}, wrap=False)
            if given.quiet:
                sys.stdout.write(f"{given.context}\n")
        case "buildx build":
            said = _said(given.context) if given.provenance else None
            described = _built(given.tag, given.context, given.platform.split(","), labels, said)
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


def _run(words: Sequence[str]) -> None:
    """Run the program under test as its image would: in the given environment, with the mounted folders only."""
    options = list(itertools.takewhile(lambda word: word.startswith("--"), words))
    image, *arguments = words[len(options) :]
    assert re.fullmatch(r"[a-z0-9./:-]+@sha256:[0-9a-f]{64}", image), image
    given: dict[str, list[str]] = {}
    for option in options:
        name, _, value = option.partition("=")
        given.setdefault(name, []).append(value)
    assert given["--entrypoint"] == ["ledger"]
    mounts = dict(volume.split(":")[:2] for volume in given["--volume"])
    assert os.environ.get("LEDGER_DEPLOY_KEY", "").startswith(("-----", *mounts)), "the key's file is not mounted"
    passed = {name: os.environ[name] for name in given["--env"] if "=" not in name and name in os.environ}
    kept = {name: os.environ[name] for name in ("PATH", "SSL_CERT_FILE", "GIT_CONFIG_NOSYSTEM")}
    (config,) = (source for source, target in mounts.items() if target == "/tmp/.docker")
    os.chdir(given["--workdir"][0])
    os.execve(
        sys.executable,
        [sys.executable, "-I", "-m", "ledger_tool", *arguments],
        kept | passed | {"HOME": "/nonexistent", "DOCKER_CONFIG": config},
    )


def _built_as(name: str) -> Path:
    return Path.home() / ".docker" / "built" / name.replace("/", "%")


def _content(context: str) -> str:
    files = sorted(path for path in Path(context).glob("**/*") if path.is_file())
    return "\n".join([context, *(f"{path}\n{path.read_text()}" for path in files)])


def _said(context: str) -> Said:
    """Return what the provenance of a build from a git repository says, whose Dockerfile starts from `_BASE`."""
    from tests.support.values import provenance

    raw = subprocess.run(["skopeo", "inspect", "--raw", f"docker://{_BASE}"], check=True, capture_output=True).stdout
    uri = f"pkg:docker/{'@'.join(_BASE.rsplit(':', 1))}?platform=linux%2Famd64"
    commit = hashlib.sha1(context.encode()).hexdigest()
    materials = [
        provenance.material(uri, f"sha256:{hashlib.sha256(raw).hexdigest()}"),
        provenance.git_material(context, commit),
    ]
    predicate = provenance.buildkit(
        "v1",
        "max",
        context={"uri": context, "digest": {"sha1": commit}},
        materials=materials,
        builder="https://github.com/team/app/actions/runs/1",
    )
    return lambda platform, image: [("https://slsa.dev/provenance/v1", provenance.statement(predicate, image))]


def _built(
    tags: Sequence[str], context: str, platforms: list[str], labels: Mapping[str, str], said: Said | None = None
) -> dict[str, Any]:
    wrap = not os.environ.get("BUILDX_NO_DEFAULT_ATTESTATIONS") or len(platforms) > 1
    entries = [_push(name, _content(context), platforms, labels, wrap=wrap, said=said) for name in tags]
    return {
        "containerimage.descriptor": entries[0],
        "containerimage.digest": entries[0]["digest"],
        "image.name": ",".join(tags),
    }


def _push(
    name: str,
    content: str,
    platforms: Sequence[str],
    labels: Mapping[str, str],
    *,
    wrap: bool,
    said: Said | None = None,
) -> dict[str, Any]:
    """Push an image as `name`; return its descriptor."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "layout"
        if wrap:
            attest = not os.environ.get("BUILDX_NO_DEFAULT_ATTESTATIONS")
            Layout.multi_platform(place, content, tuple(platforms), attest=attest, said=said, labels=labels)
        else:
            Layout.image(place, content, labels=labels)
        if (lent := Path.home() / ".docker/registry").exists():
            host, _, image = name.partition("/")
            assert host == REGISTRY, name
            store(Layout(place), lent, *image.rsplit(":", 1))
        else:
            words = ["skopeo", "--insecure-policy", "copy", "--quiet", "--preserve-digests", "--all"]
            subprocess.run([*words, f"oci:{place}", f"docker://{name}"], check=True)
        entry: dict[str, Any] = json.loads((place / "index.json").read_text())["manifests"][0]
        return entry


def _write(path: str | None, metadata: Mapping[str, Any]) -> None:
    if path:
        Path(path).write_text(json.dumps(metadata, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
