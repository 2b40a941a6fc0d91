"""JSON as the commands print it: non-ASCII text is not escaped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ledger_tool.core.changes.runclaim import RunClaim
from ledger_tool.core.ledger.layout import laid_out, object_lines
from ledger_tool.core.ledger.names import escaped

_LINE = json.JSONEncoder(ensure_ascii=False)
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def document(value: Any) -> str:
    """Return one JSON document, indented for people."""
    return laid_out(value)


def document_lines(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield the pieces of one JSON object, indented for people; see `object_lines`."""
    return object_lines(fields)


def run(claim: RunClaim) -> dict[str, str | None]:
    """Return the two fields of what a message claims about who made its commit; see `schema/log-v1.schema.json`."""
    return {"run": claim.url or None, "actor": escaped(claim.actor) or None}


def line(value: Any) -> str:
    """Return one JSON value on one line."""
    return _LINE.encode(value)


def compact(value: Any) -> str:
    """Return one JSON value in as few characters as it takes: for files that programs read."""
    return _COMPACT.encode(value)
