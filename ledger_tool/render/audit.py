"""What `audit` found: text, JSON, JUnit."""

from __future__ import annotations

from collections.abc import Iterator

from ledger_tool.commands.audit import Audited
from ledger_tool.core.ledger.names import counted, escaped
from ledger_tool.render import json
from ledger_tool.render.junit import Case, suite


def as_json(audited: Audited) -> str:
    """Return the JSON object; `schema/audit-v1.schema.json` describes it."""
    findings = [
        {
            "rule": finding.rule,
            "commit": finding.commit,
            "image": escaped(finding.key.image) if finding.key else None,
            "tag": escaped(finding.key.tag) if finding.key else None,
            "platform": escaped(finding.key.platform) or None if finding.key else None,
            "message": escaped(finding.message),
        }
        for finding in audited.findings
    ]
    value = {
        "ok": audited.ok,
        "commits": audited.commits,
        "head": audited.head,
        "since": audited.since or None,
        "findings": findings,
    }
    return json.document(value)


def as_text(audited: Audited) -> Iterator[str]:
    """Yield one line per finding."""
    for finding in audited.findings:
        yield f"{finding.commit[:12]} {finding.rule}: {escaped(finding.message)}"


def as_junit(audited: Audited) -> Iterator[str]:
    """Return JUnit XML: one failed test case per finding, or one that passed."""
    cases = [
        Case(finding.commit, f"{finding.rule}: {finding.message}", finding.rule, finding.message, finding.commit)
        for finding in audited.findings
    ]
    return suite("ledger audit", cases or [Case("history", "ledger audit")])


def summary(audited: Audited) -> str:
    """Return one line that says how far the proof goes."""
    commits = counted(audited.commits, "commit")
    signed = f", {counted(audited.signed, 'signature')} checked" if audited.signed else ""
    since = f" since commit {audited.since[:12]}" if audited.since else ""
    if audited.findings:
        return f"{counted(len(audited.findings), 'finding')} in {commits}{since}"
    return f"ok: {commits}{since}{signed}, up to {audited.head}"
