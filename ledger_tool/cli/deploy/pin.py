"""`ledger pin`."""

from __future__ import annotations

from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.deploy.manifests import Exclude, Format, Paths, Platform, Style, in_folders, show
from ledger_tool.cli.options import flag
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.core.ledger import names


@reads
def pin(
    paths: Paths,
    check: Annotated[bool, flag("--check", "Change nothing; exit 1 if an image is not pinned correctly.")] = False,
    platform: Platform = "",
    style: Style = "auto",
    exclude: Exclude = o.NONE,
    output: Format = "text",
    *,
    ledger: Reading,
) -> int:
    """Write the ledger's digests into manifests, so that a moved tag cannot change what runs.

    Exit code 0: done; all remaining references are not the ledger's. 1: references remain that should be different;
    with --check, this includes unknown images. 2: a file could not be read.
    """
    from ledger_tool.commands.pin import pin as run

    parsed_platform = o.parsed(names.parse_platform, platform)
    manifests = in_folders(paths, exclude, style, ledger.screen)
    with ledger.source() as source, ledger.screen.progress("files") as progress:
        done = run(source, manifests, now=o.now(), platform=parsed_platform, check=check, progress=progress)
    return show(ledger.screen, done, output, idle=manifests.idle)
