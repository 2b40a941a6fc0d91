"""What `whence` found: text for people, JSON for machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger_tool.commands.whence import Point, WhenceMatch
from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.ledger.names import escaped
from ledger_tool.core.ledger.record import Record, to_json
from ledger_tool.render import json


def as_json(matches: Sequence[WhenceMatch]) -> str:
    """Return the JSON object of `whence`; `schema/whence-v1.schema.json` describes it."""
    return json.document({"digest": matches[0].digest, "matches": [match_as_json(match) for match in matches]})


def match_as_json(match: WhenceMatch) -> Mapping[str, Any]:
    """Return one record that has or had a digest, as a JSON object."""
    return {
        "as": match.kind,
        "record": to_json(match.record),
        **point_as_json(match.since),
        "until": point_as_json(match.until) | {"digest": match.until.digest or None} if match.until else None,
    }


def point_as_json(point: Point | LogEntry) -> dict[str, Any]:
    """Return a commit that gave a record a digest, or took it away, as a JSON object."""
    return {
        "commit": point.commit,
        "at": point.at,
        "by": escaped(point.by),
        "action": point.action,
        "reason": escaped(point.reason) or None,
        **json.run(point.run),
    }


def as_text(matches: Sequence[WhenceMatch]) -> Iterator[str]:
    """Yield for each match what the digest is, then who published it, and from what."""
    yield matches[0].digest
    for match in matches:
        is_or_was = "was" if match.until else "is"
        role = {"image": "is", "replaced": "was"}.get(match.kind) or f"{is_or_was} the {match.kind} of"
        yield f"{role} {_named(match.record)}"
        yield f"  source    {match.record.source_ref}"
        yield f"  since     {_point_line(match.since)}"
        if match.since.run:
            yield f"  run       {match.since.run}"
        if match.until:
            yield f"  until     {_point_line(match.until)}"
            if match.until.run:
                yield f"  run       {match.until.run}"
            if match.until.digest:
                yield f"  then      {match.until.digest}"
        if match.record.yanked:
            yield f"  yanked    {match.record.yanked.reason}"


def _named(record: Record) -> str:
    """Return the name of a record: of an environment, with the version that it has."""
    platform = f" ({record.platform})" if record.platform else ""
    return f"{record.name} as {record.version}{platform}" if record.version else str(record.key)


def _point_line(point: Point) -> str:
    reason = f": {escaped(point.reason)}" if point.reason else ""
    return f"{point.at}, commit {point.commit[:12]}, {point.action} by {escaped(point.by)}{reason}"
