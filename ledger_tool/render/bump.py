"""The text of `bump`'s pull request; the rest is rendered as for `pin`."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_tool.core.ledger.names import counted
from ledger_tool.core.manifests.rewrite import Edit
from ledger_tool.render.pin import edits_table


def request_body(edits: Sequence[Edit]) -> str:
    """Return the text of a pull request in Markdown."""
    lines = [f"{counted(len({one.image for one in edits}), 'image')} in {counted(len(edits), 'place')}."]
    return "\n".join([*lines, *edits_table(edits)]) + "\n"
