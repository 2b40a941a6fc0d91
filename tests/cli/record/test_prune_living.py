"""`prune --registry-delete`: what anybody can still pull stays, whatever the ledger calls it or was told of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.registries.direct import Direct
from tests.support.registries.proxy import in_front_of
from tests.support.registries.wire import Asked, Reply
from tests.support.registries.world import World
from tests.support.values.make import digest, ledger_bytes
from tests.support.values.make import record as made
from tests.support.values.outcome import Outcome

AMD, ARM = "linux/amd64", "linux/arm64"
OLD = {"ttl": "1d", "publishedAt": "2026-01-01T00:00:00Z"}


@dataclass(frozen=True)
class Pushed:
    """What was pushed: its digest and, of an index, those of its images by platform."""

    digest: str
    images: dict[str, str]


def push(world: World, tags: str, text: str = "", platforms: tuple[str, ...] = (), *, image: str = "") -> Pushed:
    """Push an image, or an index of one for each platform, under tags; return its digest and those of its images."""
    direct, repository = Direct(world.registry), image or world.image
    text = f"{text or tags} {world.image}"
    entries = [direct.push_image(repository, text, platform.partition("/")[2]) for platform in platforms or (AMD,)]
    pushed = direct.push_index(repository, entries)["digest"] if platforms else entries[0]["digest"]
    for tag in tags.split():
        direct.tag(repository, tag, pushed)
    return Pushed(pushed, dict(zip(platforms, (entry["digest"] for entry in entries), strict=False)))


def pulls(world: World, reference: str, *, image: str = "") -> bool:
    """Return whether a tag or digest can be pulled, with all that it refers to."""
    return Direct(world.registry).is_whole(image or world.image, reference)


def record(world: World, *records: tuple[str, str, str, dict[str, Any]], settings: str = "") -> None:
    """Let the ledger have these records, by image, tag and digest, as they may have been published offline."""
    own = [made(image, tag, digest=own, **facts) for image, tag, own, facts in records]
    files = {"ledger.json": ledger_bytes(*own)} | ({"ledger.yaml": settings.encode()} if settings else {})
    world.upstream.commit_as_other_writer(files)


def prune(world: World, *options: object) -> Outcome:
    done = world.run("prune", "--registry-delete", "--format", "json", "--repo", world.upstream.url, *options)
    assert done.code == 0, done.err
    return done


def kept(done: Outcome) -> list[str]:
    """Return why records stay that have expired."""
    return [one["reason"] for one in done.json["kept"]]


@pytest.mark.parametrize(
    "facts",
    [{}, {"config": digest("c"), "platform": AMD}],
    ids=["unseen", "as-an-image"],
)
def test_the_images_of_an_index_stay_whatever_was_said_of_it_offline(world: World, facts: dict[str, str]) -> None:
    index = push(world, "v1", "v1", (AMD, ARM))
    child = index.images[ARM]
    old = {"platform": ARM, "config": digest("c")} | OLD
    record(world, (world.image, "v1", index.digest, facts), (world.image, "pr-1", child, old))
    done = prune(world, "--yes")
    assert [one["tag"] for one in done.json["expired"]] == ["pr-1"]
    assert [one["reason"] for one in done.json["retained"]] == [f"it is in the index {index.digest}, which is in use"]
    assert pulls(world, "v1")


def test_nothing_is_deleted_where_an_index_in_use_is_gone_and_may_have_needed_it(world: World) -> None:
    index = push(world, "v1", "v1", (AMD, ARM))
    child = index.images[ARM]
    record(
        world,
        (world.image, "v1", index.images[AMD], {"index": digest("gone"), "platform": AMD}),
        (world.image, "pr-1", child, {"platform": ARM} | OLD),
    )
    words = ("prune", "--registry-delete", "--yes", "--format", "json", "--repo", world.upstream.url)
    done = world.run(*words)
    assert (done.code, done.json["deleted"]) == (5, [])
    assert f"{digest('gone')} is in use and gone, so what it refers to is not known" in done.err
    assert pulls(world, "v1")


def test_two_names_of_the_ledger_are_one_repository(world: World) -> None:
    settings = (
        f"registries:\n  - {{host: '{world.registry.url}', images: ['{world.image}']}}\n"
        f"  - {{host: '{world.registry.url}', prefix: {world.image.partition('/')[0]}, images: [app]}}\n"
    )
    index = push(world, "v1", "v1", (AMD, ARM))
    child = index.images[ARM]
    records: list[tuple[str, str, str, dict[str, Any]]] = [
        (world.image, "v1", index.digest, {}),
        ("app", "v0", push(world, "v0").digest, {}),
    ]
    record(world, *records, ("app", "pr-1", child, OLD), settings=settings)
    assert prune(world, "--yes").json["deleted"] == []
    assert pulls(world, "v1")


@pytest.mark.parametrize(
    "base", ["deb", "docker.io/library/deb", "{host}/library/deb", "mirror.example.com/hub/library/deb"]
)
def test_a_base_is_the_same_repository_however_it_is_written(world: World, base: str) -> None:
    image = "library/deb"
    tag = world.image.partition("/")[0]
    index = push(world, "", f"base {base}", (AMD, ARM), image=image)
    child, other = index.images[ARM], push(world, tag, image=image).digest
    built = {"dependsOn": [f"{base.format(host=world.registry.host)}:bookworm@{index.digest}"]}
    record(
        world, (world.image, "v1", push(world, "v1").digest, built),
        (image, tag, other, {}), (image, "pr-1", child, OLD),
    )  # fmt: skip
    done = prune(world, "--yes")
    assert [one["reason"] for one in done.json["retained"]] == [f"it is in the index {index.digest}, which is in use"]
    assert pulls(world, index.digest, image=image)


def test_what_an_untracked_tag_serves_stays_with_its_record_unless_that_is_asked_for(world: World) -> None:
    old = push(world, "pr-1 stable")
    record(world, (world.image, "pr-1", old.digest, OLD), (world.image, "v1", push(world, "v1").digest, {}))
    for yes in ((), ("--yes",)):
        done = prune(world, *yes)
        assert (done.json["expired"], done.json["deleted"]) == ([], [])
        assert kept(done) == ["the tag `stable`, which is not in the ledger, serves it"]
    assert pulls(world, "stable")
    dry = prune(world, "--with-untracked-tags")
    assert [(one["digest"], one["tags"]) for one in dry.json["deleted"]] == [(old.digest, ["pr-1", "stable"])]
    done = prune(world, "--with-untracked-tags", "--yes")
    assert done.json["deleted"] == dry.json["deleted"]
    assert not world.registry.has(world.image, "stable")
    assert world.run("prune", "--with-untracked-tags", "--repo", world.upstream.url).code == 2


def test_an_image_of_an_index_that_an_untracked_tag_serves_stays(world: World) -> None:
    index = push(world, "nightly", "nightly", (AMD, ARM))
    child = index.images[AMD]
    record(world, (world.image, "pr-1", child, OLD), (world.image, "v1", push(world, "v1").digest, {}))
    for option in ("--yes", "--with-untracked-tags"):
        done = prune(world, "--yes", option)
        assert done.json["expired"] == []
        assert kept(done) == ["the tag `nightly`, which is not in the ledger, serves an index with it"]
    assert pulls(world, "nightly")


def test_a_living_tag_that_was_moved_onto_an_expired_digest_keeps_it(world: World) -> None:
    living, old = push(world, "v1"), push(world, "pr-1 v1", "old")
    record(world, (world.image, "v1", living.digest, {}), (world.image, "pr-1", old.digest, OLD))
    done = prune(world, "--yes", "--with-untracked-tags")
    assert done.json["expired"] == []
    assert kept(done) == ["the tag `v1`, which is recorded with another digest, serves it"]
    assert pulls(world, "v1")


def test_a_tag_whose_digest_stays_is_named_with_the_reason(world: World) -> None:
    image = push(world, "pr-7 v1")
    record(world, (world.image, "pr-7", image.digest, OLD), (world.image, "v1", image.digest, {}))
    stays = {
        "registry": world.registry.host, "image": world.image, "tag": "pr-7", "digest": image.digest,
        "reason": f"its digest stays: it is {world.image}:v1",
    }  # fmt: skip
    for yes in ((), ("--yes",)):
        done = prune(world, *yes)
        assert (done.json["staying"], done.json["untagged"]) == ([stays], [])
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


def test_a_registry_that_deletes_tags_deletes_the_tag_alone(world: World, untagging: Untagging) -> None:
    """One that deletes the image along with the tag gets it back, with its other tags, and is asked no more."""
    images = {"v1": push(world, "pr-7 v1"), "v2": push(world, "pr-8 v2")}
    record(
        world,
        *((world.image, version, image.digest, {}) for version, image in images.items()),
        *((world.image, old, images[version].digest, OLD) for old, version in (("pr-7", "v1"), ("pr-8", "v2"))),
    )
    done = prune(world, "--yes")
    assert world.upstream.tags() == {"v1", "v2"}
    for version, image in images.items():
        assert Direct(world.registry).tags(world.image)[version] == image.digest
        assert pulls(world, version)
    assert not world.registry.has(world.image, "pr-7")
    if untagging.greedy:
        assert untagging.asked == ["pr-7"]
        assert [one["tag"] for one in done.json["staying"]] == ["pr-8"]
        assert "deletes images along with their tags; so these stay served" in done.err
    else:
        assert [one["tag"] for one in done.json["untagged"]] == ["pr-7", "pr-8"]
        assert (done.json["staying"], world.registry.has(world.image, "pr-8")) == ([], False)
