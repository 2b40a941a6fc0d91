"""`ledger init`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from ledger_tool.cli import options
from ledger_tool.core.ledger import names
from ledger_tool.errors import InvalidValue


def init(
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="The folder; it is made if there is none.", show_default=False)
    ] = ".",
    registry: Annotated[
        str,
        typer.Option(
            "--registry",
            metavar="HOST",
            help="The registry where the images live, for ledger.yaml.",
            show_default=False,
        ),
    ] = "",
    ci: Annotated[
        str,
        typer.Option(
            "--ci",
            metavar="SYSTEM",
            help="Also add the pull request check, the nightly comparison and an example of publishing, for "
            "github, gitlab or jenkins.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Make a ledger repository that is ready to push.

    In a repository that has files already, only what is missing is added.
    """
    from ledger_tool.commands.init import init as run
    from ledger_tool.core.writes.init import CI_SYSTEMS
    from ledger_tool.edges.files.kits import kit
    from ledger_tool.edges.git.workplace import GitWorkplace
    from ledger_tool.render.init import lines
    from ledger_tool.render.screen import Screen

    if registry and not re.fullmatch(names.REGISTRY, registry):
        raise InvalidValue(
            "registry",
            f"registry `{names.shown(registry)}` is malformed",
            "write a host such as `registry.example.com`, or `http://localhost:5000`",
        )
    if ci:
        options.one_of("--ci", ci, CI_SYSTEMS)
    with GitWorkplace(Path(folder)) as workplace:
        done = run(workplace, registry=registry, kit=kit(ci) if ci else None)
    screen = Screen()
    for line in lines(done, folder):
        screen.note(line)
