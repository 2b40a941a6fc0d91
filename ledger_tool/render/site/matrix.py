"""What each environment has of each image: the rows of a matrix, those that differ first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ledger_tool.core.site.facts import EnvironmentCell, SiteFacts
from ledger_tool.core.site.files import SiteFile
from ledger_tool.render.site.shell import MATRIX, Shell, pages_of

_APART = ("behind", "ahead", "differs")
_CELLS_PER_PAGE, _FEWEST_ROWS, _MOST_ROWS = 1000, 20, 200


class MatrixRow(NamedTuple):
    """An image, and what the environments have of it, in their order; None where one has nothing."""

    image: str
    cells: Sequence[EnvironmentCell | None]
    is_apart: bool


class EnvironmentCount(NamedTuple):
    """How many images an environment has, and how many of them in which state; one may also be `unfit`."""

    environment: str
    images: int
    states: Mapping[str, int]


def rows(facts: SiteFacts, environments: Sequence[str]) -> list[MatrixRow]:
    """Return the rows of a matrix of some environments: those first in which something differs, then by name."""
    found = []
    for image in facts.images:
        cells = {cell.environment: cell for cell in image.environments}
        row = [cells.get(environment) for environment in environments]
        if any(row):
            is_apart = any(cell and (cell.state in _APART or cell.remarks) for cell in row)
            found.append(MatrixRow(image.image, row, is_apart))
    return sorted(found, key=lambda row: not row.is_apart)


def counts(facts: SiteFacts) -> list[EnvironmentCount]:
    """Return how many images each environment has, and in which states."""
    states: dict[str, Counter[str]] = {environment: Counter() for environment in facts.environments}
    images: Counter[str] = Counter()
    for cell in (cell for image in facts.images for cell in image.environments):
        images[cell.environment] += 1
        count = states.setdefault(cell.environment, Counter())
        count[cell.state] += 1
        count["unfit"] += bool(cell.remarks)
    return [EnvironmentCount(environment, images[environment], count) for environment, count in states.items()]


def pages(facts: SiteFacts, shell: Shell) -> Iterator[SiteFile]:
    """Yield the pages of the matrix."""
    if not facts.environments:
        return
    size = min(_MOST_ROWS, max(_FEWEST_ROWS, _CELLS_PER_PAGE // len(facts.environments)))
    counted = counts(facts)
    for path, part, pager in pages_of(MATRIX, rows(facts, facts.environments), size):
        yield shell.page(
            path, "environments.html", environments=facts.environments, rows=part, pager=pager, counts=counted
        )
