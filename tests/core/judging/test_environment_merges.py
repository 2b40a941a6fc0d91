"""A merge commit, seen by `check` and by `audit`: what it does to environments has one judge, and one answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from hypothesis import event, example, given
from hypothesis import strategies as st

from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.changes.message import parse_message
from ledger_tool.core.changes.promotion import promoted, unfit
from ledger_tool.core.judging.check import RangeJudge
from ledger_tool.core.judging.commit import CommitFault
from ledger_tool.core.judging.environment import RULE, merge_faults
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Image, Tag, Timestamp
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.policy.policy import Environment, Policy
from tests.support.values.make import SOURCE, but, digest, ledger_of, record
from tests.support.values.profiles import example_count

APP = Image("app")
POLICY = Policy(mutable=("main",), environments={"staging": Environment(), "prod": Environment("staging")})
START = ledger_of(*(record("app", tag, digest=digest(tag)) for tag in ("v1", "v2", "main")))
Step = tuple[str, str, str]
_steps = st.lists(
    st.tuples(
        st.sampled_from(["promote", "promote", "yank", "unyank", "remove", "move"]),
        st.sampled_from(["v2", "v2", "main", "v1"]),
        st.sampled_from(["staging", "staging", "prod"]),
    ),
    min_size=1,
    max_size=2,
)


def after(ledger: Ledger, step: Step, at: Timestamp, side: str) -> Ledger:
    """Return the ledger after a step; where a command would refuse it, the same."""
    verb, tag, environment = step
    name, records = Name(APP, Tag(tag)), ledger.find(Name(APP, Tag(tag)))
    if not records:
        return ledger
    if verb == "promote":
        if any(unfit(records, ledger, at)):
            return ledger
        return ledger.replaced({Name(APP, Tag(environment)): promoted(records, Tag(environment), at)})
    changed: dict[str, Callable[[], tuple[Record, ...]]] = {
        "yank": lambda: (but(records[0], yanked={"at": at, "reason": "bad"}),),
        "unyank": lambda: (but(records[0], yanked=None),),
        "remove": lambda: (),
        "move": lambda: (
            but(
                records[0], digest=digest(f"{tag} {side} {at}"), publishedAt=at, yanked=None,
                forced=None if tag == "main" else {"replaces": records[0].digest, "reason": "again"},
            ),
        ),
    }  # fmt: skip
    return ledger.replaced({name: changed[verb]()})


def line_of(start: Ledger, steps: Sequence[Step], side: str, *, day: int) -> list[Ledger]:
    """Return the ledgers of one line of history."""
    line = [start]
    for number, step in enumerate(steps):
        line.append(after(line[-1], step, Timestamp(f"2026-11-{day}T1{number}:00:00Z"), side))
    return line


def merged_by_line(base: Ledger, ours: Ledger, theirs: Ledger) -> Ledger | None:
    """Return what git makes of two sides that have changed different records; None if it has a conflict."""
    names = {Name(Image(image), Tag(tag)) for ledger in (base, ours, theirs) for image, tag in ledger.names()}
    mine, other = ({name for name in names if side.find(name) != base.find(name)} for side in (ours, theirs))
    return None if mine & other else ours.replaced({name: theirs.find(name) for name in other})


def checked(start: Ledger, lines: Sequence[Sequence[Ledger]], base: Ledger, result: Ledger) -> set[str]:
    """Return what `check` finds about environments in a range with these lines, which end in a merge."""
    judge, faults = RangeJudge(start, POLICY), list[CommitFault]()
    for line in lines:
        for before, now in pairwise(line):
            text = "".join(
                f"Image: {one.name}\nVersion: {one.version}\nDigest: {one.digest}\nSource-Ref: {SOURCE}\n"
                for one in now.records()
                if one.is_environment and before.find(one.name) != now.find(one.name)
            )
            message = parse_message(f"promote\n\n{text}Reason: why")
            judge.commit(before, compare(before, now), message, POLICY, at=Timestamp("2026-11-27T00:00:00Z"))
    ours, theirs = lines[0][-1] if len(lines) > 1 else start, lines[-1][-1]
    faults += judge.merge(base, ours, theirs, result, POLICY)
    faults += judge.net(result).faults
    return {str(fault.key) for fault in faults if fault.rule == RULE}


@example_count(200)
@given(st.just([]) | _steps, _steps, _steps)
@example([], [("yank", "v2", "prod")], [("promote", "v2", "staging")])
@example([], [("promote", "v2", "staging")], [("yank", "v2", "prod")])
@example([], [("move", "main", "")], [("promote", "main", "staging")])
@example([], [("remove", "v1", "")], [("promote", "v2", "staging"), ("yank", "v2", "")])
def test_a_merge_is_to_the_audit_what_it_is_to_a_check_of_what_it_brings(
    before: Sequence[Step], ours: Sequence[Step], theirs: Sequence[Step]
) -> None:
    """From the first parent on, and in a range that has both lines, of which the first becomes the branch."""
    base = line_of(START, before, "base", day=25)[-1]
    mine, other = line_of(base, ours, "ours", day=26), line_of(base, theirs, "theirs", day=26)
    if (result := merged_by_line(base, mine[-1], other[-1])) is None:
        return
    effects = effects_of(compare(mine[-1], result))
    audited = {str(fault.key) for fault in merge_faults(effects, mine[-1], result, POLICY)}
    event("faults" if audited else "none")
    assert checked(mine[-1], [other], base, result) == audited
    assert checked(base, [mine, other], base, result) >= audited


def test_an_environment_gets_nothing_by_a_merge_that_the_branch_has_withdrawn() -> None:
    """What the branch yanked first, no other line brings in; what is yanked later was good when it was promoted."""
    yanked, has = (
        but(record("app", "v2", digest=digest("v2")), yanked={"at": "2026-11-26T00:00:00Z", "reason": "x"}),
        (promoted(START.find(Name(APP, Tag("v2"))), Tag("staging"), Timestamp("2026-11-26T01:00:00Z"))),
    )
    withdrawn = START.replaced({Name(APP, Tag("v2")): (yanked,)})
    both = withdrawn.replaced({Name(APP, Tag("staging")): has})
    given = START.replaced({Name(APP, Tag("staging")): has})

    def found(ours: Ledger) -> list[str]:
        effects = effects_of(compare(ours, both))
        return [fault.message for fault in merge_faults(effects, ours, both, POLICY)]

    assert found(withdrawn) == ["app:staging has v2, which is yanked: x"]
    assert found(given) == []
    assert found(START) == []
