"""Reports of other jobs: what the commands print is read, and anything else is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.site.facts import DriftNote, RunningNote, RunningPlace
from ledger_tool.core.site.reports import parse_drift, parse_running
from ledger_tool.errors import UsageError
from tests.support.values.make import digest
from tests.support.values.schemas import check_schema

NOW = Timestamp("2026-11-25T00:00:00Z")
AT = "2026-11-24T00:00:00Z"
FINDING: dict[str, Any] = {
    "class": "tag-moved", "kind": "drift", "registry": "main", "image": "myorg/app", "tag": "v1",
    "platform": "linux/amd64", "ledger": digest("a"), "served": digest("b"), "reason": "the tag serves another digest",
    "since": None, "serves": None, "command": "ledger restore", "alternative": "",
}  # fmt: skip
DRIFT: dict[str, Any] = {
    "complete": True, "at": AT, "scope": "images", "checked": 3, "summary": {"tag-moved": 1, "in-sync": 2},
    "kinds": {"drift": 1}, "findings": [FINDING],
}  # fmt: skip
PLACE = {"cluster": "eu", "namespace": "shop", "workload": "web", "kind": "Deployment", "containers": 2}
RUNS: dict[str, Any] = {
    "class": "behind", "kind": "drift", "image": "myorg/app", "tag": "prod", "version": "v1", "digest": digest("a"),
    "expected": {"tag": "prod", "version": "v2", "digest": digest("b")}, "reason": "v1 runs, and prod is v2",
    "containers": 2, "places": [PLACE], "whence": [],
}  # fmt: skip
RUNNING: dict[str, Any] = {
    "complete": False, "at": AT, "environment": "prod", "containers": 2, "leftOut": 1, "summary": {"behind": 2},
    "kinds": {"drift": 2}, "images": [RUNS],
    "nowhere": [{"image": "myorg/tool", "version": "v3", "digest": digest("t")}],
}  # fmt: skip
REPORTS = {"reconcile": (parse_drift, DRIFT), "running": (parse_running, RUNNING)}


def parsed(report: Any, parse: Callable[..., Any] = parse_drift) -> Any:
    return parse(json.dumps(report).encode(), "report.json", NOW)


def refusal_of(report: Any, parse: Callable[..., Any]) -> str:
    """Return the message with which a report is refused, `""` if it is read."""
    try:
        parsed(report, parse)
    except UsageError as error:
        return error.message
    return ""


def test_a_report_of_reconcile_is_read() -> None:
    check_schema("reconcile-v1", DRIFT)
    report = parsed(DRIFT)
    assert (report.at, report.complete, report.checked) == (AT, True, 3)
    assert list(report.summary.items()) == [("tag-moved", 1), ("in-sync", 2)]
    assert report.notes == [
        DriftNote(
            "tag-moved", "drift", "main", "myorg/app", "v1", "linux/amd64", digest("a"), digest("b"),
            "the tag serves another digest", command="ledger restore",
        )
    ]  # fmt: skip


def test_what_a_finding_does_not_have_is_empty() -> None:
    finding = FINDING | {"tag": "", "platform": None, "ledger": None, "served": None, "since": AT}
    (note,) = parsed(DRIFT | {"findings": [finding], "at": None}).notes
    assert (note.tag, note.platform, note.ledger, note.served, note.since) == ("", "", "", "", AT)


def test_a_report_of_running_is_read() -> None:
    check_schema("running-v1", RUNNING)
    report = parsed(RUNNING, parse_running)
    assert (report.at, report.environment, report.complete, report.containers) == (AT, "prod", False, 2)
    assert report.nowhere == [("myorg/tool", "v3")]
    assert report.notes == [
        RunningNote(
            "behind", "drift", "myorg/app", "prod", "v1", digest("a"), "v2", "v1 runs, and prod is v2", 2,
            (RunningPlace("eu", "shop", "web", "Deployment", 2),), digest("b"),
        )
    ]  # fmt: skip
    alien = RUNS | {"class": "foreign", "kind": "none", "tag": None, "version": None, "digest": None, "expected": None}
    (note,) = parsed(RUNNING | {"images": [alien], "environment": None}, parse_running).notes
    assert (note.tag, note.version, note.digest, note.expected, note.expected_digest) == ("", "", "", "", "")


@pytest.mark.parametrize("command", REPORTS)
def test_a_later_version_may_add_fields(command: str) -> None:
    parse, report = REPORTS[command]
    assert parsed(report | {"more": [{}]}, parse) == parsed(report, parse)


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"null", b"{", b"\xff", b'{"complete": true, "complete": true}', b"[" * 99]
)
def test_what_is_not_a_report_is_refused(raw: bytes) -> None:
    for command, (parse, _) in REPORTS.items():
        with pytest.raises(UsageError) as refused:
            parse(raw, "report.json", NOW)
        assert refused.value.message.startswith("report.json is not ")
        assert f"`ledger {command} --format json >FILE`" in refused.value.hint


@pytest.mark.parametrize(
    "change",
    [
        {"complete": "yes"}, {"checked": -1}, {"checked": True}, {"checked": 1.5}, {"summary": {"odd": 1}},
        {"summary": {"gone": "1"}}, {"findings": {}}, {"findings": [None]}, {"at": "yesterday"}, {"at": 5},
        {"findings": [FINDING | {"class": "<script>"}]}, {"findings": [FINDING | {"kind": "none"}]},
        {"findings": [FINDING | {"image": "../../etc"}]}, {"findings": [FINDING | {"tag": "a/b"}]},
        {"findings": [FINDING | {"served": "javascript:alert(1)"}]}, {"findings": [FINDING | {"reason": None}]},
        {"findings": [{name: value for name, value in FINDING.items() if name != "registry"}]},
    ],
)  # fmt: skip
def test_a_malformed_field_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"^report\.json is not a report of `ledger reconcile`: "):
        parsed(DRIFT | change)


def test_one_report_is_not_taken_for_the_other() -> None:
    for given_one, other in ((DRIFT, parse_running), (RUNNING, parse_drift)):
        with pytest.raises(UsageError):
            parsed(given_one, other)


def test_a_report_from_the_future_would_decide_what_has_expired() -> None:
    assert parsed(DRIFT | {"at": "2026-11-25T00:09:00Z"}).at == "2026-11-25T00:09:00Z"
    with pytest.raises(UsageError, match=r"^report\.json is from 9999-01-01T00:00:00Z, and it is 2026-11-25"):
        parsed(DRIFT | {"at": "9999-01-01T00:00:00Z"})


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)


@given(st.sampled_from(sorted(REPORTS)), st.data())
def test_whatever_stands_in_a_field_is_read_or_refused(command: str, data: st.DataObject) -> None:
    parse, report = REPORTS[command]
    part = "findings" if command == "reconcile" else "images"
    inner = report[part][0]
    if data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(report)))
        report = report | {name: data.draw(_JSON)}
    else:
        name = data.draw(st.sampled_from(sorted(inner)))
        report = report | {part: [inner | {name: data.draw(_JSON)}]}
    refused = refusal_of(report, parse)
    assert not refused or refused.startswith("report.json is not a report of ")
