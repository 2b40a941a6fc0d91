"""A range of commits: what the commands write passes, in any order; what a range hides is found; all has its line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger_tool.core.changes import message
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import Effect, effects_of
from ledger_tool.core.changes.merge import merge
from ledger_tool.core.judging.check import CheckFinding, RangeJudge, in_order, located, merge_commit
from ledger_tool.core.judging.commit import CommitFault
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.position import RecordPositions
from ledger_tool.core.ledger.record import Key, Name, Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.writes import edit as edits
from ledger_tool.core.writes import publish as rules
from ledger_tool.errors import LedgerError
from tests.support.values.make import but, digest, ledger_of, record, source
from tests.support.values.profiles import example_count
from tests.support.values.smallworld import BATCHES, POLICIES, ledgers

AMD, ARM = "linux/amd64", "linux/arm64"
STRICT, LOOSE = Policy(), Policy(mutable=("*",))


def judged(judge: RangeJudge, *steps: Ledger, policy: Policy = STRICT) -> list[str]:
    """Return the rules that uncommitted steps from ledger to ledger break."""
    return [
        fault.rule for before, after in pairwise(steps) for fault in judge.commit(compare(before, after), None, policy)
    ]


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
    """But for one thing: to remove a record and to publish it with another digest is to move it."""
    judge, now = RangeJudge(policy), start
    found: list[CommitFault] = []
    effects: list[Effect] = []
    for operation in operations:
        if change := _made(Snapshot("", now, policy), operation):
            said = message.parse_message(message.compose(change, "t"))
            found += judge.commit(compare(now, change.ledger), said, policy)
            effects += effects_of(compare(now, change.ledger))
            now = change.ledger
    assert {fault.rule for fault in found} <= {"immutable"}
    assert _but_of(_moved_in_two_steps(effects), found) == []
    if not found:
        assert _but_of(_moved_in_two_steps(effects), judge.net(start, now)) == []


@example_count(100)
@given(ledgers(), POLICIES, _OPERATIONS, _OPERATIONS)
def test_whatever_commands_do_on_two_branches_passes_where_it_merges(
    start: Ledger, policy: Policy, here: list[Sequence[Any]], there: list[Sequence[Any]]
) -> None:
    """But for a record that both published: the merge keeps ours, so that the base's record gets other facts."""
    judge, ours, theirs = RangeJudge(policy), start, start
    effects: list[Effect] = []
    for operation in here:
        if change := _made(Snapshot("", ours, policy), operation):
            assume(not list(judge.commit(compare(ours, change.ledger), None, policy)))
            effects += effects_of(compare(ours, change.ledger))
            ours = change.ledger
    for operation in there:
        if change := _made(Snapshot("", theirs, policy), operation):
            theirs = change.ledger
    merged = merge(start, ours, theirs)
    assert list(merge_commit(merged, merged.ledger)) == []
    if not merged.collisions:
        after = _publications(merged.ledger)
        overruled = {key[0] for key, facts in _publications(theirs).items() if after.get(key, facts) != facts}
        undone = {one.name for one in merged.ledger.records() if start.find(one.name) and not theirs.find(one.name)}
        faults = judge.net(theirs, merged.ledger)
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
    judge = RangeJudge(STRICT)
    assert judged(judge, Ledger(), ledger_of(V1)) == []
    theirs = ledger_of(but(V1, sourceRef=source("theirs")))
    merged = merge(Ledger(), ledger_of(V1), theirs)
    assert merged.collisions == ()
    assert [fault.rule for fault in judge.net(theirs, merged.ledger)] == ["merge"]


V1 = record("app", platform=AMD)
EVIL = but(V1, digest=digest("evil"))


@pytest.mark.parametrize(
    ("went", "came"),
    [
        (V1, EVIL),
        (but(V1, platform=None), EVIL),  # which stood for every platform
        (V1, but(EVIL, platform=None)),
    ],
)
def test_what_comes_back_with_another_digest_has_moved(went: Record, came: Record) -> None:
    assert judged(RangeJudge(STRICT), ledger_of(went), Ledger(), ledger_of(came)) == ["immutable"]
    assert judged(RangeJudge(LOOSE), ledger_of(went), Ledger(), ledger_of(came), policy=LOOSE) == []


def test_what_comes_back_as_it_was_has_not_moved() -> None:
    """Then other platforms may come, too: the one that was not known is known now."""
    whole, both = but(V1, platform=None), ledger_of(V1, but(EVIL, platform=ARM))
    assert judged(RangeJudge(STRICT), ledger_of(whole), Ledger(), ledger_of(V1), both) == []
    assert judged(RangeJudge(STRICT), ledger_of(whole), Ledger(), both) == []
    assert judged(RangeJudge(STRICT), ledger_of(V1), Ledger(), ledger_of(but(EVIL, platform=ARM))) == []


def test_a_tag_moves_only_where_the_base_lets_it_too() -> None:
    assert judged(RangeJudge(STRICT), ledger_of(V1), ledger_of(EVIL), policy=LOOSE) == ["immutable"]
    assert judged(RangeJudge(LOOSE), ledger_of(V1), ledger_of(EVIL), policy=STRICT) == ["immutable"]
    assert judged(RangeJudge(LOOSE), ledger_of(V1), ledger_of(EVIL), policy=LOOSE) == []


def test_an_update_does_not_take_away_what_is_required() -> None:
    policy = Policy(require=("labels.team",))
    have, lack = but(V1, labels={"team": "a"}), but(V1, labels={"x": "y"})
    assert judged(RangeJudge(policy), ledger_of(have), ledger_of(lack), policy=policy) == ["required"]
    assert judged(RangeJudge(policy), ledger_of(V1), ledger_of(lack), policy=policy) == []  # it lacked it before


# ---- merges


def test_a_merge_commit_is_the_merge_or_one_side_of_what_collides() -> None:
    base, other = ledger_of(V1), but(V1, digest=digest("o"))
    merged = merge(base, ledger_of(other, record("new")), ledger_of(EVIL))
    assert [fault.rule for fault in merge_commit(merged, ledger_of(other, record("new")))] == []
    assert [fault.rule for fault in merge_commit(merged, ledger_of(EVIL, record("new")))] == []
    assert [fault.rule for fault in merge_commit(merged, ledger_of(V1, record("new")))] == ["merge"]
    assert [fault.rule for fault in merge_commit(merged, ledger_of(EVIL))] == ["merge"]


FORCED = but(EVIL, forced={"replaces": V1.digest, "reason": "CVE"})


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
    judge = RangeJudge(STRICT)
    assert judged(judge, *steps) == []
    assert [fault.rule for fault in judge.net(base, head)] == broken


def test_a_mutable_tag_may_be_moved_by_a_merge_to_what_the_range_published() -> None:
    judge = RangeJudge(LOOSE)
    judged(judge, Ledger(), ledger_of(EVIL), policy=LOOSE)
    assert list(judge.net(ledger_of(V1), ledger_of(EVIL))) == []
    assert [fault.rule for fault in judge.net(ledger_of(V1), ledger_of(but(EVIL, digest=digest("x"))))] == ["merge"]


def test_findings_are_in_the_order_of_the_files() -> None:
    ledger = ledger_of(record("a"), record("b"))
    found = located(
        [("x", CommitFault("r", Key("b", "v1", ""), "2")), ("y", CommitFault("r", Key("a", "v1", ""), "1"))],
        RecordPositions(ledger, ledger),
    )
    settings_at = CheckFinding("settings", "ledger.yaml", 9, 1, "0")
    assert [one.message for one in in_order([*found, settings_at])] == ["0", "y: 1", "x: 2"]
