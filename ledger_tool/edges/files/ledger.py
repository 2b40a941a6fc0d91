"""The two files of a ledger, from their bytes: the one place where a bad `ledger.json` gets its explanation."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.policy.policy import Policy
from ledger_tool.errors import InvalidLedger

LEDGER = "ledger.json"
SETTINGS = "ledger.yaml"


def snapshot(commit: str, ledger: bytes, settings: bytes | None) -> Snapshot:
    """Return what the bytes of the two files say. Raises InvalidLedger, or UsageError for `ledger.yaml`."""
    return Snapshot(commit, read_ledger(ledger), read_policy(settings))


def read_policy(raw: bytes | None) -> Policy:
    """Return the policy of `ledger.yaml`'s bytes, or the default one where there is no such file."""
    if raw is None:
        return Policy()
    from ledger_tool.edges.yaml.settings import load

    return load(raw)


def read_ledger(raw: bytes) -> Ledger:
    """Return the ledger, or raise InvalidLedger with line, column and reason."""
    try:
        return codec.loads(raw)
    except InvalidLedger:
        from ledger_tool.core.ledger.diagnosis import invalid_ledger

        raise invalid_ledger(raw, schema("ledger-v1")) from None


def schema(name: str) -> dict[str, Any]:
    """Return a schema of the folder `schema/` by its name without `.schema.json`."""
    text = (files("ledger_tool") / "schema" / f"{name}.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
