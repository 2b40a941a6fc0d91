"""What an image:tag is pulled by: publishes of whatever is pushed under a tag, against a real registry."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.git.checker import check_history
from tests.support.registries.registry import Layout
from tests.support.registries.world import World
from tests.support.values.make import digest, ledger_bytes, record, source

AMD, ARM = "linux/amd64", "linux/arm64"
FORCE = ("--force", "--reason", "rebuilt")


def records(world: World) -> dict[str, str]:
    """Return the recorded digest of each platform; all of them hang on the digest that `get` prints."""
    got = world.run("get", f"{world.image}:v1", "--format", "digest", "--repo", world.upstream.url)
    assert got.code == 0, got.err
    found = world.upstream.records()
    assert {one.get("index", one["digest"]) for one in found} == {got.out.strip()}
    return {one["platform"]: one["digest"] for one in found}


def pushed_alone(world: World, layout: Layout, platform: str) -> str:
    """Push one image of an index under the same tag, as a build without provenance does; return its digest."""
    image = layout.images()[platform]
    world.registry.put_manifest(world.image, "v1", layout.read(image))
    assert world.registry.served(f"{world.image}:v1") == image
    return image


def test_an_image_that_is_pushed_alone_again_is_pulled_by_its_own_digest(world: World) -> None:
    """Its index may be deleted then: nothing that the ledger hands out leads to it."""
    layout = world.push("v1", "app", (AMD,), attest=True)
    assert world.publish("v1").json["digest"] == layout.digest
    first = world.upstream.records()
    image = pushed_alone(world, layout, AMD)
    world.registry.delete_manifest(world.image, layout.digest)
    for again in (False, True):
        done = world.publish("v1", source=source("rebuilt"))
        assert (done.code, done.json["digest"], done.json["changed"]) == (0, image, not again)
    assert records(world) == {AMD: image}
    assert world.upstream.records()[0] == {name: value for name, value in first[0].items() if name != "index"}
    assert ("Replaces-Index", layout.digest) in world.upstream.trailers()
    assert world.verify("v1").code == 0


def test_an_image_may_come_into_an_index_and_the_index_may_grow(world: World) -> None:
    both = world.layout("app", (AMD, ARM))
    one = world.push("v1", "app", (AMD,))
    image = pushed_alone(world, one, AMD)
    assert both.images()[AMD] == image
    assert world.publish("v1").json["digest"] == image
    world.push("v1", "app", (AMD,))
    assert world.publish("v1").json["digest"] == one.digest
    assert ("Index", one.digest) in world.upstream.trailers()
    world.push("v1", "app", (AMD, ARM))
    assert world.publish("v1").json["digest"] == both.digest
    assert records(world) == both.images()
    check = world.run("audit", "--format", "json", "--repo", world.upstream.url)
    assert check.code == 0, check.out


def test_an_index_that_has_lost_an_image_is_a_conflict_until_it_is_forced(world: World) -> None:
    world.push("v1", "app", (AMD, ARM))
    assert world.publish("v1").code == 0
    before = world.upstream.records()
    less = world.push("v1", "app", (AMD,))
    done = world.publish("v1")
    assert (done.code, world.upstream.records()) == (3, before)
    done = world.publish("v1", *FORCE, source=source("next"))
    assert (done.code, done.json["digest"]) == (0, less.digest)
    (kept,) = world.upstream.records()
    assert kept["forced"] == {"replaces": before[0]["index"], "reason": "rebuilt"}
    assert (kept["publishedAt"], kept["sourceRef"]) == (before[0]["publishedAt"], before[0]["sourceRef"])
    assert records(world) == less.images()
    check_history(world.upstream.path)


def test_a_mutable_tag_loses_the_images_that_its_index_has_lost(world: World) -> None:
    settings = world.registry.settings().replace("mutable: [", "mutable: [v1, ")
    world.upstream.commit_as_other_writer({"ledger.yaml": settings.encode()})
    world.push("v1", "app", (AMD, ARM))
    assert world.publish("v1").code == 0
    less = world.push("v1", "app", (AMD,))
    assert world.publish("v1").code == 0
    assert records(world) == less.images()


@pytest.mark.parametrize("force", [(), FORCE])
def test_an_index_that_nobody_looked_at_does_not_replace_another(world: World, force: tuple[str, ...]) -> None:
    layout = world.push("v1", "app", (AMD,))
    assert world.publish("v1").code == 0
    image, evil = layout.images()[AMD], digest("evil")
    done = world.publish(f"v1@{image}", "--platform", AMD, "--index", evil, "--offline", *force)
    assert done.code == (0 if force else 3)
    assert records(world) == {AMD: image}
    if not force:
        assert f"refused  {image}  in the index {evil}\n" in done.err


def test_what_is_recorded_of_an_index_without_a_look_is_completed_by_one(world: World) -> None:
    layout = world.push("v1", "app", (AMD, ARM))
    assert world.publish(f"v1@{layout.digest}", "--offline", "--label", "env=prod").code == 0
    done = world.publish("v1")
    assert (done.code, done.json["digest"]) == (0, layout.digest)
    assert records(world) == layout.images()
    assert {one["labels"]["env"] for one in world.upstream.records()} == {"prod"}
    check = world.run("audit", "--format", "json", "--repo", world.upstream.url)
    assert check.code == 0, check.out


def test_two_pull_digests_of_version_0_2_become_one(world: World) -> None:
    layout = world.push("v1", "app", (AMD, ARM))
    old: list[Any] = [
        record(world.image, "v1", platform=platform, digest=image) for platform, image in layout.images().items()
    ]
    world.upstream.commit_as_other_writer({"ledger.json": ledger_bytes(*old)})
    assert world.publish("v1").json["digest"] == layout.digest
    assert records(world) == layout.images()


def test_a_source_is_corrected_with_a_reason_and_the_time_stays(world: World) -> None:
    world.push("v1", "app", (AMD, ARM))
    assert world.publish("v1", source=source("wrong")).code == 0
    before = world.upstream.records()
    assert not world.publish("v1", source=source("right")).json["changed"]
    assert world.publish("v1", "--force", "--reason", "a typo", source=source("right")).code == 0
    after = world.upstream.records()
    assert [one["publishedAt"] for one in after] == [one["publishedAt"] for one in before]
    assert {one["sourceRef"] for one in after} == {source("right")}
    assert not world.publish("v1", "--force", "--reason", "a typo", source=source("right")).json["changed"]
    check = world.run("audit", "--format", "json", "--repo", world.upstream.url)
    assert check.code == 0, check.out
