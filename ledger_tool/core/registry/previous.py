"""An earlier report of `reconcile`, for how long a finding has been there.

A finding is the same as long as its record, its registry, its class and both digests are. It has been there since the
first of an unbroken line of reports that all have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ledger_tool.core.ledger.jsontext import JsonFault, parse
from ledger_tool.core.ledger.names import Timestamp, parse_timestamp
from ledger_tool.core.registry.drift import DriftFinding
from ledger_tool.core.registry.driftreport import DriftReport
from ledger_tool.errors import InvalidValue, UsageError

_Identity = tuple[object, ...]
_FIELDS = ("class", "registry", "image", "tag", "platform", "ledger", "served")


@dataclass(frozen=True, slots=True)
class PreviousReport:
    """Since when each finding of an earlier report has been there; None where that report does not know it."""

    since: Mapping[_Identity, Timestamp | None]


def parse_previous(text: str) -> PreviousReport:
    """Return what the JSON of an earlier report says; 0.2.0's has no time. Raises UsageError if it is no report."""
    try:
        data = parse(text)
        at = _time(data.get("at"))
        findings = {_identity(entry): _time(entry.get("since")) or at for entry in data["findings"]}
    except (JsonFault, InvalidValue, KeyError, TypeError, AttributeError):
        raise UsageError(
            "the file of `--previous` is not a report of `ledger reconcile --format json`",
            "name the JSON of an earlier run, and write this run's to another file",
        ) from None
    return PreviousReport(findings)


def with_since(report: DriftReport, previous: PreviousReport) -> DriftReport:
    """Return a report whose findings say since when they have been there."""
    return replace(report, findings=[_dated(finding, report.at, previous) for finding in report.findings])


def _dated(finding: DriftFinding, at: Timestamp | None, previous: PreviousReport) -> DriftFinding:
    if finding.drift == "in-sync":
        return finding
    identity = _identity(
        {
            "class": finding.drift, "registry": finding.registry, "image": finding.image, "tag": finding.tag,
            "platform": finding.platform, "ledger": finding.ledger, "served": finding.served,
        }
    )  # fmt: skip
    return replace(finding, since=previous.since.get(identity, at))


def _identity(entry: Mapping[str, Any]) -> _Identity:
    """Return what makes a finding the same as another. Raises KeyError or TypeError for a malformed one."""
    values = tuple(entry[name] for name in _FIELDS)
    if not all(value is None or isinstance(value, str) for value in values):
        raise TypeError("a field is not a text")
    return values[:-1] if entry["class"] == "untracked" else values  # what that serves is not always looked at


def _time(value: object) -> Timestamp | None:
    return None if value is None else parse_timestamp(str(value), "time")
