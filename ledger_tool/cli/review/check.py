"""`ledger diff` and `ledger check`."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from typing import Annotated

import typer

from ledger_tool.cli import options as o
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.cli.registry.reconcile import CaFile, Jobs
from ledger_tool.core.ledger import names


@reads
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
    *,
    of: Reading,
) -> None:
    """Show what a pull request does: which image:tags come, move, change and go.

    Shown is what HEAD adds since it parted from BASE: later commits of BASE are left out.
    """
    from ledger_tool.commands.diff import diff as run
    from ledger_tool.edges.git.opening import open_history
    from ledger_tool.render import diff as render

    o.one_of("--format", output, ("text", "json", "markdown"))
    screen = of.screen
    with open_history(of.repo, of.settings, screen) as history:
        found = run(history, base, head)
    if found.behind:
        commits = "1 commit" if found.behind == 1 else f"{found.behind} commits"
        screen.note(f"note: {names.shown(base)} is {commits} ahead; shown is what was added since they parted")
    match output:
        case "json":
            screen.data([render.as_json(found.changes, settings_changed=found.settings_changed)])
        case "markdown":
            text = render.as_markdown(found.changes, settings_changed=found.settings_changed)
            screen.data([text.rstrip("\n")])
        case _:
            colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
            screen.data(render.as_text(found.changes, colour=colour, settings_changed=found.settings_changed))


@reads
def check(
    base: Annotated[
        str,
        typer.Option(
            "--base",
            metavar="REV",
            help="Check each commit since this revision, too, such as `origin/main`.",
            show_default=False,
        ),
    ] = "",
    registry: Annotated[
        bool,
        typer.Option("--registry", help="Ask the registries whether the digests exist (with --base: the new ones)."),
    ] = False,
    output: Annotated[
        str, typer.Option("--format", metavar="text|json|junit|github|gitlab", help="How to print what is found.")
    ] = "text",
    jobs: Jobs = "8",
    ca_file: CaFile = "",
    *,
    of: Reading,
) -> int:
    """Check the ledger, and what a pull request does to it.

    The whole file is checked against its schema, its canonical form and its rules. With --base, every commit
    since then must do what its message says: a digest moves by force and with a reason, a record goes with one.
    Exit code 1 is for findings, 4 for a ledger.json that is no valid ledger.
    """
    from ledger_tool.commands.check import check as run
    from ledger_tool.edges.files.ledger import read_policy, schema
    from ledger_tool.edges.git.opening import open_history
    from ledger_tool.edges.registry.opening import OpenRegistries
    from ledger_tool.errors import InvalidLedger, TryAgain
    from ledger_tool.render import check as render

    o.one_of("--format", output, ("text", "json", "junit", "github", "gitlab"))
    screen = of.screen
    threads = o.whole_number("--jobs", jobs, 1, 256)
    with ExitStack() as stack:
        history = stack.enter_context(
            open_history(of.repo, of.settings, screen, files_alone=not (base or of.settings.branch))
        )
        registries = stack.enter_context(OpenRegistries(jobs=threads, ca_file=ca_file)) if registry else None
        found = run(
            history, base=base, schema=lambda: schema("ledger-v1"), read_policy=read_policy,
            registries=registries, jobs=threads,
        )  # fmt: skip
    match output:
        case "json":
            screen.data([render.as_json(found)])
        case "junit":
            screen.data(render.as_junit(found))
        case "github":
            screen.data(render.as_github(found))
        case "gitlab":
            screen.data([render.as_gitlab(found)])
        case _:
            screen.data(render.as_text(found))
    for line in render.notes(found):
        screen.note(line)
    if found.invalid:
        return InvalidLedger.exit_code
    return 1 if found.findings else TryAgain.exit_code if found.unknown else 0
