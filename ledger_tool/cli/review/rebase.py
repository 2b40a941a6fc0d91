"""`ledger merge-driver` and `ledger rebase`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from ledger_tool.cli import options as o
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.errors import UsageError


def merge_driver(
    files: Annotated[
        list[str],
        typer.Argument(metavar="BASE OURS THEIRS [SIZE]", help="What git passes: %O %A %B %L.", show_default=False),
    ] = [],  # noqa: B006
    install: Annotated[
        bool, typer.Option("--install", help="Register the driver in the clone that --repo names.")
    ] = False,
    repo: o.Repo = ".",
) -> int:
    """Merge ledger.json by record, for git: `git merge`, `git rebase` and `git cherry-pick` run it.

    Changes of different records never conflict. The same record with two digests always does, shown as a
    conflict of whole records. `--install` registers it in a clone, where `.gitattributes` of `ledger init`
    names it.
    """
    from pathlib import Path

    from ledger_tool.core.ledger.codec import MAX_BYTES
    from ledger_tool.edges.files.disk import path_of, read_bytes, replace_atomically
    from ledger_tool.edges.git import driver
    from ledger_tool.render.screen import Screen

    screen = Screen()
    if install:
        if files:
            raise UsageError("`--install` takes no files", "run `ledger merge-driver --install` in a clone")
        told = driver.install(path_of(repo, "the repository"))
        screen.note("registered the merge driver in this clone; every clone needs that once")
        if told:
            screen.note(
                "note: `.gitattributes` does not name it, so that only this clone knows; to have it in all, commit "
                "the line `ledger.json text eol=lf merge=ledger`"
            )
        return 0
    if len(files) not in (3, 4):
        raise UsageError(
            "the merge driver takes three files from git", "register it with `ledger merge-driver --install`"
        )
    from ledger_tool.commands.merge_driver import merge_files
    from ledger_tool.render import rebase as render

    size = o.whole_number("SIZE", files[3], 1, 1000) if len(files) == 4 else 7
    base, ours, theirs = (read_bytes(path, MAX_BYTES, "the ledger") for path in files[:3])
    done = merge_files(base, ours, theirs, size=size)
    if done.content is None:
        driver.merge_lines(files[0], files[1], files[2], size)
        screen.note("conflict: a side of the merge is no valid ledger.json, so that its lines were merged; "
                    "`ledger check` says what is wrong")  # fmt: skip
        return 1
    replace_atomically(Path(files[1]), done.content)
    if done.collisions:
        for line in render.collisions(done.collisions):
            screen.note(line)
        return 1
    return 0


@reads
def rebase(
    onto: Annotated[
        str,
        typer.Argument(metavar="ONTO", help="The new base  [default: the remote's default branch]", show_default=False),
    ] = "",
    output: Annotated[str, typer.Option("--format", metavar="text|json", help="How to print what was done.")] = "text",
    dry_run: o.DryRun = False,
    sign: o.Sign = False,
    *,
    of: Reading,
) -> None:
    """Bring a pull request's branch up to date: make its changes again on the new base.

    For hosts whose merge button knows no merge driver. In a checkout it is the branch that is checked out, and
    the push is yours; of a remote's URL it is --branch, and it is pushed. Authors, messages and trailers are
    kept. A record that the base has with another digest by now is refused (exit 3), and nothing changes.
    """
    from ledger_tool.commands.rebase import rebase as run
    from ledger_tool.edges.git.rebased import open_branch
    from ledger_tool.render import rebase as render

    o.one_of("--format", output, ("text", "json"))
    with open_branch(of.repo, replace(of.settings, sign=sign), of.screen) as (history, target):
        done = run(history, target, onto or target.default_base(), dry_run=dry_run)
    of.screen.data([render.as_json(done)] if output == "json" else render.as_text(done, dry_run=dry_run))
