"""`ledger diff`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from ledger_tool.cli import options as o
from ledger_tool.core import names


def diff(
    base: Annotated[
        str,
        typer.Argument(metavar="BASE", help="The revision to start from, such as `origin/main`.", show_default=False),
    ],
    head: Annotated[
        str,
        typer.Argument(
            metavar="HEAD", help="The revision to look at  [default: the ledger as it is now]", show_default=False
        ),
    ] = "",
    output: Annotated[str, typer.Option("--format", metavar="text|json|markdown", help="How to print it.")] = "text",
    timeout: o.Timeout = "120",
    repo: o.Repo = ".",
    branch: o.Branch = "",
    deploy_key: o.DeployKey = "",
    known_hosts: o.KnownHosts = "",
    verbose: o.Verbose = False,
) -> None:
    """Show what a pull request does: which image:tags come, move, change and go.

    Shown is what HEAD adds since it parted from BASE: later commits of BASE are left out.
    """
    from ledger_tool.commands.review import diff as run
    from ledger_tool.edges.git.opening import open_history
    from ledger_tool.render import reviewed as render
    from ledger_tool.render.screen import Screen

    o.one_of("--format", output, ("text", "json", "markdown"))
    screen = Screen(o.secrets(deploy_key), verbose=verbose)
    settings = o.opening(branch=branch, deploy_key=deploy_key, known_hosts=known_hosts, timeout=timeout)
    with open_history(repo, settings, screen) as history:
        found = run(history, base, head)
    if found.behind:
        commits = "1 commit" if found.behind == 1 else f"{found.behind} commits"
        screen.note(f"note: {names.shown(base)} is {commits} ahead; shown is what was added since they parted")
    match output:
        case "json":
            screen.data([render.as_json(found.changes)])
        case "markdown":
            screen.data([render.as_markdown(found.changes).rstrip("\n")])
        case _:
            colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
            screen.data(render.as_text(found.changes, colour=colour))
