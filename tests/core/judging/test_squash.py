"""Squashed commits: whatever order and layout a host gives their messages, what they did together is explained."""

from __future__ import annotations

from collections.abc import Sequence
from unittest.mock import Mock

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger_tool.core.changes import account, message
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.changes.message import parse_message
from ledger_tool.core.changes.promotion import promoted
from ledger_tool.core.judging.check import RangeJudge
from ledger_tool.core.judging.commit import judge_commit
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Tag, Timestamp, Ttl, parse_platform
from ledger_tool.core.policy.policy import Environment, Policy
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.writes import edit as edits
from ledger_tool.core.writes import publish as rules
from ledger_tool.core.writes.prune import PruneCriteria
from ledger_tool.errors import LedgerError
from tests.support.values import squashes
from tests.support.values.make import digest, draft, ledger_of, record, source
from tests.support.values.operations import OPERATIONS, Operation
from tests.support.values.profiles import example_count
from tests.support.values.smallworld import POLICIES, ledgers


def told(ledger: Ledger, policy: Policy, operations: Sequence[Operation]) -> tuple[Ledger, list[str]]:
    """Return the ledger after some operations, and the message of each commit that they made."""
    messages = []
    for number, operation in enumerate(operations):
        try:
            change: Change = operation(Snapshot("", ledger, policy))
        except LedgerError:
            continue
        if change.changed:
            messages.append(message.compose(change, f"{number:016x}"))
            ledger = change.ledger
    return ledger, messages


def broken(old: Ledger, new: Ledger, text: str | None, policy: Policy) -> list[str]:
    parsed = None if text is None else parse_message(text)
    return [f"{one.rule} {one.message}" for one in judge_commit(effects_of(compare(old, new)), parsed, policy)]


@example_count(150)
@given(ledgers(), POLICIES, st.lists(OPERATIONS, min_size=1, max_size=5), st.sampled_from(sorted(squashes.FORMATS)))
def test_any_sequence_of_commits_is_explained_in_any_host_s_squash_if_one_commit_might_do_as_much(
    ledger: Ledger, policy: Policy, operations: list[Operation], host: str
) -> None:
    after, messages = told(ledger, policy, operations)
    assume(messages)
    assume(broken(ledger, after, None, policy) == [])
    assert broken(ledger, after, squashes.FORMATS[host](messages), policy) == []


@pytest.mark.parametrize("host", sorted(squashes.FORMATS))
def test_a_prune_of_what_took_a_record_s_place_is_a_reason_for_the_record(host: str) -> None:
    before = ledger_of(record("app", "latest", platform="linux/amd64", digest=digest("old")), record("app", "v1"))
    other = draft("app", tag="latest", digest=digest("new"), platform=parse_platform("linux/arm64"), ttl=Ttl("7d"))
    late = PruneCriteria(now=Timestamp("2027-01-01T00:00:00Z"))
    operations: list[Operation] = [
        lambda snapshot: rules.publish(snapshot, [other]),
        lambda snapshot: edits.prune(snapshot, late),
    ]
    policy = Policy(mutable=("*",), ttl={"*": Ttl("7d")})
    after, messages = told(before, policy, operations)
    assert len(messages) == 2
    assert [entry.tag for entry in after.records()] == ["v1"]
    text = squashes.FORMATS[host](messages)
    assert broken(before, after, text, policy) == []
    assert [one.split()[0] for one in broken(before, after, text.replace("Reason:", "Because:"), policy)] == ["reason"]


@pytest.mark.parametrize("host", sorted(squashes.FORMATS))
def test_a_batch_that_only_counts_is_counted_in_a_squash_too(host: str) -> None:
    def publish(ledger: Ledger, *tags: str) -> Change:
        return rules.publish(Snapshot("", ledger, Policy()), [draft(tag=tag, digest=digest(tag)) for tag in tags])

    batch = publish(Ledger(), *(f"v{number}" for number in range(120)))
    single = publish(batch.ledger, "other")
    text = squashes.FORMATS[host]([message.compose(batch, "1"), message.compose(single, "2")])
    assert broken(Ledger(), single.ledger, text, Policy()) == []
    one_more = publish(single.ledger, "smuggled").ledger
    assert len(broken(Ledger(), one_more, text, Policy())) == 121


def test_batches_that_count_and_undo_each_other_are_explained_with_all_that_follows() -> None:
    policy = Policy()
    tags = [f"v{number}" for number in range(150)]
    names = [parse_name(f"myorg/app:{tag}") for tag in tags]
    drafts = [draft(tag=tag, digest=digest(tag)) for tag in tags]
    moved = draft(tag="v0", digest=digest("moved"), source_ref=source("another"))
    operations: list[Operation] = [
        lambda snapshot: rules.publish(snapshot, drafts),
        lambda snapshot: edits.set_facts(snapshot, ["*"], labels={"env": "prod"}),
        lambda snapshot: edits.remove(snapshot, names[30:], reason="never used"),
        lambda snapshot: rules.publish(snapshot, [moved], force_reason="rebuilt"),
        lambda snapshot: edits.yank(snapshot, names[1:2], now=Timestamp("2026-01-01T00:00:00Z"), reason="bad"),
    ]
    for start in (Ledger(), ledger_of(record("other"))):
        after, messages = told(start, policy, operations)
        assert broken(start, after, squashes.github(messages), policy) == []
    full = told(Ledger(), policy, operations[:2])[0]
    after, messages = told(full, policy, operations[2:])
    assert broken(full, after, squashes.github(messages), policy) == []


def test_counts_explain_no_change_of_a_few_records_unless_what_they_count_may_be_undone() -> None:
    text = "weekly\n\npublish 500 images\n\nRecords: 500\nSource-Refs: 3\n\nset 2 images\n\nRecords: 400\n"
    text += "\nremove 400 images\n\nRecords: 400\nSource-Refs: 1\nReason: q\n"
    before = ledger_of(record("a"), record("b"))
    after = rules.publish(Snapshot("", before, Policy()), [draft("smuggled")]).ledger
    assert [one.split()[0] for one in broken(before, after, text, Policy())] == ["unexplained"]


CHAIN = [(digest("b"), "first"), (digest("c"), "second")]


def chain(reasons: Sequence[str]) -> tuple[Ledger, list[str]]:
    """Return what two forced moves, one after the other, lead to, and their messages; the tag is immutable."""
    ledger, messages = ledger_of(record()), []
    for (moved, _), reason in zip(CHAIN, reasons, strict=True):
        change = rules.publish(Snapshot("", ledger, Policy()), [draft(digest=moved)], force_reason=reason)
        messages.append(message.compose(change, moved[-16:]))
        ledger = change.ledger
    return ledger, messages


@pytest.mark.parametrize("host", sorted(squashes.FORMATS))
def test_a_chain_of_forced_moves_is_one_forced_move(host: str) -> None:
    after, messages = chain(["first", "second " * 20])
    assert broken(ledger_of(record()), after, squashes.FORMATS[host](messages), Policy()) == []


@pytest.mark.parametrize(
    "moves",
    [
        [[("a", "linux/amd64", i), ("b", "linux/arm64", i)] for i in "zy"],
        [[("a", "linux/amd64", "z")], [("a", "linux/amd64", "y"), ("c", "linux/arm64", "y")]],
        [[("x", None, None)], [("a", "linux/amd64", "y"), ("c", "linux/arm64", "y")]],
        [[("x", "linux/amd64", "z")], [("y", "linux/amd64", "y"), ("c", "linux/arm64", "y")], [("q", None, None)]],
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_new", [False, True])
def test_a_chain_of_forced_moves_of_an_index_is_one_too(
    moves: list[list[tuple[str, str | None, str | None]]], is_new: bool
) -> None:
    def push(*images: tuple[str, str | None, str | None], reason: str = "") -> Operation:
        drafts = [
            draft(digest=digest(image), platform=platform, index=index and digest(index))
            for image, platform, index in images
        ]
        return lambda snapshot: rules.publish(snapshot, drafts, force_reason=reason)

    pushes = [push(*images, reason=f"reason {number}") for number, images in enumerate(moves)]
    first = push(("a", "linux/amd64", "w"), ("b", "linux/arm64", "w"))
    start = Ledger() if is_new else told(Ledger(), Policy(), [first])[0]
    after, messages = told(start, Policy(), [first, *pushes] if is_new else pushes)
    assert broken(start, after, squashes.github(messages), Policy()) == []
    other = message.compose(rules.publish(Snapshot("", Ledger(), Policy()), [draft("other")]), "3")
    for missing in range(len(messages)):
        assert broken(start, after, squashes.github([*messages[:missing], *messages[missing + 1 :], other]), Policy())


def test_an_index_that_gave_way_to_an_image_is_removed_with_it() -> None:
    def push(image: str, platform: str | None, index: str | None) -> Operation:
        return lambda snapshot: rules.publish(snapshot, [draft(digest=digest(image), platform=platform, index=index)])

    def remove(snapshot: Snapshot) -> Change:
        return edits.remove(snapshot, [parse_name("myorg/app:v1")], reason="never used")

    start, _ = told(Ledger(), Policy(), [push("w", None, None)])
    after, messages = told(start, Policy(), [push("a", "linux/amd64", digest("w")), remove])
    assert after == Ledger()
    assert broken(start, after, squashes.github(messages), Policy()) == []
    assert broken(start, after, squashes.github([messages[0], messages[0].replace("v1", "v2")]), Policy())


@pytest.mark.parametrize("host", sorted(squashes.FORMATS))
@pytest.mark.parametrize("then", ["set", "yank", "publish"])
def test_a_platform_that_is_removed_beside_another_change_is_removed(then: str, host: str) -> None:
    index, name = digest("i"), parse_name("myorg/app:v1")
    platforms = [(platform, digest(platform)) for platform in ("linux/amd64", "linux/arm64", "linux/s390x")]
    pair, third = [
        [draft(digest=image, platform=platform, index=index) for platform, image in some]
        for some in (platforms[:2], platforms[2:])
    ]
    now = Timestamp("2026-01-01T00:00:00Z")
    operations: dict[str, Operation] = {
        "set": lambda snapshot: edits.set_facts(snapshot, ["*"], labels={"env": "prod"}),
        "yank": lambda snapshot: edits.yank(snapshot, [name], now=now, reason="known malware"),
        "publish": lambda snapshot: rules.publish(snapshot, third),
    }
    start, _ = told(Ledger(), Policy(), [lambda snapshot: rules.publish(snapshot, pair)])
    gone = parse_platform("linux/arm64")
    remove: Operation = lambda snapshot: edits.remove(snapshot, [name], reason="gone", platform=gone)  # noqa: E731
    after, messages = told(start, Policy(), [remove, operations[then]])
    assert broken(start, after, squashes.FORMATS[host](messages), Policy()) == []
    assert broken(start, after, messages[1], Policy())  # without the removal's own block


def test_a_chain_of_moves_needs_every_link_and_a_reason_for_each() -> None:
    after, messages = chain(["first", "second"])
    before = ledger_of(record())

    def rules_of(*said: str) -> set[str]:
        return {one.split(" ")[0] for one in broken(before, after, squashes.github(said), Policy())}

    silent = messages[0].replace("Reason: first\n", "")
    other = message.compose(rules.publish(Snapshot("", Ledger(), Policy()), [draft("other")]), "3")
    assert rules_of(messages[1], other) == {"unexplained", "immutable", "forced"}
    assert rules_of(messages[0], other) >= {"unexplained", "immutable"}
    assert rules_of(silent, messages[1]) == {"immutable"}
    assert rules_of(*messages, other) == set()


def test_a_block_of_one_image_explains_no_other_one_and_neither_does_its_reason() -> None:
    before = ledger_of(record("a"), record("b"))
    said = [
        f"remove a:v1\n\nImage: a:v1\nDigest: {digest()}\nReason: never used\nTransaction-Id: 1\n",
        f"remove b:v1\n\nImage: b:v1\nDigest: {digest()}\nTransaction-Id: 2\n",
    ]
    assert broken(before, Ledger(), squashes.github(said), Policy()) == ["reason it removes b:v1 without a `Reason`"]
    assert broken(before, Ledger(), squashes.github(said[:1]), Policy()) == [
        "unexplained its message does not say that it removes b:v1"
    ]


def test_what_a_squash_does_not_tell_or_tells_wrongly_is_unexplained() -> None:
    after = ledger_of(record("a"), record("b"))
    for number in (1, 2):
        said = [
            f"publish a:v1\n\nImage: a:v1\nDigest: {digest()}\nTransaction-Id: 1\n",
            f"publish b:v1\n\nImage: b:v{number}\nDigest: {digest('x' * (2 - number))}\nTransaction-Id: 2\n",
        ]
        assert broken(Ledger(), after, squashes.github(said), Policy()) == [
            "unexplained its message does not say that it adds b:v1"
        ]


def test_what_no_verb_of_several_does_is_said_of_them_all() -> None:
    old, new = ledger_of(record(), record(tag="v2")), ledger_of(record(digest=digest("b")), record(tag="v2"))
    said = f"Image: myorg/app:v1\nDigest: {digest('b')}\nReplaces: {digest()}\nReason: x\nTransaction-Id: 1\n"
    for verbs, sentence in (
        (["set"], "a `set` never moves a record, and this one does"),
        (["set", "yank"], "neither a `set` nor a `yank` moves a record, and this commit does"),
        (["yank", "unyank"], "neither an `unyank` nor a `yank` moves a record, and this commit does"),
    ):
        text = squashes.FORMATS["github"]([f"{verb} myorg/app:v1\n\n{said}" for verb in verbs])
        assert f"trailers {sentence}" in broken(old, new, text, Policy())


def test_all_judges_of_one_commit_read_what_its_squash_says_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A squash of an environment's promotions is judged by two policies and two rules, and asked for its reasons."""
    policy = Policy(environments={"prod": Environment()})
    old = [record("app", f"v{number}", digest=digest(number)) for number in range(3)]
    has = [promoted([one], Tag("prod"), Timestamp("2026-11-26T12:00:00Z"))[0] for one in old]
    blocks = [
        f"promote app:{one.version} to prod\n\nImage: app:prod\nVersion: {one.version}\nDigest: {one.digest}\n"
        f"Source-Ref: {one.source_ref}\nReason: hot fix {one.version}\n"
        for one in has
    ]
    read = Mock(wraps=account._by_name)
    monkeypatch.setattr(account, "_by_name", read)
    before, after = ledger_of(*old), ledger_of(*old, has[-1])
    judge = RangeJudge(before, Policy(mutable=("x",), environments=policy.environments))
    said = parse_message("squash\n\n" + "\n".join(blocks))
    assert [fault.rule for fault in judge.commit(before, compare(before, after), said, policy)] == []
    assert read.call_count == 1
