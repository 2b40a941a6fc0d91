"""The report of a reconcile, for people, machines, a job summary and a test reporter; for Prometheus, see `metrics`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ledger_tool.core.ledger.names import escaped
from ledger_tool.core.registry.drift import DriftFinding
from ledger_tool.core.registry.driftreport import DriftReport, is_failure
from ledger_tool.core.registry.failon import FindingKind
from ledger_tool.core.registry.served import ServedFacts
from ledger_tool.render import json, markdown
from ledger_tool.render.junit import Case, suite
from ledger_tool.render.markdown import cell, code, fitting, omitted
from ledger_tool.render.table import Column, table
from ledger_tool.render.view import Role, View, short_digest

_SECTIONS: tuple[tuple[FindingKind, str], ...] = (
    ("drift", "drift"),
    ("unknown", "unknown"),
    ("housekeeping", "housekeeping"),
)
_ROLES: Mapping[FindingKind, Role] = {"drift": "bad", "unknown": "doubtful", "housekeeping": "minor"}
_COLUMNS = (
    Column("REGISTRY", "name", spare=2),
    Column("IMAGE", "name"),
    Column("PLATFORM", spare=4),
    Column("LEDGER", spare=5),
    Column("SERVED", spare=6),
    Column("SINCE", spare=1),
    Column("REASON", "prose", spare=3),
)
# Characters of Markdown for each section's table, and for what to do about it: an issue takes 65,536 in all.
_TABLE_ROOM = {"drift": 16_000, "unknown": 6_000, "housekeeping": 6_000}
_COMMAND_ROOM = {"drift": 16_000, "unknown": 0, "housekeeping": 8_000}
_LONGEST_COMMAND = 3_000


def as_json(report: DriftReport) -> str:
    """Return the JSON object; `schema/reconcile-v1.schema.json` describes it."""
    value = {
        "complete": report.complete,
        "at": report.at,
        "scope": report.scope,
        "checked": sum(not finding.is_of_provenance for finding in report.findings),
        "summary": report.summary,
        "kinds": report.kinds,
        "findings": [
            {
                "class": finding.drift, "kind": finding.kind, "registry": finding.registry, "image": finding.image,
                "tag": finding.tag, "platform": finding.platform, "ledger": finding.ledger, "served": finding.served,
                "reason": finding.reason, "since": finding.since, "serves": _facts_as_json(finding.facts),
                "command": finding.command, "alternative": finding.alternative,
            }
            for finding in report.findings if finding.drift != "in-sync"
        ],
    }  # fmt: skip
    return json.document(value)


def _facts_as_json(facts: ServedFacts | None) -> dict[str, str] | None:
    return {"created": facts.created, "source": facts.source, "revision": facts.revision} if facts else None


def as_text(report: DriftReport, view: View) -> Iterator[str]:
    """Yield a summary; what differs, drift first, the most serious first; and what to do about it."""
    yield view.painted(_headline(report), "heading")
    for kind, title in _SECTIONS:
        rows = [
            (
                finding.drift,
                finding.registry,
                _name(finding),
                finding.platform or "",
                *view.apart((finding.ledger, finding.served)),
                view.time(finding.since or ""),
                view.prose(finding.reason),
            )
            for finding in _of_kind(report, kind)
        ]
        if rows:
            yield ""
            yield f"{title}:"
            yield from table((_class_column(_ROLES[kind]), *_COLUMNS), rows, view)
    commands = [finding for kind, _ in _SECTIONS for finding in _to_act_on(report, kind)]
    if commands:
        yield ""
        yield "what to do:"
    for finding in commands:
        yield f"  {_name(finding)} at {finding.registry}: {finding.drift}{_since(finding)}"
        if serves := _serves(finding):
            yield f"    serves {escaped(serves)}"
        yield f"    {escaped(finding.command)}"
        if finding.alternative:
            yield f"    or {escaped(finding.alternative)}"


def _class_column(role: Role) -> Column:
    return Column("CLASS", role=lambda _: role)


def as_markdown(report: DriftReport) -> Iterator[str]:
    """Yield Markdown for a job summary or an issue's body; nothing in a record can break out of it."""
    yield f"**{_headline(report)}**"
    yield from markdown.table(("class", "records"), [(name, str(count)) for name, count in report.summary.items()])
    for kind, title in _SECTIONS:
        rows = [
            (
                finding.drift,
                cell(_place(finding)),
                cell(finding.platform),
                cell(_short(finding.ledger)),
                cell(_short(finding.served)),
                cell(finding.since),
                cell(finding.reason),
            )
            for finding in _of_kind(report, kind)
        ]
        if not rows:
            continue
        yield ""
        yield f"### {title.capitalize()}"
        shown = fitting(["".join(row) for row in rows], _TABLE_ROOM[kind])
        header = ("class", "image", "platform", "ledger", "served", "since", "reason")
        yield from markdown.table(header, rows[:shown])
        yield from omitted(len(rows) - shown)
        yield from _commands_as_markdown(_to_act_on(report, kind), _COMMAND_ROOM[kind])


def _commands_as_markdown(findings: Sequence[DriftFinding], room: int) -> Iterator[str]:
    entries = []
    for finding in findings:
        facts = f", serves {code(serves)}" if (serves := _serves(finding)) else ""
        lines = [f"- {code(_place(finding))}{_since(finding)}{facts}:"]
        lines.append(f"  - {code(finding.command, _LONGEST_COMMAND)}")
        if finding.alternative:
            lines.append(f"  - or {code(finding.alternative, _LONGEST_COMMAND)}")
        entries.append("\n".join(lines))
    shown = fitting(entries, room)
    if shown:
        yield ""
        yield "What to do:"
        yield ""
        yield from entries[:shown]
        yield from omitted(len(entries) - shown)


def as_junit(report: DriftReport, fail_on: Sequence[str]) -> Iterator[str]:
    """Return JUnit XML: one test case per record; what `fail_on` has is a failure, all else that differs is skipped."""
    return suite("ledger reconcile", [_case(finding, fail_on) for finding in report.findings])


def _case(finding: DriftFinding, fail_on: Sequence[str]) -> Case:
    what = "provenance" if finding.is_of_provenance else ""
    name = " ".join(filter(None, (_name(finding), finding.platform, what)))
    registry, reason = finding.registry or "no registry", finding.reason or finding.drift
    if finding.drift == "in-sync":
        return Case(registry, name)
    if not is_failure(finding, fail_on):
        skipped = (
            reason if finding.drift == "unknown" else "; ".join([f"{finding.drift}: {reason}", *_details(finding)])
        )
        return Case(registry, name, skipped=skipped)
    detail = "; ".join([f"ledger {finding.ledger or '-'}", f"served {finding.served or '-'}", *_details(finding)])
    return Case(registry, name, finding.drift, reason, detail)


def _details(finding: DriftFinding) -> list[str]:
    """Return what an engineer needs to act on a finding, each with its name."""
    details = {
        "since": finding.since,
        "serves": _serves(finding),
        "do": finding.command,
        "or": finding.alternative,
    }
    return [f"{name}: {text}" for name, text in details.items() if text]


def warnings(report: DriftReport) -> Iterator[str]:
    """Yield what a reader should know before acting on the report."""
    for name in report.looks_down:
        yield f"warning: {name} looks down or half empty; do not delete anything because of this run"


def _headline(report: DriftReport) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in report.summary.items()) or "no records"
    return counts if report.complete else f"{counts}; incomplete"


def _of_kind(report: DriftReport, kind: FindingKind) -> list[DriftFinding]:
    return [finding for finding in report.findings if finding.kind == kind]


def _to_act_on(report: DriftReport, kind: FindingKind) -> list[DriftFinding]:
    """Return one finding for each tag and command; what is unknown is only to be looked at again."""
    wanted = [finding for finding in _of_kind(report, kind) if finding.command and kind != "unknown"]
    by_command = {(finding.registry, finding.image, finding.tag, finding.command): finding for finding in wanted[::-1]}
    return list(by_command.values())[::-1]


def _serves(finding: DriftFinding) -> str:
    """Return the digest that the tag serves, and what the image says about itself; `""` if nobody has looked."""
    facts = finding.facts
    if facts is None or not finding.served:
        return ""
    stated = (("created", facts.created), ("source", facts.source), ("revision", facts.revision))
    return ", ".join([finding.served, *(f"{name} {text}" for name, text in stated if text)])


def _since(finding: DriftFinding) -> str:
    return f" since {finding.since}" if finding.since else ""


def _name(finding: DriftFinding) -> str:
    return f"{finding.image}:{finding.tag}" if finding.tag else finding.image


def _place(finding: DriftFinding) -> str:
    return f"{finding.registry}/{_name(finding)}" if finding.registry else _name(finding)


def _short(digest: str | None) -> str:
    return short_digest(digest) if digest else ""
