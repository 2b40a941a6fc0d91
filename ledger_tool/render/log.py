"""What `log` found: text for people, JSON for machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.ledger.names import TEXT_MAX, escaped, shown
from ledger_tool.render import json
from ledger_tool.render.table import Column, table
from ledger_tool.render.view import Role, View

_WIDEST_NAME = 100  # characters: the pusher chooses the name, and it would widen every line of the table


def as_json(entries: Sequence[LogEntry]) -> str:
    """Return the JSON object of a log; `schema/log-v1.schema.json` describes it."""
    return json.document({"entries": [entry_as_json(entry) for entry in entries]})


def as_json_lines(entries: Sequence[LogEntry]) -> Iterator[str]:
    """Yield each entry as a JSON object on one line."""
    return (json.line(entry_as_json(entry)) for entry in entries)


_ROLES: Mapping[str, Role] = {"moved": "doubtful", "remove": "bad", "removed": "bad", "prune": "minor", "yank": "bad"}
_COLUMNS = (
    Column("COMMIT", spare=8),
    Column("AT", spare=10),
    Column("ACTION", role=lambda action: _ROLES.get(action)),
    Column("IMAGE", "name"),
    Column("VERSION"),
    Column("PLATFORM", spare=9),
    Column("DIGEST"),
    Column("REPLACES", spare=7),
    Column("INDEX", spare=6),
    Column("SOURCE", spare=3),
    Column("BY", "name", spare=2),
    Column("ACTOR", "name", spare=5),
    Column("REASON", "prose", spare=4),
    Column("RUN", spare=1),
)


def as_table(entries: Sequence[LogEntry], view: View) -> Iterator[str]:
    """Yield the lines of a table."""
    rows = [
        (
            entry.commit if view.wide else entry.commit[:12],
            view.time(entry.at),
            entry.action,
            str(entry.name),
            _version(entry),
            entry.platform,
            view.digest(entry.digest),
            " ".join(map(view.digest, entry.replaces)),
            _pulled(entry, view),
            view.source(entry.source_ref) if entry.source_ref else "",
            shown(entry.by.partition(" <")[0], _WIDEST_NAME),
            shown(entry.run.actor, _WIDEST_NAME),
            view.prose(shown(entry.reason, TEXT_MAX)),
            entry.run.url,
        )
        for entry in entries
    ]
    return table(_COLUMNS, rows, view)


def _version(entry: LogEntry) -> str:
    """Return what an environment has from then on, and what it had."""
    before = f"was {entry.replaces_version}" if entry.replaces_version else ""
    return " ".join(filter(None, [entry.version, before]))


def _pulled(entry: LogEntry, view: View) -> str:
    """Return what the image:tag is pulled by from then on, if that is new, and what it was pulled by."""
    before = f"was {view.digest(entry.replaces_index)}" if entry.replaces_index else ""
    return " ".join(filter(None, [view.digest(entry.index), before]))


def entry_as_json(entry: LogEntry) -> Mapping[str, Any]:
    """Return what a commit did to a record, as a JSON object."""
    return {
        "commit": entry.commit,
        "at": entry.at,
        "by": escaped(entry.by),
        "action": entry.action,
        "image": entry.name.image,
        "tag": entry.name.tag,
        "platform": entry.platform or None,
        "digest": entry.digest,
        "replaces": list(entry.replaces),
        "index": entry.index or None,
        "replacesIndex": entry.replaces_index or None,
        "version": entry.version or None,
        "replacesVersion": entry.replaces_version or None,
        "sourceRef": entry.source_ref or None,
        "reason": escaped(entry.reason) or None,
        "edits": [{"field": edit.field, "key": edit.key or None, "value": edit.value} for edit in entry.edits],
        **json.run(entry.run),
    }
