"""Does a commit do what it says? Whatever the program writes does; what is silent, forged or unforced is named."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ledger_tool.core import edits, message, rules
from ledger_tool.core.act import acts
from ledger_tool.core.change import Change, Snapshot
from ledger_tool.core.compare import compare
from ledger_tool.core.draft import Draft
from ledger_tool.core.explain import Fault, faults
from ledger_tool.core.ledger import Ledger
from ledger_tool.core.names import Platform, Timestamp
from ledger_tool.core.policy import Policy
from ledger_tool.core.record import Record
from ledger_tool.core.reference import parse_name
from ledger_tool.core.told import read
from ledger_tool.errors import LedgerError
from tests.support.make import SOURCE, but, digest, draft, ledger_of, record, source
from tests.support.smallworld import BATCHES, POLICIES, ledgers
from tests.support.strategies import steady

AMD, ARM = "linux/amd64", "linux/arm64"


def forced(replaces: str, reason: str = "rebuilt") -> dict[str, str]:
    return {"replaces": replaces, "reason": reason}


def yanked(reason: str) -> dict[str, str]:
    return {"at": "2026-01-01T00:00:00Z", "reason": reason}


def judged(old: Ledger, new: Ledger, text: str, policy: Policy | None = None) -> list[Fault]:
    return faults(acts(compare(old, new)), read(text), policy or Policy())


def rules_broken(old: Ledger, new: Ledger, text: str, policy: Policy | None = None) -> list[str]:
    return [fault.rule for fault in judged(old, new, text, policy)]


@settings(steady, max_examples=400)
@given(ledgers(), POLICIES, BATCHES, st.sampled_from(["", "why"]))
def test_whatever_a_publish_writes_is_explained(
    ledger: Ledger, policy: Policy, drafts: list[Draft], force: str
) -> None:
    try:
        change = rules.publish(Snapshot("", ledger, policy), drafts, force_reason=force)
    except LedgerError:
        assume(False)
    assume(change.changed)
    assert judged(ledger, change.ledger, message.compose(change, "t"), policy) == []


@settings(steady, max_examples=100)
@given(ledgers(), st.sampled_from(["app:v1", "app-2:latest"]), st.sampled_from([None, Platform(AMD)]))
def test_whatever_an_edit_writes_is_explained(ledger: Ledger, name: str, platform: Platform | None) -> None:
    for before, change in changes(ledger, name, platform):
        assert judged(before, change.ledger, message.compose(change, "t")) == []


def changes(ledger: Ledger, name: str, platform: Platform | None) -> list[tuple[Ledger, Change]]:
    snapshot = Snapshot("", ledger, Policy())
    try:
        removed = edits.remove(snapshot, [parse_name(name)], reason="gone", platform=platform)
        edited = edits.set_facts(snapshot, [name.partition(":")[0]], labels={"a": "b"}, unlabel=["env"], clear_ttl=True)
        yanked = edits.yank(snapshot, [parse_name(name)], at=Timestamp("2026-01-01T00:00:00Z"), reason="bad")
        after = Snapshot("", yanked.ledger, Policy())
        back = edits.yank(after, [parse_name(name)], at=Timestamp("2026-01-02T00:00:00Z"), reason="good", undo=True)
    except LedgerError:
        assume(False)
    return [(ledger, removed), (ledger, edited), (ledger, yanked), (yanked.ledger, back)]


OLD = record(digest=digest("a"), platform=AMD)
NEW = but(OLD, digest=digest("b"))
FORCED = but(NEW, forced=forced(OLD.digest))


def text(verb: str, one: Record, *more: str) -> str:
    lines = [f"Image: {one.name}", f"Platform: {one.platform}", f"Digest: {one.digest}", *more]
    return f"{verb} {one.name}\n\n" + "\n".join(lines) + "\n"


MOVE = (f"Replaces: {OLD.digest}", f"Source-Ref: {SOURCE}", "Reason: rebuilt")


def test_a_forced_move_that_says_so_is_fine() -> None:
    assert rules_broken(ledger_of(OLD), ledger_of(FORCED), text("publish", NEW, *MOVE)) == []


@pytest.mark.parametrize(
    ("new", "said", "broken"),
    [
        (NEW, text("publish", NEW, *MOVE), ["immutable"]),
        (NEW, "tidy up\n", ["unexplained", "immutable"]),
        (but(FORCED, forced=forced(digest("x"))), text("publish", NEW, *MOVE), ["immutable", "forced"]),
        (but(FORCED, forced=forced(OLD.digest, "other")), text("publish", NEW, *MOVE), ["forced"]),
        (FORCED, text("publish", OLD, *MOVE), ["trailers"]),
        (FORCED, text("publish", NEW, MOVE[0].replace("a", "b"), *MOVE[1:]), ["trailers"]),
        (FORCED, text("publish", NEW, MOVE[0], f"Source-Ref: {source(2)}", MOVE[2]), ["trailers"]),
        (FORCED, text("publish", NEW, *MOVE[:2]), ["forced"]),
        (FORCED, text("remove", NEW, *MOVE), ["trailers"]),
        (FORCED, text("publish", NEW, *MOVE, "Image: other:v1", f"Digest: {digest('o')}"), ["trailers"]),
        (FORCED, text("publish", NEW, *MOVE) + "\nnot a trailer\n", ["unexplained"]),
        (but(OLD, publishedAt="2020-01-01T00:00:00Z"), text("publish", OLD), ["facts"]),
        (but(OLD, sourceRef=source(3)), text("set", OLD), ["facts"]),
        (but(OLD, forced=forced(digest("z"), "forged")), text("publish", OLD), ["facts"]),
        (but(OLD, config=digest("c")), text("set", OLD), ["facts"]),
        (but(OLD, yanked=yanked("bad")), text("yank", OLD), ["reason"]),
        (but(OLD, yanked=yanked("x")), text("yank", OLD, "Reason: bad"), ["trailers"]),
        (but(OLD, yanked=yanked("x")), text("set", OLD, "Reason: x"), ["facts"]),
    ],
)
def test_each_fault_of_a_changed_record_is_named(new: Record, said: str, broken: list[str]) -> None:
    assert rules_broken(ledger_of(OLD), ledger_of(new), said) == broken


def test_a_mutable_tag_moves_without_a_mark_but_not_without_a_word() -> None:
    policy = Policy(mutable=("v*",))
    assert rules_broken(ledger_of(OLD), ledger_of(NEW), text("publish", NEW, *MOVE[:2]), policy) == []
    assert rules_broken(ledger_of(OLD), ledger_of(NEW), "move", policy) == ["unexplained"]


def test_a_record_goes_with_a_reason_only() -> None:
    assert rules_broken(ledger_of(OLD), Ledger(), text("remove", OLD, "Reason: broken")) == []
    assert rules_broken(ledger_of(OLD), Ledger(), text("prune", OLD, "Reason: expired")) == []
    assert rules_broken(ledger_of(OLD), Ledger(), text("remove", OLD)) == ["reason"]
    assert rules_broken(ledger_of(OLD), Ledger(), text("publish", OLD, "Reason: broken")) == ["trailers"]


def test_a_new_record_has_neither_a_mark_that_it_was_forced_nor_one_that_it_is_yanked() -> None:
    marked = but(OLD, forced=forced(digest("z"), "forged"))
    assert rules_broken(Ledger(), ledger_of(marked), text("publish", OLD, "Reason: forged")) == ["forced"]
    marked = but(OLD, yanked=yanked("bad"))
    assert rules_broken(Ledger(), ledger_of(marked), text("publish", OLD)) == ["facts"]


def test_a_message_that_only_counts_must_count_right() -> None:
    drafts = [draft(tag=f"v{at}", digest=digest(at), source_ref=source(at % 2)) for at in range(150)]
    change = rules.publish(Snapshot("", Ledger(), Policy()), drafts)
    said = message.compose(change, "t")
    assert "Records: 150" in said
    assert rules_broken(Ledger(), change.ledger, said) == []
    assert rules_broken(Ledger(), change.ledger, said.replace("Records: 150", "Records: 149")) == ["trailers"]
    forged = said.replace(source(1), source(7))
    assert rules_broken(Ledger(), change.ledger, forged) == ["trailers"] * 75


def test_trailers_of_a_host_in_a_paragraph_of_their_own_do_not_hide_ours() -> None:
    said = text("publish", OLD, f"Source-Ref: {SOURCE}") + "\nCo-authored-by: A <a@example.com>\n"
    assert rules_broken(Ledger(), ledger_of(OLD), said) == []
    picked = text("publish", OLD, f"Source-Ref: {SOURCE}") + "(cherry picked from commit 1234567)\n"
    assert rules_broken(Ledger(), ledger_of(OLD), picked) == []


def test_a_platform_that_is_filled_in_is_an_update() -> None:
    unknown = but(OLD, platform=None)
    (act,) = acts(compare(ledger_of(unknown), ledger_of(OLD)))
    assert (act.effect, act.fields()) == ("updated", {"platform"})


def test_a_record_without_a_platform_replaces_all_platforms() -> None:
    both = ledger_of(OLD, but(OLD, platform=ARM, digest=digest("r")))
    whole = but(OLD, platform=None, digest=digest("w"))
    (act,) = acts(compare(both, ledger_of(whole)))
    assert (act.effect, act.replaces) == ("moved", (digest("a"), digest("r")))
