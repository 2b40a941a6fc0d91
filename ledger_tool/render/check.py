"""What `check` found: text, JSON, JUnit, and the annotations of GitHub and GitLab."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence

from ledger_tool.commands.check import Checked
from ledger_tool.core.judging.check import CheckFinding
from ledger_tool.core.ledger.names import LEDGER, counted, escaped, some_of
from ledger_tool.core.ledger.record import Record
from ledger_tool.render import json
from ledger_tool.render.files import file_lines, files_json
from ledger_tool.render.github import command
from ledger_tool.render.junit import Case, suite
from ledger_tool.render.view import View

MOST_YANKED = MOST_OUTLIVED = 10
MOST_LINES = MOST_SIGNED = 10
MOST_SIGNERS = 5


def as_json(checked: Checked) -> str:
    """Return the JSON object; `schema/check-v1.schema.json` describes it."""
    findings = [
        {
            "rule": finding.rule,
            "path": finding.path,
            "line": finding.line,
            "column": finding.column,
            "message": escaped(finding.message),
        }
        for finding in checked.findings
    ]
    outlived = [
        {
            "image": one.name.image,
            "environment": one.name.tag,
            "version": one.version,
            "way": one.fate.way,
            "message": escaped(str(one)),
        }
        for one in checked.outlived
    ]
    value = {"ok": checked.ok, "findings": findings, "files": files_json(checked.files), "outlived": outlived}
    return json.document(value)


def as_text(checked: Checked, view: View) -> Iterator[str]:
    """Yield one line per finding, in the style of compilers."""
    for finding in checked.findings:
        place, rule = f"{finding.path}:{finding.line}:{finding.column}", view.painted(finding.rule, "bad")
        yield f"{place}: {rule}: {escaped(finding.message)}"


def as_github(checked: Checked) -> Iterator[str]:
    """Yield GitHub's workflow commands, which annotate the lines of a pull request."""
    for finding in checked.findings:
        yield command(
            "error",
            finding.message,
            path=finding.path,
            line=finding.line,
            column=finding.column,
            title=f"ledger {finding.rule}",
        )


def as_gitlab(checked: Checked) -> str:
    """Return a Code Quality report, which GitLab shows in a merge request's changes.

    Source: GitLab's documentation, "Code Quality report format".
    """
    # GitLab shows one finding per fingerprint. Equal findings are numbered: a line number would change with each edit.
    occurrences: Counter[str] = Counter()

    def fingerprint(finding: CheckFinding) -> str:
        content = f"{finding.rule}\0{finding.path}\0{escaped(finding.message)}"
        occurrences[content] += 1
        return hashlib.sha256(f"{content}\0{occurrences[content]}".encode()).hexdigest()

    issues = [
        {
            "description": escaped(finding.message),
            "check_name": f"ledger {finding.rule}",
            "fingerprint": fingerprint(finding),
            "severity": "blocker",
            "location": {"path": finding.path, "lines": {"begin": finding.line}},
        }
        for finding in checked.findings
    ]
    return json.document(issues)


def as_junit(checked: Checked) -> Iterator[str]:
    """Return JUnit XML: one failed test case per finding, or one that passed."""
    cases = [
        Case(
            finding.path,
            f"{finding.path}:{finding.line}: {finding.rule}: {finding.message}",
            finding.rule,
            finding.message,
            f"{finding.path}:{finding.line}:{finding.column}",
        )
        for finding in checked.findings
    ]
    return suite("ledger check", cases or [Case("ledger.json", "ledger check")])


def fixed() -> str:
    """Return the note that `--fix` has written the file."""
    return f"note: {LEDGER} is now in canonical form, and says the same as before; `git add` and commit it"


def not_fixed(checked: Checked) -> str:
    """Return the note that `--fix` could do nothing, with the lines that a person has to decide about."""
    lines = [str(line) for line in sorted({one.line for one in checked.findings if one.path == LEDGER})]
    where = f"{'line' if len(lines) == 1 else 'lines'} {', '.join(lines[:MOST_LINES])}"
    more = f" and {len(lines) - MOST_LINES} more" if len(lines) > MOST_LINES else ""
    return f"note: {LEDGER} was not written: more than its form is wrong, in {where}{more}"


def notes(checked: Checked) -> Iterator[str]:
    """Yield what a person should know in addition to the findings, and a summary."""
    yield from _yanked(checked.yanked)
    yield from (f"warning: {one}" for one in checked.outlived[:MOST_OUTLIVED])
    if len(checked.outlived) > MOST_OUTLIVED:
        yield f"warning: {len(checked.outlived) - MOST_OUTLIVED} more versions of environments are no longer good"
    yield from (f"note: another file changes: {line}" for line in file_lines(checked.files))
    yield from (f"note: if the host squashes these commits, {loss}" for loss in checked.squash)
    if checked.claims:
        what = counted(checked.claims, "changed pull digest or platform", "changed pull digests or platforms")
        yield f"note: for {what} there is the publisher's word alone; `ledger check --registry` can look"
    if checked.signed:
        whose = "; ".join(
            f"{one.what}: {some_of(one.signers, MOST_SIGNERS).replace(', ', ' or ')}"
            for one in checked.signed[:MOST_SIGNED]
        )
        more = f", and {len(checked.signed) - MOST_SIGNED} more" if len(checked.signed) > MOST_SIGNED else ""
        how = "in a merge" if checked.takes_over else "by a fast-forward, or in a merge"
        yield (
            f"note: owners have signed these commits ({whose}{more}), so they have to land as they are: {how}; a "
            "squash or a rebase by the host drops the signatures"
        )
    if checked.takes_over:
        yield (
            "note: the base was merged into these commits, so they must not land by a fast-forward: the branch's own "
            "line would be theirs, which a server's hook refuses and `ledger audit --since` reports"
        )
    for one in checked.unsigned[:MOST_SIGNED]:
        yield f"note: {one.what} has changes that are not committed yet, and {' or '.join(one.signers)} has to sign"
    yield from (f"warning: {doubt}" for doubt in checked.doubts)
    for reason in checked.unknown:
        yield f"warning: not checked: {reason}"
    if checked.unserved:
        digests = counted(checked.unserved, "digest belongs to an image", "digests belong to images")
        yield f"note: {digests} that no configured registry serves"
    if checked.findings:
        yield counted(len(checked.findings), "finding")
        return
    if checked.unruled:
        yield f"ok: no rule is about {escaped(checked.unruled)}"
        return
    commits = f", {counted(checked.commits, 'commit')}" if checked.commits else ""
    yield f"ok: {counted(checked.records, 'record')}{commits}"


def _yanked(records: Sequence[Record]) -> Iterator[str]:
    for record in records[:MOST_YANKED]:
        if record.yanked:
            yield f"warning: {record.key} is yanked: {record.yanked.reason}"
    if len(records) > MOST_YANKED:
        yield f"warning: {len(records) - MOST_YANKED} more records are yanked"
