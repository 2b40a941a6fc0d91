"""`ledger compare`."""

from __future__ import annotations

from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument, formats
from ledger_tool.cli.reading import Reading, reads


@reads
def compare(
    first: Annotated[
        str, argument("ENV[@TIME|REV]", "An environment, as it is, or as it was at a time (7d) or a revision.")
    ],
    second: Annotated[str, argument("ENV[@TIME|REV]", "What to compare it with.")],
    patterns: Annotated[list[str], argument("GLOB...", "Only these images.")] = o.NONE,
    output: Annotated[str, formats("text", "json", "markdown")] = "text",
    wide: o.Wide = False,
    *,
    ledger: Reading,
) -> int:
    """Compare two environments, or two states of one: which images and versions differ, from the first to the second.

    Exit code 0: both have the same. 1: they differ. The text ends with the promotion that makes them the same.
    """
    from ledger_tool.commands import compare as commands
    from ledger_tool.render import compare as render

    screen, now = ledger.screen, o.now()
    if "@" in first + second:
        with ledger.history() as history:
            done = commands.compare_moments(history, first, second, now=now, patterns=patterns)
    else:
        with ledger.source() as source:
            done = commands.compare(source, first, second, now=now, patterns=patterns)
    screen.show(
        output,
        json=lambda: render.as_json(done),
        markdown=lambda: render.as_markdown(done),
        text=lambda: render.as_text(done.comparison, screen.view(wide=wide)),
    )
    if output == "text":
        screen.notes(render.hints(done))
    return 1 if done.comparison.differing else 0
