"""A range of commits: what the commands write passes, in any order; what a range hides is found; all has its line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes import message
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import Effect, effects_of
from ledger_tool.core.changes.merge import merge
from ledger_tool.core.changes.revert import Undone
from ledger_tool.core.judging.check import CheckFinding, RangeJudge, in_order, located, merge_commit, misplaced_versions
from ledger_tool.core.judging.commit import CommitFault
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.position import RecordPositions
from ledger_tool.core.ledger.record import Key, Name, Record
from ledger_tool.core.policy.policy import Environment, Policy
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.writes import edit as edits
from ledger_tool.core.writes import publish as rules
from ledger_tool.errors import LedgerError
from tests.support.values.make import but, digest, ledger_of, record, source
from tests.support.values.profiles import example_count
from tests.support.values.smallworld import BATCHES, POLICIES, ledgers

AMD, ARM = "linux/amd64", "linux/arm64"
STRICT, LOOSE = Policy(), Policy(mutable=("*",))
LATER = "2026-11-30T00:00:00Z"


def judged(judge: RangeJudge, *steps: Ledger, policy: Policy = STRICT) -> list[str]:
    """Return the rules that uncommitted steps from ledger to ledger break, each by itself."""
    return [
        fault.rule
        for before, after in pairwise(steps)
        for fault in judge.commit(before, compare(before, after), None, policy)
    ]


def net(judge: RangeJudge, after: Ledger) -> list[str]:
    """Return the rules that the range breaks as one change; `index` is one that only a registry can prove."""
    verdict = judge.net(after)
    return [fault.rule for fault in (*verdict.faults, *(claim.fault for claim in verdict.claims))]


def ranged(*steps: Ledger, base: Policy = STRICT, policy: Policy | None = None, at: str = LATER) -> list[str]:
    """Return the rules that a range breaks: its steps, all made at a time, and then the range as one change."""
    judge, own = RangeJudge(steps[0], base, Timestamp(LATER)), policy or base
    each = [
        fault
        for before, after in pairwise(steps)
        for fault in judge.commit(before, compare(before, after), None, own, at=Timestamp(at))
    ]
    return [fault.rule for fault in each] + net(judge, steps[-1])


_OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), BATCHES, st.sampled_from(["", "why"])),
        st.tuples(st.just("remove"), st.sampled_from(["app:v1", "app:latest"]), st.sampled_from([None, AMD])),
        st.tuples(st.just("set"), st.sampled_from(["app", "app:v1"]), st.sampled_from(["x", "y"])),
    ),
    max_size=5,
)


def _made(snapshot: Snapshot, operation: Sequence[Any]) -> Change | None:
    """Return what a command makes of a ledger; None where it refuses, or has nothing to do."""
    try:
        match operation:
            case ("publish", drafts, force):
                change = rules.publish(snapshot, drafts, force_reason=force)
            case ("remove", name, platform):
                change = edits.remove(snapshot, [parse_name(name)], reason="gone", platform=platform)
            case (_, pattern, label):
                change = edits.set_facts(snapshot, [pattern], labels={"env": label}, unlabel=["team"], clear_ttl=True)
    except LedgerError:
        return None
    return change if change.changed else None


@example_count(200)
@given(ledgers(), POLICIES, _OPERATIONS)
def test_whatever_commands_do_one_after_the_other_passes(
    start: Ledger, policy: Policy, operations: list[Sequence[Any]]
) -> None:
    """But for one thing: to remove a record and to publish it again is to move it, or to change its facts."""
    judge, now = RangeJudge(start, policy), start
    effects: list[Effect] = []
    for operation in operations:
        if change := _made(Snapshot("", now, policy), operation):
            said = message.parse_message(message.compose(change, "t"))
            assert judge.commit(now, compare(now, change.ledger), said, policy) == []
            effects += effects_of(compare(now, change.ledger))
            now = change.ledger
    assert _but_of(_moved_in_two_steps(effects), judge.net(now).faults) == []


@example_count(100)
@given(ledgers(), POLICIES, _OPERATIONS, _OPERATIONS)
def test_whatever_commands_do_on_two_branches_passes_where_it_merges(
    start: Ledger, policy: Policy, here: list[Sequence[Any]], there: list[Sequence[Any]]
) -> None:
    """But for a record that both published: the merge keeps ours, so that the base's record gets other facts."""
    ours, theirs = start, start
    for operation in there:
        if change := _made(Snapshot("", theirs, policy), operation):
            theirs = change.ledger
    judge = RangeJudge(theirs, policy)
    effects: list[Effect] = []
    for operation in here:
        if change := _made(Snapshot("", ours, policy), operation):
            assert judge.commit(ours, compare(ours, change.ledger), None, policy) == []
            effects += effects_of(compare(ours, change.ledger))
            ours = change.ledger
    merged = merge(start, ours, theirs)
    decided = [
        Name(fault.key.image, fault.key.tag) for fault in judge.merge(start, ours, theirs, merged.ledger) if fault.key
    ]
    assert set(decided) <= {collision.name for collision in merged.collisions}
    if not merged.collisions:
        after = _publications(merged.ledger)
        overruled = {key[0] for key, facts in _publications(theirs).items() if after.get(key, facts) != facts}
        undone = {one.name for one in merged.ledger.records() if start.find(one.name) and not theirs.find(one.name)}
        faults = judge.net(merged.ledger).faults
        assert _but_of(overruled | undone | _moved_in_two_steps(effects), faults) == []


def _but_of(names: set[Name], faults: Iterable[CommitFault]) -> list[CommitFault]:
    return [fault for fault in faults if not fault.key or Name(fault.key.image, fault.key.tag) not in names]


def _moved_in_two_steps(effects: Sequence[Effect]) -> set[Name]:
    """Return the names from which one command took a record, and to which another added one."""
    return {effect.name for effect in effects if effect.kind == "removed"} & {
        effect.name for effect in effects if effect.kind == "added"
    }


def _publications(ledger: Ledger) -> dict[tuple[Name, str], tuple[object, ...]]:
    """Return when, from what and by what force each digest of an image:tag was published."""
    return {(one.name, one.digest): (one.published_at, one.source_ref, one.forced) for one in ledger.records()}


def test_a_merge_that_overrules_the_publication_of_the_base_is_found() -> None:
    """Both sides published one digest and the merge keeps ours, so that the record of the base has other facts."""
    theirs = ledger_of(but(V1, sourceRef=source("theirs")))
    judge = RangeJudge(theirs, STRICT, Timestamp(LATER))
    assert judged(judge, Ledger(), ledger_of(V1)) == []
    merged = merge(Ledger(), ledger_of(V1), theirs)
    assert merged.collisions == ()
    assert judge.merge(Ledger(), ledger_of(V1), theirs, merged.ledger) == []
    assert net(judge, merged.ledger) == ["merge"]


V1 = record("app", platform=AMD)
EVIL = but(V1, digest=digest("evil"))
FORCED = but(EVIL, forced={"replaces": V1.digest, "reason": "CVE"})


# ---- two changes may not do what one may not


@pytest.mark.parametrize(
    ("went", "came"),
    [
        (V1, EVIL),
        (but(V1, platform=None), EVIL),  # which stood for every platform
        (V1, but(EVIL, platform=None)),
    ],
)
def test_what_comes_back_with_another_digest_has_moved(went: Record, came: Record) -> None:
    assert ranged(ledger_of(went), Ledger(), ledger_of(came)) == ["immutable"]
    assert ranged(ledger_of(went), Ledger(), ledger_of(came), base=LOOSE) == []


def test_a_record_for_all_platforms_of_an_image_says_whose_place_it_takes() -> None:
    """There is no other digest to name."""
    index = digest("i")
    pair = ledger_of(but(V1, index=index), but(V1, index=index, platform=ARM))
    whole = ledger_of(but(V1, platform=None))
    judge = RangeJudge(pair, STRICT, Timestamp(LATER))
    at_once = judge.commit(pair, compare(pair, whole), None, STRICT)
    judge = RangeJudge(pair, STRICT, Timestamp(LATER))
    assert judged(judge, pair, Ledger(), whole) == []
    for faults in (at_once, judge.net(whole).faults):
        said = [fault.message for fault in faults if fault.rule == "immutable"]
        assert len(said) == 1
        assert "app:v1 takes the place of app:v1 (linux/amd64), app:v1 (linux/arm64), although" in said[0]


def test_what_comes_back_with_another_pull_digest_has_moved_too() -> None:
    """Also as another platform, or with the very images that were there, by an index that may hold others."""
    pair = [but(V1, index=digest("i")), but(V1, index=digest("i"), platform=ARM, digest=digest("r"))]
    wrapped = [but(one, index=digest("j")) for one in pair]
    assert ranged(ledger_of(V1), Ledger(), ledger_of(but(EVIL, platform=ARM))) == ["index"]
    for after in (wrapped, wrapped[:1], pair[:1] + wrapped[1:]):
        assert ranged(ledger_of(*pair), Ledger(), ledger_of(*after), base=LOOSE) == []
    assert ranged(ledger_of(*pair), Ledger(), ledger_of(*wrapped)) == ["index"]
    assert ranged(ledger_of(*pair), Ledger(), ledger_of(*wrapped[:1])) == ["index"]
    assert ranged(ledger_of(*pair), ledger_of(*pair[:1]), ledger_of(*pair)) == []
    assert ranged(ledger_of(*pair), Ledger(), ledger_of(*wrapped), Ledger(), ledger_of(*pair)) == []


def test_what_comes_back_as_it_was_has_not_moved() -> None:
    whole = but(V1, platform=None)
    assert ranged(ledger_of(V1), Ledger(), ledger_of(V1)) == []
    assert ranged(ledger_of(V1), Ledger(), ledger_of(EVIL), Ledger(), ledger_of(V1)) == []
    assert ranged(ledger_of(whole), ledger_of(V1)) == []


@pytest.mark.parametrize("base", [STRICT, LOOSE])
@pytest.mark.parametrize(
    ("had", "has", "broken"),
    [
        ({}, {"sourceRef": source("elsewhere")}, ["facts"]),
        ({}, {"publishedAt": "2020-01-01T00:00:00Z"}, ["facts"]),
        ({"forced": {"replaces": digest("old"), "reason": "CVE"}}, {"forced": None}, ["forced"]),
        ({"yanked": {"at": "2026-11-25T00:00:00Z", "reason": "crashes"}}, {"yanked": None}, ["facts"]),
        ({"dependsOn": [f"debian@{digest('d')}"]}, {"dependsOn": None}, ["facts"]),
        ({"config": digest("c")}, {"config": None}, ["facts"]),
        ({}, {"platform": None}, ["facts"]),
        ({"labels": {"a": "b"}, "ttl": "7d"}, {"labels": None, "ttl": None}, []),  # as `set` may
        ({"labels": {"a": "b"}}, {"labels": {"a": "c"}, "dependsOn": [f"debian@{digest('d')}"]}, []),
    ],
)
def test_facts_that_change_by_way_of_a_removal_need_what_one_commit_needs(
    had: dict[str, Any], has: dict[str, Any], broken: list[str], base: Policy
) -> None:
    before = but(V1, **had)
    assert ranged(ledger_of(before), Ledger(), ledger_of(but(before, **has)), base=base) == broken


def test_an_index_gives_way_to_its_images_with_its_facts_and_no_others() -> None:
    index = but(V1, platform=None, digest=digest("i"))
    images = [but(V1, index=digest("i")), but(V1, index=digest("i"), platform=ARM, digest=digest("r"))]
    others = [but(one, sourceRef=source("elsewhere")) for one in images]
    assert ranged(ledger_of(index), ledger_of(*images)) == []
    assert ranged(ledger_of(index), Ledger(), ledger_of(*images)) == []
    assert ranged(ledger_of(index), Ledger(), ledger_of(*others)) == ["facts"]


def test_a_recorded_platform_is_another_one_only_by_force_or_by_a_look() -> None:
    """Also where the image is there once more for a while, or its platform gets another image afterwards."""
    here, there = but(V1, index=digest("i")), but(V1, index=digest("i"), platform=ARM)
    taken, other = but(here, digest=digest("b")), but(here, digest=digest("b"), platform=ARM)
    aside = but(here, platform="linux/386")
    marked = but(there, forced={"replaces": digest("i"), "reason": "mixed up"})
    assert ranged(ledger_of(but(here, platform=None)), ledger_of(there)) == []
    assert ranged(ledger_of(here), ledger_of(marked)) == []
    assert ranged(ledger_of(here), ledger_of(there), base=LOOSE) == []
    assert ranged(ledger_of(here), ledger_of(there)) == ["platform"]
    assert ranged(ledger_of(here), ledger_of(there), ledger_of(here)) == []
    assert ranged(ledger_of(here), ledger_of(here, there), ledger_of(there)) == ["platform"]
    assert ranged(ledger_of(here), Ledger(), ledger_of(there)) == ["platform"]
    assert ranged(ledger_of(here), ledger_of(there), ledger_of(taken, there)) == ["platform"]
    assert (
        ranged(ledger_of(here, other), ledger_of(aside, other), ledger_of(aside, taken), ledger_of(taken, there))
        == ["platform"] * 3
    )
    assert ranged(ledger_of(here), ledger_of(taken, there)) == ["immutable"]


def test_a_removal_takes_the_mark_of_a_move_along_and_the_tag_has_moved_all_the_same() -> None:
    index = digest("i")
    wrapped = but(V1, index=index, forced={"replaces": V1.digest, "reason": "why"})
    other = but(V1, index=index, platform=ARM, digest=digest("b"))
    assert ranged(ledger_of(V1), ledger_of(wrapped), ledger_of(wrapped, other)) == []
    assert ranged(ledger_of(V1), ledger_of(wrapped), Ledger(), ledger_of(other)) == ["index"]
    assert ranged(ledger_of(wrapped), Ledger(), ledger_of(other)) == []


def test_an_image_that_stays_is_not_in_the_place_of_a_removed_one() -> None:
    """Also if it is the same image, and some other fact of it changes."""
    index = digest("i")
    one, copy = but(V1, index=index), but(V1, index=index, platform=ARM)
    third = but(V1, index=index, platform="linux/s390x", digest=digest("3"))
    labelled = but(copy, labels={"a": "b"})
    assert ranged(ledger_of(one, copy, third), ledger_of(copy, third), ledger_of(labelled, third)) == []


def test_an_image_does_not_lose_its_facts_by_way_of_another_record_of_it() -> None:
    yanked = but(V1, yanked={"at": LATER, "reason": "crashes"})
    fresh, copy = but(V1, platform=ARM, publishedAt=LATER), but(yanked, platform=ARM)
    assert ranged(ledger_of(yanked), ledger_of(yanked, fresh)) == ["facts"]
    assert ranged(ledger_of(yanked), ledger_of(yanked, fresh), ledger_of(fresh)) == ["facts", "platform"]
    assert ranged(ledger_of(yanked), ledger_of(yanked, copy)) == []
    assert ranged(ledger_of(yanked), ledger_of(yanked, copy), ledger_of(copy)) == ["platform"]
    moved = but(V1, digest=digest("b"), index=V1.digest, forced={"replaces": V1.digest, "reason": "CVE"})
    below = but(copy, index=V1.digest)
    pair = ledger_of(but(yanked, index=V1.digest), below)
    assert ranged(ledger_of(yanked), pair, ledger_of(moved, below)) == []
    assert ranged(ledger_of(yanked), pair, ledger_of(moved, below), ledger_of(below)) == ["platform"]
    assert ranged(ledger_of(yanked, copy), ledger_of(copy)) == []
    assert ranged(ledger_of(yanked, copy), ledger_of(yanked, but(copy, yanked=None))) == ["facts"]
    assert ranged(ledger_of(V1), ledger_of(V1, copy)) == ["facts"]
    index = but(yanked, platform=None, digest=digest("i"))
    heir, late = but(yanked, index=digest("i")), but(fresh, index=digest("i"), digest=digest("b"))
    assert ranged(ledger_of(index), ledger_of(heir), ledger_of(heir, late)) == []
    assert ranged(ledger_of(index), ledger_of(heir), ledger_of(heir, late), ledger_of(late)) == ["facts", "facts"]
    assert ranged(ledger_of(index), ledger_of(heir), Ledger(), ledger_of(late)) == ["facts", "facts"]


def test_a_record_of_the_future_may_be_published_again_with_the_right_time_and_nothing_else() -> None:
    ahead = but(V1, publishedAt="2031-01-01T00:00:00Z")
    assert ranged(ledger_of(ahead), Ledger(), ledger_of(V1)) == []
    assert ranged(ledger_of(ahead), Ledger(), ledger_of(but(V1, sourceRef=source("elsewhere")))) == ["facts"]
    assert ranged(ledger_of(ahead), Ledger(), ledger_of(EVIL)) == ["immutable"]
    assert ranged(ledger_of(ahead), ledger_of(V1)) == ["facts"]
    # it is ahead of the dates of commits, which are whatever their author says, but not of the clock
    early = Timestamp("2026-11-01T00:00:00Z")
    assert ranged(ledger_of(V1), Ledger(), ledger_of(but(V1, publishedAt=early)), at=early) == ["facts"]


def test_a_chain_of_forced_moves_is_one() -> None:
    """Also one that leads back to the digest of the base, by then a publication of its own."""
    second = but(FORCED, digest=digest("2"), forced={"replaces": FORCED.digest, "reason": "again"})
    back = but(V1, publishedAt=LATER, sourceRef=source("2"), forced={"replaces": FORCED.digest, "reason": "back"})
    assert ranged(ledger_of(V1), ledger_of(FORCED), ledger_of(second)) == []
    assert ranged(ledger_of(V1), ledger_of(FORCED), ledger_of(back)) == []
    bare = but(back, forced=None)
    assert ranged(ledger_of(V1), ledger_of(FORCED), ledger_of(back), Ledger(), ledger_of(bare)) == ["facts"]
    marked = but(second, forced={"replaces": V1.digest, "reason": "again"})
    assert ranged(ledger_of(V1), ledger_of(FORCED), Ledger(), ledger_of(marked)) == ["forced", "immutable"]


def test_a_publish_lets_a_platform_go_only_where_the_tag_moves_or_a_mark_says_so() -> None:
    """A look at a registry may find fewer images below the same pull digest; but a publish is not a removal."""
    amd = but(V1, platform=AMD, index=digest("i"))
    pair = ledger_of(amd, but(amd, platform=ARM, digest=digest("arm")))

    def judge(after: Record, base: Policy, policy: Policy, more: str = "") -> list[str]:
        effects = effects_of(compare(pair, ledger_of(after)))
        text = message.compose(Change("publish", Ledger(), effects, "CVE")).rstrip("\n") + f"\n{more}\n"
        said, differences = message.parse_message(text), compare(pair, ledger_of(after))
        return [fault.rule for fault in RangeJudge(pair, base).commit(pair, differences, said, policy)]

    relabelled = but(amd, labels={"by": "a look"})
    assert judge(relabelled, LOOSE, LOOSE) == []
    assert judge(relabelled, STRICT, STRICT) == judge(relabelled, STRICT, LOOSE) == ["trailers"]
    assert judge(but(amd, forced={"replaces": digest("arm"), "reason": "CVE"}), STRICT, STRICT) == []
    corrected = but(amd, sourceRef=source(2), forced={"replaces": digest("i"), "reason": "CVE"})
    copies = ledger_of(amd, but(amd, platform=ARM))
    said = message.compose(Change("publish", Ledger(), effects_of(compare(copies, ledger_of(corrected))), "CVE"))
    looked = compare(copies, ledger_of(corrected)), message.parse_message(said)
    assert RangeJudge(copies, STRICT).commit(copies, *looked, STRICT) == []  # the image stays
    assert judge(corrected, STRICT, STRICT) == ["trailers"]
    assert set(judge(corrected, STRICT, STRICT, f"Replaces: {digest('arm')}")) == {"trailers"}


def test_a_mark_does_not_go_with_a_move_that_only_the_range_itself_allows() -> None:
    old = but(V1, index=digest("i"), forced={"replaces": digest("o"), "reason": "CVE"})
    moved = but(old, index=digest("j"), forced={"replaces": digest("i"), "reason": "again"})
    back = but(old, forced=None)
    assert ranged(ledger_of(old), ledger_of(moved), ledger_of(back), base=LOOSE) == []
    assert "facts" in ranged(ledger_of(old), ledger_of(moved), ledger_of(back), policy=LOOSE)


def test_an_image_that_went_by_force_does_not_come_back_as_another_one_below_the_same_pull_digest() -> None:
    index = digest("i")
    pair = ledger_of(but(V1, index=index), but(V1, platform=ARM, digest=digest("b"), index=index))
    alone = but(V1, forced={"replaces": index, "reason": "CVE"})
    other = but(V1, platform=ARM, digest=index, publishedAt=LATER)
    assert ranged(pair, ledger_of(alone), Ledger(), ledger_of(other)) == ["index"]
    assert ranged(pair, ledger_of(alone), Ledger(), pair) == []


def test_a_mark_is_taken_away_by_the_command_for_it_only() -> None:
    """By `yank --undo`, for the very image, and not for one that the range put in its place for a while."""
    yanked = but(V1, yanked={"at": LATER, "reason": "crashes"})
    other = but(FORCED, yanked={"at": LATER, "reason": "crashes"})
    assert ranged(ledger_of(V1), ledger_of(yanked), ledger_of(V1)) == []
    assert ranged(ledger_of(yanked), ledger_of(V1)) == []
    assert ranged(ledger_of(yanked), Ledger(), ledger_of(V1)) == ["facts"]
    steps = map(ledger_of, (yanked, FORCED, other, FORCED))
    assert ranged(*steps, Ledger(), ledger_of(V1)) == ["facts"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (V1, FORCED),
        (but(V1, index=digest("i")), but(V1, index=digest("j"), forced={"replaces": digest("i"), "reason": "CVE"})),
        (V1, but(V1, dependsOn=[f"debian@{digest('d')}"])),
        (but(V1, yanked={"at": LATER, "reason": "crashes"}), V1),
    ],
)
def test_a_revert_of_what_the_base_did_is_one_change_too(old: Record, new: Record) -> None:
    """But what follows it in the range is not excused by it."""
    judge = RangeJudge(ledger_of(new), STRICT, Timestamp(LATER))
    reverts(judge, ledger_of(new), ledger_of(old))
    assert net(judge, ledger_of(old)) == []
    other = ledger_of(but(old, sourceRef=source("elsewhere")))
    assert {"facts", "forced", "immutable"} & {*judged(judge, ledger_of(old), Ledger(), other), *net(judge, other)}


def reverts(judge: RangeJudge, *steps: Ledger) -> None:
    """Let a judge see commits that lead from ledger to ledger, each of which undoes another one."""
    said = message.parse_message('Revert "x"\n\nThis reverts commit 0123456789012345678901234567890123456789.\n')
    for before, after in pairwise(steps):
        back = compare(before, after)
        assert judge.commit(before, back, said, STRICT, Undone(back, [back])) == []


def test_a_revert_excuses_only_what_it_undoes() -> None:
    """Not what another revert has removed, and nothing that another commit does."""
    index, arm = digest("i"), but(V1, platform=ARM, digest=digest("r"))
    judge = RangeJudge(ledger_of(arm), STRICT, Timestamp(LATER))
    reverts(judge, ledger_of(arm), Ledger(), ledger_of(V1))
    assert net(judge, ledger_of(V1)) == ["index"]
    here = but(V1, index=index, labels={"a": "b"})
    bare, there = but(here, labels=None), but(here, labels=None, platform=ARM)
    judge = RangeJudge(ledger_of(here), STRICT, Timestamp(LATER))
    reverts(judge, ledger_of(here), ledger_of(bare))
    assert judged(judge, ledger_of(bare), ledger_of(bare, there), ledger_of(there)) == []
    assert net(judge, ledger_of(there)) == ["platform"]
    judge = RangeJudge(ledger_of(there), STRICT, Timestamp(LATER))
    reverts(judge, ledger_of(there), ledger_of(bare))
    assert net(judge, ledger_of(bare)) == []


@pytest.mark.parametrize("other", [{"index": digest("j")}, {"platform": ARM}])
def test_the_revert_of_a_revert_proves_nothing(other: dict[str, str]) -> None:
    old = but(V1, index=digest("i"))
    new, rule = but(old, **other), "platform" if "platform" in other else "index"
    judge = RangeJudge(ledger_of(old), STRICT, Timestamp(LATER))
    assert judged(judge, ledger_of(old), ledger_of(new)) == []
    reverts(judge, ledger_of(new), ledger_of(old))
    assert net(judge, ledger_of(old)) == []
    labelled = [ledger_of(but(one, labels={"a": "b"})) for one in (old, new)]
    assert judged(judge, ledger_of(old), labelled[0]) == []
    reverts(judge, *labelled)
    assert net(judge, labelled[1]) == [rule]


def test_what_had_expired_for_the_base_may_be_pruned_and_published_again() -> None:
    expired = but(V1, ttl="1d")
    assert ranged(ledger_of(expired), Ledger(), ledger_of(EVIL)) == []
    assert ranged(ledger_of(expired), Ledger(), ledger_of(but(V1, publishedAt=LATER))) == []
    assert ranged(ledger_of(expired), Ledger(), ledger_of(EVIL), at=V1.published_at) == ["immutable"]
    assert ranged(ledger_of(V1), ledger_of(expired), Ledger(), ledger_of(EVIL)) == ["immutable"]
    whole, filled = but(expired, platform=None), but(expired, index=digest("i"))
    assert ranged(ledger_of(whole), ledger_of(expired), Ledger(), ledger_of(EVIL)) == []
    assert ranged(ledger_of(but(whole, digest=digest("i"))), ledger_of(filled), Ledger(), ledger_of(EVIL)) == []
    alive = but(expired, digest=digest("arm"), platform=ARM, ttl=None)
    both = ledger_of(but(EVIL, platform=None))
    assert ranged(ledger_of(expired, alive), Ledger(), both) == ["immutable"]


def test_a_tag_moves_only_where_the_base_lets_it_too() -> None:
    assert ranged(ledger_of(V1), ledger_of(EVIL), base=STRICT, policy=LOOSE) == ["immutable"]
    assert ranged(ledger_of(V1), ledger_of(EVIL), base=LOOSE, policy=STRICT) == ["immutable"]
    assert ranged(ledger_of(V1), ledger_of(EVIL), base=LOOSE) == []
    assert ranged(ledger_of(V1), Ledger(), ledger_of(EVIL), base=STRICT, policy=LOOSE) == ["immutable"]


def test_a_mark_is_not_lost_by_settings_that_are_put_back() -> None:
    """Where the tag moved, a move without force may drop it: that takes settings of the base, as the move does."""
    wrapped = but(FORCED, index=digest("i"), forced=None)
    assert ranged(ledger_of(FORCED), ledger_of(wrapped), ledger_of(but(wrapped, index=None)), policy=LOOSE) != []
    assert ranged(ledger_of(FORCED), ledger_of(wrapped), base=LOOSE) == []


def test_a_mark_is_not_lost_by_a_pull_digest_or_a_platform_that_is_back() -> None:
    """What is back needs no proof, and says of no change why the mark went that would have told of it."""
    marked = but(V1, index=digest("i"), forced={"replaces": digest("i"), "reason": "source was wrong"})
    bare = but(marked, forced=None)
    assert ranged(ledger_of(marked), ledger_of(but(bare, index=digest("j")))) == ["index"]
    assert ranged(ledger_of(marked), ledger_of(but(bare, index=digest("j"))), ledger_of(bare)) == ["forced"]
    assert ranged(ledger_of(marked), ledger_of(but(bare, index=digest("j"))), ledger_of(marked)) != []
    assert ranged(ledger_of(bare), ledger_of(but(bare, index=digest("j"))), ledger_of(bare)) == []
    image = but(marked, forced={"replaces": V1.digest, "reason": "mixed up"})
    there = but(image, platform=ARM, forced=None)
    assert ranged(ledger_of(image), ledger_of(there), ledger_of(but(there, platform=AMD))) == ["forced"]


def test_what_the_base_requires_a_range_has_whatever_its_own_settings_say() -> None:
    base = Policy(require=("labels.team",))
    assert ranged(Ledger(), ledger_of(V1), base=base, policy=STRICT) == ["required"]
    assert ranged(Ledger(), ledger_of(V1), base=base) == ["required"]
    assert ranged(Ledger(), ledger_of(V1), ledger_of(but(V1, labels={"team": "a"})), base=base, policy=STRICT) == []


def test_an_update_does_not_take_away_what_is_required() -> None:
    policy = Policy(require=("labels.team",))
    have, lack = but(V1, labels={"team": "a"}), but(V1, labels={"x": "y"})
    assert ranged(ledger_of(have), ledger_of(lack), base=policy) == ["required"]
    assert ranged(ledger_of(V1), ledger_of(lack), base=policy) == []  # it lacked it before


# ---- merges


def test_a_merge_commit_is_the_merge_of_its_parents_and_decides_nothing() -> None:
    base, other = ledger_of(V1), but(V1, digest=digest("o"))
    merged = merge(base, ledger_of(other, record("new")), ledger_of(EVIL))
    for chosen in (other, EVIL, V1):
        (fault,) = merge_commit(merged, ledger_of(chosen, record("new")))
        assert (fault.rule, fault.key) == ("merge", V1.key)
        assert fault.message.startswith("it decides what app:v1 is")
    assert [fault.key for fault in merge_commit(merged, ledger_of(EVIL))] == [V1.key, Key("new", "v1", "")]
    plain = merge(base, ledger_of(other, record("new")), base)
    assert list(merge_commit(plain, ledger_of(other, record("new")))) == []
    assert [fault.message for fault in merge_commit(plain, ledger_of(other))] == [
        "it changes new:v1 itself, beyond merging its parents"
    ]


@pytest.mark.parametrize(
    ("steps", "base", "head", "broken"),
    [
        # a branch from before v1 publishes it, and its merge takes its side
        ([Ledger(), ledger_of(EVIL)], ledger_of(V1), ledger_of(EVIL), ["merge"]),
        ([Ledger(), ledger_of(V1)], ledger_of(V1), ledger_of(V1), []),
        ([ledger_of(V1), ledger_of(FORCED)], ledger_of(V1), ledger_of(FORCED), []),
        # another move by force does not excuse it
        ([ledger_of(V1), ledger_of(but(FORCED, digest=digest("x")))], ledger_of(V1), ledger_of(EVIL), ["merge"]),
        ([Ledger(), Ledger()], ledger_of(V1), Ledger(), ["merge"]),
        ([ledger_of(V1), Ledger()], ledger_of(V1), Ledger(), []),
        ([Ledger(), Ledger()], Ledger(), ledger_of(V1), ["merge"]),
        ([Ledger(), Ledger()], ledger_of(V1), ledger_of(but(V1, ttl="7d")), ["merge"]),
        ([ledger_of(V1), ledger_of(but(V1, ttl="7d"))], ledger_of(V1), ledger_of(but(V1, ttl="7d")), []),
        # the same digest, published elsewhere from another commit
        ([Ledger(), ledger_of(V1)], ledger_of(V1), ledger_of(but(V1, publishedAt="2020-01-01T00:00:00Z")), ["merge"]),
    ],
)  # fmt: skip
def test_the_range_as_a_whole_does_what_its_commits_do(
    steps: list[Ledger], base: Ledger, head: Ledger, broken: list[str]
) -> None:
    judge = RangeJudge(base, STRICT, Timestamp(LATER))
    assert judged(judge, *steps) == []
    judge.merge(steps[0], steps[-1], base, head)  # a choice where they collide is a fault of its own
    assert net(judge, head) == broken


def test_one_side_may_say_more_of_an_image_that_the_other_one_published_anew() -> None:
    """As if it had said so afterwards."""
    base, yanked = ledger_of(V1), ledger_of(but(V1, yanked={"at": LATER, "reason": "crashes"}, labels={"a": "b"}))
    back = ledger_of(but(V1, publishedAt=LATER, forced={"replaces": EVIL.digest, "reason": "back"}))
    for ours, theirs in ((yanked, back), (back, yanked)):
        judge, merged = RangeJudge(base, STRICT, Timestamp(LATER)), merge(base, ours, theirs)
        assert judged(judge, base, yanked) == judged(judge, base, ledger_of(FORCED), back) == []
        assert judge.merge(base, ours, theirs, merged.ledger) == []
        assert net(judge, merged.ledger) == []


def test_a_mutable_tag_may_be_moved_by_a_merge_to_what_the_range_published() -> None:
    judge = RangeJudge(ledger_of(V1), LOOSE, Timestamp(LATER))
    judged(judge, Ledger(), ledger_of(EVIL), policy=LOOSE)
    judge.merge(Ledger(), ledger_of(EVIL), ledger_of(V1), ledger_of(EVIL))
    assert net(judge, ledger_of(EVIL)) == []
    assert net(judge, ledger_of(but(EVIL, digest=digest("x")))) == ["merge"]


def test_findings_are_in_the_order_of_the_files() -> None:
    ledger = ledger_of(record("a"), record("b"))
    found = located(
        [("x", CommitFault("r", Key("b", "v1", ""), "2")), ("y", CommitFault("r", Key("a", "v1", ""), "1"))],
        RecordPositions(ledger, ledger),
    )
    settings_at = CheckFinding("settings", "ledger.yaml", 9, 1, "0")
    assert [one.message for one in in_order([*found, settings_at])] == ["0", "y: 1", "x: 2"]


def test_a_record_of_an_environment_has_its_tag_and_a_version() -> None:
    policy = Policy(environments={"prod": Environment()})
    records = [
        record("app", "prod", version="v1"),
        record("app", "v1"),
        record("b", "prod"),
        record("c", "v2", version="v1"),
    ]
    found = list(misplaced_versions(ledger_of(*records), policy))
    assert [(fault.rule, fault.key) for fault in found] == [
        ("environment", Key("b", "prod", "")),
        ("environment", Key("c", "v2", "")),
    ]


def test_of_very_many_findings_it_is_said_how_many_more_there_are() -> None:
    found = [CheckFinding("owner", f"files/{number}", 1, 1, "x") for number in range(1500)]
    found += [CheckFinding("immutable", "ledger.json", number, 1, "y") for number in range(1, 1003)]
    found += [CheckFinding("settings", "ledger.yaml", 1, 1, "z")]
    shown = in_order(found)
    assert (len(shown), shown[0].message) == (2003, "z")
    more = {("owner", "and 500 more findings in other files"), ("immutable", "and 2 more findings in ledger.json")}
    assert {(one.rule, one.message) for one in shown[-2:]} == more
