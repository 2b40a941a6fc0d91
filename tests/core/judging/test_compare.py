"""Two environments compared: what differs, in which direction, and the promotion that makes them the same."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.promotion import promoted
from ledger_tool.core.judging.compare import Comparison, EnvironmentSet, compared, equalizing_promotion, parse_side
from ledger_tool.core.ledger.names import Tag, Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Environment, Policy
from ledger_tool.core.writes.promote import promote, taken
from ledger_tool.errors import RuleRefused, UnknownImage, UsageError
from tests.support.values.make import but, digest, ledger_of, record, source

NOW = Timestamp("2026-11-26T12:00:00Z")
POLICY = Policy(
    environments={"dev": Environment(), "staging": Environment("dev"), "prod": Environment("staging")},
    mutable=("main", "1.*"),
)
MIRRORED = {"only-first": "only-second", "only-second": "only-first", "upgrade": "downgrade", "downgrade": "upgrade"}


def version(image: str, tag: str, seed: object = "", **more: Any) -> Record:
    forge = source((image, tag)).replace("git.example.com", "github.com")
    return record(image, tag, digest=digest((image, tag, seed)), platform="linux/amd64", **{"sourceRef": forge} | more)


def held(one: Record, environment: str) -> Record:
    return promoted([one], Tag(environment), NOW)[0]


def of(*records: Record) -> Snapshot:
    return Snapshot("", ledger_of(*records), POLICY)


def comparison(snapshot: Snapshot, first: str, second: str, *patterns: str) -> Comparison:
    one, other = (EnvironmentSet(Tag(side), snapshot.ledger, NOW) for side in (first, second))
    return compared(one, other, snapshot, NOW, patterns)


def told(found: Comparison) -> list[tuple[str, str, str]]:
    return [(image.image, image.state, image.direction) for image in found.images]


@pytest.mark.parametrize(
    ("first", "second", "state", "direction"),
    [
        ("v1.5.0", "v1.6.0", "other-version", "upgrade"),
        ("v1.10.0", "v1.9.0", "other-version", "downgrade"),
        ("v1.5.0", "1.5.0", "other-version", "same"),
        ("v1.5.0", "pr-7", "other-version", "unknown"),
        ("v1.5.0", "v1.5.0", "same", "unknown"),
        ("main", "v1.5.0", "other-version", "unknown"),
        ("1.5", "1.6.0", "other-version", "unknown"),  # `1.*` may move, and nothing tells what it was
        ("2.5", "2.6", "other-version", "upgrade"),  # a version of two numbers that may not move
        ("2.5", "2.5.3", "other-version", "unknown"),
        ("v3.4.7", "v3.4.7-r1", "other-version", "upgrade"),
        ("1.4.7-r1", "1.4.7", "other-version", "unknown"),  # `1.*` may move, and be the rebuild by now
    ],
)
def test_two_versions_are_an_upgrade_or_a_downgrade_where_both_say_which_they_are(
    first: str, second: str, state: str, direction: str
) -> None:
    one, other = version("app", first), version("app", second)
    snapshot = of(*{one.name: one, other.name: other}.values(), held(one, "prod"), held(other, "staging"))
    assert told(comparison(snapshot, "prod", "staging")) == [("app", state, direction)]


def test_a_tag_that_moves_is_the_version_that_has_its_digest() -> None:
    exact, main = version("app", "v1.4.0", "x"), version("app", "main")
    same = but(exact, tag="main")
    newer = version("app", "v1.6.0")
    snapshot = of(exact, same, newer, held(same, "prod"), held(newer, "staging"))
    assert told(comparison(snapshot, "prod", "staging")) == [("app", "other-version", "upgrade")]
    moved = of(exact, main, newer, held(same, "prod"), held(newer, "staging"))  # `main` has moved on since
    assert told(comparison(moved, "prod", "staging")) == [("app", "other-version", "upgrade")]
    assert comparison(moved, "prod", "staging").images[0].remarks == [
        "app:prod has main, and not what is recorded of it: digest, sourceRef"
    ]


def test_one_version_with_another_digest_is_told() -> None:
    old, new = version("app", "main", "old"), version("app", "main", "new")
    snapshot = of(new, held(old, "prod"), held(new, "staging"))
    (image,) = comparison(snapshot, "prod", "staging").images
    assert image.state == "other-digest"
    assert image.remarks == ["app:prod has main, and not what is recorded of it: digest"]


def test_a_platform_that_is_filled_in_is_no_difference_and_one_more_is() -> None:
    whole = record("app", "v1", digest=digest("1"))
    known = but(whole, platform="linux/amd64")
    assert told(comparison(of(known, held(whole, "prod"), held(known, "staging")), "prod", "staging"))[0][1] == "same"
    more = but(whole, platform="linux/arm64", digest=digest("2"))
    grown = of(known, more, held(known, "prod"), held(known, "staging"), held(more, "staging"))
    assert told(comparison(grown, "prod", "staging"))[0][1] == "other-digest"


def test_the_sources_are_compared_in_the_same_direction() -> None:
    one, other = version("app", "v1"), version("app", "v2")
    snapshot = of(one, other, held(one, "prod"), held(other, "staging"))
    before, after = (each.source_ref.rpartition("@")[2] for each in (one, other))
    page = "https://github.com/team/app/compare/{}...{}"
    assert comparison(snapshot, "prod", "staging").images[0].compare == page.format(before, after)
    assert comparison(snapshot, "staging", "prod").images[0].compare == page.format(after, before)


def test_what_became_of_a_version_is_told_even_if_both_have_it() -> None:
    bad = but(version("app", "v1"), yanked={"at": NOW, "reason": "crashes"})
    old = version("web", "v1", ttl="1h")
    snapshot = of(bad, old, *(held(one, side) for one in (bad, old) for side in ("prod", "staging")))
    assert [(image.state, image.remarks) for image in comparison(snapshot, "prod", "staging").images] == [
        ("same", ["app:v1 is yanked: crashes"]),
        ("same", ["web:v1 has expired"]),
    ]


def test_facts_that_were_added_to_a_version_since_are_nothing_that_became_of_it() -> None:
    one = version("app", "v1")
    filled = but(one, config=digest("config"), dependsOn=[f"base:v1@{digest('base')}"])
    (image,) = comparison(of(filled, held(one, "prod"), held(filled, "staging")), "prod", "staging").images
    assert (image.state, image.remarks) == ("same", [])


def test_patterns_restrict_it_and_have_to_name_something() -> None:
    app, web = version("myorg/app", "v1"), version("web", "v1")
    snapshot = of(app, web, held(app, "prod"), held(web, "staging"))
    assert told(comparison(snapshot, "prod", "staging", "web")) == [("web", "only-second", "unknown")]
    assert [one[0] for one in told(comparison(snapshot, "prod", "staging", "my*/*", "w*"))] == ["myorg/app", "web"]
    with pytest.raises(UnknownImage, match="neither prod nor staging has myorg/ap") as raised:
        comparison(snapshot, "prod", "staging", "myorg/ap")
    assert "`myorg/app`" in raised.value.hint


def test_what_cannot_be_compared_is_said() -> None:
    with pytest.raises(UsageError, match="declares no environment `test`") as raised:
        comparison(of(), "prod", "test")
    assert raised.value.hint == "its environments are dev, staging, prod"
    with pytest.raises(UsageError, match="prod is given twice"):
        comparison(of(), "prod", "prod")
    with pytest.raises(RuleRefused, match="app:prod is the record of a tag in prod"):
        comparison(of(record("app", "prod")), "prod", "staging")


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("prod", ("prod", "")),
        ("prod@7d", ("prod", "7d")),
        ("prod@main@{1}", ("prod", "main@{1}")),
        ("a@b/c:d", ("a", "b/c:d")),
    ],
)
def test_a_side_is_an_environment_and_perhaps_a_moment(text: str, side: tuple[str, str]) -> None:
    assert parse_side(text) == side


@pytest.mark.parametrize("text", ["prod@", "@7d", "myorg/app", "app:v1", "", "pr od"])
def test_what_is_no_side_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_side(text)


def test_the_promotion_goes_the_way_that_the_settings_declare() -> None:
    app = version("app", "v1")
    snapshot = of(app, held(app, "staging"))
    for sides in (("prod", "staging"), ("staging", "prod")):
        equalizing = equalizing_promotion(comparison(snapshot, *sides), snapshot, NOW)
        assert equalizing is not None
        assert (equalizing.command, equalizing.is_whole) == ("ledger promote --from staging --all --to prod", True)
    for sides in (("dev", "prod"), ("prod", "dev")):  # prod takes from staging, which has none of it
        both = of(app, held(app, "dev"))
        equalizing = equalizing_promotion(comparison(both, *sides), both, NOW)
        assert equalizing is not None
        assert equalizing.why_not == "prod takes what staging has, and staging has no app"
    equalizing = equalizing_promotion(comparison(snapshot, "prod", "staging", "a*"), snapshot, NOW, ["a*"])
    assert equalizing is not None
    assert equalizing.command == "ledger promote --from staging 'a*' --to prod"


TAGS = ("v1.0.0", "v1.1.0", "main", "1.5")
versions = st.builds(
    version, st.sampled_from(["app", "web"]), st.sampled_from(TAGS), st.integers(0, 1),
    yanked=st.sampled_from([None, None, None, {"at": NOW, "reason": "bad"}]),
)  # fmt: skip


@st.composite
def teams(draw: st.DrawFn) -> Snapshot:
    """Give ledgers with a few versions, and environments that have some of them, as they are or as they were."""
    recorded = {one.name: one for one in draw(st.lists(versions, max_size=5))}
    wanted = st.lists(st.sampled_from(sorted(recorded.values(), key=lambda one: one.key)) | versions, max_size=3)
    sets = [
        held(one, environment)
        for environment in ("dev", "staging", "prod")
        for one in {one.image: one for one in draw(wanted if recorded else st.lists(versions, max_size=2))}.values()
    ]
    return of(*recorded.values(), *sets)


sides = st.permutations(["dev", "staging", "prod"]).map(lambda names: names[:2])


@given(teams(), sides)
def test_the_other_way_round_all_is_the_mirror_image(snapshot: Snapshot, names: list[str]) -> None:
    one, other = comparison(snapshot, *names), comparison(snapshot, *reversed(names))
    mirrored = [(image, MIRRORED.get(state, state), MIRRORED.get(way, way)) for image, state, way in told(other)]
    assert told(one) == mirrored
    for here, there in zip(one.images, other.images, strict=True):
        assert (here.first, here.second) == (there.second, there.first)
        assert bool(here.compare) == bool(there.compare)
        assert sorted(here.remarks) == sorted(there.remarks)


@given(teams(), sides)
def test_nothing_differs_exactly_where_both_have_the_same_versions_with_the_same_digests(
    snapshot: Snapshot, names: list[str]
) -> None:
    has = [
        {(one.image, one.version, one.digest) for one in snapshot.ledger.records() if one.tag == side} for side in names
    ]
    found = comparison(snapshot, *names)
    assert (not found.differing) == (has[0] == has[1])
    assert {image.image for image in found.differing} == {image for image, _, _ in has[0] ^ has[1]}


@given(teams(), sides)
def test_the_promotion_that_is_named_is_allowed_and_does_what_is_said(snapshot: Snapshot, names: list[str]) -> None:
    found = comparison(snapshot, *names)
    equalizing = equalizing_promotion(found, snapshot, NOW)
    if equalizing is None:
        return
    words = shlex.split(equalizing.command)
    taken_from, environment = words[words.index("--from") + 1], words[words.index("--to") + 1]
    promotion = taken(snapshot, Tag(taken_from), Tag(environment), [])
    if equalizing.why_not:
        with pytest.raises(RuleRefused):
            promote(snapshot, promotion, now=NOW)
        return
    after = Snapshot("", promote(snapshot, promotion, now=NOW).ledger, POLICY)
    left = comparison(after, taken_from, environment).differing
    assert {image.state for image in left} <= {"only-second"}
    assert bool(left) != equalizing.is_whole
