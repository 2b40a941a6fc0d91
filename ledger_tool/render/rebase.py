"""What `rebase` did."""

from __future__ import annotations

from collections.abc import Iterator

from ledger_tool.commands.rebase import Rebased
from ledger_tool.core.ledger.names import counted, shown
from ledger_tool.render import json


def as_json(done: Rebased) -> str:
    """Return the JSON object; `schema/rebase-v1.schema.json` describes it."""
    commits = [{"old": commit.id, "new": new or None} for commit, new in done.commits]
    return json.document({"old": done.old, "new": done.new, "onto": done.onto, "commits": commits})


def as_text(done: Rebased, *, dry_run: bool) -> Iterator[str]:
    """Yield one line per commit, and a summary."""
    if done.old == done.new:
        yield f"nothing to do: the branch is already based on {done.onto[:12]}"
        return
    for commit, new in done.commits:
        subject = shown(commit.message.partition("\n")[0])
        yield f"{commit.id[:12]} -> {new[:12] or 'already there'}  {subject}"
    made = sum(bool(new) for _, new in done.commits)
    yield f"{'dry run: would have rebased' if dry_run else 'rebased'} {counted(made, 'commit')} onto {done.onto[:12]}"
