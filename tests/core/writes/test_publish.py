"""What a publish does, row by row of the table in `rules`; conflict, force and idempotence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ledger_tool.core.changes.change import Change, Snapshot, results
from ledger_tool.core.changes.effect import Effect, PullMove, pull_moves
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Digest, Timestamp, Ttl
from ledger_tool.core.ledger.record import Forced, Record, pull_digest
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.writes import publish as rules
from ledger_tool.core.writes.draft import Draft
from ledger_tool.errors import Conflict, InvalidValue, LedgerError, UsageError
from tests.support.values.make import SOURCE, WHEN, digest, draft, ledger_of, record, source

COMMIT = "5f2d7e0000000000000000000000000000000abc"
LATER = "2027-01-01T00:00:00Z"
MOVES = Policy(mutable=("latest", "pr-*", "v1"))
DEFAULT = Policy()
A, B, C, D = (Digest(digest(seed)) for seed in "abcd")
AMD, ARM = "linux/amd64", "linux/arm64"


def forced(replaces: str, reason: str) -> dict[str, str]:
    return {"replaces": replaces, "reason": reason}


def publish(ledger: Ledger, *drafts: Draft, policy: Policy = DEFAULT, force: str = "") -> Change:
    return rules.publish(Snapshot(COMMIT, ledger, policy), drafts, force_reason=force)


def only(change: Change) -> Effect:
    (effect,) = change.reported
    return effect


def records(change: Change) -> list[Record]:
    return list(change.ledger.records())


def refused(ledger: Ledger, *drafts: Draft, policy: Policy = DEFAULT, force: str = "") -> LedgerError:
    with pytest.raises(LedgerError) as caught:
        publish(ledger, *drafts, policy=policy, force=force)
    return caught.value


def test_a_new_image_is_added() -> None:
    change = publish(ledger_of(record("other")), draft(digest=A))
    assert only(change) == Effect("added", (), record(digest=A))
    assert records(change) == [record(digest=A), record("other")]


def test_the_same_again_changes_nothing() -> None:
    ledger = ledger_of(record(digest=A, labels={"env": "prod"}, ttl="7d"))
    change = publish(ledger, draft(digest=A, labels={"env": "prod"}, ttl="7d"))
    assert only(change).kind == "unchanged"
    assert not change.changed
    assert change.ledger is ledger


def test_the_same_again_from_another_clock_and_job_keeps_time_and_source_of_the_first() -> None:
    ledger = ledger_of(record(digest=A))
    change = publish(ledger, draft(digest=A, published_at=LATER, source_ref=source("rebuild")))
    assert not change.changed
    assert (only(change).record.published_at, only(change).record.source_ref) == (WHEN, SOURCE)


@pytest.mark.parametrize(
    ("said", "recorded"),
    [
        ({"labels": {"env": "prod"}}, {"labels": {"env": "prod", "team": "core"}}),
        ({"labels": {"team": "web"}}, {"labels": {"team": "web"}}),
        ({"ttl": "30d"}, {"ttl": "30d"}),
        ({"depends_on": (f"debian@{B}",)}, {"dependsOn": [f"debian@{B}"]}),
        ({"config": B}, {"config": B}),
    ],
)
def test_the_same_digest_with_other_facts_is_updated_and_the_rest_is_kept(
    said: dict[str, Any], recorded: dict[str, Any]
) -> None:
    before: dict[str, Any] = {
        "digest": A, "labels": {"team": "core"}, "ttl": "7d", "dependsOn": [f"alpine@{A}"], "index": C, "config": C,
        "forced": {"replaces": B, "reason": "once"}, "yanked": {"at": WHEN, "reason": "broken"},
    }  # fmt: skip
    old = record(**before)
    change = publish(ledger_of(old), draft(digest=A, index=C, published_at=LATER, **said))
    assert only(change) == Effect("updated", (old,), record(**before | recorded))


def test_a_mutable_tag_moves_and_tells_what_it_replaces() -> None:
    old = record(tag="latest", digest=A, labels={"env": "prod"}, ttl="7d")
    new = draft(tag="latest", digest=B, published_at=LATER, source_ref=source("next"))
    change = publish(ledger_of(old), new, policy=MOVES)
    moved = record(tag="latest", digest=B, publishedAt=LATER, sourceRef=source("next"))
    assert only(change) == Effect("moved", (old,), moved)  # the facts of the old image are not the new one's
    assert records(change) == [moved]


def test_any_other_tag_with_another_digest_is_a_conflict_that_shows_what_is_recorded() -> None:
    old = record(platform=AMD, digest=A)
    error = refused(ledger_of(old), draft(platform=AMD, digest=B), policy=Policy(mutable=("latest",)))
    assert isinstance(error, Conflict)
    assert error.exit_code == 3
    for told in ("myorg/app:v1", AMD, SOURCE, WHEN):
        assert told in error.message
    assert error.compared == [("recorded", A, ""), ("refused", B, "")]
    assert f"{WHEN} in ledger commit {COMMIT[:12]}" in error.published_in(COMMIT).message
    assert "--force" in error.hint
    assert [found["digest"] for found in error.existing] == [A]
    assert (error.given, error.ledger_commit) == (B, COMMIT)


def test_a_forced_move_is_marked_with_what_it_replaced_and_why() -> None:
    old = record(digest=A)
    change = publish(ledger_of(old), draft(digest=B), force="base image CVE")
    new = replace(record(digest=B), forced=Forced(Digest(A), "base image CVE"))
    assert only(change) == Effect("moved", (old,), new)
    assert only(change).replaces == (A,)
    assert change.reason == "base image CVE"


def test_a_second_forced_move_names_the_digest_just_before_it() -> None:
    first = publish(ledger_of(record(digest=A)), draft(digest=B), force="one").ledger
    second = only(publish(first, draft(digest=C), force="two"))
    assert second.record.forced == Forced(B, "two")


def test_force_on_the_same_digest_and_source_marks_nothing() -> None:
    ledger = ledger_of(record(digest=A))
    assert not publish(ledger, draft(digest=A), force="to be sure").changed


def test_force_on_the_same_digest_corrects_its_source_and_keeps_its_time() -> None:
    old = record(digest=A, ttl="7d")
    corrected = draft(digest=A, source_ref=source("other"), published_at=LATER)
    change = publish(ledger_of(old), corrected, force="the first one was a fork")
    new = record(digest=A, ttl="7d", sourceRef=source("other"), forced=forced(A, "the first one was a fork"))
    assert only(change) == Effect("updated", (old,), new)
    assert not publish(change.ledger, corrected, force="the first one was a fork").changed


def test_force_on_a_new_image_marks_nothing() -> None:
    assert only(publish(Ledger(), draft(), force="to be sure")).record.forced is None


def test_each_platform_below_an_index_has_a_digest_of_its_own() -> None:
    ledger = ledger_of(record(platform=AMD, digest=A, index=C))
    change = publish(ledger, draft(platform=ARM, digest=B, index=C))
    assert only(change).kind == "added"
    assert [one.platform for one in records(change)] == [AMD, ARM]


@pytest.mark.parametrize("index", [None, C])
def test_an_image_of_another_platform_that_is_pulled_by_another_digest_is_a_conflict(index: Digest | None) -> None:
    ledger = ledger_of(record(platform=AMD, digest=A))
    error = refused(ledger, draft(platform=ARM, digest=B, index=index))
    assert isinstance(error, Conflict)
    assert error.hint.startswith("push an index of all its images, then publish it once")
    assert records(publish(ledger, draft(platform=ARM, digest=B, index=index), policy=MOVES)) == [
        record(platform=ARM, digest=B, index=index)
    ]


def test_the_same_digest_with_a_platform_fills_the_platform_in() -> None:
    change = publish(ledger_of(record(digest=A)), draft(digest=A, platform=AMD, published_at=LATER))
    assert only(change) == Effect("updated", (record(digest=A),), record(digest=A, platform=AMD))
    assert records(change) == [record(digest=A, platform=AMD)]


def test_a_record_without_a_platform_conflicts_with_every_other_digest_of_its_tag() -> None:
    assert isinstance(refused(ledger_of(record(digest=A)), draft(digest=B, platform=AMD)), Conflict)


def test_a_digest_without_a_platform_conflicts_with_the_platforms_there_and_asks_which_it_is() -> None:
    ledger = ledger_of(record(platform=AMD, digest=A), record(platform=ARM, digest=B))
    error = refused(ledger, draft(digest=C))
    assert isinstance(error, Conflict)
    assert len(error.existing) == 2


def test_a_digest_without_a_platform_that_one_platform_has_is_that_image() -> None:
    ledger = ledger_of(record(platform=AMD, digest=A, index=C), record(platform=ARM, digest=B, index=C))
    change = publish(ledger, draft(digest=B, index=C, labels={"env": "prod"}))
    assert only(change).record == record(platform=ARM, digest=B, index=C, labels={"env": "prod"})
    assert [one.platform for one in records(change)] == [AMD, ARM]


def test_an_image_that_is_pulled_by_its_index_is_not_published_again_by_its_own_digest() -> None:
    ledger = ledger_of(record(platform=AMD, digest=A, index=C))
    error = refused(ledger, draft(digest=A))
    assert isinstance(error, Conflict)
    assert error.compared == [("recorded", A, C), ("refused", A, "")]


def test_a_forced_move_without_a_platform_replaces_all_of_the_tag() -> None:
    ledger = ledger_of(*(record(platform=on, digest=digest(on), index=C) for on in (AMD, ARM)))
    change = publish(ledger, draft(digest=B), force="single image from now on")
    first = Forced(C, "single image from now on")
    assert records(change) == [replace(record(digest=B), forced=first)]
    assert only(change).replaces == (digest(AMD), digest(ARM))


def test_what_is_said_of_the_index_is_said_of_each_of_its_images() -> None:
    ledger = ledger_of(record(platform=AMD, digest=A, index=C), record(platform=ARM, digest=B, index=C))
    assert not publish(ledger, draft(digest=C)).changed
    change = publish(ledger, draft(digest=C, ttl="7d"))
    assert [(one.digest, one.ttl) for one in records(change)] == [(A, "7d"), (B, "7d")]


def test_an_index_that_nobody_looked_into_gives_way_to_its_images() -> None:
    old = record(digest=C, config=D, labels={"env": "prod"})
    drafts = [draft(platform=platform, digest=on, index=C, looked_at=True) for platform, on in ((AMD, A), (ARM, B))]
    change = publish(ledger_of(old), *drafts)
    kept: dict[str, Any] = {"index": C, "labels": {"env": "prod"}}
    assert records(change) == [record(platform=AMD, digest=A, **kept), record(platform=ARM, digest=B, **kept)]
    assert [effect.kind for effect in change.effects] == ["updated", "added"]
    assert pull_moves(change.effects) == []


def test_another_index_is_a_conflict_although_the_image_stays() -> None:
    ledger = ledger_of(record(platform=AMD, digest=A, index=B))
    offline = draft(platform=AMD, digest=A, index=C)
    assert isinstance(refused(ledger, offline), Conflict)
    change = publish(ledger, offline, force="pushed again")
    new = record(platform=AMD, digest=A, index=C, forced=forced(B, "pushed again"))
    assert only(change) == Effect("updated", (record(platform=AMD, digest=A, index=B),), new)
    assert pull_moves(change.effects) == [PullMove(new.name, (B,), (C,), has_index=True)]


ONE = draft(platform=AMD, digest=A, looked_at=True)
BOTH = [
    draft(platform=AMD, digest=A, index=C, looked_at=True), draft(platform=ARM, digest=B, index=C, looked_at=True)
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "drafts"),
    [
        ([record(platform=AMD, digest=A)], BOTH),  # wrapped, grown
        ([record(digest=A)], BOTH),
        ([record(platform=AMD, digest=A, index=D)], [ONE]),  # unwrapped
        ([record(platform=AMD, digest=A, index=D)], BOTH),  # grown
        ([record(platform=ARM, digest=A, index=D)], [ONE]),  # known better
        ([record(platform=AMD, digest=A), record(platform=ARM, digest=B)], BOTH),  # of version 0.2: two to pull by
    ],
)
def test_a_look_that_leads_to_every_recorded_image_changes_the_pull_digest(
    before: list[Record], drafts: list[Draft]
) -> None:
    change = publish(ledger_of(*before), *(replace(one, published_at=Timestamp(LATER)) for one in drafts))
    assert [(one.platform, one.digest, one.index) for one in records(change)] == [
        (one.platform, one.digest, one.index) for one in drafts
    ]
    assert {effect.kind for effect in change.effects} <= {"updated", "added"}
    stayed = [one for one in records(change) if one.digest == before[0].digest]
    assert [one.published_at for one in stayed] == [WHEN]
    offline = [replace(one, looked_at=False) for one in drafts]
    assert isinstance(refused(ledger_of(*before), *offline), Conflict)


@pytest.mark.parametrize(
    ("before", "drafts"),
    [
        ([record(platform=AMD, digest=A, index=C), record(platform=ARM, digest=B, index=C)], [ONE]),  # shrunk
        ([record(platform=AMD, digest=D, index=C)], BOTH),  # the same index, and another image in it
        ([record(platform=AMD, digest=D)], BOTH),
        ([record(platform=ARM, digest=A)], BOTH),  # the image of another platform
    ],
)
def test_a_look_that_does_not_lead_to_every_recorded_image_is_a_conflict_or_a_move(
    before: list[Record], drafts: list[Draft]
) -> None:
    ledger = ledger_of(*before)
    assert isinstance(refused(ledger, *drafts), Conflict)
    seen = [(one.platform, one.digest) for one in drafts]
    for policy, force in ((MOVES, ""), (DEFAULT, "why")):
        change = publish(ledger, *drafts, policy=policy, force=force)
        assert [(one.platform, one.digest) for one in records(change)] == seen
        assert {effect.kind for effect in change.effects} <= {"moved", "updated", "added"}
        is_pulled_as_before = pull_digest(tuple(before)) == drafts[0].index
        replaced = before[0].digest if is_pulled_as_before else before[0].pull_digest
        mark = Forced(replaced, force) if force else None
        assert [one.forced for one in records(change)] == [mark, None if is_pulled_as_before else mark][: len(drafts)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_batch_that_fills_in_a_platform_and_adds_another_may_come_in_any_order(order: tuple[int, int]) -> None:
    drafts = [draft(platform=AMD, digest=A, index=C), draft(platform=ARM, digest=B, index=C)]
    change = publish(ledger_of(record(digest=A, index=C)), *(drafts[at] for at in order))
    assert records(change) == [record(platform=AMD, digest=A, index=C), record(platform=ARM, digest=B, index=C)]
    assert [one.record.platform for one in change.reported] == [drafts[at].platform for at in order]


def test_a_batch_with_two_digests_to_pull_one_tag_by_is_refused_and_the_input_named() -> None:
    drafts = [draft(platform=AMD, digest=A, where="line 1"), draft(platform=ARM, digest=B, where="line 2")]
    for policy, force in ((DEFAULT, ""), (MOVES, ""), (DEFAULT, "why")):
        error = refused(Ledger(), *drafts, policy=policy, force=force)
        assert (error.exit_code, error.message[:8]) == (3, "line 2: ")
        assert error.hint.startswith("push an index")


@pytest.mark.parametrize("platforms", [(None, None), (AMD, AMD), (None, AMD), (AMD, None)])
def test_a_batch_may_not_say_two_digests_for_one_image_even_where_tags_move(platforms: tuple[str, str]) -> None:
    drafts = [draft(digest=A, platform=platforms[0]), draft(digest=B, platform=platforms[1])]
    for force in ("", "anyway"):
        error = refused(Ledger(), *drafts, policy=MOVES, force=force)
        assert isinstance(error, InvalidValue)
        assert "given twice" in error.message


def test_a_batch_that_says_the_same_twice_is_fine() -> None:
    change = publish(Ledger(), draft(), draft())
    assert [one.kind for one in change.reported] == ["added", "unchanged"]
    assert records(change) == [record()]


@pytest.mark.parametrize("platforms", [(None, AMD), (AMD, None)])
def test_a_batch_that_gives_an_image_with_and_without_its_platform_reports_no_record_that_is_not_there(
    platforms: tuple[str, str],
) -> None:
    change = publish(Ledger(), *(draft(platform=platform) for platform in platforms))
    assert [one.record for one in change.effects] == records(change) == [record(platform=AMD)]
    assert all(one.record in records(change) for one in change.reported)


def test_a_batch_that_says_two_things_of_one_image_again_leaves_no_empty_commit() -> None:
    drafts = [draft(labels={"env": "test"}), draft(labels={"env": "prod"})]
    first = publish(Ledger(), *drafts)
    assert records(first) == [record(labels={"env": "prod"})]
    assert not publish(first.ledger, *drafts).changed


def test_one_refused_record_refuses_the_batch_and_is_named_by_its_place() -> None:
    ledger = ledger_of(record(digest=A))
    error = refused(ledger, draft("new", where="line 1"), draft(digest=B, where="line 2"))
    assert error.message.startswith("line 2: conflict: myorg/app:v1 is recorded with another digest")


def test_nothing_to_publish_changes_nothing() -> None:
    assert not publish(Ledger()).changed


def test_a_field_that_the_team_insists_on_must_be_there_for_a_new_digest() -> None:
    policy = Policy(require=("platform", "labels.team"), mutable=("v1",))
    error = refused(Ledger(), draft(where="line 7"), policy=policy)
    assert isinstance(error, InvalidValue)
    assert error.message == "line 7: myorg/app:v1 has no platform, which ledger.yaml requires"
    assert "--platform" in error.hint
    assert "--label team=" in refused(Ledger(), draft(platform=AMD), policy=policy).hint
    assert refused(ledger_of(record(platform=AMD, digest=A)), draft(platform=AMD, digest=B), policy=policy)
    assert publish(Ledger(), draft(platform=AMD, labels={"team": "core"}), policy=policy).changed


def test_what_is_recorded_already_is_not_held_to_a_later_requirement() -> None:
    ledger = ledger_of(record(digest=A))
    assert publish(ledger, draft(digest=A, ttl="7d"), policy=Policy(require=("platform",))).changed


def test_a_new_record_gets_the_ttl_of_the_first_pattern_that_matches_its_tag() -> None:
    policy = Policy(ttl={"pr-1*": Ttl("1d"), "pr-*": Ttl("7d")}, mutable=("pr-*",))
    ttl = {tag: only(publish(Ledger(), draft(tag=tag), policy=policy)).record.ttl for tag in ("pr-12", "pr-2", "v1")}
    assert ttl == {"pr-12": "1d", "pr-2": "7d", "v1": None}
    assert only(publish(Ledger(), draft(tag="pr-2", ttl="3h"), policy=policy)).record.ttl == "3h"
    kept = ledger_of(record(tag="pr-2", digest=A))
    assert not publish(kept, draft(tag="pr-2", digest=A), policy=policy).changed
    assert only(publish(kept, draft(tag="pr-2", digest=B), policy=policy)).record.ttl == "7d"


def test_a_default_ttl_satisfies_a_required_one() -> None:
    policy = Policy(require=("ttl",), ttl={"*": Ttl("7d")})
    assert publish(Ledger(), draft(), policy=policy).changed


def test_a_configured_registry_in_front_of_the_image_is_taken_off() -> None:
    policy = Policy(registries=(Registry("registry.example.com", prefix="mirror"),))
    change = publish(Ledger(), draft("registry.example.com/mirror/myorg/app"), policy=policy)
    assert only(change).record == record()
    error = refused(Ledger(), draft("ghcr.io/myorg/app", where="line 3"), policy=policy)
    assert isinstance(error, UsageError)
    assert error.message.startswith("line 3: `ghcr.io/myorg/app`")


def test_an_image_without_a_platform_that_moves_below_the_same_index_is_marked_too() -> None:
    ledger = ledger_of(record(platform=AMD, digest=A, index=C))
    change = publish(ledger, draft(digest=B, index=C), force="why")
    assert records(change) == [record(digest=B, index=C, forced=forced(A, "why"))]


def test_an_index_in_a_batch_does_not_excuse_another_image_below_it() -> None:
    ledger = ledger_of(record(digest=B, index=C))
    drafts = [draft(digest=C), draft(digest=A, platform=AMD, index=C)]
    assert isinstance(refused(ledger, *drafts), Conflict)
    assert not publish(ledger, draft(digest=C)).changed
    assert records(publish(Ledger(), *drafts)) == [record(digest=A, platform=AMD, index=C)]


def test_nobody_takes_a_platforms_record_away_without_a_look() -> None:
    ledger = ledger_of(record(platform=AMD, digest=A, index=C))
    change = publish(ledger, draft(platform=ARM, digest=A, index=C))
    assert [(one.platform, one.digest) for one in records(change)] == [(AMD, A), (ARM, A)]
    assert isinstance(refused(change.ledger, draft(platform=AMD, digest=B, index=C)), Conflict)


def test_an_image_without_a_platform_keeps_the_marks_of_its_index() -> None:
    yanked = {"at": WHEN, "reason": "crashes"}
    old = record(digest=C, labels={"env": "prod"}, yanked=yanked)
    change = publish(ledger_of(old), draft(digest=A, index=C, published_at=LATER, source_ref=source("next")))
    assert records(change) == [record(digest=A, index=C, labels={"env": "prod"}, yanked=yanked)]


def test_an_image_that_a_forced_look_does_not_find_is_named_in_the_mark() -> None:
    gone = record(platform="linux/s390x", digest=B, index=C)
    ledger = ledger_of(record(platform=AMD, digest=A, index=C), gone)
    look = draft(platform=AMD, digest=A, index=C, looked_at=True, source_ref=source("next"))
    assert isinstance(refused(ledger, look), Conflict)
    change = publish(ledger, look, force="never pushed")
    assert records(change) == [record(platform=AMD, digest=A, index=C, forced=forced(B, "never pushed"))]
    assert not publish(change.ledger, look, force="never pushed").changed


@pytest.mark.parametrize("policy", [DEFAULT, MOVES])
def test_what_a_look_does_not_find_below_the_same_pull_digest_goes_by_force_only(policy: Policy) -> None:
    """Below one index there are always the same images: what is not there was wrong, wherever tags may move."""
    image = record(platform=AMD, digest=A, index=C)
    look = draft(platform=AMD, digest=A, index=C, looked_at=True)
    for gone in (record(platform=ARM, digest=B, index=C), record(platform=ARM, digest=A, index=C)):
        error = refused(ledger_of(image, gone), look, policy=policy)
        assert isinstance(error, Conflict)
        assert "leads to no such image for that platform" in error.message
        mark = forced(B if gone.digest == B else C, "why")
        done = publish(ledger_of(image, gone), look, policy=policy, force="why")
        assert records(done) == [record(platform=AMD, digest=A, index=C, forced=mark)]
    again = ledger_of(record(platform=AMD, digest=A, index=C, forced=mark), gone)
    assert "already moved for this reason" in refused(again, look, policy=policy, force="why").message


@pytest.mark.parametrize("looked_at", [False, True])
def test_an_image_that_comes_to_one_more_platform_has_the_facts_that_it_has_on_the_first(looked_at: bool) -> None:
    facts: dict[str, Any] = {"yanked": {"at": WHEN, "reason": "crashes"}, "labels": {"env": "prod"}, "digest": A}
    old = record(platform=AMD, forced=forced(D, "CVE"), index=C, **facts)
    twins = [
        draft(platform=platform, digest=A, index=C, published_at=LATER, source_ref=source("2"), looked_at=looked_at)
        for platform in (AMD, ARM)
    ]
    for drafts in (twins, twins[1:]):
        if not (looked_at and drafts == twins[1:]):
            change = publish(ledger_of(old), *drafts)
            assert records(change) == [old, record(platform=ARM, forced=forced(D, "CVE"), index=C, **facts)]
    other = record(platform=ARM, digest=B, index=C)
    change = publish(ledger_of(old, other), *twins, force="CVE")
    assert records(change) == [old, record(platform=ARM, forced=forced(B, "CVE"), index=C, **facts)]


def test_what_is_said_of_an_image_without_a_platform_is_said_of_each_platform_that_has_it() -> None:
    twins = [record(platform=platform, digest=A, index=C) for platform in (AMD, ARM)]
    change = publish(ledger_of(*twins), draft(digest=A, index=C, looked_at=True, labels={"x": "1"}))
    assert [one.labels for one in records(change)] == [{"x": "1"}] * 2


def test_an_image_that_gets_another_platform_in_a_forced_batch_keeps_its_facts() -> None:
    """Its mark names what it replaces there or, if that is nothing, the image itself."""
    facts: dict[str, Any] = {"index": D, "yanked": {"at": WHEN, "reason": "crashes"}, "labels": {"env": "prod"}}
    old = record(digest=C, platform=AMD, **facts)
    batch = [draft(digest=one, platform=at, index=D, published_at=LATER) for one, at in ((B, AMD), (C, ARM))]
    for others, replaced in (([], C), ([record(digest=A, platform=ARM, index=D)], A)):
        after = records(publish(ledger_of(old, *others), *batch, force="mixed up"))
        assert after[0].forced == Forced(C, "mixed up")
        assert after[1] == record(digest=C, platform=ARM, forced=forced(replaced, "mixed up"), **facts)


def test_an_index_is_no_image_for_a_platform_whichever_is_published_first() -> None:
    image, index = draft(digest=A, platform=ARM, index=D), draft(digest=D, platform=AMD)
    assert "is the index of" in refused(publish(Ledger(), image).ledger, index, force="why").message
    first = publish(Ledger(), index).ledger
    assert isinstance(refused(first, image), Conflict)
    assert [(one.digest, one.forced) for one in records(publish(first, image, force="why"))] == [(A, Forced(D, "why"))]


@pytest.mark.parametrize("platform", [None, AMD])
def test_an_image_is_never_its_own_index(platform: str | None) -> None:
    assert "never the same" in refused(Ledger(), draft(digest=A, index=A, platform=platform), force="why").message
    old = ledger_of(record(digest=A, index=A, platform=platform))  # as 0.2.0 took it
    assert records(publish(old, draft(digest=A, platform=AMD))) == [record(digest=A, platform=AMD)]


def test_what_a_file_calls_an_index_is_no_image_for_a_platform() -> None:
    assert "is an index, and no image for" in refused(Ledger(), draft(digest=A, platform=AMD, is_index=True)).message


def test_a_move_without_force_drops_the_mark_of_an_older_one() -> None:
    """It would name another move, and in the end the very digest that the tag is pulled by."""
    old = ledger_of(record(digest=A, platform=AMD, index=C, forced=forced(D, "CVE")))
    again = draft(digest=A, platform=AMD, index=D)
    assert [one.forced for one in records(publish(old, again, policy=MOVES))] == [None]
    assert [one.forced for one in records(publish(old, again, force="back"))] == [Forced(C, "back")]
    assert [one.forced for one in records(publish(old, replace(again, looked_at=True)))] == [Forced(D, "CVE")]


def test_the_result_of_each_image_says_what_to_pull_and_what_is_there_now() -> None:
    ledger = ledger_of(record(platform=AMD, digest=A, index=C))
    drafts = [draft(platform=ARM, digest=B, index=C), draft("other"), draft(platform=AMD, digest=A, index=C)]
    change = publish(ledger, *drafts)
    app, other = results(change, COMMIT)
    assert (str(app.name), app.digest, app.changed, app.commit) == ("myorg/app:v1", C, True, COMMIT)
    assert [one.platform for one in app.records] == [AMD, ARM]
    assert (str(other.name), other.digest) == ("other:v1", digest())
