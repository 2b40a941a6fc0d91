"""What `post` did."""

from __future__ import annotations

from ledger_tool.commands.post import Done


def line(done: Done, request: int | None) -> str:
    """Return the line to print."""
    what = f"the review of request {request}" if request else "the issue about drift"
    return f"{done} {what}" if done else "nothing to do: no issue about drift is open"
