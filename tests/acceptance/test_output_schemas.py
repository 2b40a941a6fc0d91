"""What the commands print as JSON is what the schemas in `schema/` promise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from tests.support.make import SOURCE, digest
from tests.support.outcome import Outcome
from tests.support.upstream import Upstream

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
