"""What `whence` found: text for people, JSON for machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger_tool.commands.whence import Match, Point
from ledger_tool.core.ledger.names import escaped
from ledger_tool.core.ledger.record import to_json
from ledger_tool.render import json


def as_json(matches: Sequence[Match]) -> str:
    """Return the JSON object of `whence`; `schema/whence-v1.schema.json` describes it."""
    return json.document({"digest": matches[0].digest, "matches": [_match(match) for match in matches]})


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


def as_text(matches: Sequence[Match]) -> Iterator[str]:
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
