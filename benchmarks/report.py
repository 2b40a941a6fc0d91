"""A result as a row of the one table, and as JSON.

A row is a work that was measured: what the program took (`us`), beside the `limit`, which the work cannot do without
(bare git, a parser that checks nothing), and the `peer`, which people would use instead (a script, `jq`).
"""

from __future__ import annotations

import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

COLUMNS = ("work", "limit", "peer", "us", "ratio", "target")
_WIDTHS = (44, 22, 22, 10, 8, 0)
_COMPARED: Mapping[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge}


class Beside(NamedTuple):
    """What the program is compared with: its name, and what it took in each round."""

    name: str
    rounds: Sequence[float]


@dataclass(frozen=True, slots=True)
class Row:
    """A work, and what it took in each round, in `unit`: `s`, `MB`, `/s`, or `""` for a number of things.

    `target` is such as `<= 1.3 x` for the ratio, and `<= 8 s` for what the program itself took. `points` is how that
    grew, where it was measured several times on the way: by the number of publishes before.
    """

    work: str
    us: Sequence[float]
    unit: str = "s"
    limit: Beside | None = None
    peer: Beside | None = None
    target: str = ""
    points: Mapping[int, float] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """The middle of its rounds."""
        return statistics.median(self.us)

    @property
    def ratio(self) -> float | None:
        """How many times what its limit takes, or else its peer, the program took: the median of the rounds' ratios.

        Other load on the machine slows all contenders of a round alike. None if there is nothing to compare with.
        """
        other = self.limit or self.peer
        if other is None:
            return None
        if len(other.rounds) != len(self.us):
            return self.median / statistics.median(other.rounds)
        return statistics.median(own / others for own, others in zip(self.us, other.rounds, strict=True))

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None if there is none."""
        if not self.target:
            return None
        relation, bound, *unit = self.target.split()
        value = self.ratio if unit == ["x"] else self.median
        if value is None or (unit != ["x"] and "".join(unit) != self.unit):
            raise ValueError(f"{self.work}: the target {self.target} is about something that is not measured")
        return _COMPARED[relation](value, float(bound.replace(",", "")))


def header() -> str:
    """Return the first line of the table."""
    return _line(COLUMNS)


def line(row: Row) -> str:
    """Return a row as a line of the table."""
    met = row.is_met
    return _line((*cells(row), row.target + ("" if met is None else "  met" if met else "  MISSED")))


def cells(row: Row) -> tuple[str, ...]:
    """Return what the table shows of a row in each column but the last."""
    beside = (
        f"{one.name} {figure(statistics.median(one.rounds), row.unit)}" if one else "" for one in (row.limit, row.peer)
    )
    return row.work, *beside, figure(row.median, row.unit), "" if row.ratio is None else f"{row.ratio:.2f} x"


def figure(value: float, unit: str) -> str:
    """Return a value with three digits that count."""
    places = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{places}f}{'' if unit.startswith('/') else ' '}{unit}".rstrip()


def as_json(row: Row) -> dict[str, Any]:
    """Return a row as a JSON value, with every round."""

    def beside(one: Beside | None) -> dict[str, Any] | None:
        return one and {"name": one.name, "median": statistics.median(one.rounds), "rounds": list(one.rounds)}

    return {
        "work": row.work, "unit": row.unit, "limit": beside(row.limit), "peer": beside(row.peer),
        "us": {"median": row.median, "rounds": list(row.us)}, "ratio": row.ratio, "target": row.target,
        "met": row.is_met, "points": {str(number): value for number, value in row.points.items()},
    }  # fmt: skip


def from_json(value: Mapping[str, Any]) -> Row:
    """Return the row of a JSON value."""

    def beside(one: Mapping[str, Any] | None) -> Beside | None:
        return Beside(one["name"], one["rounds"]) if one else None

    points = {int(number): each for number, each in value["points"].items()}
    return Row(
        value["work"], value["us"]["rounds"], value["unit"], beside(value["limit"]), beside(value["peer"]),
        value["target"], points,
    )  # fmt: skip


def _line(texts: Sequence[str]) -> str:
    """Return cells side by side; a cell that is too wide for its column shifts what follows."""
    shown = [f"{text:<{width}}" for text, width in zip(texts, _WIDTHS, strict=True)]
    return "".join(cell if cell.endswith(" ") or not cell else f"{cell} " for cell in shown).rstrip()
