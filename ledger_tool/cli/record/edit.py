"""`ledger set`, `ledger remove` and `ledger yank`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from ledger_tool.cli import options as o
from ledger_tool.cli.writing import Writing, writes
from ledger_tool.core.ledger import names
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.errors import InvalidValue, UsageError


@writes
def set_facts(
    patterns: Annotated[
        list[str],
        typer.Argument(
            metavar="PATTERN...",
            help="Globs of images (`myorg/*`) or of image:tag (`myorg/*:v1.*`).",
            show_default=False,
        ),
    ],
    label: Annotated[
        list[str], typer.Option("--label", metavar="K=V", help="Set a label; may be repeated.", show_default=False)
    ] = [],  # noqa: B006
    unlabel: Annotated[
        list[str],
        typer.Option("--unlabel", metavar="K", help="Take a label away; may be repeated.", show_default=False),
    ] = [],  # noqa: B006
    ttl: Annotated[
        str, typer.Option("--ttl", metavar="7d|none", help="Set the TTL, or take it away.", show_default=False)
    ] = "",
    *,
    to: Writing,
) -> None:
    """Edit labels and TTL of all records that match, in one commit."""
    from ledger_tool.commands.edit import set_facts as run
    from ledger_tool.render import write as render

    changes = o.labels(label)
    gone = [names.parse_label_key(key) for key in unlabel]
    if not (changes or gone or ttl):
        raise UsageError("nothing to set", "pass `--label K=V`, `--unlabel K` or `--ttl 7d`")
    if both := set(changes) & set(gone):
        raise InvalidValue("label", f"label `{min(both)}` is both set and taken away", "keep one of them")
    wanted = names.parse_ttl(ttl) if ttl and ttl != "none" else None
    with ExitStack() as stack:
        store, finish = to.open(stack)
        written = finish(
            run(store, patterns, labels=changes, unlabel=gone, ttl=wanted, clear_ttl=ttl == "none", dry_run=to.dry_run)
        )
    render.tell(to.screen, written, dry_run=to.dry_run)


@writes
def remove(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE:TAG...", help="What to remove.", show_default=False)],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; it stays in history.", show_default=False)
    ],
    platform: Annotated[
        str, typer.Option("--platform", metavar="OS/ARCH", help="Only the image of this platform.", show_default=False)
    ] = "",
    *,
    to: Writing,
) -> None:
    """Remove records, in one commit; history keeps them."""
    from ledger_tool.commands.remove import remove as run
    from ledger_tool.render import write as render

    references = [parse_name(image) for image in images]
    why = _reason(reason)
    wanted = names.parse_platform(platform) if platform else None
    with ExitStack() as stack:
        store, finish = to.open(stack)
        written = finish(run(store, references, reason=why, platform=wanted, dry_run=to.dry_run))
    render.tell(to.screen, written, dry_run=to.dry_run)


@writes
def yank(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE:TAG...", help="What to yank.", show_default=False)],
    reason: Annotated[
        str,
        typer.Option(
            "--reason", metavar="TEXT", help="Why; it stays in the record and in history.", show_default=False
        ),
    ],
    undo: Annotated[bool, typer.Option("--undo", help="Take the mark away again.")] = False,
    platform: Annotated[
        str, typer.Option("--platform", metavar="OS/ARCH", help="Only the image of this platform.", show_default=False)
    ] = "",
    *,
    to: Writing,
) -> None:
    """Mark images as not to be used; they stay in the ledger and in the registry.

    What is yanked is left out by `list --latest`, and warned about by `get`.
    """
    from ledger_tool.commands.yank import yank as run
    from ledger_tool.render import write as render

    references = [parse_name(image) for image in images]
    why = _reason(reason)
    wanted = names.parse_platform(platform) if platform else None
    with ExitStack() as stack:
        store, finish = to.open(stack)
        written = finish(
            run(store, references, now=o.now(), reason=why, platform=wanted, undo=undo, dry_run=to.dry_run)
        )
    render.tell(to.screen, written, dry_run=to.dry_run)


def _reason(text: str) -> str:
    """Return a reason that has to be given. Raises UsageError for none."""
    why = names.parse_text(text, "reason")
    if not why:
        raise UsageError("`--reason` is empty", "say why; it stays in history")
    return why
