"""The canonical form of a `ledger.json` that says the same in another form: `ledger check --fix`.

Form is white space, the order of keys, labels and records, escapes, and a byte order mark. Anything else is what the
file says, and is never changed: it has to be decided by a person.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ledger_tool.core.ledger import codec, jsontext
from ledger_tool.core.ledger.record import FIELDS
from ledger_tool.errors import InvalidLedger

# The keys of the fields that are objects with fixed keys, in their order.
_GROUPS = {"provenance": ("digest", "builder", "signer"), "forced": ("replaces", "reason"), "yanked": ("at", "reason")}


def canonical_form(raw: bytes) -> bytes | None:
    """Return the canonical bytes that say the same as those of a `ledger.json`, or None if there are none.

    They are valid, and hold the same values, which is checked on the result and not taken from how it was made.
    """
    try:
        data = jsontext.parse(raw.decode("utf-8-sig"))
        if not isinstance(data["records"], list):  # `{}` and `""` are also empty, and say something else
            return None
        records = sorted(data["records"], key=lambda record: sorting_key(record) or ())
        text = json.dumps(ordered({"records": records}), indent=2, ensure_ascii=False) + "\n"
        content = text.encode()
        codec.loads(content)
    except (UnicodeError, jsontext.JsonFault, InvalidLedger, KeyError, TypeError, AttributeError):
        return None
    return content if _meaning(json.loads(content)) == _meaning(data) else None


def ordered(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of a ledger with the keys that it may have, in canonical order; records stay in theirs."""

    def in_order(record: Mapping[str, Any]) -> dict[str, Any]:
        fields = {name: record[name] for name in FIELDS if record.get(name)}
        if "labels" in fields:
            fields["labels"] = dict(sorted(fields["labels"].items()))
        for group, names in _GROUPS.items():
            if group in fields:
                fields[group] = {name: fields[group][name] for name in names if name in fields[group]}
        return fields

    return {"schemaVersion": 1, "records": [in_order(record) for record in data["records"]]}


def sorting_key(record: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Return what a record is sorted by, and unique by, or None if one of these fields is not text."""
    match record:
        case {"image": str(image), "tag": str(tag), "platform": str(platform)}:
            return image, tag, platform
        case {"image": str(image), "tag": str(tag)} if "platform" not in record:
            return image, tag, ""
    return None


def _meaning(data: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return what the data of a ledger says, whatever the order of keys and records; `1` is neither `1.0` nor true."""
    rest = json.dumps({**data, "records": []}, sort_keys=True)
    return rest, sorted(json.dumps(record, sort_keys=True) for record in data["records"])
