"""What `log` and `whence` found: text for people, JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger_tool.commands.whence import Match, Point
from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.ledger.names import TEXT_MAX, escaped, shown
from ledger_tool.core.ledger.record import to_json
from ledger_tool.render.records import short_digest, short_source
from ledger_tool.render.table import table

_WIDEST_NAME = 100  # characters: whoever pushes chooses the name, and every line of a table is as wide


def as_json(entries: Sequence[LogEntry]) -> str:
    """Return the JSON object of a log; `schema/log-v1.schema.json` describes it."""
    return json.dumps({"entries": [_object(one) for one in entries]}, indent=2, ensure_ascii=False)


def as_json_lines(entries: Sequence[LogEntry]) -> Iterator[str]:
    """Yield each entry as a JSON object on one line."""
    return (json.dumps(_object(one), ensure_ascii=False) for one in entries)


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


def matches_as_json(matches: Sequence[Match]) -> str:
    """Return the JSON object of `whence`; `schema/whence-v1.schema.json` describes it."""
    found = {"digest": matches[0].digest, "matches": [_match(one) for one in matches]}
    return json.dumps(found, indent=2, ensure_ascii=False)


def _match(one: Match) -> Mapping[str, Any]:
    return {
        "as": one.kind,
        "record": to_json(one.record),
        **_point(one.since),
        "until": _point(one.until) | {"digest": one.until.digest or None} if one.until else None,
    }


def _point(one: Point) -> dict[str, Any]:
    return {
        "commit": one.commit,
        "at": one.at,
        "by": escaped(one.by),
        "action": one.action,
        "reason": escaped(one.reason) or None,
    }


def matches_as_text(matches: Sequence[Match]) -> Iterator[str]:
    """Yield for each match what the digest is, and under it who published it from what."""
    yield matches[0].digest
    for one in matches:
        what = {"image": "is", "replaced": "was"}.get(one.kind) or f"{'was' if one.until else 'is'} the {one.kind} of"
        yield f"{what} {one.record.key}"
        yield f"  source    {one.record.source_ref}"
        yield f"  since     {_told(one.since)}"
        if one.until:
            yield f"  until     {_told(one.until)}"
            if one.until.digest:
                yield f"  then      {one.until.digest}"
        if one.record.yanked:
            yield f"  yanked    {one.record.yanked.reason}"


def _told(one: Point) -> str:
    reason = f": {escaped(one.reason)}" if one.reason else ""
    return f"{one.at}, commit {one.commit[:12]}, {one.action} by {escaped(one.by)}{reason}"
