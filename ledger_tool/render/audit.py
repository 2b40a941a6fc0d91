"""What `audit` found: text, JSON, JUnit."""

from __future__ import annotations

from collections.abc import Iterator

from ledger_tool.commands.audit import Audited
from ledger_tool.core.ledger.names import counted, escaped
from ledger_tool.render import json
from ledger_tool.render.junit import Case, suite
from ledger_tool.render.view import View

MOST_RETURNED = 10


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
        "pullDigestClaims": audited.claims,
        "platformClaims": audited.platform_claims,
        "returned": [
            {
                "commit": one.commit,
                "image": one.new.image,
                "tag": one.new.tag,
                "platform": one.new.platform,
                "old": {"digest": one.old.digest, "sourceRef": one.old.source_ref},
                "new": {"digest": one.new.digest, "sourceRef": one.new.source_ref},
            }
            for one in audited.returned
        ],
    }
    return json.document(value)


def as_text(audited: Audited, view: View) -> Iterator[str]:
    """Yield one line per finding."""
    for finding in audited.findings:
        yield f"{finding.commit[:12]} {view.painted(finding.rule, 'bad')}: {escaped(finding.message)}"


def as_junit(audited: Audited) -> Iterator[str]:
    """Return JUnit XML: one failed test case per finding, or one that passed."""
    cases = [
        Case(finding.commit, f"{finding.rule}: {finding.message}", finding.rule, finding.message, finding.commit)
        for finding in audited.findings
    ]
    return suite("ledger audit", cases or [Case("history", "ledger audit")])


def notes(audited: Audited) -> Iterator[str]:
    """Yield what is no finding, but what a person should know; then a summary."""
    for one in audited.returned[:MOST_RETURNED]:
        now, was = (f"{record.digest} from {record.source_ref}" for record in (one.new, one.old))
        yield f"note: {one.new.key} was removed as {was}, and came back in {one.commit[:12]} as {now}"
    if len(audited.returned) > MOST_RETURNED:
        yield f"note: {len(audited.returned) - MOST_RETURNED} more came back"
    claims = {"changed pull digest": audited.claims, "changed platform": audited.platform_claims}
    if any(claims.values()):
        changed = " and ".join(counted(number, what) for what, number in claims.items() if number)
        yield f"note: for {changed} there is the publisher's word alone; `ledger check --registry` can look"
    yield summary(audited)


def summary(audited: Audited) -> str:
    """Return one line that says how far the proof goes."""
    commits = counted(audited.commits, "commit")
    signed = f", {counted(audited.signed, 'signature')} checked" if audited.signed else ""
    since = f" since commit {audited.since[:12]}" if audited.since else ""
    if audited.findings:
        return f"{counted(len(audited.findings), 'finding')} in {commits}{since}"
    return f"ok: {commits}{since}{signed}, up to {audited.head}"
