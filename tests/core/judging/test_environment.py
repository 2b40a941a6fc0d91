"""What a commit, or a range, may do to an environment: whatever its message says, or leaves out."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.merge import merge
from ledger_tool.core.changes.message import parse_message
from ledger_tool.core.judging.check import RangeJudge
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Environment, Policy
from tests.support.values.make import but, digest, ledger_of, record

NOW = Timestamp("2026-11-26T12:00:00Z")
POLICY = Policy(environments={"staging": Environment(), "prod": Environment("staging")})
V1, V2 = (record("app", f"v{number}", digest=digest(number)) for number in (1, 2))
YANK = {"at": "2026-11-25T00:00:00Z", "reason": "crashes"}


def on(tagged: Record, environment: str, **more: object) -> Record:
    """Return the record that an environment has of a version, or one with other fields."""
    return but(tagged, **({"tag": environment, "version": tagged.tag, "publishedAt": NOW} | more))


def told(verb: str, *records: Record, reason: str = "") -> str:
    """Return a message that tells of records."""
    lines = []
    for one in records:
        lines.append(f"Image: {one.name}")
        lines += [f"Version: {one.version}"] if one.version else []
        lines += [f"Digest: {one.digest}", f"Source-Ref: {one.source_ref}"]
    return "\n".join([f"{verb} app", "", *lines, *([f"Reason: {reason}"] if reason else [])])


def faults(*steps: tuple[Ledger, str], policies: tuple[Policy, Policy] = (POLICY, POLICY)) -> list[str]:
    """Return what is wrong with the commits from ledger to ledger, and with all of them as one."""
    policy, base = policies
    judge = RangeJudge(steps[0][0], base)
    found = []
    for (before, _), (after, text) in pairwise(steps):
        message = parse_message(text)
        found += judge.commit(before, compare(before, after), message, policy, at=NOW)
    found += judge.net(steps[-1][0]).faults
    return [f"{fault.rule}: {fault.message}" for fault in found if fault.rule != "trailers"]


def one(before: tuple[Record, ...], after: tuple[Record, ...], text: str, policy: Policy = POLICY) -> list[str]:
    return faults((ledger_of(*before), ""), (ledger_of(*after), text), policies=(policy, policy))


@pytest.mark.parametrize(
    ("record_", "why"),
    [
        (on(V1, "staging", version="v3"), "app:staging has v3, which is not recorded"),
        (on(V1, "staging", version="staging"), "app:staging has staging, which is not recorded"),
        (on(V1, "staging", version=None), "its record has no `version`"),
        (on(V1, "staging", digest=digest("x")), "has v1, and not what is recorded of it: digest"),
        (on(V1, "staging", labels={"a": "b"}), "has v1, and not what is recorded of it: labels"),
        (on(V1, "staging", ttl="7d"), "has v1, and not what is recorded of it: ttl"),
        (on(V1, "staging", platform="linux/amd64"), "has v1, and not what is recorded of it: platform"),
        (on(V1, "staging", dependsOn=["a:1"]), "has v1, and not what is recorded of it: dependsOn"),
        (on(V1, "staging", yanked=YANK), "has v1, and not what is recorded of it: yanked"),
    ],
)
def test_what_it_has_is_what_is_recorded_of_the_version(record_: Record, why: str) -> None:
    found = one((V1,), (V1, record_), told("promote", record_, reason="why"))
    assert any(why in fault for fault in found), found


def test_a_promotion_by_hand_is_as_good_if_it_says_the_same() -> None:
    new = on(V1, "staging")
    assert one((V1,), (V1, new), told("promote", new)) == []
    assert one((V1,), (V1, new), told("Take v1 for", new)) == []
    assert "only `ledger promote` changes" in one((V1,), (V1, new), told("publish", new))[0]


@pytest.mark.parametrize(("version", "why"), [(but(V1, yanked=YANK), "is yanked"), (but(V1, ttl="1h"), "has expired")])
def test_it_gets_nothing_that_is_not_to_be_used(version: Record, why: str) -> None:
    new = on(V1, "staging")
    assert any(why in fault for fault in one((version,), (version, new), told("promote", new, reason="r")))


def test_what_becomes_of_the_version_later_is_no_fault() -> None:
    has = on(V1, "staging")
    gone = told("remove", V1, reason="old")
    assert one((V1, has), (but(V1, yanked=YANK), has), told("yank", V1, reason="crashes")) == []
    assert one((V1, has), (has,), gone) == []


def test_a_reason_is_needed_for_what_the_other_environment_does_not_have() -> None:
    has, new = on(V1, "staging"), on(V2, "prod")
    assert (
        "without a `Reason`: prod takes what staging has"
        in one((V1, V2, has), (V1, V2, has, new), told("promote", new))[0]
    )
    assert one((V1, V2, has), (V1, V2, has, new), told("promote", new, reason="hot fix")) == []
    both = on(V2, "staging"), new
    assert one((V1, V2, has), (V1, V2, *both), told("promote", *both)) == []


def test_taking_an_image_out_needs_a_reason() -> None:
    has = on(V1, "staging")
    assert "takes app out of staging without a `Reason`" in one((V1, has), (V1,), told("remove", has))[0]
    assert one((V1, has), (V1,), told("remove", has, reason="not run any more")) == []


def test_no_environment_is_declared_to_move_an_immutable_tag() -> None:
    posing = replace(POLICY, environments={"v1": Environment()})
    moved = on(V2, "v1")
    found = faults(
        (ledger_of(V1, V2), ""), (ledger_of(moved, V2), told("promote", moved, reason="r")), policies=(posing, POLICY)
    )
    assert any("was the record of a tag" in fault for fault in found)
    in_two = faults(
        (ledger_of(V1, V2), ""),
        (ledger_of(V2), told("remove", V1, reason="r")),
        (ledger_of(V2, moved), told("promote", moved, reason="r")),
        policies=(posing, POLICY),
    )
    assert any("was the record of a tag" in fault for fault in in_two)
    assert any("declares no environment `v1`" in fault for fault in one((V1, V2), (moved, V2), told("promote", moved)))


def test_two_commits_may_not_do_what_one_may_not() -> None:
    bad = record("app", "v9", digest=digest("bad"))
    has = on(bad, "prod")
    start = ledger_of(V1, on(V1, "staging"), on(V1, "prod"))
    brought = ledger_of(V1, bad, on(V1, "staging"), on(V1, "prod"))
    staged = ledger_of(V1, bad, on(bad, "staging"), on(V1, "prod"))
    taken = ledger_of(V1, bad, on(bad, "staging"), has)
    back = ledger_of(V1, bad, on(V1, "staging"), has)
    gone = ledger_of(V1, on(V1, "staging"), has)
    steps = [
        (start, ""),
        (brought, told("publish", bad)),
        (staged, told("promote", on(bad, "staging"))),
        (taken, told("promote", has)),
        (back, told("promote", on(V1, "staging"))),
        (gone, told("remove", bad, reason="oops")),
    ]
    assert faults(*steps[:4]) == []
    assert "changes without a `Reason`" in faults(*steps[:5])[0]
    assert any("has v9, which is not recorded" in fault for fault in faults(*steps))


def test_a_mark_that_is_taken_off_and_set_again_does_not_let_a_yanked_version_in() -> None:
    marked, has = but(V1, yanked=YANK), on(V1, "staging")
    steps = [
        (ledger_of(marked), ""),
        (ledger_of(V1), told("unyank", V1, reason="fine")),
        (ledger_of(V1, has), told("promote", has)),
        (ledger_of(marked, has), told("yank", marked, reason="crashes")),
    ]
    assert faults(*steps[:3]) == []
    assert any("is yanked" in fault for fault in faults(*steps))


def merged(base: tuple[Record, ...], ours: tuple[Record, ...], theirs: tuple[Record, ...]) -> list[str]:
    return [str(clash.name) for clash in merge(ledger_of(*base), ledger_of(*ours), ledger_of(*theirs)).collisions]


def test_two_different_promotions_of_one_image_collide() -> None:
    base = V1, V2, on(V1, "prod", publishedAt="2026-11-24T10:00:00Z")
    assert merged(base, (V1, V2, on(V2, "prod")), (V1, V2)) == ["app:prod"]
    tags = but(V2, tag="v2.0")
    assert merged((*base, tags), (V1, V2, tags, on(V2, "prod")), (V1, V2, tags, on(tags, "prod"))) == ["app:prod"]


def test_the_same_promotion_twice_is_one_and_the_first_counts() -> None:
    base, early, late = (V1, V2), on(V2, "prod"), on(V2, "prod", publishedAt="2026-11-26T13:00:00Z")
    result = merge(ledger_of(*base), ledger_of(*base, early), ledger_of(*base, late))
    assert (result.collisions, result.ledger) == ((), ledger_of(*base, early))
    same = but(V1, tag="v1.0")
    had = (V1, same, on(V1, "prod", publishedAt="2026-11-24T10:00:00Z"))
    ours, theirs = ((V1, same, on(same, "prod", publishedAt=at)) for at in (NOW, "2026-11-26T13:00:00Z"))
    result = merge(ledger_of(*had), ledger_of(*ours), ledger_of(*theirs))
    assert (result.collisions, result.ledger) == ((), ledger_of(*ours))


@pytest.mark.parametrize(
    ("versions", "is_clash"),
    [((V1, but(V2, yanked=YANK)), True), ((V1,), True), ((V1, but(V2, digest=digest("other"))), True),
     ((V1, but(V2, labels={"a": "b"})), False)],
)  # fmt: skip
def test_a_promotion_collides_with_what_took_its_version_away(versions: tuple[Record, ...], is_clash: bool) -> None:
    ours, theirs = (V1, V2, on(V2, "prod")), versions
    expected = ["app:prod"] if is_clash else []
    assert merged((V1, V2), ours, theirs) == expected
    assert merged((V1, V2), theirs, ours) == expected


def test_a_version_that_was_another_image_for_a_while_is_found_in_the_range() -> None:
    evil = but(V2, digest=digest("evil"), forced={"replaces": V2.digest, "reason": "again"})
    back = but(V2, forced={"replaces": evil.digest, "reason": "orig"})
    has = on(evil, "staging", forced=None)
    steps = [
        (ledger_of(V1, V2), ""),
        (ledger_of(V1, evil), told("publish", evil, reason="again")),
        (ledger_of(V1, evil, has), told("promote", has)),
        (ledger_of(V1, back, has), told("publish", back, reason="orig")),
    ]
    assert any("has v2, and not what is recorded of it" in fault for fault in faults(*steps))
    mutable = replace(POLICY, mutable=("v2",))
    assert faults(*steps, policies=(mutable, mutable)) == []


def test_a_version_that_was_replaced_after_its_promotion_is_found_in_the_range() -> None:
    came, other = (record("app", "v4", digest=digest(seed)) for seed in ("v4", "other"))
    has = on(came, "staging")
    steps = [
        (ledger_of(V1), ""),
        (ledger_of(V1, came), told("publish", came)),
        (ledger_of(V1, came, has), told("promote", has)),
        (ledger_of(V1, has), told("remove", came, reason="x")),
        (ledger_of(V1, other, has), told("publish", other)),
    ]
    assert any("has v4, and not what is recorded of it" in fault for fault in faults(*steps))


def test_a_mark_that_is_set_again_with_another_time_is_the_same_obstacle() -> None:
    marked, again = but(V2, yanked=YANK), but(V2, yanked={"at": NOW, "reason": "again"})
    has = on(V2, "staging")
    steps = [
        (ledger_of(marked), ""),
        (ledger_of(V2), told("unyank", V2, reason="fine")),
        (ledger_of(V2, has), told("promote", has)),
        (ledger_of(again, has), told("yank", again, reason="again")),
    ]
    assert any("is yanked" in fault for fault in faults(*steps))
    assert faults((ledger_of(V2), ""), *steps[2:]) == [], "it was good when it was promoted"


def test_a_version_that_had_expired_is_not_let_in_by_a_longer_ttl_for_a_while() -> None:
    short, long, has = but(V1, ttl="1h"), but(V1, ttl="30d"), on(V1, "staging")
    steps = [
        (ledger_of(short), ""),
        (ledger_of(long), told("set", long)),
        (ledger_of(long, has), told("promote", has)),
        (ledger_of(short, has), told("set", short)),
    ]
    assert any("has expired" in fault for fault in faults(*steps))


def test_an_environment_that_is_back_where_it_was_was_no_source() -> None:
    staged, later = on(V1, "staging"), on(V1, "staging", publishedAt="2026-11-26T12:01:00Z")
    has = on(V2, "prod")
    steps = [
        (ledger_of(V1, V2, staged), ""),
        (ledger_of(V1, V2, on(V2, "staging")), told("promote", on(V2, "staging"))),
        (ledger_of(V1, V2, on(V2, "staging"), has), told("promote", has)),
        (ledger_of(V1, V2, later, has), told("promote", later, reason="back")),
    ]
    assert "changes without a `Reason`" in faults(*steps)[0]


def test_a_reason_of_another_step_in_a_squash_is_none_for_what_is_there() -> None:
    staged, had, new = on(V1, "staging"), on(V1, "prod"), on(V2, "prod")
    before, after = (V1, V2, had, staged), (V1, V2, new, staged)
    alone = told("promote", new)
    gone = told("remove", had, reason="gone")
    counted = "promote 200 images to prod\n\nRecords: 200\nReason: foo"
    v3 = told("promote", on(but(V2, tag="v3"), "prod"), reason="other")
    small = told("promote", new) + "\n\npromote 2 images\n\nRecords: 2\nReason: foo"
    texts = (f"{alone}\n\n{gone}", f"{alone}\n\n{v3}", small, f"{alone}\n\n{counted}")
    for text in (f"squash\n\n{text}" for text in texts):
        assert any("changes without a `Reason`" in fault for fault in one(before, after, text)), text
    own = told("promote", new, reason="hot fix")
    assert one(before, after, f"squash\n\n{own}\n\n{gone}") == []


def test_small_counts_explain_nothing() -> None:
    staged = on(V1, "staging")
    text = "squash\n\npromote 1 images\n\nRecords: 1\n\npromote 1 images to x\n\nRecords: 1\nReason: r"
    assert any("unexplained" in fault for fault in one((V1,), (V1, staged), text))


def test_the_time_of_a_promotion_stays() -> None:
    had, redated = on(V1, "staging"), on(V1, "staging", publishedAt="2020-01-01T00:00:00Z")
    found = one((V1, had), (V1, redated), told("promote", redated))
    assert any(fault.startswith("facts: publishedAt of app:staging changed") for fault in found)


def test_an_environment_does_not_become_an_ordinary_tag_in_one_range() -> None:
    plain = record("app", "prod", digest=digest("plain"))
    without = replace(POLICY, environments={"staging": Environment()})
    steps = [
        (ledger_of(V1, on(V1, "prod")), ""),
        (ledger_of(V1), told("remove", on(V1, "prod"), reason="x")),
        (ledger_of(V1, plain), told("publish", plain)),
    ]
    found = faults(*steps, policies=(without, POLICY))
    assert any("was what an environment has, and becomes the record of a tag" in fault for fault in found)


def test_a_mark_under_another_tag_of_the_digest_counts_from_when_it_is_set() -> None:
    twin = record("app", "v1.0", digest=V1.digest)
    marked, has = but(twin, yanked=YANK), on(V1, "staging")
    promotion, yank = told("promote", has), told("yank", marked, reason="crashes")
    steps = [(ledger_of(V1, twin), ""), (ledger_of(V1, twin, has), promotion), (ledger_of(V1, marked, has), yank)]
    assert faults(*steps) == [], "it was good when it was promoted"
    why = "v1 has the digest of app:v1.0, which is yanked: crashes"
    assert any(why in fault for fault in one((V1, marked), (V1, marked, has), promotion))
    around = [
        (ledger_of(V1, marked), ""),
        (ledger_of(V1, twin), told("unyank", twin, reason="fine")),
        *steps[1:],
    ]
    assert faults(*around[:3]) == []
    assert any("which has the digest of app:v1.0, which is yanked" in fault for fault in faults(*around))
    assert merged((V1, twin), (V1, twin, has), (V1, marked)) == ["app:staging"]


def test_a_reason_counts_for_what_it_led_to_and_not_for_a_later_step() -> None:
    v3 = record("app", "v3", digest=digest(3))
    known, staged = (V1, V2, v3), on(V1, "staging")
    first, has = on(v3, "prod"), on(V2, "prod")
    steps = [
        (ledger_of(*known, staged), ""),
        (ledger_of(*known, staged, first), told("promote", first, reason="hot fix")),
        (ledger_of(*known, on(V2, "staging"), first), told("promote", on(V2, "staging"))),
        (ledger_of(*known, on(V2, "staging"), has), told("promote", has)),
        (ledger_of(*known, staged, has), told("promote", staged, reason="back")),
    ]
    assert faults(*steps[:2]) == []
    assert faults(*steps[:4]) == []
    assert any("app:prod changes without a `Reason`" in fault for fault in faults(*steps))
