"""What `init` did, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from ledger_tool.commands.init import Scaffolded


def lines(done: Scaffolded, folder: str) -> Iterator[str]:
    """Yield the lines to print."""
    for name in done.added:
        yield f"added {name}"
    for name in done.kept:
        yield f"kept {name}, as it was"
    if done.commit:
        yield f"committed as {done.commit[:12]}"
        yield ""
        yield f"next: `git -C {folder} remote add origin URL`, then `git -C {folder} push --set-upstream origin main`"
    elif done.added:
        yield ""
        yield f"next: `git -C {folder} add {' '.join(done.added)}`, then commit and push"
    else:
        yield "nothing to do: this is a ledger already"
