"""What a restore did, or would do: JSON for machines; for people, a table of the tags that differ, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from ledger_tool.commands.restore import Restored, RestoreRequest
from ledger_tool.core.ledger.names import counted
from ledger_tool.core.registry.restore import STATES, RestoreAction, RestoreState
from ledger_tool.render import json, markdown
from ledger_tool.render.markdown import cell
from ledger_tool.render.table import Column, table
from ledger_tool.render.view import Role, View, short_digest

_ROLES: Mapping[str, Role] = {
    "planned": "good", "restored": "good", "failed": "bad", "unknown": "doubtful", "lost": "bad", "left": "bad",
    "withheld": "minor",
}  # fmt: skip
_COLUMNS = (
    Column("STATE", role=lambda state: _ROLES.get(state)),
    Column("REGISTRY", "name", spare=2),
    Column("TAG", "name"),
    Column("WAS", spare=3),
    Column("LEDGER", spare=4),
    Column("REASON", "prose", spare=1),
)


def as_json(done: Restored, request: RestoreRequest) -> str:
    """Return the JSON object; `schema/restore-v1.schema.json` describes it."""
    value = {
        "dryRun": not request.carry_out,
        "complete": _is_complete(done),
        "checked": done.checked,
        "summary": _counts(done),
        "actions": [
            {
                "registry": one.registry, "image": one.image, "tag": one.tag, "ledger": one.ledger, "was": one.was,
                "now": one.now, "state": one.state, "reason": one.reason,
            }
            for one in done.actions
        ],
    }  # fmt: skip
    return json.document(value)


def as_text(done: Restored, view: View) -> Iterator[str]:
    """Yield a table of the tags that differ, or differed."""
    rows = [
        (one.state, one.registry, f"{one.image}:{one.tag}", *view.apart((one.was, one.ledger)), view.prose(one.reason))
        for one in done.actions
    ]
    yield from table(_COLUMNS, rows, view)


def as_markdown(done: Restored, request: RestoreRequest) -> Iterator[str]:
    """Yield Markdown for a job summary or an issue's body; nothing in a record can break out of it."""
    yield f"**{summary(done, request).partition(';')[0]}**"
    rows = [
        (
            one.state,
            cell(f"{one.registry}/{one.image}:{one.tag}"),
            _short(one.was),
            _short(one.ledger),
            cell(one.reason),
        )
        for one in done.actions
    ]
    if rows:
        yield from markdown.table(("state", "tag", "was", "ledger", "reason"), rows)


def summary(done: Restored, request: RestoreRequest) -> str:
    """Return one line that says what happened, or would."""
    counts = _counts(done)
    others = [f"{count} {state}" for state, count in counts.items() if state not in ("planned", "restored")]
    rest = "".join(f", {one}" for one in others)
    if number := counts.get("planned"):
        return f"dry run: would put back {_tags(number, request)}{rest}; add `--yes` to do it"
    if number := counts.get("restored"):
        return f"put back {_tags(number, request)}{rest}"
    if others:
        return f"put nothing back: {', '.join(others)}"
    if done.interrupted:
        return "put nothing back"
    if not done.checked and request.environment:
        return f"nothing to restore: {request.environment} has no image at a registry"
    return f"nothing to restore: {_tags(done.checked, request)} checked"


def _tags(number: int, request: RestoreRequest) -> str:
    return counted(number, "tag") + (f" of {request.environment}" if request.environment else "")


def _counts(done: Restored) -> dict[RestoreState, int]:
    counts = Counter(one.state for one in done.actions)
    return {state: counts[state] for state in STATES if counts[state]}


def _is_complete(done: Restored) -> bool:
    """Return whether everything could be observed, done and verified that was to be."""
    is_open = done.interrupted or done.failed or any(_is_unsettled(one) for one in done.actions)
    return not is_open


def _is_unsettled(action: RestoreAction) -> bool:
    return action.state in ("unknown", "failed")


def _short(digest: str | None) -> str:
    return cell(short_digest(digest)) if digest else ""
