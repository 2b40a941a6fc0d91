"""What `publish`, `--adopt` and `--metadata-file` take from provenance, pushed as BuildKit stores it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.registries.layout import Layout, Said
from tests.support.registries.world import World
from tests.support.values import provenance
from tests.support.values.make import SOURCE, digest
from tests.support.values.provenance import BASE, COMMIT, MODES, REPOSITORY, VERSIONS, Mode, Version, buildkit, material

BOTH = ("linux/amd64", "linux/arm64")
_VCS = {"source": f"{REPOSITORY}.git", "revision": COMMIT}
_OTHER = "1" * 40
_SBOM = "https://spdx.dev/Document"


def _type(version: str) -> str:
    return f"https://slsa.dev/provenance/{version}"


def _says(version: Version = "v1", **more: Any) -> Said:
    """Return what an attestation has of each image: an SBOM, and a provenance of BuildKit's."""

    def said(platform: str, image: str) -> Sequence[tuple[str, bytes]]:
        whole = {"vcs": _VCS, "builder": f"https://ci.example.com/{platform}"} | more
        statement = provenance.statement(buildkit(version, **whole), image, version=version, kind="v0.1")
        return [(_SBOM, b'{"sbom": true}'), (_type(version), statement)]

    return said


def _attestations(layout: Layout) -> dict[str, str]:
    """Return the digest of each image's attestation, by the image's digest."""
    entries = layout.read(layout.digest)["manifests"]
    notes = [entry for entry in entries if "annotations" in entry]
    return {note["annotations"]["vnd.docker.reference.digest"]: note["digest"] for note in notes}


def _require(world: World, settings: str = "") -> World:
    lines = world.registry.settings() + "require: [provenance]\n" + settings
    return World.create(world.registry, world.folder.parent / "strict", world.run, lines)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mode", MODES)
def test_each_platform_gets_its_source_its_bases_and_its_provenance(world: World, version: Version, mode: Mode) -> None:
    layout = world.push("v1", "multi", BOTH, said=_says(version, mode=mode))
    done = world.publish("v1", source="")
    assert done.code == 0, done.err
    assert "note" not in done.err
    assert "warning" not in done.err
    notes = _attestations(layout)
    assert [
        (one["platform"], one["sourceRef"], one["dependsOn"], one["provenance"]) for one in world.upstream.records()
    ] == [
        (
            platform,
            f"{REPOSITORY}.git@{COMMIT}",
            [BASE],
            {"digest": notes[image], "builder": f"https://ci.example.com/{platform}"},
        )
        for platform, image in sorted(layout.images().items())
    ]
    tip = world.upstream.tip()
    again = world.publish("v1", source="")
    assert (again.code, again.json["changed"], world.upstream.tip()) == (0, False, tip)


def test_platforms_of_one_index_may_have_different_provenance(world: World) -> None:
    def said(platform: str, image: str) -> Sequence[tuple[str, bytes]]:
        if platform == BOTH[0]:
            return []  # of this one, nothing is said
        vcs = {"source": REPOSITORY, "revision": _OTHER}
        predicate = buildkit("v0.2", vcs=vcs, materials=[material(), material("pkg:docker/alpine@3.17", digest("alp"))])
        return [("", provenance.statement(predicate, image, version="v0.2"))]  # without the annotation

    layout = world.push("v1", "multi", BOTH, said=said)
    done = world.publish("v1")
    assert done.code == 0, done.err
    first, second = world.upstream.records()
    assert "provenance" not in first
    assert "dependsOn" not in first
    assert second["provenance"] == {"digest": _attestations(layout)[second["digest"]]}
    assert second["dependsOn"] == [BASE, f"docker.io/library/alpine:3.17@{digest('alp')}"]
    says = f"published as from {SOURCE}; its provenance says {REPOSITORY}@{_OTHER}"
    assert done.err.count(f"warning: {world.image}:v1 is {says}\n") == 1


def test_the_caller_goes_first_then_the_labels_then_provenance(world: World) -> None:
    prefix = "org.opencontainers.image."
    base = {f"{prefix}base.name": "docker.io/library/alpine:3.17", f"{prefix}base.digest": digest("alpine")}
    labels = {f"{prefix}source": "https://git.example.com/labelled", f"{prefix}revision": _OTHER} | base
    world.push("v1", "multi", BOTH[:1], said=_says(), labels=labels)
    assert world.publish("v1", "--depends-on", f"x/y@{digest('y')}").code == 0
    world.push("v2", "another", BOTH[:1], said=_says(), labels=labels)
    done = world.publish("v2", source="")
    assert done.code == 0, done.err
    labelled = f"https://git.example.com/labelled@{_OTHER}"
    assert f"v2 is published as from {labelled}; its provenance says {REPOSITORY}.git@{COMMIT}\n" in done.err
    assert [(one["sourceRef"], one["dependsOn"]) for one in world.upstream.records()] == [
        (SOURCE, [f"x/y@{digest('y')}"]),
        (labelled, [f"docker.io/library/alpine:3.17@{digest('alpine')}"]),
    ]


def test_what_the_caller_said_before_of_the_bases_stays(world: World) -> None:
    world.push("v1", "multi", BOTH[:1], said=_says())
    given = f"x/y@{digest('y')}"
    assert world.publish("v1", "--depends-on", given).code == 0
    done = world.publish("v1")
    assert (done.code, done.json["changed"]) == (0, False)
    assert world.upstream.records()[0]["dependsOn"] == [given]


def test_a_provenance_that_is_found_later_is_an_update(world: World) -> None:
    layout = world.push("v1", "multi", BOTH, said=_says())
    offline = ("--offline", "--index", layout.digest)
    for platform, image in layout.images().items():
        assert world.publish(f"v1@{image}", "--platform", platform, *offline).code == 0
    assert all("provenance" not in one for one in world.upstream.records())
    base = world.upstream.tip()
    done = world.publish("v1")
    assert done.code == 0, done.err
    assert "updated" in done.err
    assert all(one["provenance"] and one["dependsOn"] == [BASE] for one in world.upstream.records())
    checkout = world.folder.parent / "checkout"
    world.upstream.git("clone", "-q", world.upstream.url, checkout)
    checked = world.run("check", "--base", base, "--repo", checkout)
    assert (checked.code, checked.out, checked.err) == (0, "", "ok: 2 records, 1 commit\n")


def test_a_disagreement_about_the_commit_is_refused_where_provenance_is_required(world: World) -> None:
    world = _require(world)
    world.push("v1", "multi", BOTH, said=_says())
    wrong = f"{REPOSITORY}@{_OTHER}"
    done = world.publish("v1", source=wrong)
    assert done.code == 3
    told = f"v1 is published as from {wrong}, and its provenance says {REPOSITORY}.git@{COMMIT}\n"
    assert told in done.err
    assert world.upstream.records() == []
    assert world.publish("v1", source=f"ssh://git@mirror.example.com/app@{COMMIT}").code == 0  # the same commit
    assert world.publish("v1", source=wrong).code == 0  # a sourceRef that is recorded stays


def test_a_recorded_source_that_provenance_contradicts_is_said_and_can_be_corrected(world: World) -> None:
    layout = world.push("v1", "multi", BOTH[:1], said=_says())
    (image,) = layout.images().values()
    wrong = f"{REPOSITORY}@{_OTHER}"
    options = ("--platform", "linux/amd64", "--index", layout.digest, "--offline")
    assert world.publish(f"v1@{image}", *options, source=wrong).code == 0
    done = world.publish("v1", source="")
    assert done.code == 0
    assert f"v1 is recorded as from {wrong}, which stays; its provenance says {REPOSITORY}.git@{COMMIT}\n" in done.err
    assert world.upstream.records()[0]["sourceRef"] == wrong
    done = world.publish("v1", "--force", "--reason", "a typing mistake", source="")
    assert (done.code, "warning" in done.err) == (0, False)
    assert world.upstream.records()[0]["sourceRef"] == f"{REPOSITORY}.git@{COMMIT}"


@pytest.mark.parametrize("is_required", [False, True])
def test_a_build_that_changes_nothing_keeps_what_is_recorded_of_its_image(world: World, *, is_required: bool) -> None:
    """A commit later, the same image comes with another index, and another provenance."""
    world = _require(world) if is_required else world
    first = world.push("v1", "same", BOTH, said=_says())
    assert world.publish("v1", source="").code == 0
    before = world.upstream.records()
    second = world.push("v1", "same", BOTH, said=_says(vcs=_VCS | {"revision": _OTHER}))
    assert (first.images(), first.digest != second.digest) == (second.images(), True)
    done = world.publish("v1", source=f"{REPOSITORY}@{_OTHER}")
    assert done.code == 0, done.err
    told = (
        f"v1 is recorded as from {REPOSITORY}.git@{COMMIT}, which stays; its provenance says {REPOSITORY}.git@{_OTHER}"
    )
    assert done.err.count(told) == 1
    assert world.upstream.records() == [one | {"index": second.digest} for one in before]
    wrong = world.publish("v1", source=f"{REPOSITORY}@{'3' * 40}")  # which is neither
    assert wrong.code == (3 if is_required else 0)
    assert f"v1 is recorded as from {REPOSITORY}.git@{COMMIT}" in wrong.err


def test_a_modified_working_tree_is_no_source(world: World) -> None:
    dirty = {**_VCS, "revision": f"{COMMIT}-dirty"}
    world.push("v1", "multi", BOTH[:1], said=_says(vcs=dirty))
    done = world.publish("v1", source="")
    assert done.code == 2
    assert f"built from a modified working tree of {COMMIT}" in done.err
    done = world.publish("v1", source=f"{REPOSITORY}@{COMMIT}")
    assert done.code == 0
    assert f"its provenance says a modified working tree of {COMMIT}" in done.err


def _broken() -> Mapping[str, tuple[Said, str]]:
    def of(change: Callable[[bytes], bytes], subject: str = "") -> Said:
        return lambda platform, image: [
            (_type("v1"), change(provenance.statement(buildkit(vcs=_VCS), subject or image)))
        ]

    return {
        "truncated": (of(lambda raw: raw[:-9]), "an attestation is not a valid statement: it is not JSON"),
        "not a statement": (of(lambda raw: b"{}"), "its `_type` is missing, or not a text"),
        "of another image": (of(lambda raw: raw, digest("other")), "it is about another image than sha256:"),
        "too large": (of(lambda raw: raw + b" " * (8 * 2**20)), "it is larger than 8 MiB"),
        "of another version": (
            lambda platform, image: [(_type("v9"), provenance.statement({}, image, predicateType=_type("v9")))],
            "its `predicateType` is `https://slsa.dev/provenance/v9`, which is not that of SLSA provenance",
        ),
        "five statements": (
            lambda platform, image: [(_type("v1"), b"%d" % number) for number in range(5)],
            "and only the first 4 are read",
        ),
    }


@pytest.mark.parametrize("name", list(_broken()))
def test_a_provenance_that_cannot_be_used_is_a_note_and_an_error_where_it_is_required(world: World, name: str) -> None:
    said, reason = _broken()[name]
    world.push("v1", "multi", BOTH[:1], said=said)
    done = world.publish("v1")
    assert done.code == 0, done.err
    assert f"note: {world.image}:v1: provenance is left out: " in done.err
    assert reason in done.err
    assert "provenance" not in world.upstream.records()[0]
    done = world.publish("v1", source="")
    assert done.code == 2
    assert "sourceRef is missing, " in done.err
    assert "; provenance is left out: " in done.err
    assert reason in done.err
    strict = _require(world)
    strict.push("v1", "multi", BOTH[:1], said=said)
    done = strict.publish("v1")
    assert done.code == 3
    assert strict.upstream.records() == []


def test_a_statement_that_holds_beside_one_that_does_not_is_used(world: World) -> None:
    world = _require(world)
    world.push("v1", "multi", BOTH[:1], said=lambda *image: [(_type("v1"), b"broken"), *_says()(*image)])
    done = world.publish("v1", source="")
    assert done.code == 0, done.err
    assert "provenance is left out" in done.err
    assert world.upstream.records()[0]["provenance"]


def test_of_two_statements_the_one_that_agrees_with_the_source_is_recorded(world: World) -> None:
    other = _says(vcs=_VCS | {"revision": _OTHER}, builder="https://other.example.com")
    world.push("v1", "multi", BOTH[:1], said=lambda *image: [*other(*image), *_says()(*image)])
    done = world.publish("v1", source=f"{REPOSITORY}@{COMMIT}")
    assert done.code == 0
    assert f"warning: {world.image}:v1 is published as from {REPOSITORY}@{COMMIT}; its provenance says" in done.err
    assert world.upstream.records()[0]["provenance"]["builder"] == f"https://ci.example.com/{BOTH[0]}"


@pytest.mark.parametrize("is_blob", [True, False])
def test_an_attestation_that_is_gone_is_a_note_and_an_error_where_it_is_required(
    world: World, *, is_blob: bool
) -> None:
    for place, code in ((world, 0), (_require(world), 3)):
        layout = place.push("v1", "multi", BOTH[:1], said=_says())
        (note,) = _attestations(layout).values()
        if is_blob:
            place.registry.delete_blob(place.image, layout.read(note)["layers"][1]["digest"])
        else:
            place.registry.delete_manifest(place.image, note)
        done = place.publish("v1")
        assert done.code == code, done.err
        assert "does not have the " in done.err
        assert len(place.upstream.records()) == (1 if code == 0 else 0)


def test_an_image_without_provenance_is_refused_where_it_is_required(world: World) -> None:
    world = _require(world)
    world.push("v1")
    layout = world.push("v2", "multi", BOTH[:1], said=lambda *_: [(_SBOM, b"{}")])
    (image,) = layout.images().values()
    for words in (("v1",), ("v2",), (f"v2@{image}", "--platform", BOTH[0], "--index", layout.digest, "--offline")):
        done = world.publish(*words)
        assert done.code == 2
        assert "has no provenance, which ledger.yaml requires" in done.err
        assert "hint: push it with its provenance, as `docker buildx build --push` does" in done.err
    assert world.upstream.records() == []


def test_adopt_takes_the_source_and_the_bases_from_provenance(world: World) -> None:
    world.pushed("v0")
    layout = world.push("v1", "multi", BOTH, said=_says())
    world.push("v2")
    done = world.reconcile("--adopt")
    records = [one for one in world.upstream.records() if one["tag"] != "v0"]
    assert {one["sourceRef"] for one in records} == {f"{REPOSITORY}.git@{COMMIT}"}, done.err
    assert {one["index"] for one in records} == {layout.digest}
    assert all(one["dependsOn"] == [BASE] and one["provenance"] for one in records)
    assert "v2: neither its labels nor its provenance say which commit it is from" in done.err


def _metadata(world: World, layout: Layout, tag: str, **more: Any) -> Path:
    file = world.folder / "metadata.json"
    value = {
        "containerimage.descriptor": {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": layout.digest},
        "containerimage.digest": layout.digest,
        "image.name": f"{world.registry.host}/{world.image}:{tag}",
    }
    file.write_text(json.dumps(value | more))
    return file


def _publish_file(world: World, file: Path, *options: object) -> Any:
    return world.run("publish", "--metadata-file", file, "--repo", world.upstream.url, *options)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_metadata_file_tells_where_the_registry_has_no_provenance(world: World, version: Version) -> None:
    layout = world.push("v1", "multi", BOTH)
    context = {"uri": f"{REPOSITORY}.git#main", "digest": {"sha1": COMMIT}}
    of = {name: [material(f"pkg:docker/{name}@1", digest(name))] for name in ("amd", "arm")}
    told = {
        f"buildx.build.provenance/linux/{name}64": buildkit(version, "min", context=context, materials=of[name])
        for name in of
    }
    done = _publish_file(world, _metadata(world, layout, "v1", **told))
    assert done.code == 0, done.err
    assert [(one["sourceRef"], one["dependsOn"], "provenance" in one) for one in world.upstream.records()] == [
        (f"{REPOSITORY}.git@{COMMIT}", [f"docker.io/library/{name}:1@{digest(name)}"], False) for name in of
    ]
    again = _publish_file(world, _metadata(world, layout, "v1", **told))
    assert (again.code, again.json["changed"]) == (0, False)


def test_without_a_registry_the_metadata_file_tells_of_the_whole_index(world: World) -> None:
    layout = world.layout("multi", BOTH)
    context = {"uri": f"{REPOSITORY}.git#main", "digest": {"sha1": COMMIT}}
    told = {
        f"buildx.build.provenance/{platform}": buildkit(context=context, materials=[material(of=digest(platform))])
        for platform in BOTH
    }
    done = _publish_file(world, _metadata(world, layout, "v1", **told), "--offline")
    assert done.code == 0, done.err
    (record,) = world.upstream.records()
    assert record["sourceRef"] == f"{REPOSITORY}.git@{COMMIT}"
    assert record["dependsOn"] == [f"docker.io/library/debian:bookworm@{digest(one)}" for one in BOTH]
    done = _publish_file(
        world, _metadata(world, layout, "v2", **told), "--offline", "--source", SOURCE.replace("4", "5")
    )
    assert "its provenance says" in done.err


def test_the_registrys_provenance_goes_before_the_metadata_files(world: World) -> None:
    layout = world.push("v1", "multi", BOTH[:1], said=_says())
    other = [material("pkg:docker/alpine@3.17", digest("alpine")), material("pkg:docker/UPPER")]
    vcs = {"source": REPOSITORY, "revision": _OTHER}
    told = {"buildx.build.provenance": buildkit("v0.2", "min", vcs=vcs, materials=other)}
    done = _publish_file(world, _metadata(world, layout, "v1", **told))
    assert done.code == 0
    assert "UPPER" not in done.err
    assert world.upstream.records()[0]["dependsOn"] == [BASE]
    assert world.upstream.records()[0]["sourceRef"] == f"{REPOSITORY}.git@{COMMIT}"
    assert f"its provenance says {REPOSITORY}@{_OTHER}" in done.err


def test_a_metadata_file_with_provenance_that_makes_no_sense_is_published_with_a_note(world: World) -> None:
    layout = world.push("v1", "multi", BOTH[:1])
    many = [material(f"pkg:docker/a{number}@1") for number in range(300)]
    told = {"buildx.build.provenance": buildkit(materials=many), "buildx.build.provenance/x y": {}, "buildx": 7}
    done = _publish_file(world, _metadata(world, layout, "v1", **told), "--source", SOURCE)
    assert done.code == 0, done.err
    assert done.err.count("note: provenance in the metadata file is left out: ") == 2


def test_nothing_more_is_asked_where_there_is_no_attestation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from ledger_tool.edges.registry.client import RegistryClient

    asked: list[str] = []
    real = RegistryClient._ask

    def ask(self: RegistryClient, method: str, image: str, path: str, **more: Any) -> Any:
        asked.append(f"{method} {path.partition('/')[0]}")
        return real(self, method, image, path, **more)

    monkeypatch.setattr(RegistryClient, "_ask", ask)
    costs = []
    for tag, more in (("v1", {}), ("v2", {"said": lambda *_: [(_SBOM, b"{}")]}), ("v3", {"said": _says()})):
        asked.clear()
        world.push(tag, tag, BOTH, **more)
        assert world.publish(tag).code == 0
        costs.append(len(asked))
    assert costs == [6, 8, 10]  # a HEAD, the index, two manifests and configs; two attestations; two statements


def test_what_is_stale_is_known_without_anybody_naming_a_base(world: World) -> None:
    """From the build to `deps`, `dependents --stale`, `diff` and an environment, by provenance alone."""
    settings = world.registry.settings() + "environments:\n  prod: {}\n"
    world = World.create(world.registry, world.folder.parent / "whole", world.run, settings)
    repo = ("--repo", world.upstream.url)

    def build(tag: str, base: str) -> None:
        uri = f"pkg:docker/{world.registry.host.replace(':', '%3A')}/{world.image}@base?platform=linux%2Famd64"
        world.push(tag, tag, BOTH[:1], said=_says(materials=[material(uri, base)], builder=f"https://ci/{tag}"))
        assert world.publish(tag, source="").code == 0

    (base,) = world.pushed("base")
    build("v1", base.digest)
    done = world.run("deps", f"{world.image}:v1", *repo)
    assert f"└── {world.image}:base" in done.out
    assert world.run("dependents", "--stale", *repo).code == 0
    assert world.run("promote", f"{world.image}:v1", "--to", "prod", *repo).code == 0
    before = world.upstream.tip()
    moved = world.push("base", "a newer base")
    assert world.publish("base", "--force", "--reason", "patched").code == 0
    stale = world.run("dependents", "--stale", "--format", "json", *repo)
    assert stale.code == 1
    assert "v1" in {one["record"]["tag"] for one in stale.json["dependents"]}
    build("v2", moved.digest)
    checkout = world.folder.parent / "checkout"
    world.upstream.git("clone", "-q", world.upstream.url, checkout)
    done = world.run("diff", before, "--repo", checkout)
    assert f"base image {world.registry.host}/{world.image}:base: {base.digest} → {moved.digest}" in done.out
    assert "builder: https://ci/v1 → https://ci/v2" in done.out
    of = {one["tag"]: one for one in world.upstream.records()}
    assert of["prod"]["provenance"] == of["v1"]["provenance"]
    shown = world.run("get", f"{world.image}:prod", "--format", "text", *repo)
    assert [line.split() for line in shown.out.splitlines() if "builder" in line] == [["builder", "https://ci/v1"]]
    assert of["v1"]["provenance"]["digest"] in shown.out
