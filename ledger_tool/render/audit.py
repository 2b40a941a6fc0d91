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
            "rule": one.rule,
            "commit": one.commit,
            "image": escaped(one.key.image) if one.key else None,
            "tag": escaped(one.key.tag) if one.key else None,
            "platform": escaped(one.key.platform) or None if one.key else None,
            "message": escaped(one.message),
        }
        for one in audited.findings
    ]
    found = {
        "ok": audited.ok,
        "commits": audited.commits,
        "head": audited.head,
        "since": audited.since or None,
        "findings": findings,
    }
    return json.document(found)


def as_text(audited: Audited) -> Iterator[str]:
    """Yield a line for each finding."""
    for one in audited.findings:
        yield f"{one.commit[:12]} {one.rule}: {escaped(one.message)}"


def as_junit(audited: Audited) -> Iterator[str]:
    """Return JUnit XML: a failed test case for each finding, or one that passed."""
    cases = [
        Case(finding.commit, f"{finding.rule}: {finding.message}", finding.rule, finding.message, finding.commit)
        for finding in audited.findings
    ]
    return suite("ledger audit", cases or [Case("history", "ledger audit")])


def summary(audited: Audited) -> str:
    """Return one line that says how far the proof goes."""
    commits = counted(audited.commits, "commit")
    signed = f", {audited.signed} of them checked for their signature" if audited.signed else ""
    since = f" since commit {audited.since[:12]}" if audited.since else ""
    if audited.findings:
        return f"{counted(len(audited.findings), 'finding')} in {commits}{since}"
    return f"ok: {commits}{since}{signed}, up to {audited.head}"
