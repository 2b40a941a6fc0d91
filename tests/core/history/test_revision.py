"""A time or a revision?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ledger_tool.core.history.revision import Moment, RevisionRange, parse_moment, parse_range
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.errors import InvalidValue, UsageError

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-23", Moment(time=Timestamp("2026-11-23T00:00:00Z"))),
        ("2026-11-24T10:00:00+01:00", Moment(time=Timestamp("2026-11-24T09:00:00Z"))),
        ("7d", Moment(time=Timestamp("2026-11-17T09:30:00Z"))),
        ("main~3", Moment(revision="main~3")),
        ("4ef5a3030654", Moment(revision="4ef5a3030654")),
        ("2026", Moment(revision="2026")),
        ("release-2026-11-24", Moment(revision="release-2026-11-24")),
    ],
)
def test_times_are_told_from_revisions(value: str, expected: Moment) -> None:
    assert parse_moment(value, NOW) == expected


@pytest.mark.parametrize("value", ["2026-13-01", "2026-11-24T25:00:00Z", "2026-11-24T09:30:00", "0d", "2026-02-30"])
def test_something_that_only_looks_like_a_time_is_refused(value: str) -> None:
    with pytest.raises(InvalidValue):
        parse_moment(value, NOW)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("main", ""), RevisionRange("main", uncommitted=True)),
        (("main", "pr"), RevisionRange("main", "pr")),
        (("main...pr", ""), RevisionRange("main", "pr")),
        (("main..pr", ""), RevisionRange("main", "pr", since_parted=False)),
        (("main..", ""), RevisionRange("main", since_parted=False)),
        (("..pr", ""), RevisionRange("", "pr", since_parted=False)),
        (("...pr", ""), RevisionRange("", "pr")),
        (("v1.0...v1.1", ""), RevisionRange("v1.0", "v1.1")),
        (("origin/main@{1}..HEAD~2", ""), RevisionRange("origin/main@{1}", "HEAD~2", since_parted=False)),
    ],
)
def test_the_dots_of_a_range_mean_what_they_mean_to_git(words: tuple[str, str], expected: RevisionRange) -> None:
    assert parse_range(*words) == expected


@pytest.mark.parametrize("words", [("a..b", "c"), ("a..b..c", ""), ("..", ""), ("...", ""), ("a...b...c", "")])
def test_more_or_less_than_one_range_is_a_usage_error(words: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match="is not one range of revisions"):
        parse_range(*words)
