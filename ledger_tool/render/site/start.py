"""The start page: what needs attention, what environments have, what changed lately, and the images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, TypeVar

from ledger_tool.core.site import paths
from ledger_tool.core.site.facts import SiteFacts
from ledger_tool.core.site.files import SiteFile
from ledger_tool.render.site import matrix
from ledger_tool.render.site.changes import by_day, shown_change
from ledger_tool.render.site.shell import DRIFT, EXPIRING, MATRIX, OUTDATED, RUNNING, YANKED, Shell
from ledger_tool.render.site.wording import LogStep, is_pressing
from ledger_tool.render.view import Role

# What the page shows of each, so that it stays small however large the ledger is.
_ITEMS, _ROWS, _COLUMNS, _CHANGES, _STEPS, _IMAGES = 3, 10, 6, 20, 3, 60
_ROOM = 4000  # characters of names for each list of them
_REASON_MAX = 160

T = TypeVar("T")


class Attention(NamedTuple):
    """Something that needs attention: `kind` says what `items` are, the first of `total`; `path` has them all."""

    kind: str
    role: Role
    title: str
    total: int
    items: Sequence[Any]
    path: str


def pages(facts: SiteFacts, shell: Shell) -> Iterator[SiteFile]:
    """Yield the start page."""
    columns = facts.environments[:_COLUMNS]
    rows = matrix.rows(facts, columns)
    changes = [shown_change(change, _STEPS) for change in facts.changes[:_CHANGES]]
    images = facts.images[:_IMAGES]
    yield shell.page(
        paths.START, "start.html", facts=facts, attention=list(_attention(facts)), environments=columns,
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


def _attention(facts: SiteFacts) -> Iterator[Attention]:
    if facts.drift:
        drift = list(filter(is_pressing, facts.drift.notes))
        yield _some("drift", "bad", "Drift", drift, DRIFT)
    if facts.running:
        notes = [note for report in facts.running for note in report.notes if is_pressing(note)]
        yield _some("running", "bad", "Not running as recorded", notes, RUNNING)
    cells = [cell for image in facts.images for cell in image.environments]
    unfit = [cell for cell in cells if cell.remarks]
    yield _some("unfit", "bad", "Environments with unfit versions", unfit, MATRIX)
    behind = sorted((cell for cell in cells if cell.state == "behind"), key=lambda cell: cell.since)
    yield _some("behind", "doubtful", "Environments behind", behind, MATRIX)
    yield _some("outdated", "doubtful", "Built on an outdated base", facts.outdated, OUTDATED)
    yield _some("yanked", "minor", "Yanked", facts.yanked, YANKED)
    yield _some("expiring", "minor", "Expired and expiring", facts.expiring, EXPIRING)


def _some(kind: str, role: Role, title: str, items: Sequence[Any], path: str) -> Attention:
    return Attention(kind, role, title, len(items), items[:_ITEMS], paths.list_page(path))
