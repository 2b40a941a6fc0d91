"""What the commands print as JSON is what the schemas in `schema/` promise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from jsonschema import Draft202012Validator

from tests.support.make import SOURCE, digest
from tests.support.outcome import Outcome
from tests.support.schemas import SCHEMAS, check_schema
from tests.support.upstream import Upstream
from tests.support.world import World

Run = Callable[..., Outcome]


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


def test_what_the_commands_print_is_what_the_schemas_say(ledger: Run, upstream: Upstream) -> None:
    def publish(seed: str, platform: str, *options: str) -> Outcome:
        words = [f"myorg/app:v1@{digest(seed)}", "--platform", platform, "--source", SOURCE, "--repo", upstream.url]
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
    assert got["digest"] is None
    check_schema("get-v1", got)
    check_schema("list-v1", ledger("list", "--format", "json", "--repo", upstream.url).json)
    removed = ledger("remove", "myorg/app:v1", "--reason", "over", "--repo", upstream.url)
    check_schema("written-v1", removed.json)


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
    for options in ((), ("--untracked", "--deep")):
        drifted = world.reconcile("--format", "json", *options)
        assert drifted.code == 1
        check_schema("reconcile-v1", drifted.json)
    for tag in ("v2", "v3"):
        check_schema("verify-v1", world.verify(tag, "--format", "json").json)
    world.upstream.commit_as_other_writer({"ledger.yaml": b"registries: [{host: 'http://127.0.0.1:9'}]\n"})
    check_schema("reconcile-v1", world.reconcile("--format", "json", "--untracked").json)
    check_schema("verify-v1", world.verify("v1", "--format", "json").json)
