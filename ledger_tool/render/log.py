"""What `log` found: text for people, JSON for machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.ledger.names import TEXT_MAX, escaped, shown
from ledger_tool.render import json
from ledger_tool.render.records import short_digest, short_source
from ledger_tool.render.table import table

_WIDEST_NAME = 100  # characters: whoever pushes chooses the name, and every line of a table is as wide


def as_json(entries: Sequence[LogEntry]) -> str:
    """Return the JSON object of a log; `schema/log-v1.schema.json` describes it."""
    return json.document({"entries": [_object(one) for one in entries]})


def as_json_lines(entries: Sequence[LogEntry]) -> Iterator[str]:
    """Yield each entry as a JSON object on one line."""
    return (json.line(_object(one)) for one in entries)


def as_table(entries: Sequence[LogEntry], width: int | None, *, bold: bool = False) -> Iterator[str]:
    """Yield the lines of a table, at most `width` columns wide if that is given."""
    header = ("COMMIT", "AT", "ACTION", "IMAGE", "PLATFORM", "DIGEST", "REPLACES", "SOURCE", "BY", "REASON")
    rows = [
        (
            one.commit[:12],
            one.at.replace("T", " ")[:16],
            one.action,
            str(one.name),
            one.platform,
            short_digest(one.digest),
            " ".join(map(short_digest, one.replaces)),
            short_source(one.source_ref) if one.source_ref else "",
            shown(one.by.partition(" <")[0], _WIDEST_NAME),
            shown(one.reason, TEXT_MAX),
        )
        for one in entries
    ]
    spare = tuple(header.index(name) for name in ("BY", "SOURCE", "REPLACES", "REASON"))
    return table(header, rows, width, spare=spare, bold=bold)


def _object(one: LogEntry) -> Mapping[str, Any]:
    return {
        "commit": one.commit,
        "at": one.at,
        "by": escaped(one.by),
        "action": one.action,
        "image": one.name.image,
        "tag": one.name.tag,
        "platform": one.platform or None,
        "digest": one.digest,
        "replaces": list(one.replaces),
        "sourceRef": one.source_ref or None,
        "reason": escaped(one.reason) or None,
    }
