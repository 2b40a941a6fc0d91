"""What runs, grouped: each image once for each verdict, with the places where it runs and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry.failon import KINDS, FindingKind, is_in
from ledger_tool.core.running.classes import RUNNING_CLASSES, RunningClass, RunningVerdict
from ledger_tool.core.running.container import WorkloadPlace

_KIND_OF: Mapping[RunningClass, FindingKind] = {
    "expired": "housekeeping", "unpinned": "unknown", "foreign": "none", "as-recorded": "none"
}  # fmt: skip
FAILABLE = tuple(name for name in RUNNING_CLASSES if _KIND_OF.get(name) != "none")


@dataclass(frozen=True, slots=True)
class RunningGroup:
    """One verdict, and the number of containers with it in each place."""

    verdict: RunningVerdict
    places: Mapping[WorkloadPlace, int]

    @property
    def kind(self) -> FindingKind:
        """The kind of the verdict: `unknown` is what could not be observed."""
        return _KIND_OF.get(self.verdict.category, "drift")

    @property
    def containers(self) -> int:
        """The number of containers in all places."""
        return sum(self.places.values())

    def fails(self, fail_on: Sequence[str]) -> bool:
        """Return whether it is of any of these classes or kinds."""
        return is_in(fail_on, self.verdict.category, self.kind)


@dataclass(frozen=True, slots=True)
class RunningReport:
    """All groups, the most serious first; `nowhere` are the records of an environment whose image runs nowhere.

    `complete` is False if nothing tells the digest of a container, or the history could not be read. `left_out` is
    the number of containers that have ended.
    """

    groups: Sequence[RunningGroup]
    at: Timestamp
    environment: str = ""
    nowhere: Sequence[Record] = ()
    left_out: int = 0

    @property
    def complete(self) -> bool:
        """Whether everything could be told."""
        return not any(group.verdict.category == "unpinned" or group.verdict.is_open for group in self.groups)

    @property
    def containers(self) -> int:
        """The number of containers that run."""
        return sum(group.containers for group in self.groups)

    @property
    def summary(self) -> dict[str, int]:
        """The number of containers in each non-empty class, the most serious first."""
        counts = Counter[str]()
        for group in self.groups:
            counts[group.verdict.category] += group.containers
        return {name: counts[name] for name in RUNNING_CLASSES if counts[name]}

    @property
    def kinds(self) -> dict[str, int]:
        """The number of containers of each non-empty kind."""
        counts = Counter[str]()
        for group in self.groups:
            counts[group.kind] += group.containers
        return {kind: counts[kind] for kind in KINDS if counts[kind]}

    def fails(self, fail_on: Sequence[str]) -> bool:
        """Return whether a container is of any of these classes or kinds."""
        return any(group.fails(fail_on) for group in self.groups)


def grouped(verdicts: Iterable[tuple[WorkloadPlace, RunningVerdict]]) -> list[RunningGroup]:
    """Return the groups, the most serious first."""
    counts: dict[RunningVerdict, Counter[WorkloadPlace]] = {}
    for place, verdict in verdicts:
        counts.setdefault(verdict, Counter())[place] += 1
    serious = {name: number for number, name in enumerate(RUNNING_CLASSES)}
    ordered = sorted(
        counts.items(),
        key=lambda item: (serious[item[0].category], item[0].image, item[0].tag, item[0].version, item[0].digest,
                          item[0].reason),
    )  # fmt: skip
    return [RunningGroup(verdict, dict(sorted(places.items()))) for verdict, places in ordered]


def not_running(records: Iterable[Record], verdicts: Iterable[RunningVerdict]) -> list[Record]:
    """Return one record of each image, of those of an environment, of which nothing runs."""
    running = {verdict.image for verdict in verdicts if verdict.category != "foreign"}
    return list({record.image: record for record in records if record.image not in running}.values())
