"""What `init` did, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from ledger_tool.commands.init import Scaffolded
from ledger_tool.core.ledger.names import shown

_MANY = 3  # files


def lines(done: Scaffolded, folder: str) -> Iterator[str]:
    """Yield the lines to print."""
    for name in done.added:
        yield f"added {name}"
    for name in done.kept:
        yield f"kept {name} unchanged"
    if done.around:
        around = shown(done.around, 300)
        yield f"note: it is a repository of its own, inside of the one in {around}, which does not keep it"
    if done.invalid:
        yield f"warning: {done.invalid}"
    for name, (option, names) in done.unset.items():
        files = " and ".join(names) if len(names) < _MANY else "these files"
        yield f"note: the jobs of {files} stop until {name} is set there; `{option}` sets it in new files"
    for option, names in done.unused.items():
        yield f"note: `{option}` is not applied, since no file that is there is changed: edit {' and '.join(names)}"
    git = "git" if folder == "." else f"git -C {shlex.quote(folder)}"
    if done.commit:
        yield f"committed as {done.commit[:12]}"
        yield ""
        push = f"`{git} push --set-upstream origin HEAD`"
        yield (
            f"next: {push}" if done.has_remote else f"next: `{git} remote add origin {done.url or 'URL'}`, then {push}"
        )
    elif done.added:
        yield ""
        yield f"next: `{git} add {' '.join(done.added)}`, then commit and push"
    elif not (done.invalid or done.unused):
        yield "nothing to do: this is already a ledger"
    if done.pages:
        yield f"to publish the ledger as pages, do what the first lines of {done.pages} say"
