"""What a promotion did: one line an image for people, and the JSON of every write for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from ledger_tool.commands.write import Written
from ledger_tool.core.changes.effect import Effect
from ledger_tool.core.changes.message import versions_of
from ledger_tool.core.ledger.record import Name
from ledger_tool.render import edit
from ledger_tool.render.screen import Screen
from ledger_tool.render.table import Column, table
from ledger_tool.render.view import View


def show(screen: Screen, written: Written, output: str, *, dry_run: bool) -> None:
    """Write the result: for people what each image changes from and to, and one line on what was done."""
    edit.show(screen, written, output, dry_run=dry_run, steps=_steps)


def _steps(written: Written, view: View) -> Iterator[str]:
    """Yield a table of what changes; nothing if nothing does."""
    effects = sorted(written.change.effects, key=lambda effect: effect.key)
    groups = [(name, list(group)) for name, group in groupby(effects, key=lambda effect: effect.name)]
    if groups:
        columns = (Column("IMAGE", "name"), Column("ENVIRONMENT"), Column("FROM"), Column("TO"))
        yield from table(columns, [_step(name, group) for name, group in groups], view)
        yield ""


def _step(name: Name, effects: Sequence[Effect]) -> tuple[str, ...]:
    before, after = versions_of(effects)
    return name.image, name.tag, before or (after if any(effect.old for effect in effects) else "-"), after or "-"
