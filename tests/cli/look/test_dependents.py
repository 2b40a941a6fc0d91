"""`dependents` as it is typed, on real git and a real registry."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.git.upstream import Upstream
from tests.support.registries.world import World
from tests.support.values.make import digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


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
    assert (done.code, done.out, done.err) == (0, "", "nothing to rebuild\n")


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
    assert "no longer exists" in done.err
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
    assert f"warning: {on} could not be observed" in done.err
    assert "nothing to rebuild, as far as could be observed" in done.err
