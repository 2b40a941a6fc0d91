"""The findings of reports: in which order they are shown, and where on the site each of them stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from ledger_tool.core.registry.drift import CLASSES
from ledger_tool.core.running.classes import RUNNING_CLASSES
from ledger_tool.core.site import paths
from ledger_tool.core.site.facts import DriftNote, RunningFacts, RunningNote, SiteFacts

DRIFT, RUNNING = "drift", "running"  # lists, by their paths
PER_PAGE = 200
_KINDS = ("drift", "unknown", "housekeeping", "none")  # what asks for something comes first

Note = DriftNote | RunningNote


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding on its page: `id` is what it has there, and stays the same as long as the finding does.

    `report` is that of what runs; None for drift.
    """

    note: Note
    report: RunningFacts | None
    page: str
    id: str

    @property
    def place(self) -> str:
        """The address of the finding, from the root of the site."""
        return f"{self.page}#{self.id}"


class Findings:
    """The findings of a site's reports, in the order in which its pages show them."""

    def __init__(self, facts: SiteFacts) -> None:
        drift = sorted(facts.drift.notes if facts.drift else (), key=_drift_order)
        running = [(report, note) for report in facts.running for note in sorted(report.notes, key=_running_order)]
        self.drift: Sequence[Finding] = list(_placed(DRIFT, [(None, note) for note in drift]))
        self.running: Sequence[Finding] = list(_placed(RUNNING, running))
        self._places = {each.note: each.place for each in reversed((*self.drift, *self.running))}

    def place(self, note: Note) -> str:
        """Return the address of a finding, from the root of the site."""
        return self._places.get(note) or paths.list_page(DRIFT if isinstance(note, DriftNote) else RUNNING)


class Count(NamedTuple):
    """How many there are in a class, and where the first finding of it stands, or `""`."""

    category: str
    number: int
    place: str


def counts_of(summary: Mapping[str, int], findings: Iterable[Finding]) -> Sequence[Count]:
    """Return the counts of a report, each with the first of its findings."""
    first = {each.note.category: each.place for each in reversed(list(findings))}
    return [Count(category, number, first.get(category, "")) for category, number in summary.items()]


def _drift_order(note: DriftNote) -> tuple[int, int]:
    return _number(note.kind, _KINDS), _number(note.category, CLASSES)


def _running_order(note: RunningNote) -> tuple[int, int]:
    return _number(note.kind, _KINDS), _number(note.category, RUNNING_CLASSES)


def _number(name: str, known: Sequence[str]) -> int:
    return known.index(name) if name in known else len(known)


def _placed(name: str, pairs: Sequence[tuple[RunningFacts | None, Note]]) -> Iterator[Finding]:
    taken: dict[str, int] = {}
    for number, (report, note) in enumerate(pairs):
        digits = sha256("\0".join(_identity(report, note)).encode("utf-8", "surrogatepass")).hexdigest()[:12]
        taken[digits] = taken.get(digits, 0) + 1
        again = f"-{taken[digits]}" if taken[digits] > 1 else ""
        yield Finding(note, report, paths.list_page(name, number // PER_PAGE + 1), f"~{digits}{again}")


def _identity(report: RunningFacts | None, note: Note) -> Sequence[str]:
    """Return what makes a finding the same one in the next report, whatever is served or said of it then."""
    if isinstance(note, DriftNote):
        return note.category, note.registry, note.image, note.tag, note.platform
    environment = report.environment if report else ""
    return environment, note.category, note.image, note.tag, note.version, note.digest
