"""A run's findings as a whole: in order, counted, and what they mean for the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.registry.drift import CLASSES, DriftFinding
from ledger_tool.core.registry.failon import KINDS, is_in
from ledger_tool.errors import UsageError

DriftScope = Literal["tags", "images", "deep"]  # what was looked at: tags alone, all that is recorded, all below it too
FAILABLE = tuple(name for name in CLASSES if name not in ("unknown", "in-sync"))
_LOOKS_DOWN_SHARE = 0.2
_LOOKS_DOWN_COUNT = 5


@dataclass(frozen=True, slots=True)
class DriftReport:
    """All findings of a run, in order; `at` is its time.

    `complete` is False if anything could not be observed that may make a finding more serious.
    """

    findings: Sequence[DriftFinding]
    complete: bool
    looks_down: Sequence[str] = ()
    at: Timestamp | None = None
    scope: DriftScope = "images"

    @property
    def summary(self) -> dict[str, int]:
        """The number of records in each non-empty class, the most serious first."""
        counts = Counter(finding.drift for finding in self.findings)
        return {name: counts[name] for name in CLASSES if counts[name]}

    @property
    def kinds(self) -> dict[str, int]:
        """The number of findings of each non-empty kind; records in sync are none."""
        counts = Counter(finding.kind for finding in self.findings)
        return {kind: counts[kind] for kind in KINDS if counts[kind]}

    def fails(self, fail_on: Sequence[str]) -> bool:
        """Return whether there is a finding of any of these classes or kinds."""
        return any(is_failure(finding, fail_on) for finding in self.findings)


def is_failure(finding: DriftFinding, fail_on: Sequence[str]) -> bool:
    """Return whether a finding is of any of these classes or kinds."""
    return is_in(fail_on, finding.drift, finding.kind)


def check_findable(fail_on: Sequence[str], *, untracked: bool, deep: bool, provenance: bool) -> None:
    """Raise UsageError for a class of `--fail-on` that a run cannot find: its exit code would always say "none"."""
    given = {"--untracked": untracked, "--deep": deep, "--provenance": provenance}
    needed = {"untracked": "--untracked", "children-missing": "--deep"}
    for name in fail_on:
        option = "--provenance" if name.startswith("provenance-") else needed.get(name, "")
        if option and not given[option]:
            raise UsageError(f"`--fail-on {name}` finds nothing without `{option}`", f"add `{option}`")


def report(
    findings: Iterable[DriftFinding],
    *,
    interrupted: bool = False,
    at: Timestamp | None = None,
    scope: DriftScope = "images",
) -> DriftReport:
    """Return the report of a run: sorted, the most serious first, with the registries that look down.

    A registry looks down if nothing of it could be observed, or if over a fifth of its image:tags are gone at once that
    have not expired: the run is then incomplete, and nobody should act on it.
    """
    serious = {name: place for place, name in enumerate(CLASSES)}
    ordered = sorted(
        findings,
        key=lambda finding: (
            serious[finding.drift], finding.registry, finding.image, finding.tag, finding.platform or ""
        ),
    )  # fmt: skip
    by_registry: dict[str, list[DriftFinding]] = {}
    for finding in ordered:
        if finding.registry:
            by_registry.setdefault(finding.registry, []).append(finding)
    down = sorted(name for name, own in by_registry.items() if _looks_down(own))
    complete = not (interrupted or down or any(finding.drift == "unknown" or finding.is_open for finding in ordered))
    return DriftReport(ordered, complete, down, at, scope)


def _looks_down(findings: Sequence[DriftFinding]) -> bool:
    own = [finding for finding in findings if finding.drift != "untracked"]
    names = {(finding.image, finding.tag) for finding in own}  # one deleted index may have many platforms
    gone = {(finding.image, finding.tag) for finding in own if (finding.drift, finding.kind) == ("gone", "drift")}
    is_all_unknown = bool(own) and all(_is_unobserved(finding) for finding in own)
    return is_all_unknown or looks_half_empty(len(gone), len(names))


def _is_unobserved(finding: DriftFinding) -> bool:
    """Return whether a finding says nothing about the registry: that a version is withdrawn is told by the ledger."""
    return finding.drift == "unknown" or (finding.drift == "withdrawn" and finding.is_open)


def looks_half_empty(gone: int, expected: int) -> bool:
    """Return whether so much of what was expected is gone at once that the registry may not be what it should be."""
    return gone > _LOOKS_DOWN_COUNT and gone > expected * _LOOKS_DOWN_SHARE
