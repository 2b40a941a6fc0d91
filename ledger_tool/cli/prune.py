"""`ledger prune`."""

from __future__ import annotations

import shutil
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ledger_tool.cli import options as o
from ledger_tool.cli.registry import CaFile, Jobs
from ledger_tool.errors import Denied, UsageError

if TYPE_CHECKING:
    from ledger_tool.core.change import Snapshot


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
    no_push: o.NoPush = False,
    sign: o.Sign = False,
    max_attempts: o.MaxAttempts = "0",
    timeout: o.Timeout = "120",
    repo: o.Repo = ".",
    branch: o.Branch = "",
    deploy_key: o.DeployKey = "",
    known_hosts: o.KnownHosts = "",
    verbose: o.Verbose = False,
) -> None:
    """Remove what is past its TTL, in one commit; a dry run unless `--yes`.

    The last tag of an image stays. With `--registry-delete`, what no other record needs is deleted at the
    registries first; an image where that fails stays in the ledger (exit 5 or 6), and the others go on.
    """
    from ledger_tool.commands import prune as command
    from ledger_tool.commands.clear import Registrar
    from ledger_tool.core.expiry import Wish
    from ledger_tool.core.query import parse_when
    from ledger_tool.edges.git.opening import open_for_writing
    from ledger_tool.edges.registry.opening import OpenRegistries
    from ledger_tool.render import pruned as render
    from ledger_tool.render.progress import Progress
    from ledger_tool.render.screen import Screen

    o.one_of("--format", output, ("text", "json"))
    wish = Wish(
        now=o.now(),
        patterns=patterns,
        keep=o.whole_number("--keep", keep, 0, 1_000_000),
        older_than=parse_when(older_than, datetime.now(UTC)) if older_than else None,
        last=last,
    )
    if registry_delete and no_push:
        raise UsageError("`--registry-delete` and `--no-push` exclude each other", "what is deleted has to be recorded")
    threads = o.whole_number("--jobs", jobs, 1, 256)
    screen = Screen(o.secrets(deploy_key), verbose=verbose)
    settings = o.opening(
        branch=branch, deploy_key=deploy_key, known_hosts=known_hosts, timeout=timeout,
        max_attempts=max_attempts, no_push=no_push, sign=sign,
    )  # fmt: skip
    progress = Progress("manifests")
    registrar = Registrar(jobs=threads, progress=progress.step)

    def fresh() -> Snapshot:  # with a time of its own: a look at registries may take longer than `--timeout`
        with open_for_writing(repo, settings, screen) as store:
            return store.read()

    with ExitStack() as stack:
        registries = stack.enter_context(OpenRegistries(jobs=threads, ca_file=ca_file)) if registry_delete else None
        planned = command.plan(fresh, wish, registries, registrar)
        done = command.foresee(planned)
        if yes:
            done = command.delete(planned, registrar)
            progress.end()
            with open_for_writing(repo, settings, screen) as store:
                done = command.settle(store, planned, done, registrar)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    screen.data([render.as_json(done)] if output == "json" else render.as_text(done, width))
    screen.note(render.summary(done, dry_run=not yes))
    errors = sorted(done.failed.values(), key=lambda error: not isinstance(error, Denied))
    for message in dict.fromkeys(error.message for error in errors[1:] if error.message != errors[0].message):
        screen.note(f"warning: {message}")
    if errors:
        raise errors[0]
