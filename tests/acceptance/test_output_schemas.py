"""What the commands print as JSON is what the schemas in `schema/` promise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from tests.support.make import SOURCE, digest, ledger_bytes, record
from tests.support.outcome import Outcome
from tests.support.upstream import Upstream
from tests.support.world import World

Run = Callable[..., Outcome]
_FOLDER = Path(__file__).parents[2] / "schema"
_SCHEMAS: dict[str, Any] = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text()) for path in _FOLDER.glob("*.json")
}
_REGISTRY: Registry[Any] = Registry().with_resources(
    [(schema["$id"], Resource.from_contents(schema)) for schema in _SCHEMAS.values()]
)


def _check(name: str, value: Any) -> None:
    Draft202012Validator(_SCHEMAS[name], registry=_REGISTRY).validate(value)


@pytest.mark.parametrize("name", _SCHEMAS)
def test_each_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(_SCHEMAS[name])


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
        _check("written-v1", one.json)
    got = ledger("get", "myorg/app:v1", "--repo", upstream.url).json
    assert got["digest"] is None
    _check("get-v1", got)
    _check("list-v1", ledger("list", "--format", "json", "--repo", upstream.url).json)
    removed = ledger("remove", "myorg/app:v1", "--reason", "over", "--repo", upstream.url)
    _check("written-v1", removed.json)
    _check("log-v1", ledger("log", "--format", "json", "--repo", upstream.url).json)
    for seed in ("a", "c"):
        _check("whence-v1", ledger("whence", digest(seed), "--repo", upstream.url).json)
    _check("audit-v1", ledger("audit", "--format", "json", "--repo", upstream.url).json)
    since = upstream.tip()
    upstream.commit_as_other_writer({"ledger.json": ledger_bytes(record())}, "by hand")
    upstream.commit_as_other_writer({"ledger.json": b"{}"}, "break it")
    found = ledger("audit", "--since", since, "--format", "json", "--repo", upstream.url)
    assert [one["rule"] for one in found.json["findings"]] == ["unexplained", "invalid"]
    _check("audit-v1", found.json)
    _check("log-v1", ledger("log", "--format", "json", "--repo", upstream.url).json)


def test_what_publish_verify_and_reconcile_say_of_a_registry_is_what_the_schemas_say(world: World) -> None:
    world.push("v1", "multi", ("linux/amd64", "linux/arm64"))
    published = world.publish("v1")
    _check("written-v1", published.json)
    assert published.json["verified"] is True
    _check("verify-v1", world.verify("v1", "--format", "json", "--digest", digest("other")).json)
    _check("reconcile-v1", world.reconcile("--format", "json").json)
    world.pushed("v2", "v3")
    world.push("v2", "another")
    world.push("v4")
    world.registry.delete_tag(world.image, "v3")
    for options in ((), ("--untracked", "--deep")):
        drifted = world.reconcile("--format", "json", *options)
        assert drifted.code == 1
        _check("reconcile-v1", drifted.json)
    for tag in ("v2", "v3"):
        _check("verify-v1", world.verify(tag, "--format", "json").json)
    world.upstream.commit_as_other_writer({"ledger.yaml": b"registries: [{host: 'http://127.0.0.1:9'}]\n"})
    _check("reconcile-v1", world.reconcile("--format", "json", "--untracked").json)
    _check("verify-v1", world.verify("v1", "--format", "json").json)
