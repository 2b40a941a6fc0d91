"""Does a commit do what it says? Whatever the program writes does; what is silent, forged or unforced is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger_tool.core.changes import message
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.changes.message import parse_message
from ledger_tool.core.judging.commit import CommitFault, judge_commit
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Digest, Platform, Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.writes import edit as edits
from ledger_tool.core.writes import publish as rules
from ledger_tool.core.writes.draft import Draft
from ledger_tool.errors import LedgerError
from tests.support.values.make import SOURCE, but, digest, draft, ledger_of, record, source
from tests.support.values.profiles import example_count
from tests.support.values.smallworld import BATCHES, POLICIES, ledgers

AMD, ARM = "linux/amd64", "linux/arm64"


def forced(replaces: str, reason: str = "rebuilt") -> dict[str, str]:
    return {"replaces": replaces, "reason": reason}


def yanked(reason: str) -> dict[str, str]:
    return {"at": "2026-01-01T00:00:00Z", "reason": reason}


def judged(old: Ledger, new: Ledger, text: str, policy: Policy | None = None) -> list[CommitFault]:
    return judge_commit(effects_of(compare(old, new)), parse_message(text), policy or Policy())


def rules_broken(old: Ledger, new: Ledger, text: str, policy: Policy | None = None) -> list[str]:
    return [fault.rule for fault in judged(old, new, text, policy)]


@example_count(400)
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


@example_count(100)
@given(ledgers(), st.sampled_from(["app:v1", "app-2:latest"]), st.sampled_from([None, Platform(AMD)]))
def test_whatever_an_edit_writes_is_explained(ledger: Ledger, name: str, platform: Platform | None) -> None:
    for before, change in changes(ledger, name, platform):
        assert judged(before, change.ledger, message.compose(change, "t")) == []


def changes(ledger: Ledger, name: str, platform: Platform | None) -> list[tuple[Ledger, Change]]:
    snapshot = Snapshot("", ledger, Policy())
    try:
        removed = edits.remove(snapshot, [parse_name(name)], reason="gone", platform=platform)
        edited = edits.set_facts(snapshot, [name.partition(":")[0]], labels={"a": "b"}, unlabel=["env"], clear_ttl=True)
        yanked = edits.yank(snapshot, [parse_name(name)], now=Timestamp("2026-01-01T00:00:00Z"), reason="bad")
        after = Snapshot("", yanked.ledger, Policy())
        back = edits.yank(after, [parse_name(name)], now=Timestamp("2026-01-02T00:00:00Z"), reason="good", undo=True)
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
        (FORCED, text("publish", NEW, *MOVE) + "\nnot a trailer\n", []),
        (but(OLD, publishedAt="2020-01-01T00:00:00Z"), text("publish", OLD), ["facts"]),
        (but(OLD, sourceRef=source(3)), text("set", OLD), ["facts"]),
        (but(OLD, forced=forced(digest("z"), "forged")), text("publish", OLD), ["forced"]),
        (but(OLD, forced=forced(OLD.digest, "forged")), text("publish", OLD), ["forced"]),
        (but(OLD, sourceRef=source(3)), text("publish", OLD, "Reason: x"), ["facts"]),
        (but(OLD, sourceRef=source(3), forced=forced(OLD.digest, "x")), text("publish", OLD, "Reason: x"), []),
        (but(OLD, sourceRef=source(3), forced=forced(OLD.digest, "x")), text("set", OLD, "Reason: x"), ["facts"]),
        (but(OLD, config=digest("c")), text("set", OLD), ["facts"]),
        (but(OLD, yanked=yanked("bad")), text("yank", OLD), ["reason"]),
        (but(OLD, yanked=yanked("x")), text("yank", OLD, "Reason: bad"), ["trailers"]),
        (but(OLD, yanked=yanked("x")), text("set", OLD, "Reason: x"), ["facts"]),
        (but(NEW, yanked=yanked("x"), forced=forced(OLD.digest)), text("publish", NEW, *MOVE), ["facts"]),
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


def counted(images: int, sources: int) -> tuple[Ledger, str]:
    """Return what a publish of many images leaves, and its message."""
    drafts = [draft(tag=f"v{at}", digest=digest(at), source_ref=source(at % sources)) for at in range(images)]
    change = rules.publish(Snapshot("", Ledger(), Policy()), drafts)
    return change.ledger, message.compose(change, "t")


def test_a_message_that_only_counts_must_count_right() -> None:
    ledger, said = counted(150, 2)
    assert "Records: 150" in said
    assert rules_broken(Ledger(), ledger, said) == []
    assert rules_broken(Ledger(), ledger, said.replace("Records: 150", "Records: 149")) == ["trailers"]
    other = said.replace(source(1), source(7))  # which no record is from, and 75 are from none that is named
    assert rules_broken(Ledger(), ledger, other) == ["trailers"] * 76
    assert rules_broken(Ledger(), ledger, said.replace("Records", f"Image: x:v1\nDigest: {digest()}\nRecords")) == [
        "trailers"
    ]
    assert rules_broken(Ledger(), Ledger(), said) == ["trailers"]


def test_sourcerefs_are_counted_right_too() -> None:
    ledger, said = counted(150, 101)
    assert "Source-Refs: 101" in said
    assert rules_broken(Ledger(), ledger, said) == []
    assert rules_broken(Ledger(), ledger, said.replace("Source-Refs: 101", "Source-Refs: 100")) == ["trailers"]


def test_what_a_message_can_name_it_may_not_count() -> None:
    ledger, said = counted(100, 1)
    assert "Records" not in said
    assert (
        rules_broken(Ledger(), ledger, f"publish 100 images\n\nRecords: 100\nSource-Ref: {source(0)}\n")
        == ["unexplained"] * 100
    )


def test_trailers_of_a_host_in_a_paragraph_of_their_own_do_not_hide_ours() -> None:
    said = text("publish", OLD, f"Source-Ref: {SOURCE}") + "\nCo-authored-by: A <a@example.com>\n"
    assert rules_broken(Ledger(), ledger_of(OLD), said) == []
    picked = text("publish", OLD, f"Source-Ref: {SOURCE}") + "(cherry picked from commit 1234567)\n"
    assert rules_broken(Ledger(), ledger_of(OLD), picked) == []


FULL = but(OLD, index=digest("i"), config=digest("c"), labels={"a": "1", "b": "2"}, ttl="7d")


@pytest.mark.parametrize(
    ("lost", "verbs"),
    [
        ({"platform": None}, ()),
        ({"index": None}, ("publish", "tidy")),
        ({"config": None}, ()),
        ({"labels": {"a": "1"}}, ("set", "tidy")),
        ({"labels": None}, ("set", "tidy")),
        ({"ttl": None}, ("set", "tidy")),
    ],
)
def test_only_what_some_verb_takes_away_goes(lost: dict[str, Any], verbs: tuple[str, ...]) -> None:
    new = but(FULL, **lost)
    for verb in ("publish", "set", "tidy"):
        said = text(verb, new).replace("Platform: None\n", "")
        assert rules_broken(ledger_of(FULL), ledger_of(new), said) == ([] if verb in verbs else ["facts"]), verb


def test_the_mark_of_one_platform_does_not_excuse_the_move_of_another() -> None:
    """But where a record without a platform gives way to several, any of them may bear it."""
    arm = but(NEW, platform=ARM, digest=digest("r"), forced=forced(OLD.digest))
    said = "\n".join(text("publish", one).partition("\n\n")[2].rstrip() for one in (NEW, arm))
    said = f"publish 2\n\n{said}\nReplaces: {OLD.digest}\nReason: rebuilt\n"
    assert rules_broken(ledger_of(OLD), ledger_of(NEW, arm), said) == ["immutable"]
    assert rules_broken(ledger_of(but(OLD, platform=None)), ledger_of(NEW, arm), said) == []


def test_without_a_message_only_what_no_message_could_explain_is_judged() -> None:
    def uncommitted(new: Ledger) -> list[str]:
        return [fault.rule for fault in judge_commit(effects_of(compare(ledger_of(OLD), new)), None, Policy())]

    assert uncommitted(ledger_of(NEW)) == ["immutable"]
    assert uncommitted(ledger_of(but(OLD, publishedAt="2020-01-01T00:00:00Z"))) == ["facts"]
    for new in (ledger_of(FORCED), Ledger(), ledger_of(but(OLD, yanked=yanked("x"))), ledger_of(FULL)):
        assert uncommitted(new) == []


@pytest.mark.parametrize("mark", [{}, {"yanked": yanked("bad")}, {"forced": forced(digest("o"), "CVE")}])
def test_the_images_of_an_index_keep_the_marks_that_it_was_recorded_with(mark: dict[str, Any]) -> None:
    index = but(OLD, platform=None, digest=digest("i"), **mark)
    before = ledger_of(index)
    images = [draft(platform=AMD), draft(platform=ARM, digest=digest("r"))]
    drafts = [replace(one, index=Digest(index.digest), looked_at=True) for one in images]
    change = rules.publish(Snapshot("", before, Policy()), drafts)
    said = message.compose(change, "t")
    assert judged(before, change.ledger, said) == []
    bare = change.ledger.replaced({OLD.name: [but(one, **dict.fromkeys(mark)) for one in change.ledger.records()]})
    assert bool(rules_broken(before, bare, said)) == bool(mark)


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ({}, []),
        ({"labels": {"env": "prod"}}, []),
        ({"sourceRef": source(3)}, ["facts"]),
        ({"publishedAt": "2020-01-01T00:00:00Z"}, ["facts"]),
        ({"config": None}, ["facts"]),
        ({"yanked": None}, ["facts"]),
    ],
)
def test_an_image_that_stays_keeps_its_facts_where_its_tag_moves(changed: dict[str, Any], broken: list[str]) -> None:
    """Here the tag loses its other image, so that it is a move, although this one's digest is the same."""
    stays = but(OLD, index=digest("i"), config=digest("c"), yanked=yanked("bad"))
    goes = but(stays, platform=ARM, digest=digest("r"))
    after = but(stays, index=digest("j"), **changed)
    said = text("publish", after, f"Replaces: {goes.digest}", f"Source-Ref: {after.source_ref}")
    assert rules_broken(ledger_of(stays, goes), ledger_of(after), said, Policy(mutable=("*",))) == broken


@pytest.mark.parametrize(
    ("verb", "old", "new", "broken"),
    [
        ("publish", None, "a", []),
        ("publish", "a", "b", []),
        ("publish", "a", None, ["facts"]),
        ("set", None, "a", ["facts"]),
        ("set", "a", "b", ["facts"]),
    ],
)
def test_only_a_publish_says_what_proves_an_image_and_none_takes_it_back(
    verb: str, old: str | None, new: str | None, broken: list[str]
) -> None:
    before, after = (but(OLD, provenance=seed and {"digest": digest(seed)}) for seed in (old, new))
    assert rules_broken(ledger_of(before), ledger_of(after), text(verb, after)) == broken
