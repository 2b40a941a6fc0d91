"""What `check` found: text, JSON, JUnit, and the annotations of GitHub and GitLab."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

from ledger_tool.commands.check import Checked
from ledger_tool.core.judging.check import Finding
from ledger_tool.core.ledger.names import escaped
from ledger_tool.core.ledger.record import Record
from ledger_tool.render.github import command

MOST_YANKED = 10


def as_json(checked: Checked) -> str:
    """Return the JSON object; `schema/check-v1.schema.json` describes it."""
    findings = [
        {"rule": one.rule, "path": one.path, "line": one.line, "column": one.column, "message": escaped(one.message)}
        for one in checked.findings
    ]
    return json.dumps({"ok": checked.ok, "findings": findings}, indent=2, ensure_ascii=False)


def as_text(checked: Checked) -> Iterator[str]:
    """Yield a line for each finding, as compilers write them."""
    for one in checked.findings:
        yield f"{one.path}:{one.line}:{one.column}: {one.rule}: {escaped(one.message)}"


def as_github(checked: Checked) -> Iterator[str]:
    """Yield GitHub's workflow commands, which annotate the lines of a pull request."""
    for one in checked.findings:
        yield command("error", one.message, path=one.path, line=one.line, column=one.column, title=f"ledger {one.rule}")


def as_gitlab(checked: Checked) -> str:
    """Return a Code Quality report, which GitLab shows in a merge request's changes.

    Source: GitLab's documentation, "Code Quality report format".
    """
    same: Counter[str] = Counter()  # GitLab shows one finding a fingerprint; a line in it would change with each edit

    def fingerprint(one: Finding) -> str:
        what = f"{one.rule}\0{one.path}\0{escaped(one.message)}"
        same[what] += 1
        return hashlib.sha256(f"{what}\0{same[what]}".encode()).hexdigest()

    found = [
        {
            "description": escaped(one.message),
            "check_name": f"ledger {one.rule}",
            "fingerprint": fingerprint(one),
            "severity": "blocker",
            "location": {"path": one.path, "lines": {"begin": one.line}},
        }
        for one in checked.findings
    ]
    return json.dumps(found, indent=2, ensure_ascii=False)


def as_junit(checked: Checked) -> Iterator[str]:
    """Yield JUnit XML: a failed test case for each finding, or one that passed."""
    findings = checked.findings
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuite name="ledger check" tests="{max(len(findings), 1)}" failures="{len(findings)}">'
    if not findings:
        yield '  <testcase classname="ledger.json" name="ledger check"/>'
    for one in findings:
        yield from _case(one)
    yield "</testsuite>"


def _quoted(text: str) -> str:
    return f'"{escape(text)}"'  # xml.sax.saxutils does it too, and brings all of urllib along


def _case(one: Finding) -> Iterator[str]:
    message = escaped(one.message)
    name = _quoted(f"{one.path}:{one.line}: {one.rule}: {message}")
    where = escape(f"{one.path}:{one.line}:{one.column}")
    yield f"  <testcase classname={_quoted(one.path)} name={name}>"
    yield f"    <failure type={_quoted(one.rule)} message={_quoted(message)}>{where}</failure>"
    yield "  </testcase>"


def notes(checked: Checked) -> Iterator[str]:
    """Yield what a person should know besides the findings, and a summary."""
    yield from _yanked(checked.yanked)
    for one in checked.unknown:
        yield f"warning: not looked up: {one}"
    if checked.homeless:
        of = "1 digest is of an image" if checked.homeless == 1 else f"{checked.homeless} digests are of images"
        yield f"note: {of} that no configured registry serves"
    if checked.findings:
        yield "1 finding" if len(checked.findings) == 1 else f"{len(checked.findings)} findings"
        return
    records = "1 record" if checked.records == 1 else f"{checked.records} records"
    commits = ", 1 commit" if checked.commits == 1 else f", {checked.commits} commits" if checked.commits else ""
    yield f"in order: {records}{commits}"


def _yanked(records: Sequence[Record]) -> Iterator[str]:
    for record in records[:MOST_YANKED]:
        if record.yanked:
            yield f"warning: {record.key} is yanked: {record.yanked.reason}"
    if len(records) > MOST_YANKED:
        yield f"warning: {len(records) - MOST_YANKED} more records are yanked"
