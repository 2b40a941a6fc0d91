"""Every spelling of an image through every command, for several shapes of ledger.yaml: always the same answer.

The registries are real host names, which a proxy leads to one scripted server.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.git.upstream import git
from tests.support.registries.tunnel import certificate_for, tunnel
from tests.support.registries.wire import Wire, config, image, served, sha256, wire_server
from tests.support.values.make import SOURCE, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]

HUB, PRIVATE, MIRROR = "registry-1.docker.io", "registry.example.com", "mirror.example.net"
OFFICIAL = (
    "nginx", "docker.io/nginx", "docker.io/library/nginx", "Docker.IO/nginx", "index.docker.io/nginx",
    "index.docker.io/library/nginx", "registry-1.docker.io/nginx", "registry-1.docker.io/library/nginx",
)  # fmt: skip
APP = ("registry.example.com/myorg/app", "Registry.Example.COM/myorg/app")


@dataclass(frozen=True)
class Shape:
    """A ledger.yaml, an image as the ledger calls it, its spellings, and where registries have it: host and path.

    `bare` are names without a registry that people may type, and that mean Docker Hub in a manifest.
    """

    settings: str
    image: str
    spellings: tuple[str, ...]
    bare: tuple[str, ...]
    repositories: Mapping[str, str]


def shape(settings: str, image: str, *, bare: tuple[str, ...] = (), **more: Any) -> Shape:
    """Return a shape whose ledger.yaml has these registries, one a line."""
    lines = "".join(f"  - {{{line.strip()}}}\n" for line in settings.splitlines() if line.strip())
    return Shape(f"registries:\n{lines}" if lines else "", image, bare=bare, **more)


_hub: dict[str, Any] = {"spellings": (*OFFICIAL, "library/nginx"), "repositories": {HUB: "library/nginx"}}
_app: dict[str, Any] = {"spellings": APP, "bare": ("myorg/app",)}
SHAPES = {
    "docker.io": shape("host: docker.io", "nginx", **_hub),
    "docker.io-and-library-in-the-name": shape("host: docker.io", "library/nginx", **_hub),
    "docker.io-with-prefix": shape("host: docker.io, prefix: library", "nginx", **_hub),
    "docker.io-as-in-the-docs": shape("host: docker.io, images: [nginx, postgres]", "nginx", **_hub),
    "docker.io-by-pattern": shape("host: docker.io, images: ['library/*']", "library/nginx", **_hub),
    "index.docker.io": shape("host: index.docker.io", "nginx", **_hub),
    "private": shape("host: registry.example.com", "myorg/app", repositories={PRIVATE: "myorg/app"}, **_app),
    "private-with-prefix": shape(
        "host: Registry.example.com, prefix: myorg",
        "app", spellings=APP, bare=("app",), repositories={PRIVATE: "myorg/app"},
    ),
    "two-mirrors": shape(
        """host: registry.example.com, images: ['myorg/*']
        host: mirror.example.net, images: ['myorg/*'], prefix: cache
        host: docker.io, images: [nginx]""",
        "myorg/app", spellings=(*APP, "mirror.example.net/cache/myorg/app"), bare=("myorg/app",),
        repositories={PRIVATE: "myorg/app", MIRROR: "cache/myorg/app"},
    ),
    "mirror-of-docker.io": shape(
        """host: docker.io, images: [nginx]
        host: mirror.example.net, images: [nginx], prefix: hub/library""",
        "nginx", spellings=(*OFFICIAL, "library/nginx", "mirror.example.net/hub/library/nginx"),
        repositories={HUB: "library/nginx", MIRROR: "hub/library/nginx"},
    ),
    "one-name-at-two-registries": shape(
        """host: registry.example.com, images: [nginx]
        host: docker.io, ledgerPrefix: hub""",
        "hub/nginx", spellings=OFFICIAL[1:], bare=("hub/nginx",), repositories={HUB: "library/nginx"},
    ),
    "none": shape("", "nginx", spellings=("nginx",), repositories={}),
}  # fmt: skip

MANIFEST = image()
NOW = sha256(MANIFEST)
YANKED = {"at": "2026-11-25T08:00:00Z", "reason": "bad"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Wire, Mapping[str, str]]]:
    """Return the server behind all registries, and the environment that leads to it."""
    hosts = (HUB, PRIVATE, MIRROR)
    certificate = certificate_for(tmp_path_factory.mktemp("tls"), *hosts)
    with wire_server(certificate) as wire, tunnel(wire.port, *hosts) as port:
        yield wire, {"https_proxy": f"http://127.0.0.1:{port}", "SSL_CERT_FILE": str(certificate[0])}


@pytest.fixture
def registries(world: tuple[Wire, Mapping[str, str]], monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire, environment = world
    wire.asked.clear()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return wire


def serve(wire: Wire, repositories: Mapping[str, str]) -> None:
    """Serve the image as 1.25 in these repositories, and nothing else anywhere."""
    wire.reset()
    for path in repositories.values():
        for reference in ("1.25", NOW):
            wire.on(f"/v2/{path}/manifests/{reference}", served(MANIFEST))
        wire.on(f"/v2/{path}/blobs/{sha256(config())}", served(config()))


def checkout(folder: Path, settings: str, *records: Any) -> Path:
    """Make a ledger of these records."""
    git("init", "--quiet", "--initial-branch=main", folder)
    (folder / "ledger.json").write_bytes(ledger_bytes(*records))
    if settings:
        (folder / "ledger.yaml").write_text(settings)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--message", "start", cwd=folder)
    return folder


def records_of(shape: Shape) -> list[Any]:
    """Return two versions of the image, one past its TTL, and an image built on an old one, under each of its names."""
    bases = [f"{name}:1.25@{digest(name)}" for name in (*shape.bare, *shape.spellings)]
    return [
        record(shape.image, "1.24", digest=digest("1.24"), ttl="1d", publishedAt="2020-01-01T00:00:00Z", yanked=YANKED),
        record(shape.image, "1.25", digest=NOW, platform="linux/amd64"),
        record("team/built", "v1", dependsOn=bases),
    ]


OF_ONE = {
    "get": "get {name}:1.25 --format ref",
    "list": "list {name}:1.2* --format json",
    "log": "log {name}:1.25 --format json",
    "deps": "deps {name}:1.25 --format json",
    "dependents": "dependents {name}:1.25 --format json",
    "stale": "dependents {name} --stale --format json",
    "keepset": "keepset {name} --format json",
    "export": "export {name}:1.25 --format compose --key {name}=web",
    "verify": f"verify {{name}}:1.24 --digest {digest('1.24')}",
    "publish": f"publish {{name}}:1.25@{NOW} --platform linux/amd64 --source {SOURCE} --offline --dry-run",
}
OF_SEVERAL = {
    "set": "set {names} --label env=prod --dry-run",
    "remove": "remove {names} --reason gone --dry-run",
    "yank": "yank {names} --reason worse --dry-run",
    "prune": "prune {names} --format json",
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_every_spelling_gives_the_same_answer_in_every_command(
    shape: Shape, ledger: Run, tmp_path: Path, registries: Wire
) -> None:
    serve(registries, shape.repositories)
    at = checkout(tmp_path / "ledger", shape.settings, *records_of(shape))
    names = (*shape.bare, *shape.spellings)
    answers = {}
    for command, words in OF_ONE.items():
        answers[command] = expected = ledger(*words.format(name=shape.image).split(), "--repo", at)
        assert expected.code in (0, 1), (command, expected)
        assert any(name in expected.out for name in (shape.image, *shape.repositories.values())), (command, expected)
        for name in names:
            assert ledger(*words.format(name=name).split(), "--repo", at) == expected, (command, name)
    for command, words in OF_SEVERAL.items():
        expected = ledger(*words.format(names=f"{shape.image}:1.24").split(), "--repo", at)
        assert expected.code == 0, (command, expected)
        assert any(name in expected.out for name in (shape.image, *shape.repositories.values())), (command, expected)
        several = " ".join(f"{name}:1.24" for name in names)
        assert ledger(*words.format(names=several).split(), "--repo", at) == expected, command
    assert answers["stale"].json["dependents"][0]["moved"]
    for host, path in shape.repositories.items():
        whole = f"{'docker.io' if host == HUB else host}/{path}"
        assert all(whole in one["repositories"] for one in answers["keepset"].json["digests"])


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_every_spelling_in_a_manifest_is_pinned_and_bumped_alike(shape: Shape, ledger: Run, tmp_path: Path) -> None:
    newer = record(shape.image, "1.26", digest=digest("1.26"), publishedAt="2027-01-01T00:00:00Z")
    at = checkout(tmp_path / "ledger", shape.settings, *records_of(shape), newer)
    manifest = tmp_path / "pods.yaml"
    lines = [f"- image: {name}:1.25\n" for name in shape.spellings]
    manifest.write_text("".join(lines))
    assert ledger("pin", manifest, "--repo", at).code == 0
    assert manifest.read_text() == "".join(line.replace(":1.25", f":1.25@{NOW}") for line in lines)
    for name in shape.spellings:
        done = ledger("bump", manifest, "--policy", f"{name}=semver:^1", "--check", "--format", "json", "--repo", at)
        assert {(one["image"], one["class"]) for one in done.json["findings"]} == {(shape.image, "behind")}, name
    assert ledger("bump", manifest, "--policy", "semver:^1", "--repo", at).code == 0
    assert manifest.read_text() == "".join(line.replace(":1.25", f":1.26@{digest('1.26')}") for line in lines)
    if shape.settings:
        manifest.write_text("".join(f"- image: {name}:1.25\n" for name in shape.bare))
        done = ledger("pin", manifest, "--check", "--format", "json", "--repo", at)
        assert [one["class"] for one in done.json["findings"]] == ["unknown"] * len(shape.bare), "Docker Hub's"


@pytest.mark.parametrize("shape", [one for one in SHAPES.values() if one.settings], ids=[*SHAPES][:-1])
def test_every_spelling_leads_to_the_registrys_own_repository(
    shape: Shape, ledger: Run, tmp_path: Path, registries: Wire
) -> None:
    serve(registries, shape.repositories)
    at = checkout(tmp_path / "ledger", shape.settings, *records_of(shape)[1:2])
    for name in (*shape.bare, *shape.spellings):
        registries.asked.clear()
        done = ledger("publish", f"{name}:1.25", "--source", SOURCE, "--dry-run", "--repo", at)
        assert (done.code, done.json["image"], done.json["verified"]) == (0, shape.image, True), (name, done)
        done = ledger("verify", f"{name}:1.25", "--repo", at)
        assert (done.code, done.out.count("ok  ")) == (0, len(shape.repositories)), (name, done)
        assert {asked.headers["host"].lower() for asked in registries.asked} == set(shape.repositories)
    for name in (shape.image, shape.spellings[-1]):
        done = ledger("reconcile", f"{name}:1.25", "--format", "json", "--repo", at)
        assert (done.code, done.json["summary"]["in-sync"]) == (0, len(shape.repositories)), (name, done)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_one_image_is_recorded_under_one_name_however_it_is_published(
    shape: Shape, ledger: Run, tmp_path: Path
) -> None:
    at = checkout(tmp_path / "ledger", shape.settings)
    names = [shape.image, *shape.bare, *shape.spellings]
    batch, metadata = tmp_path / "batch.json", tmp_path / "metadata.json"
    batch.write_text(json.dumps([{"image": name, "tag": "1.25", "digest": NOW} for name in names]))
    tagged = ",".join(f"{name}:1.25" for name in names)
    metadata.write_text(json.dumps({"image.name": tagged, "containerimage.digest": NOW}))
    for words, changed in (("--from", batch), True), (("--metadata-file", metadata), False):
        done = ledger("publish", *words, "--source", SOURCE, "--offline", "--no-push", "--repo", at)
        assert (done.code, [one["changed"] for one in done.json_lines]) == (0, [changed]), done
    found = ledger("list", "--format", "json", "--repo", at).json
    assert [(one["image"], one["tag"]) for one in found] == [(shape.image, "1.25")]


def test_what_ledger_yaml_does_not_name_is_a_usage_error_everywhere(ledger: Run, tmp_path: Path) -> None:
    chosen = SHAPES["docker.io-as-in-the-docs"]
    at = checkout(tmp_path / "ledger", chosen.settings, *records_of(chosen))
    for command, words in (OF_ONE | OF_SEVERAL).items():
        if command in ("dependents", "stale", "keepset"):
            continue  # these ask of bases, too, which may be anywhere
        for name, told in (
            ("ghcr.io/nginx", "`ghcr.io/nginx` names a registry that is not in ledger.yaml"),
            ("index.docker.io/redis", "ledger.yaml does not say that index.docker.io serves"),
        ):
            done = ledger(*words.format(name=name, names=f"{name}:1.24").split(), "--repo", at)
            assert (done.code, done.out) == (2, ""), command
            assert told in done.err, command
            assert "in ledger.yaml" in done.err, command


def test_an_image_that_has_left_the_ledger_is_still_found_in_its_log(ledger: Run, tmp_path: Path) -> None:
    chosen = SHAPES["docker.io-and-library-in-the-name"]
    at = checkout(tmp_path / "ledger", chosen.settings, *records_of(chosen))
    done = ledger("remove", "nginx:1.24", "nginx:1.25", "--reason", "moved", "--no-push", "--repo", at)
    assert done.code == 0, done.err
    logs = {ledger("log", name, "--format", "json", "--repo", at).out for name in chosen.spellings}
    (only,) = logs
    assert {one["image"] for one in json.loads(only)["entries"]} == {"library/nginx"}


def test_two_images_of_one_repository_are_kept_apart_by_how_they_are_written(ledger: Run, tmp_path: Path) -> None:
    """Older ledgers may have both; each is found by its own name, and by the path as written."""
    both = [record(name, "1.25", digest=digest(name)) for name in ("nginx", "library/nginx")]
    at = checkout(tmp_path / "ledger", "registries:\n  - host: docker.io\n", *both)
    for prefix in ("", "docker.io/", "index.docker.io/"):
        for one in both:
            done = ledger("get", f"{prefix}{one.image}:1.25", "--format", "digest", "--repo", at)
            assert done.out.strip() == one.digest


def test_two_registries_may_have_images_of_one_name_that_are_never_taken_for_each_other(
    ledger: Run, tmp_path: Path, registries: Wire
) -> None:
    settings = (
        "registries:\n  - {host: registry.example.com, images: [nginx]}\n  - {host: docker.io, ledgerPrefix: hub}\n"
    )
    at = checkout(tmp_path / "ledger", settings)
    homes = {"registry.example.com/nginx": ("nginx", "a"), "docker.io/library/nginx": ("hub/nginx", "b")}
    for written, (name, seed) in homes.items():
        for tag in ("1.24", "1.25"):
            words = [
                f"{written.replace('library/', '')}:{tag}@{digest(seed + tag)}",
                "--source",
                SOURCE,
                "--offline",
                "--no-push",
            ]
            done = ledger("publish", *words, "--repo", at)
            assert (done.code, done.json["image"]) == (0, name), done.err
    for written, (_, seed) in homes.items():
        got = ledger("get", f"{written}:1.25", "--format", "ref", "--repo", at)
        assert got.out.strip() == f"{written}@{digest(seed + '1.25')}"
    manifest = tmp_path / "compose.yaml"
    services = "".join(f"  s{number}:\n    image: {name}:1.24\n" for number, name in enumerate([*homes, "nginx"]))
    for command, tag in (("pin", "1.24"), ("bump", "1.25")):
        manifest.write_text(f"services:\n{services}")
        policy = ["--policy", "semver:^1"] if command == "bump" else []
        done = ledger(command, manifest, *policy, "--repo", at)
        assert done.code == 0, done
        pinned = {written: f"image: {written}:{tag}@{digest(seed + tag)}\n" for written, (_, seed) in homes.items()}
        bare = f"image: nginx:{tag}@{digest('b' + tag)}\n"  # Docker Hub's
        assert all(line in manifest.read_text() for line in (*pinned.values(), bare)), manifest.read_text()
    exported = ledger("export", "--format", "compose", "--tag", "1.25", "--key", "nginx=own", "--repo", at)
    assert exported.code == 0, exported
    assert f"registry.example.com/nginx:1.25@{digest('a1.25')}" in exported.out
    assert f"docker.io/library/nginx:1.25@{digest('b1.25')}" in exported.out
    serve(registries, {PRIVATE: "nginx"})
    reported = ledger("reconcile", "--format", "json", "--repo", at).json["findings"]
    assert {(one["registry"], one["image"]) for one in reported} == {
        ("registry.example.com", "nginx"), ("docker.io", "hub/nginx")
    }  # fmt: skip


def test_registries_that_serve_one_image_are_mirrors_and_a_conflict_says_how_they_would_not_be(
    ledger: Run, tmp_path: Path
) -> None:
    at = checkout(tmp_path / "ledger", "registries:\n  - host: registry.example.com\n  - host: docker.io\n")
    for written, seed, code in (("registry.example.com/nginx", "a", 0), ("docker.io/nginx", "b", 3)):
        words = [f"{written}:1@{digest(seed)}", "--source", SOURCE, "--offline", "--no-push", "--repo", at]
        done = ledger("publish", *words)
        assert done.code == code
    assert "`ledgerPrefix`" in done.err
