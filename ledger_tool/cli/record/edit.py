"""`ledger set`, `ledger remove` and `ledger yank`."""

from __future__ import annotations

from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument, flag, option
from ledger_tool.cli.writing import Writing, reason_text, writes
from ledger_tool.core.ledger import names
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.errors import InvalidValue, UsageError


@writes
def set_facts(
    patterns: Annotated[
        list[str], argument("PATTERN...", "Globs of images (`myorg/*`) or of image:tag (`myorg/*:v1.*`).")
    ],
    label: Annotated[list[str], option("--label", "K=V", "Set a label; may be repeated.")] = o.NONE,
    unlabel: Annotated[list[str], option("--unlabel", "K", "Remove a label; may be repeated.")] = o.NONE,
    ttl: Annotated[str, option("--ttl", "7d|none", "Set the TTL, or remove it.")] = "",
    output: o.Written = "",
    *,
    ledger: Writing,
) -> None:
    """Edit labels and TTL of all matching records, in one commit."""
    from ledger_tool.commands.edit import set_facts as run
    from ledger_tool.render import edit as render

    labels = o.labels(label)
    unlabels = [names.parse_label_key(key) for key in unlabel]
    if not (labels or unlabels or ttl):
        raise UsageError("nothing to set", "pass `--label K=V`, `--unlabel K` or `--ttl 7d`")
    if both := set(labels) & set(unlabels):
        raise InvalidValue("label", f"label `{min(both)}` is both set and removed", "keep one of them")
    new_ttl = names.parse_ttl(ttl) if ttl and ttl != "none" else None
    with ledger.store() as store:
        written = run(
            store,
            patterns,
            now=o.now(),
            labels=labels,
            unlabel=unlabels,
            ttl=new_ttl,
            clear_ttl=ttl == "none",
            dry_run=ledger.dry_run,
        )
    render.show(ledger.screen, written, output, dry_run=ledger.dry_run)


@writes
def remove(
    images: Annotated[list[str], argument("IMAGE:TAG...", "What to remove.")],
    reason: Annotated[str, option("--reason", "TEXT", "Why; it stays in history.")],
    platform: o.Platform = "",
    output: o.Written = "",
    *,
    ledger: Writing,
) -> None:
    """Remove records, in one commit; history keeps them."""
    from ledger_tool.commands.edit import remove as run
    from ledger_tool.render import edit as render

    references = [parse_name(image) for image in images]
    why = reason_text(reason)
    parsed_platform = o.parsed(names.parse_platform, platform)
    with ledger.store() as store:
        written = run(store, references, now=o.now(), reason=why, platform=parsed_platform, dry_run=ledger.dry_run)
    ledger.screen.notes(written.notes)
    render.show(ledger.screen, written, output, dry_run=ledger.dry_run)


@writes
def yank(
    images: Annotated[list[str], argument("IMAGE:TAG...", "What to yank.")],
    reason: Annotated[str, option("--reason", "TEXT", "Why; it stays in the record and in history.")],
    undo: Annotated[bool, flag("--undo", "Remove the mark again.")] = False,
    platform: o.Platform = "",
    output: o.Written = "",
    *,
    ledger: Writing,
) -> None:
    """Mark images as not to be used; they stay in the ledger and in the registry.

    `list --latest` leaves out yanked images, and `get` warns about them.
    """
    from ledger_tool.commands.edit import yank as run
    from ledger_tool.render import edit as render

    references = [parse_name(image) for image in images]
    why = reason_text(reason)
    parsed_platform = o.parsed(names.parse_platform, platform)
    with ledger.store() as store:
        written = run(
            store, references, now=o.now(), reason=why, platform=parsed_platform, undo=undo, dry_run=ledger.dry_run
        )
    ledger.screen.notes(written.notes)
    render.show(ledger.screen, written, output, dry_run=ledger.dry_run)
