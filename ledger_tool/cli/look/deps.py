"""`ledger deps`."""

from __future__ import annotations

from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import formats
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.core.ledger import names
from ledger_tool.core.policy.reference import parse_name

Format = Annotated[str, formats("text", "json", "dot", "mermaid")]


@reads
def deps(image: o.ImageTag, platform: o.Platform = "", output: Format = "text", *, ledger: Reading) -> None:
    """Show what an image is built on, and what that is built on, as far as the ledger knows."""
    from ledger_tool.commands.deps import deps as run
    from ledger_tool.render import deps as render
    from ledger_tool.render import graphs

    reference = parse_name(image)
    parsed_platform = o.parsed(names.parse_platform, platform)
    screen = ledger.screen
    with ledger.source() as source:
        bases = run(source, reference, platform=parsed_platform)
    screen.notes(graphs.cycle_notes(bases.outline))
    screen.show(
        output,
        json=lambda: render.as_json(bases),
        dot=lambda: graphs.as_dot(*graphs.drawn(bases.outline)),
        mermaid=lambda: graphs.as_mermaid(*graphs.drawn(bases.outline)),
        text=lambda: graphs.as_tree(bases.outline),
    )
