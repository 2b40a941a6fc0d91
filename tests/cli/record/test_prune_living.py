"""`prune --registry-delete`: what anybody can still pull stays, whatever the ledger calls it or was told of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.registries.proxy import in_front_of
from tests.support.registries.registry import Layout
from tests.support.registries.wire import Asked, Reply
from tests.support.registries.world import World
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

AMD, ARM = "linux/amd64", "linux/arm64"
OLD = ("--ttl", "1d", "--published-at", "2026-01-01T00:00:00Z")


def prune(world: World, *options: object) -> Outcome:
    return world.run("prune", "--registry-delete", "--format", "json", "--repo", world.upstream.url, *options)


def record(world: World, what: str, *options: object) -> None:
    done = world.run(
        "publish", what, "--offline", "--source", SOURCE, "--repo", world.upstream.url, *options
    )  # fmt: skip
    assert done.code == 0, done.err


def is_kept(world: World, done: Outcome, kept: str, folder: Path) -> bool:
    """Return whether a prune removed a record, and neither planned to delete its digest nor did."""
    assert done.code == 0, done.err
    assert kept not in {one["digest"] for one in done.json["deleted"]}
    return world.registry.pulls(f"{world.image}@{kept}", folder)


@pytest.mark.parametrize(
    "facts", [(), ("--config", digest("c")), ("--config", digest("c"), "--platform", AMD), ("--index", digest("i"))]
)
def test_the_images_of_an_index_stay_whatever_was_said_of_it_offline(
    world: World, facts: tuple[str, ...], tmp_path: Path
) -> None:
    index = world.push("v1", "v1", (AMD, ARM))
    child = index.images()[ARM]
    record(world, f"{world.image}:v1@{index.digest}", *facts)
    record(world, f"{world.image}:pr-1@{child}", "--platform", ARM, "--config", digest("c"), *OLD)
    done = prune(world, "--yes")
    assert [one["tag"] for one in done.json["expired"]] == ["pr-1"]
    assert is_kept(world, done, child, tmp_path)
    assert world.registry.pulls(f"{world.image}:v1", tmp_path)


def test_two_names_of_the_ledger_are_one_repository(world: World, tmp_path: Path) -> None:
    settings = (
        f"registries:\n  - {{host: '{world.registry.url}', images: ['{world.image}']}}\n"
        f"  - {{host: '{world.registry.url}', prefix: {world.image.partition('/')[0]}, images: [app]}}\n"
    )
    world.upstream.commit_as_other_writer({"ledger.yaml": settings.encode()})
    index = world.push("v1", "v1", (AMD, ARM))
    child = index.images()[ARM]
    record(world, f"{world.image}:v1@{index.digest}", "--index", index.digest)
    record(world, f"app:v0@{world.push('v0').digest}")
    record(world, f"app:pr-1@{child}", *OLD)
    assert is_kept(world, prune(world, "--yes"), child, tmp_path)


@pytest.mark.parametrize(
    "name", ["deb", "library/deb", "{host}/{image}", "{upper}/{image}", "mirror.example.com/{image}"]
)
def test_a_base_is_the_same_repository_however_it_is_written(world: World, name: str, tmp_path: Path) -> None:
    """The image is Docker Hub's `library/deb`, of which the registry has a copy under the same path and another one."""
    host = world.registry.host
    image = "library/deb" if name.endswith("deb") else world.image
    settings = f"registries:\n  - host: {world.registry.url}\n"
    world.upstream.commit_as_other_writer({"ledger.yaml": settings.encode()})
    layout = world.layout("base", (AMD, ARM))
    world.registry.push(layout, f"{image}:bookworm-{world.image.partition('/')[0]}", all_platforms=True)
    world.registry.delete_tag(image, f"bookworm-{world.image.partition('/')[0]}")
    child = layout.images()[ARM]
    base = name.format(host=host, upper=host.replace("127.0.0.1", "127.0.0.1"), image=image)
    record(world, f"{world.image}:v1@{world.push('v1').digest}", "--depends-on", f"{base}:bookworm@{layout.digest}")
    other = world.layout("other")
    world.registry.push(other, f"{image}:12-{world.image.partition('/')[0]}")
    record(world, f"{image}:12-x@{other.digest}")
    record(world, f"{image}:pr-1@{child}", *OLD)
    done = prune(world, "--yes")
    assert done.code == 0, done.err
    assert [one["reason"] for one in done.json["retained"]] == [f"it is in the index {layout.digest}, which is in use"]
    assert world.registry.pulls(f"{image}@{child}", tmp_path)


def test_what_an_untracked_tag_serves_stays_with_its_record_unless_that_is_asked_for(
    world: World, tmp_path: Path
) -> None:
    old = world.push("pr-1", "old")
    world.registry.push(old, f"{world.image}:stable")
    assert world.publish("pr-1", *OLD).code == 0
    record(world, f"{world.image}:v1@{world.push('v1').digest}")
    for yes in ((), ("--yes",)):
        done = prune(world, *yes)
        assert (done.code, done.json["expired"], done.json["deleted"]) == (0, [], [])
        assert [one["reason"] for one in done.json["kept"]] == [
            "the tag `stable`, which is not in the ledger, serves it"
        ]
    assert world.registry.pulls(f"{world.image}:stable", tmp_path)
    dry = prune(world, "--with-untracked-tags")
    assert [(one["digest"], one["tags"]) for one in dry.json["deleted"]] == [(old.digest, ["pr-1", "stable"])]
    done = prune(world, "--with-untracked-tags", "--yes")
    assert done.json["deleted"] == dry.json["deleted"]
    assert not world.registry.has(world.image, "stable")
    assert world.run("prune", "--with-untracked-tags", "--repo", world.upstream.url).code == 2


@pytest.mark.parametrize("options", [(), ("--with-untracked-tags",)])
def test_an_image_of_an_index_that_an_untracked_tag_serves_stays(
    world: World, options: tuple[str, ...], tmp_path: Path
) -> None:
    index = world.push("nightly", "nightly", (AMD, ARM))
    child = index.images()[AMD]
    record(world, f"{world.image}:pr-1@{child}", *OLD)
    record(world, f"{world.image}:v1@{world.push('v1').digest}")
    done = prune(world, "--yes", *options)
    assert (done.code, done.json["expired"]) == (0, [])
    assert [one["reason"] for one in done.json["kept"]] == [
        "the tag `nightly`, which is not in the ledger, serves an index with it"
    ]
    assert world.registry.pulls(f"{world.image}:nightly", tmp_path)


def test_a_living_tag_that_was_moved_onto_an_expired_digest_keeps_it(world: World, tmp_path: Path) -> None:
    living = world.push("v1")
    record(world, f"{world.image}:v1@{living.digest}")
    old = world.push("pr-1", "old")
    assert world.publish("pr-1", *OLD).code == 0
    world.registry.push(old, f"{world.image}:v1")
    done = prune(world, "--yes", "--with-untracked-tags")
    assert (done.code, done.json["expired"]) == (0, [])
    assert [one["reason"] for one in done.json["kept"]] == [
        "the tag `v1`, which is recorded with another digest, serves it"
    ]
    assert world.registry.pulls(f"{world.image}:v1", tmp_path)


@pytest.fixture
def promoted(world: World) -> Layout:
    """Return an image whose pull request has expired, and which is also a version."""
    layout = world.push("pr-7", "promoted")
    world.registry.push(layout, f"{world.image}:v1")
    assert world.publish("pr-7", *OLD).code == 0
    assert world.publish("v1").code == 0
    return layout


def test_a_tag_whose_digest_stays_is_named_with_the_reason(world: World, promoted: Layout) -> None:
    stays = {
        "registry": world.registry.host, "image": world.image, "tag": "pr-7", "digest": promoted.digest,
        "reason": f"its digest stays: it is {world.image}:v1",
    }  # fmt: skip
    dry = prune(world)
    assert (dry.json["staying"], dry.json["untagged"]) == ([stays], [])
    done = prune(world, "--yes")
    assert (done.code, done.json["staying"], done.json["untagged"]) == (0, [stays], [])
    assert (
        f"does not delete a tag without its image: it answers 400; so these stay served: {world.image}:pr-7" in done.err
    )
    assert world.upstream.tags() == {"v1"}


class Untagging:
    """A registry that deletes tags: a real one, and what it lacks in front of it. `greedy` takes the image, too."""

    def __init__(self, world: World, *, greedy: bool) -> None:
        self.world, self.greedy = world, greedy
        self.asked: list[str] = []

    def __call__(self, asked: Asked) -> Reply | None:
        reference = asked.path.rpartition("/")[2]
        if asked.method != "DELETE" or ":" in reference:
            return None
        self.asked.append(reference)
        if self.greedy:
            self.world.registry.delete_manifest(
                self.world.image, self.world.registry.served(f"{self.world.image}:{reference}")
            )
        else:
            self.world.registry.delete_tag(self.world.image, reference)
        return Reply(202, {}, b"")


@pytest.fixture(params=[False, True], ids=["by-the-spec", "greedy"])
def untagging(world: World, request: pytest.FixtureRequest) -> Iterator[Untagging]:
    untagging = Untagging(world, greedy=request.param)
    with in_front_of(world.registry, untagging) as wire:
        world.upstream.commit_as_other_writer({"ledger.yaml": f"registries:\n  - host: {wire.url}\n".encode()})
        yield untagging


def test_a_registry_that_deletes_tags_deletes_the_tag_alone(
    world: World, untagging: Untagging, promoted: Layout, tmp_path: Path
) -> None:
    """One that deletes the image along with the tag gets it back, with its other tags, and is asked no more."""
    layout = world.push("pr-8", "another")
    world.registry.push(layout, f"{world.image}:v2")
    assert world.publish("pr-8", *OLD).code == world.publish("v2").code == 0
    done = prune(world, "--yes")
    assert done.code == 0, done.err
    assert world.upstream.tags() == {"v1", "v2"}
    for version, own in (("v1", promoted), ("v2", layout)):
        assert world.registry.served(f"{world.image}:{version}") == own.digest
        assert world.registry.pulls(f"{world.image}:{version}", tmp_path)
    assert not world.registry.has(world.image, "pr-7")
    if untagging.greedy:
        assert untagging.asked == ["pr-7"]
        assert [one["tag"] for one in done.json["staying"]] == ["pr-8"]
        assert "deletes images along with their tags; so these stay served" in done.err
    else:
        assert [one["tag"] for one in done.json["untagged"]] == ["pr-7", "pr-8"]
        assert (done.json["staying"], world.registry.has(world.image, "pr-8")) == ([], False)
