"""`ledger init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ledger_tool.cli.options import argument, one_of, option


def init(
    folder: Annotated[str, argument("DIR", "The folder; created if missing.")] = ".",
    registry: Annotated[str, option("--registry", "HOST", "The registry where the images live, for ledger.yaml.")] = "",
    ci: Annotated[
        str,
        option(
            "--ci",
            "SYSTEM",
            "Also add the pull request check, the nightly comparison and an example of publishing, for "
            "github, gitlab or jenkins.",
        ),
    ] = "",
) -> None:
    """Create a ledger repository that is ready to push.

    In a repository that already has files, only missing ones are added.
    """
    from ledger_tool.commands.init import init as run
    from ledger_tool.core.policy.policy import parse_registry
    from ledger_tool.core.writes.init import CI_SYSTEMS
    from ledger_tool.edges.files.kits import kit
    from ledger_tool.edges.git.init import open_folder
    from ledger_tool.render.init import lines
    from ledger_tool.render.screen import Screen

    if registry:
        parse_registry(registry, "registry")
    if ci:
        one_of("--ci", ci, CI_SYSTEMS)
    with open_folder(Path(folder)) as workplace:
        scaffolded = run(workplace, registry=registry, kit=kit(ci) if ci else None)
    screen = Screen()
    screen.notes(lines(scaffolded, folder))
