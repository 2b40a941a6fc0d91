"""`ledger log`, `ledger whence` and `ledger audit`."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from ledger_tool.cli import options as o
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.errors import UsageError

_MOST_ENTRIES = 1_000_000_000


@reads
def log(
    image: Annotated[
        str,
        typer.Argument(metavar="IMAGE[:TAG]", help="The image, or one tag of it  [default: all]", show_default=False),
    ] = "",
    since: Annotated[
        str,
        typer.Option(
            "--since",
            metavar="WHEN|REV",
            help="Only what came since a date, a time, a length back from now (7d), or after a revision.",
            show_default=False,
        ),
    ] = "",
    limit: Annotated[
        str, typer.Option("--limit", metavar="N", help="Only the newest N entries.", show_default=False)
    ] = "",
    output: Annotated[str, typer.Option("--format", metavar="text|json|jsonl", help="How to print them.")] = "text",
    *,
    of: Reading,
) -> None:
    """Show every digest that a tag ever had: when, by whom, from which source, and why.

    The newest comes first. The commits' own words are shown; `ledger audit` proves them.
    """
    from ledger_tool.commands.log import log as run
    from ledger_tool.core.history.revision import parse_moment
    from ledger_tool.core.policy.reference import parse_reference
    from ledger_tool.edges.files.ledger import read_policy
    from ledger_tool.edges.git.opening import open_history
    from ledger_tool.render import log as render

    o.one_of("--format", output, ("text", "json", "jsonl"))
    reference = parse_reference(image) if image else None
    if reference and reference.digest:
        raise UsageError("log takes an image or an image:tag", "ask `ledger whence DIGEST` where a digest comes from")
    moment = parse_moment(since, datetime.now(UTC)) if since else None
    count = o.whole_number("--limit", limit, 1, _MOST_ENTRIES) if limit else None
    screen = of.screen
    with open_history(of.repo, of.settings, screen) as history:
        found = run(history, reference, since=moment, limit=count, read_policy=read_policy, note=screen.note)
    match output:
        case "json":
            screen.data([render.as_json(found)])
        case "jsonl":
            screen.data(render.as_json_lines(found))
        case _:
            terminal = sys.stdout.isatty()
            width = shutil.get_terminal_size().columns if terminal else None
            screen.data(render.as_table(found, width, bold=terminal and not os.environ.get("NO_COLOR")))
            if not found:
                screen.note("nothing happened")


@reads
def whence(
    digest: Annotated[
        str,
        typer.Argument(metavar="DIGEST", help="The digest, or at least its first 12 hex digits.", show_default=False),
    ],
    output: Annotated[str, typer.Option("--format", metavar="json|text", help="How to print it.")] = "json",
    *,
    of: Reading,
) -> None:
    """Say where a digest comes from: which records have or had it, who published it, in which commit.

    It may be an image's digest, that of its index or config, or one that was replaced or removed long ago.
    """
    from ledger_tool.commands.whence import whence as run
    from ledger_tool.core.history.whence import parse_wanted
    from ledger_tool.edges.git.opening import open_history
    from ledger_tool.render import log as render
    from ledger_tool.render.progress import Progress

    o.one_of("--format", output, ("json", "text"))
    wanted = parse_wanted(digest)
    screen = of.screen
    progress = Progress("versions")
    with open_history(of.repo, of.settings, screen) as history:
        try:
            found = run(history, wanted, note=screen.note, progress=progress.step)
        finally:
            progress.end()
    screen.data([render.matches_as_json(found)] if output == "json" else render.matches_as_text(found))


@reads
def audit(
    since: Annotated[
        str,
        typer.Option(
            "--since",
            metavar="REV",
            help="Go on from this commit, which was audited before and is trusted  [default: the first commit]",
            show_default=False,
        ),
    ] = "",
    allowed_signers: Annotated[
        str,
        typer.Option(
            "--allowed-signers",
            metavar="FILE",
            help="Demand good signatures: by an SSH key in this file, or by a GPG key that the keyring trusts.",
            show_default=False,
        ),
    ] = "",
    output: Annotated[str, typer.Option("--format", metavar="text|json|junit", help="How to print it.")] = "text",
    *,
    of: Reading,
) -> int:
    """Replay the whole history, and prove that nothing in it was done in silence.

    History is one line, every version of the ledger is valid, every change is what its commit's message says, no
    immutable tag moved and no record went without a reason. Exit code 1 is for findings.
    """
    from ledger_tool.commands.audit import audit as run
    from ledger_tool.edges.files.disk import path_of, read_bytes
    from ledger_tool.edges.files.ledger import read_ledger, read_policy
    from ledger_tool.edges.git.opening import open_history
    from ledger_tool.render import audit as render
    from ledger_tool.render.progress import Progress

    o.one_of("--format", output, ("text", "json", "junit"))
    what = "the file of allowed signers"
    signers = read_bytes(path_of(allowed_signers, what), 2**20, what) if allowed_signers else None
    screen = of.screen
    progress = Progress("commits")
    with open_history(of.repo, of.settings, screen, blobs=True) as history:
        try:
            found = run(
                history, since=since, allowed_signers=signers, read_ledger=read_ledger, read_policy=read_policy,
                progress=progress.step,
            )  # fmt: skip
        finally:
            progress.end()
    match output:
        case "json":
            screen.data([render.as_json(found)])
        case "junit":
            screen.data(render.as_junit(found))
        case _:
            screen.data(render.as_text(found))
    screen.note(render.summary(found))
    return 1 if found.findings else 0
