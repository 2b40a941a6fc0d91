"""`prune --registry-delete` against a real registry, its garbage collector, and a real client afterwards."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.git.checker import check_history
from tests.support.git.processes import finish, killing_git, start
from tests.support.git.servers import free_port
from tests.support.git.upstream import git
from tests.support.registries.proxy import in_front_of, registry_settings
from tests.support.registries.registry import Layout, real_registry
from tests.support.registries.tokens import TokenKeys, token_script
from tests.support.registries.wire import wire_server
from tests.support.registries.world import World
from tests.support.values.clock import at_the_time_of
from tests.support.values.make import SOURCE
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
AMD, ARM = "linux/amd64", "linux/arm64"
OLD = ("--ttl", "1d", "--published-at", "2026-01-01T00:00:00Z")


@pytest.fixture
def world(tmp_path: Path, ledger: Run) -> Iterator[World]:
    """Return a ledger with a registry of its own, whose garbage may be collected."""
    with real_registry(tmp_path / "registry") as registry:
        yield World.create(registry, tmp_path, ledger)


def push(world: World, tag: str, *options: object, platforms: tuple[str, ...] = (), text: str = "") -> Layout:
    """Push an image and record it; `OLD` among the options is one that has expired."""
    layout = world.push(tag, text, platforms)
    done = world.publish(tag, *options)
    assert done.code == 0, done.err
    return layout


def prune(world: World, *options: object) -> Outcome:
    return world.run("prune", "--registry-delete", "--repo", world.upstream.url, *options)


def deleted(done: Outcome) -> set[str]:
    return {one["digest"] for one in done.json["deleted"]}


class Filled:
    """A registry with something of every kind in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.single = push(world, "pr-1", *OLD)
        self.index = push(world, "pr-2", *OLD, platforms=(AMD, ARM))
        self.shared = push(world, "v1", text="shared")
        push(world, "pr-3", *OLD, text="shared")
        # v2 is recorded for one platform; the other one is also a tag of its own, and that one has expired
        self.partly = push(world, "v2", "--platform", AMD, platforms=(AMD, ARM))
        child = self.partly.images()[ARM]
        assert world.publish(f"pr-4@{child}", "--offline", "--platform", ARM, *OLD).code == 0
        self.base = push(world, "base", *OLD)
        base = f"{world.registry.host}/{world.image}:base@{self.base.digest}"
        self.built = push(world, "v3", "--depends-on", base)
        self.gone = {self.single.digest, self.index.digest, *self.index.images().values()}
        self.kept = {self.shared.digest, child, self.base.digest}

    def check_living(self, folder: Path) -> None:
        world = self.world
        assert world.upstream.tags() == {"v1", "v2", "v3"}
        for layout, tag in ((self.shared, "v1"), (self.partly, "v2"), (self.built, "v3")):
            assert world.registry.pulls(f"{world.image}@{layout.digest}", folder)
            assert world.registry.pulls(f"{world.image}:{tag}", folder)
        assert world.registry.pulls(f"{world.image}@{self.base.digest}", folder)
        for digest in self.gone:
            assert not world.registry.pulls(f"{world.image}@{digest}", folder)


@pytest.fixture
def filled(world: World) -> Filled:
    return Filled(world)


def test_after_prune_and_the_garbage_collector_everything_living_pulls_and_the_pruned_is_gone(
    filled: Filled, tmp_path: Path
) -> None:
    world = filled.world
    tip = world.upstream.tip()
    dry = prune(world, "--format", "json")
    assert (dry.code, dry.json["commit"]) == (0, None)
    assert world.upstream.tip() == tip
    assert all(world.registry.pulls(f"{world.image}@{one}", tmp_path) for one in filled.gone)

    done = prune(world, "--format", "json", "--yes")
    assert done.code == 0, done.err
    assert done.json | {"commit": None} == dry.json
    assert done.json["commit"] == world.upstream.tip() != tip
    assert deleted(done) == filled.gone
    assert {one["digest"] for one in done.json["retained"]} == filled.kept
    assert {one["tag"] for one in done.json["expired"]} == {"pr-1", "pr-2", "pr-3", "pr-4", "base"}
    before = world.registry.blobs()
    world.registry.collect_garbage()
    assert len(before - world.registry.blobs()) == 10  # 3 images of manifest, config and layer, and an index
    filled.check_living(tmp_path)
    assert world.upstream.message().startswith("prune 5 images\n")
    assert ("Reason", "expired") in world.upstream.trailers()
    check_history(world.upstream.path)
    assert prune(world, "--yes").err == "nothing to prune\n"
    assert world.reconcile().code == 0


def test_the_text_says_what_goes_and_what_stays_and_why(filled: Filled) -> None:
    done = prune(filled.world)
    assert done.code == 0
    lines = done.out.splitlines()
    image = filled.world.image
    assert sum(line.startswith("prune ") for line in lines) == 6
    assert sum(line.startswith("delete ") for line in lines) == 4
    kept = [line for line in lines if line.startswith("keep ")]
    assert len(kept) == 3
    assert any(f"it is {image}:v1" in line for line in kept)
    assert any(f"{image}:v3 is built on it" in line for line in kept)
    assert any("it is in the index sha256:" in line for line in kept)
    assert done.err == "dry run: would prune 6 records of 5 tags, 4 manifests at the registries; add `--yes` to do it\n"


def test_an_index_goes_before_its_children(ledger: Run, tmp_path: Path) -> None:
    with real_registry(tmp_path / "registry") as registry, in_front_of(registry) as wire:
        world = World.create(registry, tmp_path, ledger, settings=registry_settings(wire))
        layout = push(world, "pr-1", *OLD, platforms=(AMD, ARM))
        push(world, "v1")
        assert prune(world, "--yes").code == 0
        asked = [one.path.rpartition("/")[2] for one in wire.asked if one.method == "DELETE"]
        assert asked[0] == layout.digest
        assert set(asked[1:]) == set(layout.images().values())


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_step_is_completed_by_the_next_one(world: World, tmp_path: Path) -> None:
    living = push(world, "v1")
    cut_between = 0
    for step in range(5, 17):
        index = push(world, f"pr-{step}", *OLD, platforms=(AMD, ARM))
        words = ["prune", "--registry-delete", "--yes", "--repo", world.upstream.url]
        finish(start(*words, environment=killing_git(tmp_path / f"bin{step}", step, "before", signal.SIGKILL)))
        is_there = [world.registry.has(world.image, one) for one in (index.digest, *index.images().values())]
        assert len(set(is_there)) == 1
        cut_between += not is_there[0] and f"pr-{step}" in world.upstream.tags()
        again = prune(world, "--yes", "--format", "json")
        assert again.code == 0, again.err
        assert world.upstream.tags() == {"v1"}
        assert not any(world.registry.has(world.image, one) for one in (index.digest, *index.images().values()))
    assert cut_between >= 3
    assert len(world.upstream.commits()) == 2 + 2 * 12
    assert world.registry.pulls(f"{world.image}@{living.digest}", tmp_path)
    check_history(world.upstream.path)


def test_a_ledger_that_refuses_after_the_registry_is_told_and_the_next_run_completes(world: World) -> None:
    layout = push(world, "pr-1", *OLD)
    push(world, "v1")
    world.upstream.hook("pre-receive", "exit 1")
    cut = prune(world, "--yes")
    assert cut.code == 6
    assert "the next run completes what is already deleted at the registries (1)" in cut.err
    assert world.upstream.tags() == {"pr-1", "v1"}
    assert world.verify("pr-1").code == 1
    (world.upstream.path / "hooks/pre-receive").unlink()
    done = prune(world, "--yes", "--format", "json")
    assert (done.code, done.json["deleted"]) == (0, [])
    assert [one["digest"] for one in done.json["expired"]] == [layout.digest]
    assert world.upstream.tags() == {"v1"}


def test_a_tag_that_serves_something_else_by_now_stays_and_the_recorded_digest_goes(
    world: World, tmp_path: Path
) -> None:
    old = push(world, "pr-1", *OLD)
    push(world, "v1")
    new = world.push("pr-1", "another")
    done = prune(world, "--yes", "--format", "json")
    assert (done.code, deleted(done)) == (0, {old.digest})
    assert world.registry.served(f"{world.image}:pr-1") == new.digest


def test_a_registry_that_does_not_delete_says_which_setting_and_the_ledger_keeps_the_records(
    ledger: Run, tmp_path: Path
) -> None:
    with real_registry(tmp_path / "registry", delete=False) as registry:
        world = World.create(registry, tmp_path, ledger)
        push(world, "pr-1", *OLD)
        push(world, "v1")
        done = prune(world, "--yes", "--format", "json")
        assert done.code == 6
        assert f"{registry.host} does not delete manifests: it answers 405" in done.err
        assert "REGISTRY_STORAGE_DELETE_ENABLED=true" in done.err
        assert (done.json["expired"], done.json["deleted"], done.json["commit"]) == ([], [], None)
        assert [one["reason"] for one in done.json["kept"]] == [one["reason"] for one in done.json["failed"]]
        assert world.upstream.tags() == {"pr-1", "v1"}
        plain = world.run("prune", "--yes", "--repo", world.upstream.url)
        assert (plain.code, world.upstream.tags()) == (0, {"v1"})


def test_where_a_registry_is_down_its_images_stay_and_the_others_go_on(world: World, ledger: Run) -> None:
    push(world, "pr-1", *OLD)
    push(world, "v1")
    publish = ("--offline", "--source", SOURCE, "--repo", world.upstream.url)
    other = world.push("x")
    for tag, options in (("pr-9", OLD), ("v9", ())):
        with at_the_time_of(options):
            assert ledger("publish", f"far/app:{tag}@{other.digest}", *publish, *options).code == 0
    settings = (
        f"registries:\n  - host: {world.registry.url}\n    images: ['team-*']\n"
        f"  - host: http://127.0.0.1:{free_port()}\n    images: ['far/*']\n"
    )
    world.upstream.commit_as_other_writer({"ledger.yaml": settings.encode()})
    for yes in ((), ("--yes",)):
        done = prune(world, "--format", "json", *yes)
        assert done.code == 5, done.err
        assert "did not answer" in done.err
        assert [one["image"] for one in done.json["expired"]] == [world.image]
        assert [one["image"] for one in done.json["failed"]] == ["far/app"]
    assert {(one["image"], one["tag"]) for one in world.upstream.records()} == {
        (world.image, "v1"), ("far/app", "pr-9"), ("far/app", "v9"),
    }  # fmt: skip


def test_what_no_registry_serves_stays_until_it_is_pruned_without(world: World, ledger: Run) -> None:
    push(world, "pr-1", *OLD)
    push(world, "v1")
    world.upstream.commit_as_other_writer({"ledger.yaml": world.registry.settings("other/*").encode()})
    done = prune(world, "--yes", "--format", "json")
    assert (done.code, done.json["expired"]) == (0, [])
    assert [one["reason"] for one in done.json["kept"]] == ["no registry in ledger.yaml serves it"]
    world.upstream.commit_as_other_writer({"ledger.yaml": b""})
    assert prune(world).code == 2


def test_a_registry_that_has_nothing_of_an_image_is_not_believed(world: World, ledger: Run, tmp_path: Path) -> None:
    push(world, "pr-1", *OLD)
    push(world, "v1")
    with real_registry(tmp_path / "empty") as empty:
        world.upstream.commit_as_other_writer({"ledger.yaml": empty.settings().encode()})
        done = prune(world, "--yes")
    assert done.code == 5
    assert f"{empty.host} has nothing of {world.image}, not even {world.image}:v1" in done.err
    assert world.upstream.tags() == {"pr-1", "v1"}


def test_in_a_checkout_of_another_branch_nothing_is_deleted_that_the_default_one_may_use(
    world: World, tmp_path: Path
) -> None:
    layout = push(world, "pr-1", *OLD, text="same")
    push(world, "v1")
    checkout = tmp_path / "checkout"
    git("clone", "--quiet", world.upstream.path, checkout)
    git("push", "--quiet", "origin", "HEAD:feature", cwd=checkout)
    git("checkout", "--quiet", "--track", "-b", "feature", "origin/feature", cwd=checkout)
    push(world, "v2", text="same")
    for yes in ((), ("--yes",)):
        done = world.run("prune", "--registry-delete", "--repo", checkout, *yes)
        assert done.code == 2
        assert "follows the branch `feature`, but others use `main`" in done.err
    assert world.registry.pulls(f"{world.image}:v2", tmp_path)
    named = world.run("prune", "--registry-delete", "--repo", checkout, "--branch", "main", "--format", "json")
    assert (named.code, [one["digest"] for one in named.json["retained"]]) == (0, [layout.digest])
    git("checkout", "--quiet", "main", cwd=checkout)
    assert world.run("prune", "--registry-delete", "--repo", checkout).code == 0
    git("checkout", "--quiet", "--detach", cwd=checkout)
    detached = world.run("prune", "--registry-delete", "--repo", checkout, "--format", "json")
    assert [one["digest"] for one in detached.json["retained"]] == [layout.digest]


def test_no_push_and_registry_delete_exclude_each_other(world: World) -> None:
    assert prune(world, "--no-push").code == 2


def test_both_registries_that_serve_an_image_are_cleared(world: World, tmp_path: Path) -> None:
    with real_registry(tmp_path / "mirror") as mirror:
        layout = push(world, "pr-1", *OLD)
        push(world, "v1")
        mirror.push(layout, f"{world.image}:pr-1")
        both = f"registries:\n  - host: {world.registry.url}\n  - host: {mirror.url}\n"
        world.upstream.commit_as_other_writer({"ledger.yaml": both.encode()})
        done = prune(world, "--yes", "--format", "json")
        assert done.code == 0, done.err
        assert [one["registry"] for one in done.json["deleted"]] == [world.registry.host, mirror.host]
        assert not mirror.pulls(f"{world.image}@{layout.digest}", tmp_path)


def test_a_token_for_delete_is_asked_for_only_when_something_is_deleted(
    ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = TokenKeys.make(tmp_path / "keys")
    with wire_server() as tokens:
        tokens.on("/token", token_script(keys, user="user", password="secret-password"))
        realm, roots = f"{tokens.url}/token", keys.certificate
        with real_registry(tmp_path / "registry", token_realm=realm, token_roots=roots) as registry:
            monkeypatch.setenv("LEDGER_REGISTRY_USERNAME", "user")
            monkeypatch.setenv("LEDGER_REGISTRY_PASSWORD", "secret-password")
            world = World.create(registry, tmp_path, ledger)
            push(world, "pr-1", *OLD)
            push(world, "v1")
            tokens.asked.clear()
            assert prune(world).code == 0
            name = world.image.replace("/", "%2F")
            assert [one.path.partition("scope=")[2] for one in tokens.asked] == [f"repository%3A{name}%3Apull"]
            done = prune(world, "--yes", "--format", "json")
            assert (done.code, len(deleted(done))) == (0, 1), done.err
            assert tokens.asked[-1].path.endswith(f"scope=repository%3A{name}%3Adelete")
