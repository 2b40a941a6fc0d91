"""JSON as the commands print it: non-ASCII text is not escaped."""

from __future__ import annotations

import json
from typing import Any

from ledger_tool.core.changes.runclaim import RunClaim
from ledger_tool.core.ledger.names import escaped

_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def document(value: Any) -> str:
    """Return one JSON document, indented for people."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def run(claim: RunClaim) -> dict[str, str | None]:
    """Return the two fields of what a message claims about who made its commit; see `schema/log-v1.schema.json`."""
    return {"run": claim.url or None, "actor": escaped(claim.actor) or None}


def line(value: Any) -> str:
    """Return one JSON value on one line."""
    return json.dumps(value, ensure_ascii=False)


def compact(value: Any) -> str:
    """Return one JSON value in as few characters as it takes: for files that programs read."""
    return _COMPACT.encode(value)
