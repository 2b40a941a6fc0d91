"""The published JSON Schemas, for what the commands print."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from tests.support import ROOT

_FOLDER = ROOT / "schema"
SCHEMAS: dict[str, Any] = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text()) for path in _FOLDER.glob("*.json")
}
_REGISTRY: Registry[Any] = Registry().with_resources(
    [(schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()]
)


def check_schema(name: str, value: Any) -> None:
    """Assert that a value is what a schema says."""
    Draft202012Validator(SCHEMAS[name], registry=_REGISTRY).validate(value)
