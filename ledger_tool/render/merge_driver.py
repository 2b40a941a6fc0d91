"""What `merge-driver` did, and what a person has to decide."""

from __future__ import annotations

from collections.abc import Iterator

from ledger_tool.commands.merge_driver import MergedFile
from ledger_tool.core.changes.conflict import compared, described
from ledger_tool.render.screen import Screen

MOST_COLLISIONS = 20


def conflicts(merged: MergedFile, screen: Screen) -> Iterator[str]:
    """Yield the lines that say what a person has to decide, for a screen; nothing for a merge without a conflict."""
    if merged.content is None:
        yield (
            "conflict: one side of the merge is not a valid ledger.json, so it was merged by line; "
            "`ledger check` says what is wrong"
        )
    if not merged.collisions:
        return
    for collision in merged.collisions[:MOST_COLLISIONS]:
        yield f"conflict: {described(collision, 'ours', 'theirs')} is another on each side"
        yield from screen.compared(compared(collision, "ours", "theirs"))
    if len(merged.collisions) > MOST_COLLISIONS:
        yield f"and {len(merged.collisions) - MOST_COLLISIONS} more conflicts"
    yield (
        "in ledger.json, keep the lines of one side of each conflict and delete the markers; "
        "`ledger check` then says whether the file is valid"
    )


def installed(*, wrote_attributes: bool) -> Iterator[str]:
    """Yield what `--install` did."""
    yield "registered the merge driver in this clone; every clone needs that once"
    if wrote_attributes:
        yield (
            "note: `.gitattributes` does not name it, so only this clone knows it; for every clone, commit the line "
            "`ledger.json text eol=lf merge=ledger`"
        )
