"""Results as values, and the table that they are printed as."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

_WIDTH = 40  # of the first column


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one contender took, in each round."""

    contender: str
    seconds: Sequence[float]

    @property
    def median(self) -> float:
        """The middle of its rounds."""
        return statistics.median(self.seconds)


@dataclass(frozen=True, slots=True)
class Finding:
    """A measured value, with its target if there is one."""

    what: str
    value: float
    unit: str  # "x", "s", "MB", "of N", ...
    target: str = ""
    met: bool | None = None


@dataclass
class Section:
    """The results of one benchmark for one size of ledger."""

    name: str
    records: int | None = None
    timings: list[Timing] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, times: dict[str, list[float]]) -> None:
        """Add what `clock.in_turn` returned."""
        self.timings += [Timing(name, seconds) for name, seconds in times.items()]

    def ratio(self, contender: str, rival: str, *, at_most: float = math.inf, at_least: float = 0.0) -> None:
        """Add how many times as long as its rival a contender took: the median of the rounds' ratios."""
        own, rivals = self._seconds(contender), self._seconds(rival)
        value = statistics.median(a / b for a, b in zip(own, rivals, strict=True))
        target = f"<= {at_most:g} x" if at_most < math.inf else f">= {at_least:g} x" if at_least else ""
        self.findings.append(
            Finding(f"{contender} / {rival}", value, "x", target, at_least <= value <= at_most if target else None)
        )

    def difference(self, contender: str, rival: str, *, at_most: float) -> None:
        """Add how many seconds longer than its rival a contender took: the median of the rounds' differences."""
        own, rivals = self._seconds(contender), self._seconds(rival)
        value = statistics.median(a - b for a, b in zip(own, rivals, strict=True))
        self.value(f"{contender} - {rival}", value, "s", at_most=at_most)

    def value(self, what: str, value: float, unit: str, *, at_most: float = math.inf) -> None:
        """Add a value, with the bound that it should not exceed, if there is one."""
        bounded = at_most < math.inf
        target = f"<= {at_most:g} {unit}" if bounded else ""
        self.findings.append(Finding(what, value, unit, target, value <= at_most if bounded else None))

    def rate(self, what: str, value: float, unit: str, *, at_least: float) -> None:
        """Add a rate, which should not be below its bound."""
        self.findings.append(Finding(what, value, unit, f">= {at_least:g} {unit}", value >= at_least))

    def median(self, contender: str) -> float:
        """Return the median time of a contender."""
        return statistics.median(self._seconds(contender))

    def share(self, what: str, value: float, *, at_least: float) -> None:
        """Add a ratio of two rates, which should not be below its bound."""
        self.findings.append(Finding(what, value, "x", f">= {at_least:g} x", value >= at_least))

    def count(self, what: str, value: int, of: int, *, is_target: bool) -> None:
        """Add how many of something went as they should."""
        met = value == of if is_target else None
        self.findings.append(Finding(what, value, f"of {of}", "all" if is_target else "", met))

    def _seconds(self, contender: str) -> Sequence[float]:
        return next(timing.seconds for timing in self.timings if timing.contender == contender)


def lines(section: Section) -> list[str]:
    """Return a section as lines of the table."""
    size = "" if section.records is None else f", {section.records:,} records"
    table = ["", f"{section.name}{size}"]
    for timing in section.timings:
        spread = f"{min(timing.seconds):.3f} .. {max(timing.seconds):.3f} s"
        rounds = f"{len(timing.seconds)} rounds" if len(timing.seconds) > 1 else "once"
        table.append(f"  {timing.contender:<{_WIDTH}} {timing.median:>8.3f} {'s':<9}{spread:<20} {rounds}")
    for finding in section.findings:
        verdict = ("met" if finding.met else "MISSED") if finding.target else ""
        target = f"target {finding.target}" if finding.target else ""
        table.append(f"  {finding.what:<{_WIDTH}} {_shown(finding)}{target:<20} {verdict}".rstrip())
    return table


def as_json(sections: Sequence[Section]) -> list[dict[str, Any]]:
    """Return all sections as a JSON value, with every round."""
    return [asdict(section) for section in sections]


def _shown(finding: Finding) -> str:
    places = {"x": 2, "s": 3, "/record": 2}.get(finding.unit, 0)
    return f"{finding.value:>8.{places}f} {finding.unit:<9}"
