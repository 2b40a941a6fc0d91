"""What a prune takes: what has expired goes, unless it is kept, young, or the last; what is in use is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger import ledger as parsing
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import Query, select
from ledger_tool.core.ledger.query import expiry as end_of
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.resolve import Resolver
from ledger_tool.core.writes import edit as edits
from ledger_tool.core.writes.prune import PruneCriteria, choose, remaining_uses, withdrawn
from tests.support.values.make import digest, ledger_bytes, ledger_of, record
from tests.support.values.profiles import example_count
from tests.support.values.strategies import ledgers

AMD, ARM = "linux/amd64", "linux/arm64"
NOW = Timestamp("2026-11-24T00:00:00Z")


def old(tag: str, day: int = 1, image: str = "app", **more: Any) -> Any:
    """Return a record that has expired."""
    return record(image, tag, **({"publishedAt": f"2026-11-{day:02}T00:00:00Z", "ttl": "1d"} | more))


def criteria(**more: Any) -> PruneCriteria:
    return PruneCriteria(**({"now": NOW} | more))


LEDGER = ledger_of(
    old("pr-1", 1), old("pr-2", 2), old("pr-3", 3), record("app", "v1", publishedAt="2026-10-01T00:00:00Z"),
    old("pr-1", 5, "web"), old("pr-2", 4, "web"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("given", "going", "spared"),
    [
        ({}, "app:pr-1 app:pr-2 app:pr-3 web:pr-2", "web:pr-1"),
        ({"last": True}, "app:pr-1 app:pr-2 app:pr-3 web:pr-1 web:pr-2", ""),
        ({"keep": 1}, "app:pr-1 app:pr-2 web:pr-2", "app:pr-3 web:pr-1"),
        ({"keep": 2, "last": True}, "app:pr-1", "app:pr-2 app:pr-3 web:pr-1 web:pr-2"),
        ({"patterns": ["app"]}, "app:pr-1 app:pr-2 app:pr-3", ""),
        ({"patterns": ["*:pr-1", "*:pr-2"]}, "app:pr-1 app:pr-2 web:pr-2", "web:pr-1"),
        ({"patterns": ["*:pr-1"]}, "app:pr-1 web:pr-1", ""),
        ({"patterns": ["*:pr-1", "*:pr-2"], "keep": 1}, "app:pr-1 web:pr-2", "app:pr-2 web:pr-1"),
        ({"older_than": "2026-11-03T00:00:00Z"}, "app:pr-1 app:pr-2", "app:pr-3 web:pr-1 web:pr-2"),
        ({"patterns": ["other"]}, "", ""),
        ({"now": "2026-11-01T00:00:00Z"}, "", ""),
    ],
)
def test_what_has_expired_goes_unless_it_is_kept_young_or_the_last(
    given: dict[str, Any], going: str, spared: str
) -> None:
    chosen = choose(LEDGER, criteria(**given))
    assert " ".join(str(one.key) for one in chosen.going) == going
    assert " ".join(str(one.record.key) for one in chosen.spared) == spared


def test_each_record_that_stays_says_why() -> None:
    def why(**more: Any) -> set[str]:
        return {one.reason for one in choose(LEDGER, criteria(**more)).spared}

    assert why() == {"pr-1 is the last tag of its image"}
    assert why(keep=1) == {"the newest"}
    assert why(keep=2) == {"among the 2 newest"}
    assert why(older_than="2026-10-01T00:00:00Z") == {"not old enough"}


def test_a_tag_with_one_expired_platform_loses_that_one_and_counts_as_new_as_its_newest() -> None:
    ledger = ledger_of(old("v1", 1, platform=AMD), record("app", "v1", platform=ARM, ttl=None), old("v2", 2))
    assert [str(one.key) for one in choose(ledger, criteria()).going] == ["app:v1 (linux/amd64)", "app:v2"]
    assert [str(one.key) for one in choose(ledger, criteria(keep=1)).going] == ["app:v2"]


def test_the_last_tag_stays_with_all_its_platforms() -> None:
    ledger = ledger_of(old("v1", 1), old("v2", 2, platform=AMD), old("v2", 1, platform=ARM))
    chosen = choose(ledger, criteria())
    assert [str(one.key) for one in chosen.going] == ["app:v1"]
    assert len(chosen.spared) == 2


wishes = st.builds(
    PruneCriteria,
    now=st.sampled_from([Timestamp("2026-11-24T00:00:00Z"), Timestamp("9999-01-01T00:00:00Z")]),
    patterns=st.sampled_from([(), ("*",), ("a*", "*:v*")]),
    keep=st.integers(0, 3),
    older_than=st.sampled_from([None, Timestamp("2026-01-01T00:00:00Z")]),
    last=st.booleans(),
)


@given(ledgers(), wishes)
def test_prune_list_expired_and_the_last_tag_agree(ledger: Ledger, wanted: PruneCriteria) -> None:
    chosen = choose(ledger, wanted)
    listed = [one for one in select(ledger, Query(expired_at=wanted.now)) if wanted.names(one.image, one.tag)]
    assert sorted([*(one.key for one in chosen.going), *(one.record.key for one in chosen.spared)]) == [
        one.key for one in listed
    ]
    change = edits.prune(Snapshot("", ledger, Policy()), wanted)
    after = list(change.ledger.records())
    assert after == [one for one in ledger.records() if one not in chosen.going]
    images = {one.image for one in ledger.records()}
    if not wanted.last:
        assert {one.image for one in after} == images
    assert not edits.prune(Snapshot("", change.ledger, Policy()), wanted).changed


@given(ledgers())
def test_only_what_is_given_is_removed_and_only_while_it_is_unchanged(ledger: Ledger) -> None:
    wanted = PruneCriteria(now=Timestamp("9999-01-01T00:00:00Z"), last=True)
    going = choose(ledger, wanted).going
    half = {one.key: one for one in going[::2]}
    change = edits.prune(Snapshot("", ledger, Policy()), wanted, half)
    assert {effect.key for effect in change.effects} == set(half)
    moved = {key: record(one.image, one.tag, digest=digest("moved")) for key, one in half.items()}
    assert not edits.prune(Snapshot("", ledger, Policy()), wanted, moved).changed


def test_a_prune_has_its_verb_and_a_reason() -> None:
    change = edits.prune(Snapshot("", LEDGER, Policy()), criteria())
    assert (change.verb, change.reason) == ("prune", "expired")
    assert {one.kind for one in change.reported} == {"removed"}


def test_what_living_records_use_is_known_with_its_user() -> None:
    going = old("pr-1", digest=digest("going"))
    ledger = ledger_of(
        going,
        record("app", "v1", digest=digest("v1"), config=digest("c")),
        record("app", "v2", platform=AMD, digest=digest("v2"), index=digest("i2"), config=digest("c")),
        record("app", "v3", digest=digest("v3"), dependsOn=[f"reg.example.com/x/base:1@{digest('base')}"]),
    )
    found = remaining_uses(ledger, Resolver(Policy(), ledger.has_image), {going.key: going})
    assert dict(found.why) == {
        digest("v1"): "it is app:v1",
        digest("v2"): "it is app:v2",
        digest("i2"): "app:v2 is served through it",
        digest("v3"): "it is app:v3",
        digest("base"): "app:v3 is built on it",
    }
    roots = found.roots.digests
    # Without a platform and an index, nothing says that v1 and v3 are images.
    assert roots("app") == {digest("v1"): True, digest("v2"): False, digest("i2"): True, digest("v3"): True}
    assert roots("x/base") == roots("base") == roots("hub/x/base") == {digest("base"): True}
    assert roots("ase") == {}


def test_a_record_that_was_changed_since_is_living() -> None:
    going = old("pr-1")
    ledger = ledger_of(old("pr-1", ttl="9000d"))
    assert digest() in remaining_uses(ledger, Resolver(Policy(), ledger.has_image), {going.key: going}).why


def test_withdrawn_are_the_digests_of_what_left_or_changed() -> None:
    stays, leaves = record("a", digest=digest("a")), record("b", digest=digest("b"), index=digest("i"))
    moves = record("c", digest=digest("old"))
    before = ledger_of(stays, leaves, moves)
    now = ledger_of(stays, record("c", digest=digest("new")), record("d", digest=digest("d")))
    assert withdrawn(before, now) == {digest("b"), digest("i"), digest("old")}
    assert withdrawn(before, before) == set()


short_lived = st.dictionaries(
    st.tuples(st.sampled_from(["a", "app"]), st.sampled_from(["v1", "v2", "pr-1", "pr-2"])),
    st.fixed_dictionaries({"publishedAt": st.sampled_from([f"2026-11-2{day}T00:00:00Z" for day in range(4)])})
    | st.fixed_dictionaries({"publishedAt": st.just("2026-11-23T00:00:00Z"), "ttl": st.sampled_from(["2d", "3d"])}),
    max_size=6,
).map(lambda facts: ledger_of(*(record(*name, **more) for name, more in facts.items())))


@example_count(60)
@given(short_lived, wishes)
def test_what_is_named_as_next_goes_then_and_nothing_goes_before(ledger: Ledger, wanted: PruneCriteria) -> None:
    wanted = replace(wanted, now=NOW)
    chosen = choose(ledger, wanted)
    ends = sorted({end for one in ledger.records() if (end := end_of(one)) and end > wanted.now})
    going_at = {end: choose(ledger, replace(wanted, now=end)).going for end in ends}
    first = next((end for end in ends if going_at[end]), None)
    assert (chosen.upcoming and chosen.upcoming.at) == (None if chosen.going else first)
    if chosen.upcoming:
        assert chosen.upcoming.record in going_at[chosen.upcoming.at]


def test_a_ledger_without_any_ttl_is_not_even_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = codec.loads(ledger_bytes(record("app", "v1"), record("app", "v2")))
    monkeypatch.setattr(parsing, "parse_text", None)
    assert choose(ledger, criteria()).going == []
