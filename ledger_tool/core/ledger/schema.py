"""How a value breaks a JSON Schema. The schema comes in as a value; `jsonschema` is imported on use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ledger_tool.core.ledger.names import shown


def part(schema: Mapping[str, Any], definition: str) -> Mapping[str, Any]:
    """Return the schema of one of a schema's `$defs`."""
    return {"$schema": schema["$schema"], "$ref": f"#/$defs/{definition}", "$defs": schema["$defs"]}


def errors(schema: Mapping[str, Any], value: Any) -> Iterator[tuple[list[str | int], str]]:
    """Yield the path and the message of each way in which `value` breaks `schema`."""
    from jsonschema import Draft202012Validator

    violations = Draft202012Validator(schema).iter_errors(value)
    for error in sorted(violations, key=lambda error: list(map(str, error.path))):
        yield list(error.path), _message(error)


def _message(error: Any) -> str:
    """Return the message for a person: jsonschema's own text shows whole patterns and whole values."""
    field = ".".join(str(step) for step in error.absolute_path) or "the file"
    value = shown(json.dumps(error.instance, ensure_ascii=False), 60)
    match error.validator:
        case "required":
            missing = error.message.split("'")[1]  # "'digest' is a required property"
            return f"`{missing}` is missing"
        case "additionalProperties":
            known = error.schema.get("properties", {})
            extra = [name for name in error.instance if name not in known]
            return f"unknown key {', '.join(f'`{shown(str(name))}`' for name in extra)}"
        case "pattern" | "maxLength" | "minLength" | "propertyNames":
            return f"`{field}` is malformed: {value}"
        case "type":
            return f"`{field}` should be of type {error.validator_value}, not {value}"
        case "const" | "enum":
            return f"`{field}` is {value}, which is not allowed"
        case _:
            return f"`{field}`: {shown(error.message, 200)}"
