"""What a commit of the ledger did, in one line: in the words of its own subject."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.site.changes import pulled_before
from ledger_tool.render.site.wording import prose
from ledger_tool.render.view import short_digest

_MOST_PARTS = 3


def headline(entries: Sequence[LogEntry]) -> str:
    """Return what a commit did, such as `publish myorg/app:v1.5.0`, and why, if it gives one reason for all of it."""
    parts = [_part(action, list(same)) for action, same in groupby(sorted(entries, key=_action), key=_action)]
    more = ["more"] if len(parts) > _MOST_PARTS else []
    reasons = {prose(entry.reason) for entry in entries}
    reason = reasons.pop() if len(reasons) == 1 else ""
    return ", ".join([*parts[:_MOST_PARTS], *more]) + (f": {reason}" if reason else "")


def _action(entry: LogEntry) -> str:
    return entry.action


def _part(action: str, entries: Sequence[LogEntry]) -> str:
    names = sorted({entry.name for entry in entries})
    first = next(entry for entry in entries if entry.name == names[0])
    environments = {name.tag for name in names}
    if action == "promote" and len(environments) == 1 and first.version:
        what = f"{names[0].image}:{first.version}" if len(names) == 1 else f"{len(names)} images"
        was = f" (was {first.replaces_version})" if len(names) == 1 and first.replaces_version else ""
        return f"promote {what} to {names[0].tag}{was}"
    if len(names) > 1:
        return f"{action} {len(names)} images"
    before = pulled_before(first) if not first.version else ""
    return f"{action} {names[0]}" + (f" (replaces {short_digest(before)})" if before else "")
