"""Whatever ranges of commits the commands make, in any order, `check --base` passes them.

But for what the contract forbids: to remove a record and to publish it again is to move it, or to change its facts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import Effect, effects_of
from ledger_tool.core.changes.lawful import check_lawful
from ledger_tool.core.changes.merge import merge
from ledger_tool.core.changes.message import compose, parse_message
from ledger_tool.core.judging.check import RangeJudge
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Platform, Timestamp, parse_ttl
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.writes import edit as edits
from ledger_tool.core.writes.prune import PruneCriteria
from ledger_tool.core.writes.publish import publish
from ledger_tool.errors import LedgerError
from tests.support.values.make import digest, draft, source
from tests.support.values.profiles import example_count

AMD, ARM = "linux/amd64", "linux/arm64"
THEN, NOW = Timestamp("2026-11-06T00:00:00Z"), Timestamp("2026-12-01T00:00:00Z")
POLICY = Policy(mutable=("latest",))
STRICT = Policy(mutable=("latest",), require=("ttl", "platform", "labels.by"))
TAGS = ("v1", "v1", "latest")
Command = Callable[[Snapshot, int], Change]


def _push(
    images: Sequence[tuple[str | None, str]],
    index: str | None,
    how: str,
    reason: str,
    tag: str,
    ttl: str | None = None,
    at: str = "",
) -> Command:
    """Return the publish of some images, each with its platform, below an index or by themselves, at a number.

    With a TTL of seven days, what was published before the last week has expired by the time of the range.
    """

    def run(snapshot: Snapshot, number: int) -> Change:
        drafts = [
            draft("app", tag=tag, digest=digest(image), platform=platform, index=index and digest(index),
                  source_ref=source(number % 2), published_at=at or f"2026-11-0{number + 1}T00:00:00Z",
                  labels={"by": how}, ttl=ttl and parse_ttl(ttl), looked_at=how == "looked")
            for platform, image in images
        ]  # fmt: skip
        return publish(snapshot, drafts, force_reason=reason)

    return run


def _edit(verb: str, tag: str, platform: Platform | None, ttl: str | None = None) -> Command:
    names = [parse_name(f"app:{tag}")]
    match verb:
        case "remove":
            return lambda snapshot, _: edits.remove(snapshot, names, reason="gone", platform=platform)
        case "set":
            facts = {"ttl": parse_ttl(ttl)} if ttl else {"clear_ttl": tag == "latest"}
            return lambda snapshot, number: edits.set_facts(snapshot, ["app"], labels={"at": str(number)}, **facts)
        case "prune":
            return lambda snapshot, _: edits.prune(snapshot, PruneCriteria(now=NOW))
    undo = verb == "unyank"
    return lambda snapshot, _: edits.yank(snapshot, names, now=NOW, reason="bad", platform=platform, undo=undo)


_IMAGES: list[list[tuple[str | None, str]]] = [
    *([(platform, image)] for platform, image in product((None, AMD, ARM), "abw")),
    [(AMD, "a"), (ARM, "b")],
    [(AMD, "a"), (ARM, "c")],
    [(AMD, "b"), (ARM, "a")],
    [(AMD, "c"), (ARM, "b")],
    [(AMD, "a"), (ARM, "a")],
]
TTLS = st.sampled_from([None, None, "7d", "60d"])
PUSHES = st.builds(
    _push,
    st.sampled_from(_IMAGES),
    st.sampled_from([None, "w", "w", "x"]),
    st.sampled_from(["offline", "looked"]),
    st.sampled_from(["", "why", "why", "again"]),
    st.sampled_from(TAGS),
    TTLS,
    st.sampled_from(["", "", "2026-11-30T00:00:00Z"]),
)
EDITS = st.builds(
    _edit,
    st.sampled_from(["remove", "set", "prune", "yank", "unyank"]),
    st.sampled_from(TAGS),
    st.sampled_from([None, None, Platform(AMD)]),
    TTLS,
)
COMMANDS = st.lists(st.one_of(PUSHES, PUSHES, EDITS), max_size=5)


def _run(
    ledger: Ledger, commands: Sequence[Command], judge: RangeJudge | None, policy: Policy = POLICY
) -> tuple[Ledger, list[Effect]]:
    """Return the ledger after some commands, and what they did; each is judged by itself.

    Without a judge, they ran weeks ago.
    """
    done: list[Effect] = []
    for number, command in enumerate(commands):
        try:
            change = command(Snapshot("", ledger, policy), number)
            check_lawful(change.effects, policy, NOW if judge else THEN)
        except LedgerError:
            continue
        differences = compare(ledger, change.ledger)
        effects = effects_of(differences, change.ledger.find)
        if not differences:
            continue
        if judge:
            said = parse_message(compose(change, str(number)))
            assert judge.commit(ledger, differences, said, policy, at=NOW) == []
        done += effects
        ledger = change.ledger
    return ledger, done


def _in_two_steps(effects: Sequence[Effect]) -> set[Name]:
    """Return the names where one command removed what another one brought again, or something in its place."""
    gone = [effect.record for effect in effects if effect.new is None]
    came = [effect.new for effect in effects if effect.new and effect.kind != "updated"]
    return {old.name for old, new in product(gone, came) if old.name == new.name and _is_in_place(old, new)}


def _is_in_place(old: Record, new: Record) -> bool:
    """Return whether a record is in the place of one that was removed.

    Another image below its index is not, unless the mark of a move went with it: no record tells of that move then.
    """
    is_same = old.digest in (new.digest, new.index) or new.platform in (None, old.platform)
    return is_same or old.forced is not None or old.platform is None or old.pull_digest != new.pull_digest


def _lacks_mark(effect: Effect) -> bool:
    was, new = [old.forced for old in effect.of_same_image.old if old.forced], effect.new
    if new is None or not was:
        return False
    return new.forced is None or (new.forced in was and new.forced.replaces == new.pull_digest)


def _check(judge: RangeJudge, after: Ledger, effects: Sequence[Effect], but_for: set[Name]) -> None:
    """Assert that a range passes as one change.

    But for image:tags that lost a mark, and with it a move's reason, or that a look led back to what a mark names: what
    is there again then has other facts than before, and no record says why.
    """
    verdict = judge.net(after)
    unmarked = {effect.name for effect in effects if _lacks_mark(effect)}
    faults = [fault for fault in verdict.faults if fault.key and Name(*fault.key[:2]) not in but_for | unmarked]
    assert faults == []
    looked = {effect.name for effect in effects if effect.new and effect.new.labels.get("by") == "looked"}
    assert [claim for claim in verdict.claims if claim.name not in but_for | looked] == []  # only a look needs proof


def _one_after_the_other(first: Sequence[Command], then: Sequence[Command], policy: Policy = POLICY) -> None:
    base, _ = _run(Ledger(), first, None)
    judge = RangeJudge(base, policy, NOW)
    after, effects = _run(base, then, judge, policy)
    assert all(fault.rule != "merge" for fault in judge.net(after).faults)
    judge = RangeJudge(base, policy, NOW)
    _run(base, then, judge, policy)
    _check(judge, after, effects, _in_two_steps(effects))


def _on_two_branches(first: Sequence[Command], here: Sequence[Command], there: Sequence[Command]) -> None:
    start, _ = _run(Ledger(), first, None)
    base, landed = _run(start, there, None)
    judge = RangeJudge(base, POLICY, NOW)
    mine, effects = _run(start, here, judge)
    merged = merge(start, mine, base)
    if not merged.collisions:
        assert judge.merge(start, mine, base, merged.ledger) == []
        theirs = {effect.name for effect in landed}
        _check(judge, merged.ledger, effects, _in_two_steps(effects) | ({effect.name for effect in effects} & theirs))


_W = ("w", "offline", "", "v1")
_PAIR = _push([(AMD, "a"), (ARM, "b")], *_W)
_INDEX = _push([(None, "w")], None, "offline", "", "v1")
_REMOVE = _edit("remove", "v1", None)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        # one platform of an index, and back by a batch
        ([_PAIR], [_push([(AMD, "c")], "w", "offline", "CVE", "v1"),
                   _push([(AMD, "a"), (ARM, "b")], "w", "offline", "back", "v1")]),
        # an index that nobody had looked into, and its images one by one
        ([_INDEX], [_push([(AMD, "a")], *_W), _push([(ARM, "b")], *_W)]),
        ([_INDEX], [_push([(AMD, "a")], *_W), _REMOVE]),
        # from a record without a platform
        ([_push([(None, "a")], None, "offline", "", "v1")],
         [_push([(AMD, "a"), (ARM, "c")], "w", "offline", "CVE", "v1"),
          _push([(None, "x")], None, "offline", "again", "v1")]),
        # a move in the words of an earlier correction
        ([_PAIR, _push([(AMD, "a"), (ARM, "b")], "w", "offline", "CVE", "v1")],
         [_push([(AMD, "a"), (ARM, "b")], "x", "offline", "CVE", "v1")]),
        # one image for another platform, and another one in its place
        ([_PAIR], [_push([(AMD, "c"), (ARM, "a")], "w", "offline", "mixed up", "v1")]),
    ],
)  # fmt: skip
def test_what_commands_did_to_an_index_passes(first: Sequence[Command], then: Sequence[Command]) -> None:
    base, _ = _run(Ledger(), first, None)
    judge = RangeJudge(base, POLICY, NOW)
    after, _ = _run(base, then, judge)
    verdict = judge.net(after)
    assert (verdict.faults, verdict.claims) == ([], [])


@example_count(400)
@given(COMMANDS, COMMANDS)
def test_what_commands_do_one_after_the_other_passes(first: Sequence[Command], then: Sequence[Command]) -> None:
    _one_after_the_other(first, then)


@example_count(200)
@given(COMMANDS, COMMANDS)
def test_what_commands_do_where_the_team_has_begun_to_insist_on_fields_passes(
    first: Sequence[Command], then: Sequence[Command]
) -> None:
    _one_after_the_other(first, then, STRICT)


@example_count(100)
@given(COMMANDS, COMMANDS, COMMANDS)
def test_what_commands_do_on_two_branches_passes(
    first: Sequence[Command], here: Sequence[Command], there: Sequence[Command]
) -> None:
    """Where they meet in one image:tag, a merge of both is judged elsewhere."""
    _on_two_branches(first, here, there)


@pytest.mark.storm
@settings(max_examples=20_000)
@given(COMMANDS, COMMANDS)
def test_what_commands_do_passes_in_very_many_ranges(first: Sequence[Command], then: Sequence[Command]) -> None:
    _one_after_the_other(first, then)
