"""`ledger merge-driver`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument, flag
from ledger_tool.errors import UsageError


def merge_driver(
    files: Annotated[list[str], argument("BASE OURS THEIRS [SIZE]", "What git passes: %O %A %B %L.")] = o.NONE,
    install: Annotated[bool, flag("--install", "Register the driver in the clone that --repo names.")] = False,
    repo: o.Repo = ".",
) -> int:
    """Merge ledger.json by record, for git: `git merge`, `git rebase` and `git cherry-pick` run it.

    Changes to different records never conflict. One record with two digests always does; the conflict shows whole
    records. `--install` registers the driver in a clone; the `.gitattributes` that `ledger init` writes names it.
    """
    from ledger_tool.commands.merge_driver import merge_files
    from ledger_tool.core.ledger.codec import MAX_BYTES
    from ledger_tool.edges.files.disk import path_of, read_bytes, replace_atomically
    from ledger_tool.edges.git import merge_driver as driver
    from ledger_tool.render import merge_driver as render
    from ledger_tool.render.screen import Screen

    screen = Screen()
    if install:
        if files:
            raise UsageError("`--install` takes no files", "run `ledger merge-driver --install` in a clone")
        wrote_attributes = driver.install(path_of(repo, "the repository"))
        screen.notes(render.installed(wrote_attributes=wrote_attributes))
        return 0
    if len(files) not in (3, 4):
        raise UsageError(
            "the merge driver takes three files from git", "register it with `ledger merge-driver --install`"
        )
    size = o.whole_number("SIZE", files[3], 1, 1000) if len(files) == 4 else 7
    base, ours, theirs = (read_bytes(path, MAX_BYTES, "the ledger") for path in files[:3])
    merged = merge_files(base, ours, theirs, size=size)
    if merged.content is None:
        driver.merge_lines(files[0], files[1], files[2], size)
    else:
        replace_atomically(Path(files[1]), merged.content)
    screen.notes(render.conflicts(merged, screen))
    return 1 if merged.content is None or merged.collisions else 0
