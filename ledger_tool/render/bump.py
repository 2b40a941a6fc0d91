"""What `bump` says in a pull request; the rest is told as `pin` tells it."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_tool.core.ledger.names import counted
from ledger_tool.core.manifests.rewrite import Edit
from ledger_tool.render.pin import edits_table


def request_body(edits: Sequence[Edit]) -> str:
    """Return the text of a pull request, Markdown."""
    lines = [f"{counted(len({one.image for one in edits}), 'image')} in {counted(len(edits), 'place')}."]
    return "\n".join([*lines, *edits_table(edits)]) + "\n"
