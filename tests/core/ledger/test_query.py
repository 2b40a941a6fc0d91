"""Patterns, filters, times and TTLs of `list`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ledger_tool.core.ledger.names import Timestamp, parse_timestamp
from ledger_tool.core.ledger.query import Query, is_expired, matches, parse_when, select
from ledger_tool.errors import InvalidValue
from tests.support.values.make import ledger_of, record, source

NOW = datetime(2026, 11, 24, 9, 30, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pattern", "image", "tag", "hit"),
    [
        ("*", "myorg/app", "v1", True),
        ("myorg/*", "myorg/app", "v1", True),
        ("myorg/*", "myorg/team/app", "v1", True),
        ("myorg/*", "other/app", "v1", False),
        ("myorg/app", "myorg/app", "v1", True),
        ("myorg/ap", "myorg/app", "v1", False),
        ("myorg/app:v1", "myorg/app", "v1", True),
        ("myorg/app:v1", "myorg/app", "v10", False),
        ("myorg/*:v1.*", "myorg/app", "v1.5.0", True),
        ("*:latest", "myorg/app", "latest", True),
        ("*:latest", "myorg/app", "v1", False),
        ("app?", "app1", "v1", True),
        ("app[12]", "app2", "v1", True),
        ("app[!12]", "app2", "v1", False),
        ("*:V1", "app", "v1", False),
        ("", "app", "v1", False),
    ],
)
def test_a_pattern_means_images_or_with_a_colon_images_and_tags(pattern: str, image: str, tag: str, hit: bool) -> None:
    assert matches(pattern, image, tag) is hit


LEDGER = ledger_of(
    record("a", labels={"env": "prod", "team": "core"}, publishedAt="2026-11-01T00:00:00Z", ttl="7d"),
    record("b", labels={"env": "prod"}, publishedAt="2026-11-20T00:00:00Z", ttl="7d"),
    record("c", publishedAt="2026-11-24T09:30:00Z", sourceRef=source("special")),
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "abc"),
        ({"pattern": "[ab]"}, "ab"),
        ({"labels": {"env": "prod"}}, "ab"),
        ({"labels": {"env": "prod", "team": "core"}}, "a"),
        ({"labels": {"env": "test"}}, ""),
        ({"labels": {"nowhere": ""}}, ""),
        ({"source": source("special")[-40:]}, "c"),
        ({"source": "git.example.com"}, "abc"),
        ({"since": "2026-11-20T00:00:00Z"}, "bc"),
        ({"since": "2026-11-20T00:00:01Z"}, "c"),
        ({"expired_at": "2026-11-24T00:00:00Z"}, "a"),
        ({"expired_at": "2026-11-27T00:00:00Z"}, "ab"),
        ({"pattern": "b", "labels": {"env": "prod"}, "since": "2026-11-02T00:00:00Z"}, "b"),
    ],
)
def test_a_query_finds_what_answers_all_of_its_parts_in_order(query: dict[str, Any], found: str) -> None:
    assert "".join(one.image for one in select(LEDGER, Query(**query))) == found


@pytest.mark.parametrize(
    ("now", "expired"),
    [
        ("2026-12-01T09:29:59Z", False),
        ("2026-12-01T09:30:00Z", True),
        ("2026-11-24T09:30:00Z", False),
        ("2020-01-01T00:00:00Z", False),  # a clock that runs behind expires nothing
    ],
)
def test_a_record_expires_when_its_ttl_has_passed_since_it_was_published(now: str, expired: bool) -> None:
    assert is_expired(record(ttl="7d"), parse_timestamp(now)) is expired


def test_a_record_without_a_ttl_never_expires() -> None:
    assert not is_expired(record(), Timestamp("9999-12-31T23:59:59Z"))


def test_the_oldest_and_the_longest_living_record_can_be_asked_for_expiry() -> None:
    assert is_expired(record(publishedAt="0001-01-01T00:00:00Z", ttl="1m"), Timestamp("2026-01-01T00:00:00Z"))
    assert not is_expired(record(publishedAt="9999-12-31T23:59:59Z", ttl="99999w"), Timestamp("2026-01-01T00:00:00Z"))


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2026-11-24", "2026-11-24T00:00:00Z"),
        ("2026-11-24T09:30:00Z", "2026-11-24T09:30:00Z"),
        ("2026-11-24T10:30:00+01:00", "2026-11-24T09:30:00Z"),
        ("7d", "2026-11-17T09:30:00Z"),
        ("90m", "2026-11-24T08:00:00Z"),
        ("52w", "2025-11-25T09:30:00Z"),
        ("99999w", "0001-01-01T00:00:00Z"),  # further back than there are dates
    ],
)
def test_a_time_is_a_date_a_moment_or_a_length_back_from_now(text: str, when: str) -> None:
    assert parse_when(text, NOW) == when


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-02-30", "2026-11-24T09:30:00", "0d", "1000000d", "7y", "-7d", "7d\n", "٧d", "2026-11"],
)
def test_a_malformed_time_is_told_what_may_be_written(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_when(text, NOW)
    assert caught.value.field == "time"
    assert caught.value.message.startswith("time `")
    assert "7d" in caught.value.hint
