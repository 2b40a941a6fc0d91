"""JUnit XML: one test suite with a test case for each item that was checked.

Source: the `junit-10.xsd` of Jenkins' xUnit plugin; the hosts read `testsuite`, `testcase`, `failure` and `skipped`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape  # xml.sax.saxutils escapes too, and imports all of urllib

from ledger_tool.core.ledger.names import escaped


@dataclass(frozen=True, slots=True)
class Case:
    """One test case. `failure` is the kind of failure, or `""`; `skipped` says why it could not be decided, or `""`."""

    classname: str
    name: str
    failure: str = ""
    message: str = ""
    detail: str = ""
    skipped: str = ""


def suite(name: str, cases: Sequence[Case]) -> Iterator[str]:
    """Yield the lines of a test suite."""
    failures = sum(bool(case.failure) for case in cases)
    skipped = sum(bool(case.skipped) for case in cases)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    counts = f'tests="{len(cases)}" failures="{failures}" skipped="{skipped}"'
    yield f"<testsuite name={_quoted(name)} {counts}>"
    for case in cases:
        yield from _case(case)
    yield "</testsuite>"


def _case(case: Case) -> Iterator[str]:
    start = f"  <testcase classname={_quoted(case.classname)} name={_quoted(case.name)}"
    if case.failure:
        yield f"{start}>"
        attributes = f"type={_quoted(case.failure)} message={_quoted(case.message)}"
        yield f"    <failure {attributes}>{escape(escaped(case.detail))}</failure>"
        yield "  </testcase>"
    elif case.skipped:
        yield f"{start}>"
        yield f"    <skipped message={_quoted(case.skipped)}/>"
        yield "  </testcase>"
    else:
        yield f"{start}/>"


def _quoted(text: str) -> str:
    return f'"{escape(escaped(text))}"'
