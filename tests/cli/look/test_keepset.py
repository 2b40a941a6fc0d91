"""`keepset` as it is typed, on real git and a real registry."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.upstream import Upstream, git
from tests.support.registries.registry import Layout
from tests.support.registries.world import World
from tests.support.values.make import digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
BOTH = ("linux/amd64", "linux/arm64")


def attested(world: World) -> tuple[Layout, list[str]]:
    """Push and record an index with attestations; return it, and the digests of all that is in it."""
    layout = world.push("v1", "multi", BOTH, attest=True)
    assert world.publish("v1").code == 0
    return layout, [entry["digest"] for entry in layout.read(layout.digest)["manifests"]]


def test_keepset_live_has_the_attestations_that_the_ledger_leaves_out(world: World) -> None:
    layout, children = attested(world)
    words = ("keepset", "--repo", world.upstream.url)
    plain = world.run(*words).out.splitlines()
    assert plain == sorted([layout.digest, *layout.images().values()])
    done = world.run(*words, "--live")
    assert done.code == 0, done.err
    assert done.out.splitlines() == sorted([layout.digest, *children])
    value = world.run(*words, "--live", "--format", "json", "--registry", world.registry.host).json
    assert value["live"] is True
    by_digest = {one["digest"]: one for one in value["digests"]}
    assert by_digest[layout.digest] == {
        "digest": layout.digest, "image": world.image, "as": ["index"], "tags": ["v1"],
        "repositories": [f"{world.registry.host}/{world.image}"],
    }  # fmt: skip
    assert {tuple(one["as"]) for one in by_digest.values()} == {("index",), ("image", "child"), ("child",)}


def test_keepset_that_cannot_ask_prints_nothing(world: World) -> None:
    attested(world)
    world.upstream.commit_as_other_writer({"ledger.yaml": b"registries: [{host: 'http://127.0.0.1:9'}]\n"})
    for form in ("text", "json"):
        done = world.run("keepset", "--live", "--format", form, "--repo", world.upstream.url)
        assert (done.code, done.out) == (5, "")
        assert "so nothing is printed" in done.err


def test_grep_with_a_keepset_leaves_what_may_go(world: World, tmp_path: Path) -> None:
    """And what is left can be deleted, with all that is kept still there to be pulled."""
    layout, children = attested(world)
    old = world.push("nightly", "old").digest
    (tmp_path / "keep").write_text(world.run("keepset", "--live", "--repo", world.upstream.url).out)
    everything = "\n".join([layout.digest, *children, old])
    left = subprocess.run(["grep", "-vFf", tmp_path / "keep"], input=everything, text=True, capture_output=True)
    assert left.stdout.split() == [old]
    world.registry.delete_manifest(world.image, old)
    assert world.verify("v1", "--deep").code == 0
    assert json.loads(world.verify("v1", "--deep", "--format", "json").out)["ok"] is True


@pytest.mark.parametrize("words", [("a:v1",), ("--registry", "-x"), ("--format", "csv"), ("--jobs", "x")])
def test_keepset_takes_images_and_hosts_only(words: tuple[str, ...], ledger: Run, chain: Upstream) -> None:
    done = ledger("keepset", *words, "--repo", chain.url)
    assert (done.code, done.out) == (2, "")


def test_the_port_of_a_registry_is_not_a_tag(ledger: Run, tmp_path: Path) -> None:
    base = f"localhost:5000/myorg/base:12@{digest('base')}"
    (tmp_path / "ledger.json").write_bytes(ledger_bytes(record("myorg/app", dependsOn=[base])))
    git("init", "--quiet", tmp_path)
    done = ledger("keepset", "localhost:5000/myorg/base", "--repo", tmp_path)
    assert (done.code, done.out.split()) == (0, [digest("base")])


def test_an_empty_keepset_is_refused(ledger: Run, upstream: Upstream) -> None:
    done = ledger("keepset", "--repo", upstream.url)
    assert (done.code, done.out) == (3, "")
