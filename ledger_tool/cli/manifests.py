"""`ledger pin` and `ledger bump`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger_tool.cli import options as o
from ledger_tool.core import names
from ledger_tool.errors import UsageError

if TYPE_CHECKING:
    from ledger_tool.commands.rewrite import Done

_FORMATS = ("text", "json", "github", "markdown")
Paths = Annotated[
    list[str],
    typer.Argument(metavar="PATH...", help="Files, or folders of YAML and JSON files.", show_default=False),
]
Platform = Annotated[
    str,
    typer.Option(
        "--platform", metavar="OS/ARCH", show_default=False,
        help="Pin this platform's image  [default: the index of a multi-platform tag]",
    ),
]  # fmt: skip
Exclude = Annotated[
    list[str],
    typer.Option(
        "--exclude", metavar="GLOB", show_default=False,
        help="Leave out these files or folders, below the folders named; may be repeated.",
    ),
]  # fmt: skip
Format = Annotated[str, typer.Option("--format", metavar="text|json|github|markdown", help="How to print it.")]


def pin(
    paths: Paths,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 if an image is not pinned as it should be.")
    ] = False,
    platform: Platform = "",
    exclude: Exclude = [],  # noqa: B006
    output: Format = "text",
    timeout: o.Timeout = "120",
    repo: o.Repo = ".",
    branch: o.Branch = "",
    deploy_key: o.DeployKey = "",
    known_hosts: o.KnownHosts = "",
    verbose: o.Verbose = False,
) -> int:
    """Write the ledger's digests into manifests, so that a moved tag can't change what runs.

    Exit code 0: done, and what is left is not the ledger's. 1: something is left that ought to be otherwise;
    with --check, unknown images too. 2: a file could not be read.
    """
    from ledger_tool.commands.pin import pin as run
    from ledger_tool.edges.git.opening import open_for_reading
    from ledger_tool.edges.manifests import FolderManifests
    from ledger_tool.render.progress import Progress
    from ledger_tool.render.screen import Screen

    o.one_of("--format", output, _FORMATS)
    wanted = names.parse_platform(platform) if platform else None
    screen = Screen(o.secrets(deploy_key), verbose=verbose)
    settings = o.opening(branch=branch, deploy_key=deploy_key, known_hosts=known_hosts, timeout=timeout)
    manifests = FolderManifests(paths, exclude, jobs=min(os.cpu_count() or 1, 8))
    progress = Progress("files")
    with open_for_reading(repo, settings, screen) as source:
        done = run(source, manifests, now=o.now(), platform=wanted, check=check, progress=progress.step)
    progress.end()
    return _tell(screen, done, output)


def _tell(screen: Any, done: Done, output: str) -> int:
    """Print what was done, and return the exit code."""
    from ledger_tool.render import pinned as render

    for note in render.notes(done):
        screen.note(note)
    match output:
        case "json":
            screen.data([render.as_json(done)])
        case "github":
            screen.data(render.as_github(done))
        case "markdown":
            screen.data(render.as_markdown(done))
        case _:
            screen.data(render.as_text(done))
    screen.note(render.headline(done))
    if done.is_left:
        return 1
    return UsageError.exit_code if done.faults else 0
