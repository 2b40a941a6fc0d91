"""`ledger diff`."""

from __future__ import annotations

from typing import Annotated

from ledger_tool.cli.options import argument, formats, now
from ledger_tool.cli.reading import Reading, reads


@reads
def diff(
    base: Annotated[str, argument("BASE", "The revision to start from, such as `origin/main`; or `BASE..HEAD`.")],
    head: Annotated[str, argument("HEAD", "The revision to compare  [default: the ledger as it is now]")] = "",
    output: Annotated[str, formats("text", "json", "markdown")] = "text",
    *,
    ledger: Reading,
) -> None:
    """Show what a pull request does: which image:tags are added, moved, changed and removed.

    It shows what HEAD has changed since it parted from BASE; later commits of BASE are left out. So does `BASE...HEAD`;
    `BASE..HEAD` compares the two as they are, as in git.
    """
    from ledger_tool.commands.diff import diff as run
    from ledger_tool.core.history.revision import parse_range
    from ledger_tool.render import diff as render
    from ledger_tool.render.diff_markdown import as_markdown

    screen, revisions = ledger.screen, parse_range(base, head)
    with ledger.history() as history:
        reviewed = run(history, revisions, now())
    screen.notes(render.notes(reviewed, revisions.base))
    screen.show(
        output,
        json=lambda: render.as_json(reviewed),
        markdown=lambda: as_markdown(
            reviewed.changes,
            settings_changed=reviewed.settings_changed,
            files=reviewed.files,
            owned=reviewed.owned,
        ).rstrip("\n"),
        text=lambda: render.as_text(reviewed, screen.view()),
    )
