"""Findings in the formats of people and hosts. The parsers here are not ours."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.commands.check import Checked
from ledger_tool.core.judging.check import CheckFinding
from ledger_tool.render import check as render
from ledger_tool.render.view import View
from tests.support.values.make import record

_TEXTS = st.text(max_size=30) | st.sampled_from(
    [
        "\x1b[31m",
        "a\nb",
        "::error::x",
        "]]>",
        "<&\"'>",
        "%0A",
        "\ufffe\uffff",
        "\ud800",
        "##[set-output name=x]y",
        "a,b:c",
    ]
)
FINDINGS = st.builds(
    CheckFinding,
    st.sampled_from(["schema", "immutable"]),
    st.sampled_from(["ledger.json", "ledger.yaml"]),
    st.integers(1, 10**6),
    st.integers(1, 100),
    _TEXTS,
)
CHECKS = st.lists(FINDINGS, max_size=5).map(lambda found: Checked(found, 1, 1))


@given(CHECKS)
def test_each_finding_is_one_line_of_text_and_one_annotation_whatever_it_says(checked: Checked) -> None:
    assert json.loads(render.as_json(checked).encode())["ok"] == (not checked.findings)
    for lines, start in (
        (list(render.as_text(checked, View())), ""),
        (list(render.as_github(checked)), "::error file="),
    ):
        assert len(lines) == len(checked.findings)
        for line, one in zip(lines, checked.findings, strict=True):
            assert line.startswith(f"{start}{one.path}")
            assert "\n" not in line
            assert "\r" not in line
            assert "\x1b" not in line
            assert "##[" not in line
    for line, one in zip(render.as_github(checked), checked.findings, strict=True):
        properties, _, message = line.removeprefix("::error ").partition("::")
        assert dict(part.split("=") for part in properties.split(",")) == {
            "file": one.path, "line": str(one.line), "col": str(one.column), "title": f"ledger {one.rule}",
        }  # fmt: skip
        assert "%" not in message.replace("%25", "")


@given(CHECKS)
def test_junit_is_well_formed_and_counts(checked: Checked) -> None:
    suite = ET.fromstring("\n".join(render.as_junit(checked)).encode())
    cases = suite.findall("testcase")
    assert suite.get("tests") == str(len(cases)) == str(max(len(checked.findings), 1))
    assert suite.get("failures") == str(len(suite.findall("testcase/failure"))) == str(len(checked.findings))
    for case, one in zip(cases, checked.findings, strict=False):
        failure = case.find("failure")
        assert failure is not None
        assert (case.get("classname"), failure.get("type")) == (one.path, one.rule)
        assert failure.text == f"{one.path}:{one.line}:{one.column}"


@given(CHECKS)
def test_gitlab_tells_all_findings_apart_and_the_same_ones_from_run_to_run(checked: Checked) -> None:
    found = json.loads(render.as_gitlab(checked))
    assert len({one["fingerprint"] for one in found}) == len(checked.findings)
    moved = Checked([CheckFinding(one.rule, one.path, one.line + 1, 1, one.message) for one in checked.findings], 1, 1)
    assert [one["fingerprint"] for one in json.loads(render.as_gitlab(moved))] == [one["fingerprint"] for one in found]
    for one, finding in zip(found, checked.findings, strict=True):
        assert one["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert one["location"] == {"path": finding.path, "lines": {"begin": finding.line}}
        assert one["check_name"] == f"ledger {finding.rule}"


def test_notes_sum_up() -> None:
    yanked = [record(tag=f"v{at}", yanked={"at": "2026-01-01T00:00:00Z", "reason": "bad"}) for at in range(12)]
    checked = Checked([], 12, 2, unknown=["myorg/app:v1: no answer"], unserved=2, yanked=yanked)
    found = list(render.notes(checked))
    assert found[0] == "warning: myorg/app:v0 is yanked: bad"
    assert found[10:] == [
        "warning: 2 more records are yanked",
        "warning: not checked: myorg/app:v1: no answer",
        "note: 2 digests belong to images that no configured registry serves",
        "ok: 12 records, 2 commits",
    ]
    finding = CheckFinding("schema", "ledger.json", 1, 1, "x")
    assert list(render.notes(Checked([finding], 1, 0))) == ["1 finding"]
    assert list(render.notes(Checked([finding, finding], 1, 0))) == ["2 findings"]
