"""What a write did: one JSON object per image:tag on stdout, one line for people on stderr."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ledger_tool.commands.write import Request, Written
from ledger_tool.core.changes.change import Change, Result
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Name, from_json, pull_digest, to_json
from ledger_tool.errors import Conflict
from ledger_tool.render.screen import Screen

_PAST = {
    "publish": "published", "set": "edited", "remove": "removed", "yank": "yanked", "unyank": "unyanked",
    "prune": "pruned",
}  # fmt: skip
_ALREADY = {"yank": "yanked with that reason already", "unyank": "not yanked"}


def tell(screen: Screen, written: Written, *, dry_run: bool) -> None:
    """Write the result of a write: data for machines, a line for people, and a warning if there is one."""
    if written.warning:
        screen.note(f"warning: {written.warning}")
    screen.data(json_lines(written))
    screen.note(summary(written, dry_run=dry_run))


def expired(written: Written, now: Timestamp) -> Iterator[str]:
    """Yield a warning if something was published again, unchanged, that the next prune takes."""
    names = [
        str(one.name) for one in written.results if not one.changed and any(is_expired(at, now) for at in one.records)
    ]
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield f"warning: past its TTL, so that the next prune takes it: {names[0]}{more}; `--ttl` gives a longer one"


def json_lines(written: Written) -> Iterator[str]:
    """Yield the JSON object of each image:tag; `schema/written-v1.schema.json` describes it."""
    for result in written.results:
        asked = {} if written.verified is None else {"verified": result.name in written.verified}
        yield _line(_object(result) | asked | pull_request(written.request))


def asked(request: Request) -> str:
    """Return where a pull request is, and whether it is a new one."""
    return f"{request.proposed.url} ({'opened' if request.proposed.created else 'there already'})"


def pull_request(request: Request | None) -> dict[str, Any]:
    """Return the field of a pull request, or none."""
    if request is None:
        return {}
    made = request.proposed
    return {"pullRequest": {"url": made.url, "number": made.number, "branch": request.branch, "created": made.created}}


def conflict_line(conflict: Conflict) -> str:
    """Return the JSON object of an image:tag that was refused: what the ledger has, and the `conflict` digest given."""
    records = tuple(from_json(fields) for fields in conflict.existing)
    digest = pull_digest(records) or records[0].digest
    result = Result(records[0].name, digest, False, conflict.ledger_commit or None, records)
    return _line(_object(result) | {"conflict": conflict.given})


def summary(written: Written, *, dry_run: bool = False) -> str:
    """Return one line that says what happened."""
    change = written.change
    names = {effect.name for effect in change.reported}
    what = str(next(iter(names))) if len(names) == 1 else f"{len(names)} images"
    if not change.changed:
        already = _ALREADY.get(change.verb, "in the ledger already")
        return f"nothing to do: {what} {'is' if len(names) == 1 else 'are'} {already}"
    if effects := _effects(change):
        what += f" ({effects})"
    if dry_run:
        return f"dry run: would have {_PAST[change.verb]} {what}"
    if written.request:
        return f"proposed to {change.verb} {what}: {asked(written.request)}"
    commit = (written.results[0].commit or "")[:12]
    attempts = f", attempt {written.attempts}" if written.attempts > 1 else ""
    return f"{_PAST[change.verb]} {what} in {commit}{attempts}"


def _effects(change: Change) -> str:
    """Return what the verb alone does not say."""
    if change.verb == "publish" and len(change.reported) == 1:
        (effect,) = change.reported
        return effect.kind + (f" from {', '.join(effect.replaces)}" if effect.replaces else "")
    counts = Counter(effect.kind for effect in change.reported)
    return ", ".join(f"{counts[kind]} {kind}" for kind in counts if change.verb == "publish" or kind == "unchanged")


def yanked_note(name: Name, reason: str) -> str:
    """Return the warning for an image that is not to be used."""
    return f"warning: {name} is yanked: {reason}"


def _object(result: Result) -> dict[str, Any]:
    return {
        "image": result.name.image,
        "tag": result.name.tag,
        "digest": result.digest,
        "changed": result.changed,
        "commit": result.commit,
        "records": [to_json(record) for record in result.records],
    }


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
