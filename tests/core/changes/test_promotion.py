"""When two environments have the same: the version, and the image of every platform."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.promotion import are_same_images, has_same, lacks_source, outlived, unlike_platforms
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.policy.policy import Environment, Policy
from tests.support.values.make import digest, ledger_of, record

Images = Mapping[str | None, int]  # by platform
PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7")
POLICY = Policy(environments={"staging": Environment(), "prod": Environment("staging")})
NOW = Timestamp("2026-11-26T12:00:00Z")

_images = st.one_of(
    st.dictionaries(st.sampled_from(PLATFORMS), st.integers(0, 2), min_size=1),
    st.builds(lambda number: {None: number}, st.integers(0, 2)),
)
_index = st.sampled_from([None, "one", "two"])


def has(environment: str, images: Images, index: str | None, version: str = "v1", **more: object) -> tuple[Record, ...]:
    return tuple(
        record(
            "app", environment, digest=digest(number), platform=platform, index=index and platform and digest(index),
            version=version, **more,
        )
        for platform, number in sorted(images.items(), key=str)
    )  # fmt: skip


@given(_images, _images, _index, _index, st.sampled_from(["v1", "v1", "v2"]))
def test_two_have_the_same_if_each_platform_has_the_same_image_by_the_same_pull_digest(
    one: Images, other: Images, index: str | None, other_index: str | None, version: str
) -> None:
    first = has("staging", one, index, config=digest("c"), dependsOn=["a:1"])
    second = has("prod", other, other_index, version, publishedAt=NOW)
    pulled = [{record_.pull_digest for record_ in records} for records in (first, second)]
    is_filled_in = {*one, *other} >= {None} and len(one) == len(other) == 1  # an only image, whatever it is for
    same = (one == other or (is_filled_in and [*one.values()] == [*other.values()])) and pulled[0] == pulled[1]
    assert are_same_images(first, second) == are_same_images(second, first) == same
    assert has_same(first, second) == (same and version == "v1")
    if not is_filled_in:
        differ = [platform for platform in {*one, *other} if one.get(platform) != other.get(platform)]
        assert all(str(platform or "none given") in unlike_platforms(first, second) for platform in differ)
    why = lacks_source(Name("app", "prod"), ledger_of(*first, *second), POLICY)
    assert bool(why) != has_same(first, second)
    source = has("v1", other, other_index)
    assert [fate.way for fate in outlived(first, ledger_of(*source), NOW)] == ([] if same else ["replaced"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({PLATFORMS[0]: 0, PLATFORMS[1]: 1}, {PLATFORMS[0]: 0, PLATFORMS[1]: 2}),
        ({PLATFORMS[0]: 0, PLATFORMS[1]: 1}, {PLATFORMS[0]: 0}),
        ({PLATFORMS[0]: 0, PLATFORMS[1]: 1}, {PLATFORMS[0]: 0, PLATFORMS[2]: 1}),
        ({PLATFORMS[0]: 0}, {PLATFORMS[1]: 0}),
    ],
)
def test_one_pull_digest_is_not_enough(one: Images, other: Images) -> None:
    assert not has_same(has("staging", one, "one"), has("prod", other, "one"))
    assert not has_same(has("prod", other, "one"), has("staging", one, "one"))


def test_what_is_below_an_index_that_nobody_had_looked_into_is_not_what_was_tested() -> None:
    whole = (record("app", "staging", digest=digest("one"), version="v1"),)
    assert not has_same(whole, has("prod", {PLATFORMS[0]: 0}, "one"))


def test_an_ordinary_tag_with_the_name_of_an_environment_is_not_what_it_has() -> None:
    plain, new = record("app", "staging", digest=digest(0)), has("prod", {None: 0}, None)
    why = lacks_source(Name("app", "prod"), ledger_of(plain, *new), POLICY)
    assert why == "prod takes what staging has, and staging has no app"
