"""The report of a reconcile: for people, machines, a job summary, a test reporter, and Prometheus."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ledger_tool.core.ledger.names import counted, escaped
from ledger_tool.core.registry.drift import DriftFinding, DriftReport
from ledger_tool.render import json, markdown
from ledger_tool.render.junit import Case, suite
from ledger_tool.render.markdown import cell
from ledger_tool.render.records import short_digest
from ledger_tool.render.table import table


def as_json(report: DriftReport) -> str:
    """Return the JSON object; `schema/reconcile-v1.schema.json` describes it."""
    value = {
        "complete": report.complete,
        "checked": sum(report.summary.values()),
        "summary": report.summary,
        "findings": [
            {
                "class": finding.drift, "registry": finding.registry, "image": finding.image, "tag": finding.tag,
                "platform": finding.platform, "ledger": finding.ledger, "served": finding.served,
                "reason": finding.reason,
            }
            for finding in _differing(report)
        ],
    }  # fmt: skip
    return json.document(value)


def as_text(report: DriftReport, width: int | None) -> Iterator[str]:
    """Yield a summary, then only what differs, the most serious first."""
    yield _headline(report)
    rows = [
        (
            finding.drift,
            finding.registry,
            f"{finding.image}:{finding.tag}",
            finding.platform or "",
            _short(finding.ledger),
            _short(finding.served),
            escaped(finding.reason),
        )
        for finding in _differing(report)
    ]
    if rows:
        yield ""
        header = ("CLASS", "REGISTRY", "IMAGE", "PLATFORM", "LEDGER", "SERVED", "REASON")
        yield from table(
            header, rows, width, spare=(header.index("REGISTRY"), header.index("LEDGER"), header.index("SERVED"))
        )


def as_markdown(report: DriftReport) -> Iterator[str]:
    """Yield Markdown for a job summary or an issue's body; nothing in a record can break out of it."""
    yield f"**{_headline(report)}**"
    yield from markdown.table(("class", "records"), [(name, str(count)) for name, count in report.summary.items()])
    rows = [
        (
            finding.drift,
            cell(f"{finding.registry}/{finding.image}:{finding.tag}"),
            cell(finding.platform),
            cell(_short(finding.ledger)),
            cell(_short(finding.served)),
            cell(finding.reason),
        )
        for finding in _differing(report)
    ]
    if rows:
        yield from markdown.table(("class", "image", "platform", "ledger", "served", "reason"), rows)


def as_junit(report: DriftReport) -> Iterator[str]:
    """Return JUnit XML: one test case per record, drift as a failure, unknown as skipped."""
    return suite("ledger reconcile", [_case(finding) for finding in report.findings])


def _case(finding: DriftFinding) -> Case:
    name = f"{finding.image}:{finding.tag}" + (f" {finding.platform}" if finding.platform else "")
    reason = finding.reason or finding.drift
    if finding.drift == "in-sync":
        return Case(finding.registry, name)
    if finding.drift == "unknown":
        return Case(finding.registry, name, skipped=reason)
    detail = f"ledger {finding.ledger or '-'}, served {finding.served or '-'}"
    return Case(finding.registry, name, finding.drift, reason, detail)


def as_metrics(report: DriftReport, now: float, last_complete: float | None, *, of_all: bool) -> str:
    """Return a Prometheus textfile; times are seconds since 1970.

    A run that could not observe everything, or was not `of_all` records, keeps `last_complete`.
    """
    counts = Counter((finding.registry, finding.drift) for finding in report.findings)
    by_class = (
        (f'{{registry="{_label(registry)}",class="{name}"}}', count) for (registry, name), count in counts.items()
    )
    lines = [
        *_gauge("records", "Records by registry and class.", *sorted(by_class)),
        *_gauge("complete", "Whether the last run could observe everything.", ("", int(report.complete))),
        *_gauge("last_run_timestamp_seconds", "When the last run ended.", ("", now)),
    ]
    complete_at = now if report.complete and of_all else last_complete
    if complete_at is not None:
        lines += _gauge("last_complete_timestamp_seconds", "When the last complete run ended.", ("", complete_at))
    return "\n".join(lines) + "\n"


def _gauge(name: str, help_text: str, *values: tuple[str, float]) -> Iterator[str]:
    """Yield a metric (Prometheus, "Exposition formats"); each value is its labels, in braces, and its number."""
    yield f"# HELP ledger_reconcile_{name} {help_text}"
    yield f"# TYPE ledger_reconcile_{name} gauge"
    for labels, value in values:
        yield f"ledger_reconcile_{name}{labels} {value:.0f}"


def last_complete(metrics: str) -> float | None:
    """Return the time of the last complete run in a textfile of ours, or None."""
    match = re.search(r"^ledger_reconcile_last_complete_timestamp_seconds (\d+)$", metrics, re.MULTILINE)
    return float(match[1]) if match else None


def warnings(report: DriftReport, unserved: int) -> Iterator[str]:
    """Yield what a reader should know before acting on the report."""
    for name in report.looks_down:
        yield f"warning: {name} looks down or half empty; do not delete anything because of this run"
    if unserved:
        records = counted(unserved, "record belongs to an image", "records belong to images")
        yield f"note: {records} that no configured registry serves"


def _headline(report: DriftReport) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in report.summary.items()) or "no records"
    return counts if report.complete else f"{counts}; incomplete"


def _differing(report: DriftReport) -> Sequence[DriftFinding]:
    return [finding for finding in report.findings if finding.drift != "in-sync"]


def _short(digest: str | None) -> str:
    return short_digest(digest) if digest else ""


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "")
