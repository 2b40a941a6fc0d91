"""`ledger deps` and `ledger dependents`."""

from __future__ import annotations

import re
import shutil
import sys
from typing import Annotated

import typer

from ledger_tool.cli import options as o
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.cli.registry.reconcile import CaFile, Jobs
from ledger_tool.core.ledger import names
from ledger_tool.core.policy.reference import Reference, parse_name, parse_reference
from ledger_tool.errors import TryAgain, UsageError

Format = Annotated[str, typer.Option("--format", metavar="text|json|dot|mermaid", help="How to print it.")]
_FORMATS = ("text", "json", "dot", "mermaid")


@reads
def deps(
    image: Annotated[str, typer.Argument(metavar="IMAGE:TAG", help="The image.", show_default=False)],
    platform: Annotated[
        str, typer.Option("--platform", metavar="OS/ARCH", help="Only the image of this platform.", show_default=False)
    ] = "",
    output: Format = "text",
    *,
    of: Reading,
) -> None:
    """Show what an image is built on, and what that is built on, as far as the ledger knows."""
    from ledger_tool.commands.dependents import deps as run
    from ledger_tool.edges.git.opening import open_for_reading
    from ledger_tool.render import graphs as render

    o.one_of("--format", output, _FORMATS)
    reference = parse_name(image)
    wanted = names.parse_platform(platform) if platform else None
    screen = of.screen
    with open_for_reading(of.repo, of.settings, screen) as source:
        found = run(source, reference, platform=wanted)
    for warning in render.cycle_notes(found.outline):
        screen.note(warning)
    match output:
        case "json":
            screen.data([render.deps_json(found)])
        case "dot":
            screen.data(render.as_dot(*render.drawn(found.outline)))
        case "mermaid":
            screen.data(render.as_mermaid(*render.drawn(found.outline)))
        case _:
            screen.data(render.as_tree(found.outline))


@reads
def dependents(
    ref: Annotated[
        str,
        typer.Argument(
            metavar="REF",
            help="An image, an image:tag, or a digest; with `--stale`, it may be left out.",
            show_default=False,
        ),
    ] = "",
    stale: Annotated[
        bool,
        typer.Option(
            "--stale", help="Only what sits on an old digest of a base whose tag has moved on, in rebuild order."
        ),
    ] = False,
    live: Annotated[
        bool, typer.Option("--live", help="With `--stale`: ask the registries where the tags are now.")
    ] = False,
    output: Format = "text",
    jobs: Jobs = "20",
    ca_file: CaFile = "",
    *,
    of: Reading,
) -> int:
    """Show everything built, directly or not, on an image, an image:tag or a digest.

    Exit code with --stale: 0: nothing is to be rebuilt. 1: something is. 5: not every tag could be looked at, and
    none of the others has moved on.
    """
    from ledger_tool.commands import dependents as commands
    from ledger_tool.edges.git.opening import open_for_reading
    from ledger_tool.edges.registry.opening import OpenRegistries
    from ledger_tool.render import dependents as render
    from ledger_tool.render import graphs
    from ledger_tool.render.progress import Progress

    o.one_of("--format", output, _FORMATS)
    threads = o.whole_number("--jobs", jobs, 1, 256)
    if live and not stale:
        raise UsageError("`--live` goes with `--stale`", "add `--stale`, or leave `--live` out")
    if not ref and not stale:
        raise UsageError("nothing is asked of", "name an image, an image:tag or a digest, or add `--stale`")
    asked = _asked(ref) if ref else None
    screen = of.screen
    progress = Progress("tags")
    with (
        open_for_reading(of.repo, of.settings, screen) as source,
        OpenRegistries(jobs=threads, ca_file=ca_file) as registries,
    ):
        if asked is not None and not stale:
            found = commands.dependents(source, asked)
        else:
            try:
                found = commands.stale(
                    source, registries if live else None, asked, jobs=threads, progress=progress.step
                )
            finally:
                progress.end()
    outline = render.outlined(found)
    for note in (*graphs.cycle_notes(outline), *render.notes(found)):
        screen.note(note)

    def draws() -> graphs.Drawn:
        return render.rebuilds_drawn(found) if stale else graphs.drawn(outline, names_base=False)

    match output:
        case "json":
            screen.data([render.as_json(found, outline)])
        case "dot":
            screen.data(graphs.as_dot(*draws()))
        case "mermaid":
            screen.data(graphs.as_mermaid(*draws()))
        case _:
            width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
            screen.data(render.rebuilds_table(found, width) if stale else graphs.as_tree(outline, names_base=False))
    if not stale:
        if not found.dependents.links:
            screen.note(f"nothing is built on {found.what}")
        return 0
    if not found.rebuilds:
        screen.note("nothing is to be rebuilt" + ("" if found.complete else ", as far as could be seen"))
    return 1 if found.rebuilds else 0 if found.complete else TryAgain.exit_code


def _asked(ref: str) -> Reference | names.Digest:
    """Return what is asked of: a digest alone, or a reference."""
    return names.parse_digest(ref) if re.match(r"sha(?:256|512):[^/@]*$", ref) else parse_reference(ref)
