"""A prune and a publish of the same digest at the same time: no living record loses its manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.git.checker import check_history
from tests.support.git.processes import finish, start
from tests.support.registries.proxy import in_front_of, registry_settings
from tests.support.registries.registry import RealRegistry, real_registry
from tests.support.registries.wire import Asked, Reply
from tests.support.registries.world import World
from tests.support.values.make import SOURCE
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
AMD, ARM = "linux/amd64", "linux/arm64"
OLD = ("--ttl", "1d", "--published-at", "2026-01-01T00:00:00Z")


class Race:
    """A ledger whose registry is asked through a proxy; `at` the first request of a kind, something happens."""

    def __init__(self, registry: RealRegistry) -> None:
        self.registry = registry
        self.world: World
        self.moment: Callable[[Asked], bool] = lambda asked: False
        self.happens: Callable[[], Outcome]
        self.outcomes: list[Outcome] = []

    def before(self, asked: Asked) -> Reply | None:
        if not self.outcomes and self.moment(asked):
            self.moment = lambda asked: False
            self.outcomes.append(self.happens())
        return None

    def at(
        self,
        moment: Callable[[Asked], bool],
        *words: object,
        pushed: tuple[str, str] | None = None,
        on: tuple[str, ...] = (),
    ) -> None:
        """Run a command line at a moment; with `pushed`, push an image under this tag before, with this text."""

        def happens() -> Outcome:
            if pushed:
                self.world.push(*pushed, on)
            return finish(start(*words, "--repo", self.world.upstream.url))

        self.moment, self.happens = moment, happens


@pytest.fixture
def race(tmp_path: Path, ledger: Run) -> Iterator[Race]:
    with real_registry(tmp_path / "registry") as registry:
        race = Race(registry)
        with in_front_of(registry, race.before) as wire:
            race.world = World.create(registry, tmp_path, ledger, settings=registry_settings(wire))
            race.world.pushed("v1")
            yield race


def prune(world: World, *options: object) -> Outcome:
    return world.run("prune", "--registry-delete", "--yes", "--format", "json", "--repo", world.upstream.url, *options)


def test_a_digest_that_is_published_again_just_before_its_deletion_is_put_back_with_its_tag(
    race: Race, tmp_path: Path
) -> None:
    world = race.world
    layout = world.push("pr-1", "same")
    assert world.publish("pr-1", *OLD).code == 0
    words = ("publish", f"{world.image}:v2", "--source", SOURCE)
    race.at(lambda asked: asked.method == "DELETE", *words, pushed=("v2", "same"))
    done = prune(world)
    assert [one.code for one in race.outcomes] == [0], race.outcomes[0].err
    assert done.code == 0, done.err
    assert [one["digest"] for one in done.json["restored"]] == [layout.digest]
    assert (done.json["deleted"], world.upstream.tags()) == ([], {"v1", "v2"})
    race.registry.collect_garbage()
    for name in (f"{world.image}:v2", f"{world.image}@{layout.digest}"):
        assert race.registry.pulls(name, tmp_path)
    assert world.verify("v2").code == 0
    check_history(world.upstream.path)


def test_of_an_index_that_is_published_again_every_child_is_put_back_before_it(race: Race, tmp_path: Path) -> None:
    world = race.world
    layout = world.push("pr-1", "same", (AMD, ARM))
    assert world.publish("pr-1", *OLD).code == 0
    words = ("publish", f"{world.image}:v2", "--platform", AMD, "--source", SOURCE)
    race.at(lambda asked: asked.method == "DELETE", *words, pushed=("v2", "same"), on=(AMD, ARM))
    done = prune(world)
    assert [one.code for one in race.outcomes] == [0], race.outcomes[0].err
    assert done.code == 0, done.err
    assert {one["digest"] for one in done.json["restored"]} == {layout.digest, *layout.images().values()}
    race.registry.collect_garbage()
    assert race.registry.pulls(f"{world.image}:v2", tmp_path)


def test_a_publish_whose_look_is_older_than_the_prune_looks_again_and_finds_nothing(race: Race) -> None:
    world = race.world
    world.push("pr-1", "same")
    assert world.publish("pr-1", *OLD).code == 0
    world.push("v2", "same")
    race.at(lambda asked: "/blobs/" in asked.path, "prune", "--registry-delete", "--with-untracked-tags", "--yes")
    done = world.publish("v2")
    assert [one.code for one in race.outcomes] == [0], race.outcomes[0].err
    assert done.code == 3
    assert f"has no {world.image}:v2" in done.err
    assert world.upstream.tags() == {"v1"}
    world.push("v2", "same")
    assert world.publish("v2").code == 0
    assert race.registry.pulls(f"{world.image}:v2", world.folder)


def test_an_expired_record_that_gets_a_longer_life_meanwhile_keeps_record_and_manifest(
    race: Race, tmp_path: Path
) -> None:
    world = race.world
    world.push("pr-1")
    assert world.publish("pr-1", *OLD).code == 0
    race.at(lambda asked: asked.method == "DELETE", "set", f"{world.image}:pr-1", "--ttl", "9000d")
    done = prune(world)
    assert (done.code, done.json["expired"], done.json["commit"]) == (0, [], None), done.err
    assert [one["reason"] for one in done.json["kept"]] == ["it was changed in the meantime"]
    assert world.upstream.tags() == {"v1", "pr-1"}
    assert race.registry.pulls(f"{world.image}:pr-1", tmp_path)


def test_what_became_the_last_tag_of_its_image_meanwhile_stays_with_its_manifest(race: Race, tmp_path: Path) -> None:
    world = race.world
    world.push("pr-1")
    assert world.publish("pr-1", *OLD).code == 0
    race.at(lambda asked: asked.method == "DELETE", "remove", f"{world.image}:v1", "--reason", "over")
    done = prune(world)
    assert (done.code, done.json["expired"]) == (0, []), done.err
    assert world.upstream.tags() == {"pr-1"}
    assert race.registry.pulls(f"{world.image}:pr-1", tmp_path)


def test_what_can_not_be_put_back_is_an_error_that_names_it(race: Race) -> None:
    world = race.world
    layout = world.push("pr-1", "same")
    assert world.publish("pr-1", *OLD).code == 0
    words = ("publish", f"{world.image}:v2", "--source", SOURCE)
    race.at(lambda asked: asked.method == "DELETE", *words, pushed=("v2", "same"))
    before = race.happens

    def and_lose_the_layer() -> Outcome:
        done = before()
        race.registry.delete_blob(world.image, layout.read(layout.digest)["layers"][0]["digest"])
        return done

    race.happens = and_lose_the_layer
    done = prune(world)
    assert done.code == 5
    assert f"{world.image}@{layout.digest} is needed again and could not be put back" in done.err
    assert [one["digest"] for one in done.json["deleted"]] == [layout.digest]
