"""`ledger get` and `ledger list`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ledger_tool.cli import options as o
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.core.ledger import names
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.errors import RuleRefused, UsageError

At = Annotated[
    str,
    typer.Option(
        "--at",
        metavar="DATE|REV",
        help="The ledger as it was: at a date, a time, a length back from now (7d), or a revision.",
        show_default=False,
    ),
]


@contextmanager
def _reading(repo: str, at: str, settings: Any, screen: Any) -> Iterator[Any]:
    """Yield the ledger as it is now, or with `at` as it was."""
    from ledger_tool.edges.git.opening import open_for_reading, open_history

    if not at:
        with open_for_reading(repo, settings, screen) as source:
            yield source
        return
    from ledger_tool.commands.at import AsOf
    from ledger_tool.core.history.revision import parse_moment

    moment = parse_moment(at, datetime.now(UTC))
    with open_history(repo, settings, screen) as history:
        yield AsOf(history, moment)


@reads
def get(
    image: Annotated[str, typer.Argument(metavar="IMAGE:TAG", help="The image.", show_default=False)],
    platform: Annotated[
        str, typer.Option("--platform", metavar="OS/ARCH", help="Only the image of this platform.", show_default=False)
    ] = "",
    output: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="json|ref|digest",
            help="The records, or what `docker pull` takes, or only the digest.",
        ),
    ] = "json",
    at: At = "",
    *,
    of: Reading,
) -> None:
    """Show the records of one image:tag."""
    from ledger_tool.commands.records import get as run
    from ledger_tool.render import records as render
    from ledger_tool.render.write import yanked_note

    o.one_of("--format", output, ("json", "ref", "digest"))
    reference = parse_name(image)
    wanted = names.parse_platform(platform) if platform else None
    screen = of.screen
    with _reading(of.repo, at, of.settings, screen) as source:
        found = run(source, reference, platform=wanted)
    for record in found.records:
        if record.yanked:
            screen.note(yanked_note(record.name, record.yanked.reason))
    if output == "json":
        screen.data([render.found_json(found)])
        return
    if found.digest is None:
        there = ", ".join(record.platform or "none given" for record in found.records)
        raise RuleRefused(
            f"{found.name} has several images and no common index digest", f"pass `--platform` with one of: {there}"
        )
    if output == "ref" and found.repository == found.name.image:
        screen.note(f"note: ledger.yaml names no registry for {found.name.image}; a client will take its own default")
    screen.data([found.digest if output == "digest" else f"{found.repository}@{found.digest}"])


@reads
def list_records(
    pattern: o.Pattern = "*",
    label: Annotated[
        list[str],
        typer.Option("--label", metavar="K=V", help="Only with this label; may be repeated.", show_default=False),
    ] = [],  # noqa: B006
    source: Annotated[
        str, typer.Option("--source", metavar="TEXT", help="Only with this text in the sourceRef.", show_default=False)
    ] = "",
    since: o.Since = "",
    expired: Annotated[bool, typer.Option("--expired", help="Only past their TTL.")] = False,
    latest: Annotated[
        bool, typer.Option("--latest", help="Of each image only the newest tag that is neither yanked nor expired.")
    ] = False,
    output: Annotated[str, typer.Option("--format", metavar="text|json|jsonl|csv", help="How to print them.")] = "text",
    at: At = "",
    *,
    of: Reading,
) -> None:
    """List records, by image, tag and platform."""
    from ledger_tool.commands.records import list_records as run
    from ledger_tool.core.ledger.query import Query, parse_when
    from ledger_tool.render import records as render

    o.one_of("--format", output, ("text", "json", "jsonl", "csv"))
    if latest and expired:
        raise UsageError("`--latest` and `--expired` exclude each other", "keep one of them")
    query = Query(
        pattern=pattern,
        labels=o.labels(label),
        source=source,
        since=parse_when(since, datetime.now(UTC)) if since else None,
        expired_at=o.now() if expired else None,
        latest_at=o.now() if latest else None,
    )
    screen = of.screen
    with _reading(of.repo, at, of.settings, screen) as opened:
        found = run(opened, query)
    match output:
        case "json":
            screen.data([render.as_json(found)])
        case "jsonl":
            screen.data(render.as_json_lines(found))
        case "csv":
            screen.data(render.as_csv(found))
        case _:
            terminal = sys.stdout.isatty()
            width = shutil.get_terminal_size().columns if terminal else None
            screen.data(render.as_table(found, width, bold=terminal and not os.environ.get("NO_COLOR")))
            if not found:
                screen.note("no record matches")
