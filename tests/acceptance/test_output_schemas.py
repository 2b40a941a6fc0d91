"""What the commands print as JSON is what the schemas in `schema/` promise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.support.git.upstream import Upstream
from tests.support.registries.world import World
from tests.support.values.graphs import built, ref
from tests.support.values.make import SOURCE, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import SCHEMAS, check_schema

Run = Callable[..., Outcome]


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


def test_what_the_commands_print_is_what_the_schemas_say(ledger: Run, upstream: Upstream) -> None:
    def publish(seed: str, platform: str, *options: str) -> Outcome:
        words = [f"myorg/app:v1@{digest(seed)}", "--platform", platform, "--index", digest("i")]
        words += ["--source", SOURCE, "--repo", upstream.url]
        return ledger("publish", *words, *options)

    printed = [
        publish("a", "linux/amd64", "--dry-run"),
        publish("a", "linux/amd64", "--label", "env=prod", "--ttl", "7d"),
        publish("a", "linux/amd64"),
        publish("b", "linux/arm64"),
        publish("c", "linux/arm64"),
        publish("c", "linux/arm64", "--force", "--reason", "rebuilt"),
        ledger("set", "*", "--label", "x=y", "--repo", upstream.url),
    ]
    assert [one.code for one in printed] == [0, 0, 0, 0, 3, 0, 0]
    for one in printed:
        check_schema("written-v1", one.json)
    got = ledger("get", "myorg/app:v1", "--repo", upstream.url).json
    assert got["digest"] == digest("i")
    check_schema("get-v1", got)
    check_schema("list-v1", ledger("list", "--format", "json", "--repo", upstream.url).json)
    check_schema("written-v1", ledger("yank", "myorg/app:v1", "--reason", "bad", "--repo", upstream.url).json)
    removed = ledger("remove", "myorg/app:v1", "--reason", "over", "--repo", upstream.url)
    check_schema("written-v1", removed.json)
    check_schema("log-v1", ledger("log", "--format", "json", "--repo", upstream.url).json)
    for seed in ("a", "c"):
        check_schema("whence-v1", ledger("whence", digest(seed), "--repo", upstream.url).json)
    check_schema("audit-v1", ledger("audit", "--format", "json", "--repo", upstream.url).json)
    since = upstream.tip()
    upstream.commit_as_other_writer({"ledger.json": ledger_bytes(record())}, "by hand")
    upstream.commit_as_other_writer({"ledger.json": b"{}"}, "break it")
    found = ledger("audit", "--since", since, "--format", "json", "--repo", upstream.url)
    assert [one["rule"] for one in found.json["findings"]] == ["unexplained", "invalid"]
    check_schema("audit-v1", found.json)
    check_schema("log-v1", ledger("log", "--format", "json", "--repo", upstream.url).json)


def test_what_deps_dependents_and_keepset_print_is_what_the_schemas_say(ledger: Run, tmp_path: Path) -> None:
    records = (
        built("base", tag="12", digest=digest("new"), index=digest("index"), platform="linux/arm/v7"),
        built("mid", ref("base:12", "old"), f"base@{digest('index')}"),
        built("app", ref("mid:v1"), ref("app:v1"), ref("quay.io/tool/one:3")),
    )
    repo = Upstream.create(tmp_path / "built.git", ledger_bytes(*records)).url
    for name in ("app", "mid", "base"):
        tag = "12" if name == "base" else "v1"
        check_schema("deps-v1", ledger("deps", f"{name}:{tag}", "--format", "json", "--repo", repo).json)
        for options in ((), ("--stale",)):
            found = ledger("dependents", name, *options, "--format", "json", "--repo", repo).json
            check_schema("dependents-v1", found)
    assert [one["step"] for one in ledger("dependents", "--stale", "--format", "json", "--repo", repo).json[
        "dependents"]] == [1, 2]  # fmt: skip
    check_schema("keepset-v1", ledger("keepset", "--format", "json", "--repo", repo).json)


def test_what_is_said_of_bases_at_registries_is_what_the_schemas_say(world: World) -> None:
    layout = world.push("base", "multi", ("linux/amd64",), attest=True)
    on = [f"{world.registry.host}/{world.image}:{tag}@{layout.digest}" for tag in ("base", "gone")]
    on += [f"quay.io/tool/one:3@{digest()}", f"127.0.0.1:9/{world.image}/x:1@{digest()}"]
    bases = [word for base in on for word in ("--depends-on", base)]
    assert world.publish(f"app@{digest('app')}", "--offline", *bases, "--index", layout.digest).code == 0
    words = ("--live", "--format", "json", "--repo", world.upstream.url)
    check_schema("keepset-v1", world.run("keepset", *words).json)
    dead = world.registry.settings() + "  ttl: {}\n"
    dead = dead.replace("registries:\n", "registries:\n  - host: http://127.0.0.1:9\n    images: ['*/x']\n")
    world.upstream.commit_as_other_writer({"ledger.yaml": dead.encode()})
    done = world.run("dependents", "--stale", *words)
    assert (done.code, len(done.json["unknown"]), done.json["gone"], done.json["unasked"]) == (5, 1, on[1:2], on[2:3])
    check_schema("dependents-v1", done.json)


def test_what_publish_verify_and_reconcile_say_of_a_registry_is_what_the_schemas_say(world: World) -> None:
    world.push("v1", "multi", ("linux/amd64", "linux/arm64"))
    published = world.publish("v1")
    check_schema("written-v1", published.json)
    assert published.json["verified"] is True
    check_schema("verify-v1", world.verify("v1", "--format", "json", "--digest", digest("other")).json)
    check_schema("reconcile-v1", world.reconcile("--format", "json").json)
    world.pushed("v2", "v3")
    world.push("v2", "another")
    world.push("v4")
    world.registry.delete_tag(world.image, "v3")
    for options in ((), ("--untracked", "--deep"), ("--tags", "--explain", "0")):
        drifted = world.reconcile("--format", "json", *options)
        assert drifted.code == 1
        check_schema("reconcile-v1", drifted.json)
    for tag in ("v2", "v3"):
        check_schema("verify-v1", world.verify(tag, "--format", "json").json)
    world.upstream.commit_as_other_writer({"ledger.yaml": b"registries: [{host: 'http://127.0.0.1:9'}]\n"})
    check_schema("reconcile-v1", world.reconcile("--format", "json", "--untracked").json)
    check_schema("verify-v1", world.verify("v1", "--format", "json").json)


def test_what_prune_prints_is_what_its_schema_says(world: World) -> None:
    old = ("--ttl", "1d", "--published-at", "2026-01-01T00:00:00Z")
    for tag, text, options in (("pr-1", "a", old), ("pr-2", "b", old), ("v1", "b", ())):
        world.push(tag, text)
        assert world.publish(tag, *options).code == 0
    words = ("prune", "--registry-delete", "--keep", "1", "--format", "json", "--repo", world.upstream.url)
    printed = [world.run(*words, "*:pr-*"), world.run(*words), world.run(*words, "--yes")]
    assert [one.code for one in printed] == [0, 0, 0]
    assert [len(one.json["kept"]) for one in printed] == [1, 0, 0]
    world.upstream.commit_as_other_writer({"ledger.yaml": b"registries: [{host: 'http://127.0.0.1:9'}]\n"})
    world.publish(f"pr-3@{digest('c')}", "--offline", *old)
    failed = world.run(*words)
    assert (failed.code, len(failed.json["failed"])) == (5, 1)
    for one in (*printed, failed):
        check_schema("prune-v1", one.json)
