"""What runs, compared with the ledger: for people, machines, a job summary, a test reporter, and Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger_tool.commands.running import Compared
from ledger_tool.core.ledger.names import counted, escaped
from ledger_tool.core.registry.failon import FindingKind
from ledger_tool.core.running.classes import RunningVerdict
from ledger_tool.core.running.container import WorkloadPlace
from ledger_tool.core.running.report import RunningGroup, RunningReport
from ledger_tool.render import json, markdown
from ledger_tool.render.junit import Case, suite
from ledger_tool.render.markdown import cell, fitting, omitted
from ledger_tool.render.metrics import MOST_FINDINGS, gauge, labels, of_run
from ledger_tool.render.table import Column, table
from ledger_tool.render.view import Role, View, short_digest
from ledger_tool.render.whence import match_as_json

_SECTIONS: tuple[tuple[FindingKind, str], ...] = (
    ("drift", "drift"),
    ("unknown", "not pinned"),
    ("housekeeping", "housekeeping"),
)
_ROLES: Mapping[FindingKind, Role] = {"drift": "bad", "unknown": "doubtful", "housekeeping": "minor"}
_COLUMNS = (
    Column("IMAGE", "name"),
    Column("RUNS", spare=4),
    Column("EXPECTED", spare=5),
    Column("WHERE", "name"),
    Column("CONTAINERS", spare=3),
    Column("REASON", "prose", spare=2),
)
_ROOM = {"drift": 30_000, "unknown": 10_000, "housekeeping": 10_000}  # characters of Markdown
_NOWHERE_ROOM = 6_000


def as_json(compared: Compared) -> str:
    """Return the JSON object; `schema/running-v1.schema.json` describes it."""
    report = compared.report
    value = {
        "complete": report.complete,
        "at": report.at,
        "environment": report.environment or None,
        "containers": report.containers,
        "leftOut": report.left_out,
        "summary": report.summary,
        "kinds": report.kinds,
        "images": [_group_as_json(group, compared) for group in report.groups],
        "nowhere": [
            {"image": record.image, "version": record.version, "digest": record.pull_digest}
            for record in report.nowhere
        ],
    }
    return json.document(value)


def _group_as_json(group: RunningGroup, compared: Compared) -> dict[str, Any]:
    verdict, expected = group.verdict, group.verdict.expected
    return {
        "class": verdict.category,
        "kind": group.kind,
        "image": verdict.image,
        "tag": verdict.tag or None,
        "version": verdict.version or None,
        "digest": verdict.digest or None,
        "expected": expected and {"tag": expected.tag, "version": expected.version or None, "digest": expected.digest},
        "reason": escaped(verdict.reason),
        "containers": group.containers,
        "places": [
            {
                "cluster": place.cluster,
                "namespace": place.namespace,
                "workload": place.workload,
                "kind": place.kind,
                "containers": count,
            }
            for place, count in group.places.items()
        ],
        "whence": [match_as_json(match) for match in compared.whence.get(verdict.digest, ())],
    }


def as_text(report: RunningReport, view: View) -> Iterator[str]:
    """Yield a summary; what is not as it should be, by kind, the most serious first; and what runs nowhere."""
    yield view.painted(_headline(report), "heading")
    for kind, title in _SECTIONS:
        rows = [
            (
                group.verdict.category,
                _name(group.verdict),
                *view.apart((group.verdict.digest or None, _expected(group.verdict))),
                str(place),
                str(count),
                view.prose(group.verdict.reason),
            )
            for group in _of_kind(report, kind)
            for place, count in group.places.items()
        ]
        if rows:
            yield ""
            yield f"{title}:"
            yield from table((Column("CLASS", role=_painter(_ROLES[kind])), *_COLUMNS), rows, view)
    if report.nowhere:
        yield ""
        yield f"in {report.environment}, running nowhere:"
        rows = [(record.image, str(record.version), view.digest(record.pull_digest)) for record in report.nowhere]
        yield from table((Column("IMAGE", "name"), Column("VERSION", "name"), Column("DIGEST", spare=1)), rows, view)


def _painter(role: Role) -> Any:
    return lambda _: role


def as_markdown(report: RunningReport) -> Iterator[str]:
    """Yield Markdown for a job summary or an issue's body; nothing from outside can break out of it."""
    yield f"**{_headline(report)}**"
    yield from markdown.table(("class", "containers"), [(name, str(count)) for name, count in report.summary.items()])
    for kind, title in _SECTIONS:
        rows = [
            (
                group.verdict.category,
                cell(_name(group.verdict)),
                cell(_short(group.verdict.digest)),
                cell(_short(_expected(group.verdict))),
                cell(str(place)),
                str(count),
                cell(group.verdict.reason),
            )
            for group in _of_kind(report, kind)
            for place, count in group.places.items()
        ]
        header = ("class", "image", "runs", "expected", "where", "containers", "reason")
        yield from _section(title.capitalize(), header, rows, _ROOM[kind])
    nowhere = [
        (cell(record.image), cell(record.version), cell(_short(record.pull_digest))) for record in report.nowhere
    ]
    title = f"In {report.environment}, running nowhere"
    yield from _section(title, ("image", "version", "digest"), nowhere, _NOWHERE_ROOM)


def _section(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], room: int) -> Iterator[str]:
    if rows:
        yield ""
        yield f"### {title}"
        shown = fitting(["".join(row) for row in rows], room)
        yield from markdown.table(header, rows[:shown])
        yield from omitted(len(rows) - shown)


def as_junit(report: RunningReport, fail_on: Sequence[str]) -> Iterator[str]:
    """Return JUnit XML: a test case for each image in each place; what `fail_on` has is a failure."""
    cases = [_case(group, place, count, fail_on) for group in report.groups for place, count in group.places.items()]
    return suite("ledger running", cases)


def _case(group: RunningGroup, place: WorkloadPlace, count: int, fail_on: Sequence[str]) -> Case:
    verdict = group.verdict
    name, where, reason = _name(verdict), str(place), verdict.reason or verdict.category
    if group.kind == "none":
        return Case(where, name)
    expected = _expected(verdict) or "-"
    detail = f"runs {verdict.digest or '-'}; expected {expected}; {counted(count, 'container')}"
    if group.fails(fail_on):
        return Case(where, name, verdict.category, reason, detail)
    return Case(where, name, skipped=f"{verdict.category}: {reason}; {detail}")


def as_metrics(report: RunningReport, now: float, last_complete: float | None) -> str:
    """Return the textfile for Prometheus' node exporter."""
    findings = [
        (group, place, count)
        for group in report.groups
        if group.kind != "none"
        for place, count in group.places.items()
    ]
    environment = {"environment": report.environment}
    lines = [
        *gauge(
            "running_containers",
            "Containers by class.",
            [(labels(environment | {"class": name}), count) for name, count in report.summary.items()],
        ),
        *gauge(
            "running_findings",
            "Containers by kind: drift, housekeeping, unknown.",
            [(labels(environment | {"kind": kind}), count) for kind, count in report.kinds.items()],
        ),
        *gauge(
            "running_finding",
            f"The containers of an image in a place that are not as recorded; the first {MOST_FINDINGS}.",
            [(labels(environment | _told(*finding[:2])), finding[2]) for finding in findings[:MOST_FINDINGS]],
        ),
        *gauge(
            "running_nowhere",
            "Images of the environment that run nowhere.",
            [(labels(environment), len(report.nowhere))],
        ),
        *of_run("running", now, now if report.complete else last_complete, complete=report.complete),
    ]
    return "\n".join(lines) + "\n"


def _told(group: RunningGroup, place: WorkloadPlace) -> dict[str, str]:
    verdict = group.verdict
    return {
        "cluster": place.cluster,
        "namespace": place.namespace,
        "workload": place.workload,
        "image": verdict.image,
        "tag": verdict.tag,
        "class": verdict.category,
        "kind": group.kind,
        "digest": verdict.digest,
        "expected": _expected(verdict) or "",
    }


def notes(report: RunningReport) -> Iterator[str]:
    """Yield what a reader should know."""
    if report.left_out:
        left_out = counted(report.left_out, "container")
        yield f"note: left out {left_out} of what has ended, has no replicas, or is only described"
    if report.summary.get("unpinned"):
        yield "note: `docker inspect` and the pods of `kubectl` tell digests; `docker ps` and workloads do not"


def _headline(report: RunningReport) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in report.summary.items()) or "nothing runs"
    return counts if report.complete else f"{counts}; incomplete"


def _of_kind(report: RunningReport, kind: FindingKind) -> list[RunningGroup]:
    return [group for group in report.groups if group.kind == kind]


def _name(verdict: RunningVerdict) -> str:
    return (f"{verdict.image}:{verdict.tag}" if verdict.tag else verdict.image) or "-"


def _expected(verdict: RunningVerdict) -> str | None:
    return verdict.expected.digest if verdict.expected else None


def _short(digest: str | None) -> str:
    return short_digest(digest) if digest else ""
