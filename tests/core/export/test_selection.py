"""Which version of an image goes into another tool's file."""

from __future__ import annotations

from typing import Any

import pytest

from ledger_tool.core.export import selection as rules
from ledger_tool.core.export.selection import ImageVersion, Selection
from ledger_tool.core.ledger.names import Platform, Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.ledger.yanks import yanks_among
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.errors import RuleRefused, UnknownImage
from tests.support.values.make import digest, ledger_of, record

POLICY = Policy((Registry("registry.example.com", ("myorg/*",), "team"),), mutable=("latest", "main"))
NOW = Timestamp("2026-11-25T00:00:00Z")
LEDGER = ledger_of(
    record("myorg/app", "v1", labels={"env": "prod"}, platform="linux/amd64"),
    record("myorg/app", "v2", digest=digest("b")),
    record("myorg/tool", "v1", labels={"env": "prod", "team": "a"}),
)


def versions(*records: Record, by_platform: bool = False) -> list[ImageVersion]:
    return rules.image_versions(ledger_of(*records).records(), POLICY, by_platform=by_platform)


def published(tag: str, day: int, **more: Any) -> Record:
    return record(tag=tag, publishedAt=f"2026-11-{day:02}T09:30:00Z", **{"digest": digest(tag)} | more)


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        (Selection(), ["app:v1", "app:v2", "tool:v1"]),
        (Selection(patterns=["myorg/app"]), ["app:v1", "app:v2"]),
        (Selection(patterns=["myorg/app:v2", "myorg/t*"]), ["app:v2", "tool:v1"]),
        (Selection(tags=["v1"]), ["app:v1", "tool:v1"]),
        (Selection(tags=["v2", "v1"], patterns=["*/app"]), ["app:v1", "app:v2"]),
        (Selection(labels={"env": "prod"}), ["app:v1", "tool:v1"]),
        (Selection(labels={"env": "prod", "team": "a"}), ["tool:v1"]),
        (Selection(platform=Platform("linux/amd64")), ["app:v1"]),
    ],
)
def test_records_are_selected_by_pattern_tag_label_and_platform(selection: Selection, found: list[str]) -> None:
    assert [f"{one.image.removeprefix('myorg/')}:{one.tag}" for one in rules.select(LEDGER, selection)] == found


@pytest.mark.parametrize(
    "selection", [Selection(patterns=["myorg/app", "nope"]), Selection(tags=["v9"]), Selection(labels={"env": "x"})]
)
def test_a_selection_of_nothing_is_refused(selection: Selection) -> None:
    with pytest.raises(UnknownImage):
        rules.select(LEDGER, selection)


def test_a_version_is_pulled_by_its_index_or_by_its_platforms_digest() -> None:
    one = record(platform="linux/amd64", index=digest("i"))
    (found,) = versions(one)
    assert (found.repository, found.digest) == ("registry.example.com/team/myorg/app", digest("i"))
    (found,) = versions(one, by_platform=True)
    assert found.digest == digest()


def test_images_without_a_common_index_need_a_platform() -> None:
    found = versions(record(platform="linux/amd64"), record(platform="linux/arm64", digest=digest("b")))
    with pytest.raises(RuleRefused, match="several images") as refused:
        rules.check_pullable(found)
    assert "linux/amd64, linux/arm64" in refused.value.hint


def test_two_tags_of_an_image_are_refused_where_there_is_room_for_one() -> None:
    with pytest.raises(RuleRefused, match="myorg/app has 2 tags that match") as refused:
        rules.check_single(versions(record(tag="v1"), record(tag="v2")))
    assert "`myorg/app:v2`" in refused.value.hint
    rules.check_single(versions(record("a"), record("b")))


def chosen(*records: Record) -> tuple[list[str], list[str]]:
    found, left = rules.latest_each(versions(*records), POLICY, NOW, yanks_among(records))
    return [one.name.tag for one in found], [one.name.tag for one in left]


def test_the_latest_is_the_one_published_last() -> None:
    assert chosen(published("v1", 3), published("v2", 2), published("v10", 1)) == (["v1"], [])


def test_the_latest_passes_over_yanked_and_expired_ones() -> None:
    yanked = {"at": "2026-11-25T08:00:00Z", "reason": "bad"}
    assert chosen(published("v1", 1), published("v2", 2, yanked=yanked), published("pr-3", 3, ttl="1d")) == (
        ["v1"], ["pr-3", "v2"],
    )  # fmt: skip
    with pytest.raises(UnknownImage, match="yanked or expired"):
        chosen(published("v2", 2, yanked=yanked))


def test_of_tags_pushed_together_the_one_that_cannot_move_is_taken() -> None:
    same = digest("same")
    assert chosen(published("latest", 2, digest=same), published("v2", 2, digest=same)) == (["v2"], [])
    assert chosen(published("v2", 2, digest=same), published("v2.1", 2, digest=same)) == (["v2.1"], [])
    assert chosen(published("1.10.0", 2, digest=same), published("1.9.0", 2, digest=same)) == (["1.10.0"], [])
    assert chosen(published("latest", 2)) == (["latest"], [])


def test_the_latest_is_the_plain_image_of_the_version_whose_variant_came_last() -> None:
    assert chosen(published("1.28.0", 2), published("1.28.0-alpine", 3), published("1.27.5", 2)) == (["1.28.0"], [])
    assert chosen(published("1.28.0", 2), published("1.28.0-alpine", 2)) == (["1.28.0"], [])


def test_a_tie_of_different_images_is_refused() -> None:
    with pytest.raises(RuleRefused, match="published in the same second: v2, v3"):
        chosen(published("v2", 2), published("v3", 2), published("latest", 2))
