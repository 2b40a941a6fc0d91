"""The start page: what needs attention, what environments have, what changed lately, and the images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import TypeVar

from ledger_tool.core.site import paths
from ledger_tool.core.site.facts import SiteFacts
from ledger_tool.core.site.files import SiteFile
from ledger_tool.render.site import matrix
from ledger_tool.render.site.attention import cards
from ledger_tool.render.site.changes import by_day, shown_change
from ledger_tool.render.site.shell import Shell
from ledger_tool.render.site.wording import LogStep

# What the page shows of each, so that it stays small however large the ledger is.
_ROWS, _COLUMNS, _CHANGES, _STEPS, _IMAGES = 10, 6, 20, 3, 60
_ROOM = 4000  # characters of names for each list of them
_REASON_MAX = 160

T = TypeVar("T")


def pages(facts: SiteFacts, shell: Shell) -> Iterator[SiteFile]:
    """Yield the start page."""
    columns = facts.environments[:_COLUMNS]
    rows = matrix.rows(facts, columns)
    changes = [shown_change(change, facts, _STEPS) for change in facts.changes[:_CHANGES]]
    images = facts.images[:_IMAGES]
    yield shell.page(
        paths.START, "start.html", facts=facts, attention=list(cards(facts, shell.findings)), environments=columns,
        rows=_short(rows[:_ROWS], lambda row: len(row.image) * len(columns)), row_count=len(rows),
        environment_count=len(facts.environments),
        days=by_day(_short(changes, lambda change: sum(map(_length, change.steps)))),
        images=_short(images, lambda image: len(image.image)),
        reason_max=_REASON_MAX,
        tag_count=sum(len(image.tags) for image in facts.images),
    )  # fmt: skip


def _short(items: Sequence[T], length: Callable[[T], int]) -> Sequence[T]:
    """Return the first of some items, as many as there is room for by the lengths of their names."""
    total = accumulate(map(length, items))
    return items[: max(1, sum(used <= _ROOM for used in total))]


def _length(step: LogStep) -> int:
    return len(step.name.image) + len(step.name.tag) + len(step.entry.reason[:_REASON_MAX])
