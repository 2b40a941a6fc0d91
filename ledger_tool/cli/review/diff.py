"""`ledger diff`."""

from __future__ import annotations

from typing import Annotated

from ledger_tool.cli.options import argument, choice
from ledger_tool.cli.reading import Reading, reads


@reads
def diff(
    base: Annotated[str, argument("BASE", "The revision to start from, such as `origin/main`.")],
    head: Annotated[str, argument("HEAD", "The revision to compare  [default: the ledger as it is now]")] = "",
    output: Annotated[str, choice("--format", "text|json|markdown", "How to print it.")] = "text",
    *,
    ledger: Reading,
) -> None:
    """Show what a pull request does: which image:tags are added, moved, changed and removed.

    It shows what HEAD has changed since it parted from BASE; later commits of BASE are left out.
    """
    from ledger_tool.commands.diff import diff as run
    from ledger_tool.render import diff as render

    screen = ledger.screen
    with ledger.history() as history:
        reviewed = run(history, base, head)
    for note in render.notes(reviewed, base):
        screen.note(note)
    match output:
        case "json":
            screen.data([render.as_json(reviewed.changes, settings_changed=reviewed.settings_changed)])
        case "markdown":
            text = render.as_markdown(reviewed.changes, settings_changed=reviewed.settings_changed)
            screen.data([text.rstrip("\n")])
        case _:
            lines = render.as_text(reviewed.changes, colour=screen.colour, settings_changed=reviewed.settings_changed)
            screen.data(lines)
