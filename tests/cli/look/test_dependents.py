"""`deps`, `dependents` and `keepset` as they are typed, on real git and a real registry."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.upstream import Upstream
from tests.support.registries.registry import Layout
from tests.support.registries.world import World
from tests.support.values.graphs import built, ref
from tests.support.values.make import digest, ledger_bytes
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
BOTH = ("linux/amd64", "linux/arm64")


@pytest.fixture
def chain(tmp_path: Path) -> Upstream:
    """Return a ledger in which mid sits on an old base, and app on mid."""
    records = (
        built("myorg/base", tag="12", digest=digest("new")),
        built("myorg/mid", ref("registry.example.com/myorg/base:12", "old")),
        built("myorg/app", ref("myorg/mid:v1"), platform="linux/amd64"),
    )
    settings = "registries:\n  - host: registry.example.com\n    images: ['myorg/*']\n"
    return Upstream.create(tmp_path / "chain.git", ledger_bytes(*records), settings)


def test_deps_from_a_remote_as_text_and_drawings(ledger: Run, chain: Upstream) -> None:
    done = ledger("deps", "registry.example.com/myorg/app:v1", "--repo", chain.url)
    assert done.code == 0
    assert done.out.splitlines()[0].startswith("myorg/app:v1 (linux/amd64)  sha256:")
    assert [line.lstrip(" └─").split("  ")[0].split("@")[0] for line in done.out.splitlines()[1:]] == [
        "myorg/mid:v1", "registry.example.com/myorg/base:12",
    ]  # fmt: skip
    for form, first in (("dot", "digraph ledger {"), ("mermaid", "flowchart LR")):
        assert ledger("deps", "myorg/app:v1", "--format", form, "--repo", chain.url).out.startswith(first + "\n")
    assert ledger("deps", "myorg/app:v1", "--platform", "linux/arm64", "--repo", chain.url).code == 3
    assert ledger("deps", "myorg/app:v9", "--repo", chain.url).code == 3
    assert ledger("deps", "myorg/app", "--repo", chain.url).code == 2
    assert ledger("deps", "myorg/app:v1", "--format", "yaml", "--repo", chain.url).code == 2


def test_dependents_are_a_tree_and_exit_with_0(ledger: Run, chain: Upstream) -> None:
    done = ledger("dependents", "myorg/base:12", "--repo", chain.url)
    assert done.code == 0
    assert [line.strip(" └─").split()[0] for line in done.out.splitlines()] == [
        "myorg/base:12", "myorg/mid:v1", "myorg/app:v1",
    ]  # fmt: skip
    none = ledger("dependents", "myorg/app", "--repo", chain.url)
    assert (none.code, none.out) == (0, "myorg/app\n")
    assert "nothing is built on myorg/app" in none.err
    assert ledger("dependents", digest("old"), "--repo", chain.url, "--format", "mermaid").code == 0


def test_stale_lists_the_rebuilds_in_order_and_exits_with_1(ledger: Run, chain: Upstream) -> None:
    for words in (("myorg/base",), (digest("old"),), ()):
        done = ledger("dependents", *words, "--stale", "--repo", chain.url)
        assert done.code == 1, done.err
        rows = [line.split() for line in done.out.splitlines()]
        assert rows[0] == ["STEP", "IMAGE", "PLATFORM", "BASE", "BUILT", "ON", "NOW"]
        assert rows[1] == ["1", "myorg/mid:v1", "-", "myorg/base:12", digest("old")[:19], digest("new")[:19]]
        assert rows[2][:3] == ["2", "myorg/app:v1", "linux/amd64"]
    drawn = ledger("dependents", "--stale", "--format", "dot", "--repo", chain.url)
    assert (drawn.code, drawn.out.count(" -> ")) == (1, 2)
    done = ledger("dependents", "myorg/mid", "--stale", "--repo", chain.url)
    assert (done.code, done.out, done.err) == (0, "", "nothing is to be rebuilt\n")


@pytest.mark.parametrize(
    "words",
    [
        ("--live", "myorg/base"),
        (),
        ("sha256:abc",),
        ("https://user:pass@host/image",),
        ("a", "--stale", "--jobs", "0"),
        ("a", "--format", "x"),
    ],
)
def test_what_cannot_be_asked_is_a_usage_error(words: tuple[str, ...], ledger: Run, chain: Upstream) -> None:
    done = ledger("dependents", *words, "--repo", chain.url)
    assert (done.code, done.out) == (2, "")
    assert "pass@" not in done.err


def test_stale_by_the_live_registry(world: World) -> None:
    def stale(*options: str) -> Outcome:
        return world.run("dependents", world.image, "--stale", *options, "--repo", world.upstream.url)

    (base,) = world.pushed("base")
    on = f"{world.registry.host}/{world.image}:base@{base.digest}"
    world.push("app")
    assert world.publish("app", "--depends-on", on).code == 0
    assert stale("--live").code == 0
    moved = world.push("base", "a newer base")
    assert stale().code == 0
    done = stale("--live", "--format", "json")
    assert done.code == 1, done.err
    (found,) = done.json["dependents"]
    assert (found["record"]["tag"], found["step"]) == ("app", 1)
    assert found["moved"] == [{"reference": on, "now": moved.digest}]
    world.registry.delete_tag(world.image, "base")
    done = stale("--live")
    assert (done.code, done.out) == (0, "")
    assert "is not there any more" in done.err
    dead = "registries: [{host: 'http://127.0.0.1:9'}]\n"
    world.upstream.commit_as_other_writer({"ledger.yaml": dead.encode()})
    elsewhere = stale("--live")
    assert (elsewhere.code, elsewhere.out) == (0, "")
    assert "no registry of ledger.yaml serves" in elsewhere.err


def test_stale_that_could_not_be_seen_exits_with_5(world: World) -> None:
    world.upstream.commit_as_other_writer({"ledger.yaml": b"registries: [{host: 'http://127.0.0.1:9'}]\n"})
    on = f"127.0.0.1:9/{world.image}:base@{digest()}"
    assert world.publish(f"app@{digest('app')}", "--offline", "--depends-on", on).code == 0
    done = world.run("dependents", "--stale", "--live", "--format", "json", "--repo", world.upstream.url)
    assert done.code == 5
    assert done.json["complete"] is False
    assert [one["reference"] for one in done.json["unknown"]] == [on]
    assert f"warning: {on} could not be looked at" in done.err
    assert "nothing is to be rebuilt, as far as could be seen" in done.err


# ---- keepset


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
        assert "so that nothing is printed" in done.err


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


def test_an_empty_keepset_is_refused(ledger: Run, upstream: Upstream) -> None:
    done = ledger("keepset", "--repo", upstream.url)
    assert (done.code, done.out) == (3, "")
