"""`ledger init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ledger_tool.cli.options import argument, one_of, option
from ledger_tool.errors import UsageError


def init(
    folder: Annotated[str, argument("DIR", "The folder; created if missing.")] = ".",
    registry: Annotated[str, option("--registry", "HOST", "The registry where the images live.")] = "",
    url: Annotated[
        str,
        option(
            "--url", "URL", "The ledger's git URL for CI jobs, which have an ssh key.", default="that of the remote"
        ),
    ] = "",
    ci: Annotated[
        str,
        option(
            "--ci",
            "SYSTEM",
            "Also add the pull request check, the nightly comparison and an example of publishing, for "
            "github, gitlab or jenkins.",
        ),
    ] = "",
    tool: Annotated[
        str,
        option(
            "--tool",
            "SPEC",
            "Where the jobs of --ci get this program: a wheel (URL or path) as in …/ledger_tool-1.0-py3-none-any.whl"
            "#sha256=HASH, git+https://HOST/PATH@COMMIT, or an image as in REGISTRY/IMAGE@sha256:DIGEST.",
        ),
    ] = "",
) -> None:
    """Create a ledger repository that is ready to push.

    In a repository that already has files, only missing ones are added. The files of --ci have no default for --tool:
    without it, their jobs say so and stop.
    """
    from ledger_tool.commands.init import init as run
    from ledger_tool.core.policy.policy import parse_registry
    from ledger_tool.core.writes.init import CI_SYSTEMS, parse_ledger_url
    from ledger_tool.core.writes.tool import parse_tool
    from ledger_tool.edges.files.kits import kit
    from ledger_tool.edges.files.ledger import schema_text
    from ledger_tool.edges.git.init import open_folder
    from ledger_tool.render.init import lines
    from ledger_tool.render.screen import Screen

    if registry:
        parse_registry(registry, "registry")
    if ci:
        one_of("--ci", ci, CI_SYSTEMS)
    if tool and not ci:
        raise UsageError("`--tool` is for the files of a CI system", "add `--ci SYSTEM`")
    source = parse_tool(tool) if tool else None
    if url:
        parse_ledger_url(url)
    with open_folder(Path(folder)) as workplace:
        schema = schema_text("ledger-config-v1")
        scaffolded = run(workplace, schema=schema, registry=registry, url=url, kit=kit(ci) if ci else None, tool=source)
    screen = Screen()
    screen.notes(lines(scaffolded, folder))
