"""What `log` found: text for people, JSON for machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.ledger.names import TEXT_MAX, escaped, shown
from ledger_tool.render import json
from ledger_tool.render.records import short_digest, short_source
from ledger_tool.render.table import table

_WIDEST_NAME = 100  # characters: the pusher chooses the name, and it would widen every line of the table


def as_json(entries: Sequence[LogEntry]) -> str:
    """Return the JSON object of a log; `schema/log-v1.schema.json` describes it."""
    return json.document({"entries": [_object(entry) for entry in entries]})


def as_json_lines(entries: Sequence[LogEntry]) -> Iterator[str]:
    """Yield each entry as a JSON object on one line."""
    return (json.line(_object(entry)) for entry in entries)


def as_table(entries: Sequence[LogEntry], width: int | None, *, bold: bool = False) -> Iterator[str]:
    """Yield the lines of a table, at most `width` columns wide if given."""
    header = ("COMMIT", "AT", "ACTION", "IMAGE", "PLATFORM", "DIGEST", "REPLACES", "INDEX", "SOURCE", "BY", "REASON")
    rows = [
        (
            entry.commit[:12],
            entry.at.replace("T", " ")[:16],
            entry.action,
            str(entry.name),
            entry.platform,
            short_digest(entry.digest),
            " ".join(map(short_digest, entry.replaces)),
            _pulled(entry),
            short_source(entry.source_ref) if entry.source_ref else "",
            shown(entry.by.partition(" <")[0], _WIDEST_NAME),
            shown(entry.reason, TEXT_MAX),
        )
        for entry in entries
    ]
    spare = tuple(header.index(name) for name in ("BY", "SOURCE", "REPLACES", "INDEX", "REASON"))
    return table(header, rows, width, spare=spare, bold=bold)


def _pulled(entry: LogEntry) -> str:
    """Return what the image:tag is pulled by from then on, if that is new, and what it was pulled by."""
    before = f"was {short_digest(entry.replaces_index)}" if entry.replaces_index else ""
    return " ".join(filter(None, [short_digest(entry.index) if entry.index else "", before]))


def _object(entry: LogEntry) -> Mapping[str, Any]:
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
        "sourceRef": entry.source_ref or None,
        "reason": escaped(entry.reason) or None,
    }
