"""`publish` of what real tools push to a real registry: odd platforms, nested indexes, twins, artifacts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.git.upstream import Upstream
from tests.support.registries.registry import OCI_INDEX, OCI_MANIFEST
from tests.support.registries.wire import Wire, served, sha256, wire_server
from tests.support.registries.world import World, classes
from tests.support.values.make import SOURCE
from tests.support.values.outcome import Outcome

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
AMD64, ARM64 = {"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "arm64"}
V6 = {"os": "linux", "architecture": "arm", "variant": "v6"}
ATTESTATION = {"platform": {"os": "unknown", "architecture": "unknown"}}


class Odd:
    """Pushes manifests and indexes of any shape to the image of a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def manifest(self, config: Any = AMD64, layers: Any = (), tag: str = "", **more: Any) -> dict[str, Any]:
        """Push a manifest with a config, JSON or bytes; return its descriptor."""
        registry, image = self.world.registry, self.world.image
        raw = config if isinstance(config, bytes) else json.dumps(config).encode()
        described = registry.put_blob(image, raw, more.pop("config_type", CONFIG_TYPE))
        layers = [registry.put_blob(image, one, LAYER_TYPE) if isinstance(one, bytes) else one for one in layers]
        fields = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described, "layers": layers} | more
        return registry.put_manifest(image, tag, fields)

    def index(self, *entries: dict[str, Any], tag: str = "", **more: Any) -> dict[str, Any]:
        """Push an index; return its descriptor."""
        fields = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries)} | more
        return self.world.registry.put_manifest(self.world.image, tag, fields)

    def recorded(self, done: Outcome) -> dict[str | None, str]:
        """Return the recorded digests by platform, of a publish that must have been accepted."""
        assert done.code == 0, done.err
        return {one.get("platform"): one["digest"] for one in self.world.upstream.records()}


@pytest.fixture
def odd(world: World) -> Odd:
    return Odd(world)


def test_an_entry_says_the_variant_that_a_config_leaves_out(world: World, odd: Odd) -> None:
    arm = odd.manifest({"os": "linux", "architecture": "arm"})
    amd64 = odd.manifest()
    index = odd.index(arm | {"platform": V6}, amd64 | {"platform": AMD64}, tag="v1")
    done = world.publish("v1")
    assert odd.recorded(done) == {"linux/arm/v6": arm["digest"], "linux/amd64": amd64["digest"]}
    assert done.json["digest"] == index["digest"]
    assert "warning" not in done.err
    again = world.publish("v1", "--platform", "linux/arm/v6")
    assert (again.code, again.json["changed"]) == (0, False)


def test_the_image_alone_takes_the_variant_that_the_caller_says(world: World, odd: Odd) -> None:
    arm = odd.manifest({"os": "linux", "architecture": "arm"}, tag="v1")
    assert odd.recorded(world.publish("v1", "--platform", "linux/arm/v6")) == {"linux/arm/v6": arm["digest"]}


def test_an_index_below_an_index_is_published_through_the_outer_one(world: World, odd: Odd) -> None:
    layout = world.push("inner", "multi", ("linux/amd64", "linux/arm64"), attest=True)
    inner = {"mediaType": OCI_INDEX, "digest": layout.digest, "size": 1}
    outer = odd.index(inner, odd.manifest(b"{}", config_type="application/x") | ATTESTATION, tag="v1")
    done = world.publish("v1")
    assert odd.recorded(done) == layout.images()
    assert {one["index"] for one in world.upstream.records()} == {outer["digest"]}
    assert world.verify("v1").code == 0
    assert world.reconcile("--deep").code == 0
    odd.index(inner, odd.manifest(b"{}", [b"sbom"], config_type="application/x") | ATTESTATION, tag="v1")
    moved = world.reconcile("--format", "json")
    assert [one["class"] for one in moved.json["findings"]] == ["index-moved", "index-moved"]
    odd.index(odd.manifest(AMD64) | {"platform": AMD64}, inner, tag="v1")
    hidden = world.reconcile("--format", "json")
    assert classes(hidden) == {"v1 linux/amd64": "tag-moved", "v1 linux/arm64": "index-moved"}


def test_what_is_in_an_index_for_no_platform_is_left_out(world: World, odd: Odd) -> None:
    image = odd.manifest()
    signature = odd.manifest(b"{}", config_type="application/vnd.oci.empty.v1+json", artifactType="application/x.sig")
    cosign = odd.manifest({"os": "", "architecture": ""})
    odd.index(
        odd.manifest(b"unknown") | ATTESTATION,
        signature | {"artifactType": "application/x.sig"},
        cosign,
        image | {"platform": AMD64},
        tag="v1",
    )
    assert odd.recorded(world.publish("v1")) == {"linux/amd64": image["digest"]}


def test_an_index_of_one_image_without_a_platform_takes_it_from_the_config(world: World, odd: Odd) -> None:
    image = odd.manifest(ARM64)
    odd.index(image, tag="v1")
    assert odd.recorded(world.publish("v1")) == {"linux/arm64": image["digest"]}


def test_of_several_images_for_one_platform_the_first_is_recorded_as_clients_choose_it(world: World, odd: Odd) -> None:
    late, first, second = odd.manifest(layers=[b"0"]), odd.manifest(layers=[b"1"]), odd.manifest(layers=[b"2"])
    zstd = {"annotations": {"io.github.containers.compression.zstd": "true"}}
    odd.index(late, first | {"platform": AMD64}, second | {"platform": AMD64} | zstd, tag="v1")
    done = world.publish("v1")
    assert odd.recorded(done) == {"linux/amd64": first["digest"]}
    assert f"{first['digest']} is recorded, which is the first" in done.err
    assert second["digest"] in done.err
    refused = world.publish(f"v1@{second['digest']}")
    assert refused.code == 3
    assert f"leads to {first['digest']} for linux/amd64" in refused.err


def test_an_image_that_is_listed_twice_is_recorded_once_for_each_platform(world: World, odd: Odd) -> None:
    image = odd.manifest({"os": "linux", "architecture": "arm"})
    v7 = V6 | {"variant": "v7"}
    odd.index(image | {"platform": V6}, image | {"platform": V6}, image | {"platform": v7}, tag="v1")
    done = world.publish("v1")
    assert odd.recorded(done) == {"linux/arm/v6": image["digest"], "linux/arm/v7": image["digest"]}
    assert "several" not in done.err


def test_a_config_that_contradicts_its_entry_is_told_and_the_entry_counts(world: World, odd: Odd) -> None:
    image = odd.manifest(AMD64)
    odd.index(image | {"platform": ARM64}, tag="v1")
    done = world.publish("v1")
    assert odd.recorded(done) == {"linux/arm64": image["digest"]}
    assert "lists" in done.err
    assert "as linux/arm64" in done.err
    assert "its config says linux/amd64" in done.err


def test_a_platform_that_no_record_can_hold_is_refused_by_name_and_hides_no_other(world: World, odd: Odd) -> None:
    strange = odd.manifest({"os": "darwin", "architecture": "arm64"})
    image = odd.manifest()
    platform = {"os": "darwin", "architecture": "arm64", "os.version": "macOS 14"}
    odd.index(strange | {"platform": platform}, image | {"platform": AMD64}, tag="v1")
    refused = world.publish("v1")
    assert refused.code == 3
    assert "`darwin(macOS 14)/arm64`" in refused.err
    assert "again" not in refused.err
    assert odd.recorded(world.publish("v1", "--platform", "linux/amd64")) == {"linux/amd64": image["digest"]}
    both = odd.recorded(world.publish("v1", "--platform", "darwin/arm64"))
    assert both == {"linux/amd64": image["digest"], "darwin/arm64": strange["digest"]}


@pytest.mark.parametrize(
    ("config", "config_type"),
    [
        (b"{}", "application/vnd.oci.empty.v1+json"),
        (b"\x00asm", "application/vnd.module.wasm.config.v1"),
        (b'{"name": "chart", "version": "1.0.0"}', "application/vnd.cncf.helm.config.v1+json"),
        (b"not JSON", CONFIG_TYPE),
        (b"{}", CONFIG_TYPE),
    ],
)
def test_an_artifact_is_published_without_a_platform(world: World, odd: Odd, config: bytes, config_type: str) -> None:
    artifact = odd.manifest(config, [b"content"], "v1", config_type=config_type, artifactType="application/x.chart")
    done = world.publish("v1")
    assert odd.recorded(done) == {None: artifact["digest"]}
    assert "warning" not in done.err
    assert world.verify("v1", "--deep").code == 0


def test_a_layer_that_is_kept_elsewhere_is_neither_needed_nor_missed(world: World, odd: Odd) -> None:
    foreign = {
        "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "digest": sha256(b"a base layer of Windows"), "size": 7, "urls": ["https://example.com/layer"],
    }  # fmt: skip
    zstd = world.registry.put_blob(world.image, b"zstd", "application/vnd.oci.image.layer.v1.tar+zstd")
    windows = {"os": "windows", "architecture": "amd64", "os.version": "10.0.20348.2340"}
    image = odd.manifest(windows, [foreign, zstd], "v1")
    assert odd.recorded(world.publish("v1")) == {"windows(10.0.20348.2340)/amd64": image["digest"]}
    assert world.reconcile("--deep").code == 0


def test_an_index_of_things_without_a_platform_is_refused(world: World, odd: Odd) -> None:
    entries = [odd.manifest(b"{}", [text], config_type="application/vnd.oci.empty.v1+json") for text in (b"1", b"2")]
    odd.index(*entries, tag="v1")
    done = world.publish("v1")
    assert done.code == 3
    assert "leads to 2 things" in done.err
    assert "hint: give each a tag of its own" in done.err
    assert "run it again" not in done.err


@pytest.fixture
def wire() -> Iterator[Wire]:
    with wire_server() as server:
        yield server


def _publish(ledger: Callable[..., Outcome], wire: Wire, folder: Path, *options: object) -> Outcome:
    upstream = Upstream.create(folder / "ledger.git", settings=f"registries:\n  - host: {wire.url}\n")
    return ledger("publish", "myorg/app:v1", "--source", SOURCE, "--repo", upstream.url, *options)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"layers": []}, "it is an index, and has `layers` as well"),
        ({"manifests": [None]}, "its `manifests[0]` is not an object"),
        ({"manifests": [{"digest": "md5:0", "platform": AMD64}]}, "its `manifests[0].digest` is `md5:0`"),
        ({"schemaVersion": 1}, "Docker's schema 1"),
        ({"mediaType": "application/vnd.oci.artifact.manifest.v1+json"}, "vnd.oci.artifact.manifest.v1+json"),
    ],
)
def test_what_nobody_can_pull_is_refused_with_what_is_wrong_in_it(
    ledger: Callable[..., Outcome], wire: Wire, tmp_path: Path, fields: dict[str, Any], words: str
) -> None:
    raw = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []} | fields).encode()
    answer = served(raw, json.loads(raw)["mediaType"])
    wire.on("/v2/myorg/app/manifests/v1", answer)
    wire.on(f"/v2/myorg/app/manifests/{sha256(raw)}", answer)
    done = _publish(ledger, wire, tmp_path)
    assert done.code == 3
    assert words in done.err
    assert "run it again" not in done.err


def test_an_index_of_thousands_of_images_costs_two_requests(
    ledger: Callable[..., Outcome], wire: Wire, tmp_path: Path
) -> None:
    entry = {"mediaType": OCI_MANIFEST, "size": 1}
    entries = [
        entry | {"digest": sha256(f"{at}".encode()), "platform": {"os": "linux", "architecture": f"a{at}"}}
        for at in range(3_000)
    ]
    raw = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    wire.on("/v2/myorg/app/manifests/v1", served(raw, OCI_INDEX))
    wire.on(f"/v2/myorg/app/manifests/{sha256(raw)}", served(raw, OCI_INDEX))
    done = _publish(ledger, wire, tmp_path)
    assert done.code == 3
    assert "leads to more than 256 images and indexes" in done.err
    assert wire.count() == 2


def test_what_to_know_about_an_index_is_told_when_its_tag_is_adopted_too(world: World, odd: Odd) -> None:
    world.pushed("v1")
    prefix = "org.opencontainers.image."
    labels = {"Labels": {f"{prefix}source": "https://git.example.com/x", f"{prefix}revision": "a" * 40}}
    first, second = (odd.manifest(AMD64 | {"config": labels, "author": name}) for name in ("first", "second"))
    odd.index(first | {"platform": AMD64}, second | {"platform": AMD64}, tag="v2")
    done = world.reconcile("--adopt")
    assert done.code == 0, done.err
    assert f"has several images for linux/amd64 at {world.registry.host}; {first['digest']} is recorded" in done.err
    assert [one["digest"] for one in world.upstream.records() if one["tag"] == "v2"] == [first["digest"]]


def test_an_image_in_front_of_the_recorded_one_is_a_move_whatever_comes_after_it(world: World, odd: Odd) -> None:
    ours = odd.manifest(layers=[b"ours"], tag="v1")
    assert world.publish("v1").code == 0
    evil = odd.manifest(layers=[b"evil"])
    for entries in (
        [evil | {"platform": AMD64}, ours | {"platform": AMD64}],
        [evil | {"platform": AMD64}, ours | {"platform": ARM64}],
    ):
        index = odd.index(*entries, tag="v1")
        refused = world.publish("v1")
        assert refused.code == 3
        assert evil["digest"] in refused.err
        drifted = world.reconcile("--format", "json")
        assert [one["class"] for one in drifted.json["findings"]] == ["tag-moved"]
        refused = world.publish(f"v1@{ours['digest']}")
        assert (refused.code, index["digest"] in refused.err or evil["digest"] in refused.err) == (3, True)


def test_skopeo_pulls_for_each_recorded_platform_the_image_that_is_recorded(
    world: World, odd: Odd, tmp_path: Path
) -> None:
    arm = {"os": "linux", "architecture": "arm"}
    odd.index(
        odd.manifest(AMD64, [b"stated by its config alone"]),
        odd.manifest(b"{}", config_type="application/vnd.oci.empty.v1+json") | ATTESTATION,
        odd.manifest(AMD64, [b"first"]) | {"platform": AMD64},
        odd.manifest(AMD64, [b"second"]) | {"platform": AMD64},
        odd.manifest(AMD64, [b"contradicted by its config"]) | {"platform": ARM64},
        odd.manifest(arm, [b"v7"]) | {"platform": V6 | {"variant": "v7"}},
        odd.manifest(arm, [b"v6"]) | {"platform": V6},
        tag="v1",
    )
    recorded = odd.recorded(world.publish("v1"))
    assert set(recorded) == {"linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6"}
    pulled = {platform: world.registry.chosen(f"{world.image}:v1", str(platform), tmp_path) for platform in recorded}
    assert pulled == recorded
