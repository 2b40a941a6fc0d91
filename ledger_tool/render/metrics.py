"""The report of a reconcile as a textfile for Prometheus' node exporter; times are seconds since 1970.

Source: Prometheus, "Exposition formats": a label's value has its backslashes, quotes and line feeds escaped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from ledger_tool.core.ledger.names import escaped
from ledger_tool.core.registry.drift import DriftFinding
from ledger_tool.core.registry.driftreport import DriftReport

MOST_FINDINGS = 500  # each is a time series of its own


def as_metrics(report: DriftReport, now: float, last_complete: float | None, *, of_all: bool) -> str:
    """Return the textfile.

    A run that could not observe everything, or was not `of_all` records, keeps `last_complete`.
    """
    classes = Counter((finding.registry, finding.drift) for finding in report.findings)
    kinds = Counter((finding.registry, finding.kind) for finding in report.findings)
    findings = [finding for finding in report.findings if finding.drift != "in-sync"][:MOST_FINDINGS]
    since = [(labels(_named(finding)), _seconds(finding.since)) for finding in findings if finding.since]
    lines = [
        *gauge(
            "reconcile_records",
            "Records by registry and class.",
            sorted((labels({"registry": name, "class": drift}), count) for (name, drift), count in classes.items()),
        ),
        *gauge(
            "reconcile_findings",
            "Findings by registry and kind: drift, housekeeping, unknown.",
            sorted(
                (labels({"registry": name, "kind": kind}), count)
                for (name, kind), count in kinds.items()
                if kind != "none"
            ),
        ),
        *gauge(
            "reconcile_finding",
            f"A finding, what the tag serves, and the command that puts it right; the first {MOST_FINDINGS}.",
            [(labels(_named(finding) | _told(finding)), 1) for finding in findings],
        ),
        *gauge("reconcile_finding_since_timestamp_seconds", "Since when reports have had the finding.", since),
        *of_run("reconcile", now, now if report.complete and of_all else last_complete, complete=report.complete),
    ]
    return "\n".join(lines) + "\n"


def of_run(command: str, now: float, last_complete: float | None, *, complete: bool) -> Iterator[str]:
    """Yield what every report says of its run, and when the last complete one was, if there was any."""
    yield from gauge(f"{command}_complete", "Whether the last run could observe everything.", [("", int(complete))])
    yield from gauge(f"{command}_last_run_timestamp_seconds", "When the last run ended.", [("", now)])
    if last_complete is not None:
        name = f"{command}_last_complete_timestamp_seconds"
        yield from gauge(name, "When the last complete run ended.", [("", last_complete)])


def last_complete(metrics: str, command: str) -> float | None:
    """Return the time of a command's last complete run in a textfile of ours, or None."""
    match = re.search(rf"^ledger_{command}_last_complete_timestamp_seconds (\d+)$", metrics, re.MULTILINE)
    return float(match[1]) if match else None


def _named(finding: DriftFinding) -> dict[str, str]:
    """Return the labels by which a finding is the same in each run."""
    return {
        "registry": finding.registry,
        "image": finding.image,
        "tag": finding.tag,
        "platform": finding.platform or "",
        "class": finding.drift,
        "kind": finding.kind,
    }


def _told(finding: DriftFinding) -> dict[str, str]:
    """Return the labels that say what the tag serves, and what to do."""
    facts = finding.facts
    return {
        "ledger": finding.ledger or "",
        "served": finding.served or "",
        "created": facts.created if facts else "",
        "source": facts.source if facts else "",
        "revision": facts.revision if facts else "",
        "command": finding.command,
    }


def gauge(name: str, help_text: str, values: Iterable[tuple[str, float]]) -> Iterator[str]:
    """Yield a metric; each value is its labels, in braces, and its number."""
    yield f"# HELP ledger_{name} {help_text}"
    yield f"# TYPE ledger_{name} gauge"
    for own, value in values:
        yield f"ledger_{name}{own} {value:.0f}"


def labels(values: dict[str, str]) -> str:
    """Return the labels of a value, in braces."""
    return "{" + ",".join(f'{name}="{_value(text)}"' for name, text in values.items()) + "}"


def _value(text: str) -> str:
    return escaped(text).replace("\\", "\\\\").replace('"', '\\"')


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
