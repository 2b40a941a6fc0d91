"""What `audit` found: text, JSON, JUnit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from xml.sax.saxutils import quoteattr

from ledger_tool.commands.audit import Audited
from ledger_tool.core.judging.audit import Finding
from ledger_tool.core.ledger.names import escaped


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
    return json.dumps(found, indent=2, ensure_ascii=False)


def as_text(audited: Audited) -> Iterator[str]:
    """Yield a line for each finding."""
    for one in audited.findings:
        yield f"{one.commit[:12]} {one.rule}: {escaped(one.message)}"


def as_junit(audited: Audited) -> Iterator[str]:
    """Yield JUnit XML: a failed test case for each finding, or one that passed."""
    findings = audited.findings
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuite name="ledger audit" tests="{max(len(findings), 1)}" failures="{len(findings)}">'
    if not findings:
        yield '  <testcase classname="history" name="ledger audit"/>'
    for one in findings:
        yield from _case(one)
    yield "</testsuite>"


def _case(one: Finding) -> Iterator[str]:
    message = escaped(one.message)
    yield f"  <testcase classname={quoteattr(one.commit)} name={quoteattr(f'{one.rule}: {message}')}>"
    yield f"    <failure type={quoteattr(one.rule)} message={quoteattr(message)}>{escape(one.commit)}</failure>"
    yield "  </testcase>"


def summary(audited: Audited) -> str:
    """Return one line that says how far the proof goes."""
    commits = "1 commit" if audited.commits == 1 else f"{audited.commits} commits"
    signed = f", {audited.signed} of them checked for their signature" if audited.signed else ""
    since = f" since commit {audited.since[:12]}" if audited.since else ""
    if audited.findings:
        count = "1 finding" if len(audited.findings) == 1 else f"{len(audited.findings)} findings"
        return f"{count} in {commits}{since}"
    return f"in order: {commits}{since}{signed}, up to {audited.head}"
