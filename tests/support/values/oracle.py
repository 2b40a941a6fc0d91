"""What a valid `ledger.json` is, said a second time: with `json`, `jsonschema` and the contract's own words."""

from __future__ import annotations

import json
import unicodedata
from datetime import date
from itertools import pairwise
from typing import Any

from jsonschema import Draft202012Validator

from ledger_tool.edges.files.ledger import schema

SCHEMA = schema("ledger-v1")
_VALIDATOR = Draft202012Validator(SCHEMA)
_ORDER = list(SCHEMA["$defs"]["record"]["properties"])


def is_valid(raw: bytes) -> bool:
    """Return whether these bytes are a valid ledger: its schema, its canonical form, its rules."""
    try:
        text = raw.decode("utf-8")
        data = json.loads(text)
    except ValueError:
        return False
    if not _VALIDATOR.is_valid(data) or not unicodedata.is_normalized("NFC", text):
        return False
    records = data["records"]
    return text == canonical(records) and _follows_the_rules(records)


def canonical(records: list[dict[str, Any]]) -> str:
    """Return the canonical text of these records, in the order in which they are given."""
    ordered = [{name: _sorted(name, record[name]) for name in _ORDER if name in record} for record in records]
    return json.dumps({"schemaVersion": 1, "records": ordered}, indent=2, ensure_ascii=False) + "\n"


def _sorted(name: str, value: Any) -> Any:
    match name:
        case "labels":
            return dict(sorted(value.items()))
        case "forced" | "yanked":
            return {key: value[key] for key in ("replaces", "at", "reason") if key in value}
        case _:
            return value


def _follows_the_rules(records: list[dict[str, Any]]) -> bool:
    keys = [(record["image"], record["tag"], record.get("platform", "")) for record in records]
    times = [record["publishedAt"] for record in records]
    times += [record["yanked"]["at"] for record in records if "yanked" in record]
    alone = all(platform or sum(key[:2] == (image, tag) for key in keys) == 1 for image, tag, platform in keys)
    return alone and all(a < b for a, b in pairwise(keys)) and all(map(_is_date, times))


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True
