"""What undoes other commits exactly, and what only looks like it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.difference import Difference, compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.changes.message import Message
from ledger_tool.core.changes.revert import undone_by
from ledger_tool.core.judging.check import RangeJudge
from ledger_tool.core.judging.commit import judge_commit
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.errors import LedgerError
from tests.support.values.make import but, digest, ledger_of, record
from tests.support.values.operations import OPERATIONS, Operation
from tests.support.values.profiles import example_count
from tests.support.values.smallworld import POLICIES, ledgers

REVERT = Message("", (), ("c" * 40,))


def history(ledger: Ledger, policy: Policy, operations: Sequence[Operation]) -> list[Ledger]:
    """Return the ledgers that operations lead through."""
    made = [ledger]
    for operation in operations:
        try:
            change = operation(Snapshot("", made[-1], policy))
        except LedgerError:
            continue
        if change.changed:
            made.append(change.ledger)
    return made


def inverted(ledger: Ledger, differences: Sequence[Difference]) -> Ledger | None:
    """Return the ledger in which what differs is as it was, as git's revert makes it, or None for a conflict."""
    records = {record.key: record for record in ledger.records()}
    for one in differences:
        if records.get(one.key) != one.new:
            return None
        records.pop(one.key, None)
        if one.old:
            records[one.key] = one.old
    names: dict[Name, list[Record]] = {}
    for record_ in records.values():
        names.setdefault(record_.name, []).append(record_)
    return Ledger().replaced(names)


def rules(before: Ledger, after: Ledger, reverted: Sequence[Sequence[Difference]]) -> list[str]:
    made = compare(before, after)
    undone = undone_by(made, reverted, after)
    return [fault.rule for fault in judge_commit(effects_of(made), REVERT, Policy(), undone)]


@example_count(150)
@given(ledgers(), POLICIES, st.lists(OPERATIONS, min_size=1, max_size=5), st.data())
def test_the_revert_of_any_commits_is_explained_and_of_others_is_not(
    ledger: Ledger, policy: Policy, operations: list[Operation], data: st.DataObject
) -> None:
    """At once or one after the other: what passes is the same."""
    made = history(ledger, policy, operations)
    assume(len(made) > 1)
    did = [compare(old, new) for old, new in pairwise(made)]
    first = data.draw(st.integers(0, len(did) - 1))
    last = data.draw(st.integers(first, len(did) - 1))
    undoing: list[Ledger] = [made[-1]]
    for differences in reversed(did[first : last + 1]):
        before = inverted(undoing[-1], differences)
        assume(before is not None)
        undoing.append(before or Ledger())
    after = undoing[-1]
    assume(after != made[-1])
    at_once = data.draw(st.permutations(did[first : last + 1]))
    in_turn = broken_by_reverts(undoing, [[one] for one in reversed(did[first : last + 1])])
    faults = broken_by_reverts([made[-1], after], [at_once])
    assert bool(faults) == bool(in_turn)
    assert "unexplained" not in faults
    assert last > first or not faults
    assert rules(made[-1], after, []) != []
    extra = after.replaced({Name("smuggled", "v1"): [record("smuggled")]})
    assert "unexplained" in rules(made[-1], extra, did[first : last + 1])


def broken_by_reverts(states: Sequence[Ledger], reverted: Sequence[Sequence[Sequence[Difference]]]) -> list[str]:
    """Return the rules that a range breaks whose commits undo others, each of them some."""
    judge, broken = RangeJudge(states[0], Policy()), []
    for (before, after), differences in zip(pairwise(states), reverted, strict=True):
        made = compare(before, after)
        broken += judge.commit(before, made, REVERT, Policy(), undone_by(made, differences, after))
    verdict = judge.net(states[-1])
    return [fault.rule for fault in (*broken, *verdict.faults, *(claim.fault for claim in verdict.claims))]


OLD = record(platform="linux/amd64")
NEW = but(OLD, digest=digest("b"), forced={"replaces": OLD.digest, "reason": "rebuilt"})


def test_what_is_not_exactly_as_it_was_is_no_revert() -> None:
    moved = compare(ledger_of(OLD), ledger_of(NEW))
    assert rules(ledger_of(NEW), ledger_of(OLD), [moved]) == []
    for other in (
        but(OLD, labels={"a": "b"}),
        but(OLD, digest=digest("c")),
        but(OLD, publishedAt="2020-01-01T00:00:00Z"),
    ):
        assert "unexplained" in rules(ledger_of(NEW), ledger_of(other), [moved])


def test_the_reverts_of_a_removal_and_of_what_came_instead_are_a_move_if_they_are_one_commit() -> None:
    """Also from one platform to another, or to a publication of its own; but one image may go and another come back."""
    index, arm = {"index": digest("i")}, but(OLD, platform="linux/arm64", digest=digest("r"))
    again = but(OLD, publishedAt="2026-11-25T00:00:00Z")
    for old, new in ((OLD, but(OLD, digest=digest("b"))), (OLD, arm), (arm, but(OLD, platform=None))):
        did = [compare(ledger_of(old), Ledger()), compare(Ledger(), ledger_of(new))]
        assert "immutable" in rules(ledger_of(new), ledger_of(old), did)
        assert rules(ledger_of(new), Ledger(), did[1:]) == rules(Ledger(), ledger_of(old), did[:1]) == []
    did = [compare(ledger_of(OLD), Ledger()), compare(Ledger(), ledger_of(again))]
    assert rules(ledger_of(again), ledger_of(OLD), did) == ["facts"]
    one, two, third = (
        but(OLD, **index),
        but(arm, **index),
        but(arm, **index, platform="linux/386", digest=digest("x")),
    )
    did = [compare(ledger_of(one, third), ledger_of(third)), compare(ledger_of(third), ledger_of(two, third))]
    assert rules(ledger_of(two, third), ledger_of(one, third), did) == []


def test_what_was_undone_before_needs_no_undoing() -> None:
    both = compare(Ledger(), ledger_of(record("a"), record("b")))
    assert rules(ledger_of(record("b")), Ledger(), [both]) == []
    assert "unexplained" in rules(ledger_of(record("a"), record("b")), ledger_of(record("a")), [both])
