"""`ledger whence`."""

from __future__ import annotations

from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument
from ledger_tool.cli.reading import Reading, reads


@reads
def whence(
    digest: Annotated[str, argument("DIGEST", "The digest, or at least its first 12 hex digits.")],
    output: o.TextOrJson = "json",
    *,
    ledger: Reading,
) -> None:
    """Show where a digest comes from: which records have or had it, who published it, in which commit.

    It may be the digest of an image, its index or its config, even if replaced or removed long ago.
    """
    from ledger_tool.commands.whence import whence as run
    from ledger_tool.core.history.whence import parse_digest_prefix
    from ledger_tool.render import whence as render

    digest_or_prefix = parse_digest_prefix(digest)
    screen = ledger.screen
    with ledger.history() as history, screen.progress("versions") as progress:
        matches = run(history, digest_or_prefix, note=screen.note, progress=progress)
    screen.show(output, json=lambda: render.as_json(matches), text=lambda: render.as_text(matches))
