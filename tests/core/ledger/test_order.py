"""The newest tag of each image, and the orders of `list`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.order import in_order, latest, newest_tags
from ledger_tool.core.ledger.query import Query, select
from ledger_tool.core.ledger.version import rank
from ledger_tool.core.ledger.yanks import Yanks, yanks_of
from tests.support.values.make import digest, ledger_of, record

LATEST = ledger_of(
    record("a", "v1", platform="linux/amd64", publishedAt="2026-11-01T00:00:00Z"),
    record("a", "v2", platform="linux/amd64", publishedAt="2026-11-02T00:00:00Z"),
    record("a", "v2", platform="linux/arm64", publishedAt="2026-10-01T00:00:00Z"),
    record(
        "a",
        "v3",
        digest=digest("3"),
        publishedAt="2026-11-03T00:00:00Z",
        yanked={"at": "2026-11-04T00:00:00Z", "reason": "bad"},
    ),
    record("b", "pr-1", publishedAt="2026-11-01T00:00:00Z", ttl="1d"),
    record("b", "v1", publishedAt="2026-10-01T00:00:00Z"),
    record("c", "latest", publishedAt="2026-11-01T00:00:00Z"),
    record("c", "v1", publishedAt="2026-11-01T00:00:00Z"),
    record("d", "v1", publishedAt="2026-11-01T00:00:00Z", yanked={"at": "2026-11-04T00:00:00Z", "reason": "bad"}),
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["a:v2 (linux/amd64)", "a:v2 (linux/arm64)", "b:v1", "c:v1"]),
        ({"pattern": "a:v1"}, ["a:v1 (linux/amd64)"]),
        ({"pattern": "d"}, []),
        ({"since": "2026-11-01T00:00:00Z"}, ["a:v2 (linux/amd64)", "c:v1"]),
        ({"now": "2026-11-01T12:00:00Z", "pattern": "b"}, ["b:pr-1"]),
    ],
)
def test_the_latest_is_the_newest_tag_of_each_image_that_is_neither_yanked_nor_expired(
    query: dict[str, Any], found: list[str]
) -> None:
    query = dict(query)
    now = Timestamp(query.pop("now", "2026-11-24T00:00:00Z"))
    assert [str(one.key) for one in latest(select(LATEST, Query(**query)), now, yanks_of(LATEST))] == found


@pytest.mark.parametrize(
    ("tags", "newest"),
    [
        ("1.9.0 1.10.0", "1.10.0"),
        ("1.28.0 1.28.0-alpine 1.28.0-bookworm latest", "1.28.0"),
        ("1.28 1.28.0 1", "1.28.0"),
        ("1.28.0 1.28.0-rc.1 main", "1.28.0"),
        ("3.4.6-debian-12-r7 3.4.6-debian-12-r12", "3.4.6-debian-12-r12"),
        ("main pr-1", "pr-1"),
    ],
)
def test_of_tags_of_one_second_the_latest_is_the_highest_version_of_the_plain_image(tags: str, newest: str) -> None:
    ledger = ledger_of(*(record("a", tag, digest=digest(tag)) for tag in tags.split()))
    assert [one.tag for one in latest(ledger.records(), Timestamp("2027-01-01T00:00:00Z"), Yanks())] == [newest]


def test_the_plain_image_stands_for_the_variants_of_its_version() -> None:
    tags = ["1.28.0", "1.28.0-alpine", "1.27.5", "1.27.5-alpine", "1.27.5-bookworm"]
    made = [
        record("a", tag, digest=digest(tag), publishedAt=f"2026-11-0{at}T00:00:00Z") for at, tag in enumerate(tags, 1)
    ]
    assert [one.tag for one in latest(ledger_of(*made).records(), Timestamp("2027-01-01T00:00:00Z"), Yanks())] == [
        "1.27.5"
    ]
    assert [one.tag for one in latest(ledger_of(*made[:2]).records(), Timestamp("2027-01-01T00:00:00Z"), Yanks())] == [
        "1.28.0"
    ]
    assert [one.tag for one in latest(made[1:2], Timestamp("2027-01-01T00:00:00Z"), Yanks())] == ["1.28.0-alpine"]


def test_a_floating_tag_and_another_commit_are_not_the_same_version() -> None:
    times = {"1.28": 3, "1.28.0": 1, "1.28.3": 2, "1.28.3-alpine": 3}
    assert newest_tags((tag, Timestamp(f"2026-11-0{at}T00:00:00Z")) for tag, at in times.items()) == ["1.28", "1.28.3"]
    times = {"1.0-4ef5a30": 2, "1.0-77aa00b": 1}
    assert newest_tags((tag, Timestamp(f"2026-11-0{at}T00:00:00Z")) for tag, at in times.items()) == ["1.0-4ef5a30"]


TAGS = "latest 1.9.0 1.10.0 1.10.0-alpine 1.10 v1.11.0-rc.1 1.10.0-r2 pr-7 20240101"


def test_records_are_listed_in_version_order_or_by_time() -> None:
    made = [
        record(image, tag, digest=digest(tag), publishedAt=f"2026-11-{at + 1:02}T00:00:00Z")
        for image in ("b", "a")
        for at, tag in enumerate(TAGS.split())
    ]
    records = list(ledger_of(*made).records())
    by_version = [(one.image, one.tag) for one in in_order(records, "version")]
    tags = ["v1.11.0-rc.1", "1.10.0-r2", "1.10.0", "1.10", "1.10.0-alpine", "1.9.0", "20240101", "pr-7", "latest"]
    assert by_version == [(image, tag) for image in ("a", "b") for tag in tags]
    assert [one.tag for one in in_order(records, "published")][::2] == TAGS.split()[::-1]
    assert in_order(records, "image") == records


@given(st.lists(st.sampled_from(TAGS.split()), min_size=1, unique=True))
def test_the_first_record_in_time_is_of_the_latest_tag(tags: list[str]) -> None:
    records = list(ledger_of(*(record("a", tag, digest=digest(tag)) for tag in tags)).records())
    newest = latest(records, Timestamp("2027-01-01T00:00:00Z"), Yanks())[0]
    assert newest == in_order(records, "published")[0] == in_order(records, "version")[0]
    assert newest.tag == max(tags, key=rank)
