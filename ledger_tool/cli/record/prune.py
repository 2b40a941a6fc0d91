"""`ledger prune`."""

from __future__ import annotations

import shutil
import sys
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ledger_tool.cli import options as o
from ledger_tool.cli.registry.reconcile import CaFile, Jobs
from ledger_tool.cli.writing import Writing, writes
from ledger_tool.errors import Denied, UsageError

if TYPE_CHECKING:
    from ledger_tool.core.changes.change import Snapshot


@writes
def prune(
    patterns: Annotated[
        list[str],
        typer.Argument(
            metavar="PATTERN...",
            help="Only these: globs of images (`myorg/*`) or of image:tag (`*:pr-*`).",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    keep: Annotated[
        str, typer.Option("--keep", metavar="N", help="Of each image, keep the N newest tags that are looked at.")
    ] = "0",
    older_than: Annotated[
        str,
        typer.Option(
            "--older-than",
            metavar="WHEN",
            help="Only published before a date, a time, or a length back from now (30d).",
            show_default=False,
        ),
    ] = "",
    last: Annotated[bool, typer.Option("--last", help="Even the last tag of an image.")] = False,
    registry_delete: Annotated[
        bool,
        typer.Option(
            "--registry-delete",
            help="Also delete at the registries what no record needs any more.",
            rich_help_panel="Registry",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it.", rich_help_panel="Writing")] = False,
    output: Annotated[str, typer.Option("--format", metavar="text|json", help="How to print it.")] = "text",
    jobs: Jobs = "8",
    ca_file: CaFile = "",
    *,
    to: Writing,
) -> None:
    """Remove what is past its TTL, in one commit; a dry run unless `--yes`.

    The last tag of an image stays. With `--registry-delete`, what no other record needs is deleted at the
    registries first; what can't be deleted stays in the ledger (exit 5 or 6), and all else goes on.
    """
    from ledger_tool.commands import prune as command
    from ledger_tool.commands.registry_delete import Registrar
    from ledger_tool.core.ledger.query import parse_when
    from ledger_tool.core.writes.prune import Wish
    from ledger_tool.edges.git.opening import open_for_writing
    from ledger_tool.edges.registry.opening import OpenRegistries
    from ledger_tool.render import prune as render
    from ledger_tool.render.progress import Progress

    o.one_of("--format", output, ("text", "json"))
    wish = Wish(
        now=o.now(),
        patterns=patterns,
        keep=o.whole_number("--keep", keep, 0, 1_000_000),
        older_than=parse_when(older_than, datetime.now(UTC)) if older_than else None,
        last=last,
    )
    if registry_delete and (to.request or not to.settings.push):
        other = "--pull-request" if to.request else "--no-push"
        raise UsageError(f"`--registry-delete` and `{other}` exclude each other", "what is deleted has to be recorded")
    threads = o.whole_number("--jobs", jobs, 1, 256)
    progress = Progress("manifests")
    registrar = Registrar(jobs=threads, progress=progress.step)

    if registry_delete:  # what one branch does not use, another one may
        to = replace(to, settings=replace(to.settings, for_all=True))

    def fresh() -> Snapshot:  # with a time of its own: a look at registries may take longer than `--timeout`
        with open_for_writing(to.repo, to.settings, to.screen) as store:
            return store.read()

    with ExitStack() as stack:
        registries = stack.enter_context(OpenRegistries(jobs=threads, ca_file=ca_file)) if registry_delete else None
        planned = command.plan(fresh, wish, registries, registrar)
        done = command.foresee(planned)
        if yes and not to.dry_run:
            done = command.delete(planned, registrar)
            progress.end()
            store, finish = to.open(stack)
            done = command.settle(store, planned, done, registrar, finish)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    to.screen.data([render.as_json(done)] if output == "json" else render.as_text(done, width))
    to.screen.note(render.summary(done, dry_run=not yes or to.dry_run))
    errors = sorted(done.failed.values(), key=lambda error: not isinstance(error, Denied))
    for message in dict.fromkeys(error.message for error in errors[1:] if error.message != errors[0].message):
        to.screen.note(f"warning: {message}")
    if errors:
        raise errors[0]
