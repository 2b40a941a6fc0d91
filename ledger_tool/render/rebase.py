"""What `merge-driver` and `rebase` did."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from ledger_tool.commands.rebase import Rebased
from ledger_tool.core.changes.conflict import describe
from ledger_tool.core.changes.merge import Collision
from ledger_tool.core.ledger.names import shown

MOST_COLLISIONS = 20


def collisions(found: Sequence[Collision]) -> Iterator[str]:
    """Yield the lines that say what a person has to decide."""
    for one in found[:MOST_COLLISIONS]:
        yield f"conflict: {describe(one)}"
    if len(found) > MOST_COLLISIONS:
        yield f"and {len(found) - MOST_COLLISIONS} conflicts more"
    yield (
        "in ledger.json, keep the lines of one side of each conflict and delete the markers; "
        "`ledger check` says whether all is well"
    )


def as_json(done: Rebased) -> str:
    """Return the JSON object; `schema/rebase-v1.schema.json` describes it."""
    commits = [{"old": commit.id, "new": new or None} for commit, new in done.commits]
    return json.dumps({"old": done.old, "new": done.new, "onto": done.onto, "commits": commits}, indent=2)


def as_text(done: Rebased, *, dry_run: bool) -> Iterator[str]:
    """Yield a line for each commit, and a summary."""
    if done.old == done.new:
        yield f"nothing to do: the branch is based on {done.onto[:12]} already"
        return
    for commit, new in done.commits:
        subject = shown(commit.message.partition("\n")[0])
        yield f"{commit.id[:12]} -> {new[:12] or 'there already'}  {subject}"
    made = sum(bool(new) for _, new in done.commits)
    commits = "1 commit" if made == 1 else f"{made} commits"
    yield f"{'dry run: would have rebased' if dry_run else 'rebased'} {commits} onto {done.onto[:12]}"
