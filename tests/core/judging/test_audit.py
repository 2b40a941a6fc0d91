"""Whatever the rules write is proved; see tests/cli/review/test_audit.py for what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes import message
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.revert import NOTHING
from ledger_tool.core.history.commit import Commit, File, Step, Touch
from ledger_tool.core.judging.audit import FileContent, HistoryAudit
from ledger_tool.core.judging.commit import CommitFault
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import LEDGER, SETTINGS, Timestamp
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.writes.draft import Draft
from ledger_tool.core.writes.edit import remove
from ledger_tool.core.writes.publish import publish
from ledger_tool.errors import LedgerError
from tests.support.values.make import but, digest, draft, ledger_of, record, source
from tests.support.values.operations import OPERATIONS, Operation
from tests.support.values.profiles import example_count
from tests.support.values.smallworld import POLICIES

WHEN = Timestamp("2027-01-01T00:00:00Z")


def step(text: str, *paths: str, parents: int = 1, at: Timestamp = WHEN, commit: str = "c" * 40) -> Step:
    made = Commit(commit, ("p" * 40,) * parents, "A", "a@example.com", at, text)
    return Step(made, {path: Touch((None,), File("100644", "b" * 40)) for path in paths})


def proof(policy: Policy | None = None) -> HistoryAudit:
    return HistoryAudit(lambda raw: "broken", lambda raw: policy or Policy(), lambda *_: NOTHING, WHEN)


def told(
    proof: HistoryAudit, text: str, ledger: Ledger | bytes, at: Timestamp = WHEN, commit: str = "c" * 40
) -> list[CommitFault]:
    raw = ledger if isinstance(ledger, bytes) else codec.dumps(ledger)
    return list(proof.commit(step(text, LEDGER, at=at, commit=commit), {LEDGER: FileContent(raw)}))


def published(before: Ledger, *drafts: Draft, force: str = "", policy: Policy | None = None) -> tuple[str, Ledger]:
    """Return the message of a publish, and what it leaves."""
    change = publish(Snapshot("", before, policy or Policy()), list(drafts), force_reason=force)
    return message.compose(change, "t"), change.ledger


@example_count(300)
@given(POLICIES, st.lists(OPERATIONS, max_size=8))
def test_any_sequence_of_operations_is_proved(policy: Policy, operations: list[Operation]) -> None:
    judge = proof(policy)
    ledger = Ledger()
    judge.begin(codec.dumps(ledger), policy, WHEN)
    for operation in operations:
        try:
            change = operation(Snapshot("", ledger, policy))
        except LedgerError:
            continue
        if change.changed:
            ledger = change.ledger
            assert told(judge, message.compose(change, "t"), ledger) == []


@pytest.mark.parametrize(
    ("versions", "had"),
    [
        ([Ledger()], False),
        ([ledger_of(record())], True),
        ([ledger_of(record()), Ledger()], True),
        ([b"{}"], True),
    ],
)
def test_records_are_had_from_the_first_version_on_that_has_one_or_is_broken(
    versions: list[Ledger | bytes], had: bool
) -> None:
    judge = proof()
    for one in versions:
        told(judge, "by hand\n", one)
    assert judge.had_records is had


def test_settings_are_in_force_from_the_next_commit_on() -> None:
    policies = {b"strict": Policy(), b"loose": Policy(mutable=("*",)), None: Policy()}
    judge = HistoryAudit(lambda raw: "broken", policies.__getitem__, lambda *_: NOTHING, WHEN)
    old, new = ledger_of(record(digest=digest("a"))), ledger_of(record(digest=digest("b")))
    judge.begin(codec.dumps(old), Policy(), WHEN)
    both = {LEDGER: FileContent(codec.dumps(new)), SETTINGS: FileContent(b"loose")}
    rules_broken = [fault.rule for fault in judge.commit(step("x\n", LEDGER, SETTINGS), both)]
    assert rules_broken == ["unexplained", "immutable"]
    assert [fault.rule for fault in told(judge, "x\n", old)] == ["unexplained"]


AMD, ARM = "linux/amd64", "linux/arm64"
SINGLE = draft("app", platform=AMD, looked_at=True)
BELOW_I = draft("app", platform=AMD, index=digest("i"), looked_at=True)
GROWN = [
    draft("app", platform=AMD, index=digest("j"), looked_at=True),
    draft("app", platform=ARM, digest=digest("r"), index=digest("j"), looked_at=True),
]


@pytest.mark.parametrize(
    ("old", "new"),
    [([BELOW_I], GROWN), ([SINGLE], GROWN), ([BELOW_I], [SINGLE])],
    ids=["grown", "wrapped", "unwrapped"],
)
def test_a_pull_digest_that_changed_after_a_look_is_the_publishers_claim_and_is_counted(
    old: list[Draft], new: list[Draft]
) -> None:
    judge = proof()
    said, before = published(Ledger(), *old)
    assert told(judge, said, before) == []
    said, after = published(before, *new)
    assert told(judge, said, after) == []
    assert judge.claims == 1


def test_an_image_that_got_another_platform_is_the_publishers_claim_and_is_counted() -> None:
    for policy, force, claims in (
        (Policy(), "", (1, 1)), (Policy(), "mixed up", (0, 0)), (Policy(mutable=("*",)), "", (0, 0))
    ):  # fmt: skip
        judge = proof(policy)
        said, before = published(Ledger(), SINGLE)
        told(judge, said, before)
        twins = [replace(one, digest=SINGLE.digest) for one in GROWN]
        said, both = published(before, *twins, policy=policy)
        assert (told(judge, said, both), judge.platform_claims) == ([], 0)  # it keeps its platform, too
        judge = proof(policy)
        judge.begin(codec.dumps(before), policy, WHEN)
        other = replace(GROWN[1], digest=SINGLE.digest, looked_at=not force)
        said, after = published(before, other, force=force, policy=policy)
        assert (told(judge, said, after), (judge.claims, judge.platform_claims)) == ([], claims)


def test_a_pull_digest_that_changed_without_a_word_is_found() -> None:
    said, before = published(Ledger(), BELOW_I)
    grown, after = published(before, *GROWN)
    silent = "\n".join(line for line in grown.split("\n") if "Index" not in line)
    other = grown.replace(f"Replaces-Index: {digest('i')}", f"Replaces-Index: {digest('x')}")
    for text in (silent, other, grown.replace(f"Index: {digest('j')}", f"Index: {digest('x')}")):
        judge = proof()
        told(judge, said, before)
        assert [fault.rule for fault in told(judge, text, after)] == ["index"]
        assert judge.claims == 0
    judge = proof(Policy(mutable=("*",)))
    judge.begin(codec.dumps(before), Policy(mutable=("*",)), WHEN)
    assert told(judge, silent, after) == []


def test_a_pull_digest_that_changed_behind_a_broken_version_is_only_counted() -> None:
    """There, only what no message could justify is a finding."""
    judge = proof()
    said, before = published(Ledger(), BELOW_I)
    told(judge, said, before)
    assert [fault.rule for fault in told(judge, "break it\n", b"{}")] == ["invalid"]
    _, after = published(before, *GROWN)
    assert (told(judge, "by hand\n", after), judge.claims) == ([], 1)


def test_a_pull_digest_that_changed_by_force_is_no_claim() -> None:
    judge = proof()
    said, before = published(Ledger(), BELOW_I)
    told(judge, said, before)
    said, after = published(before, *(replace(one, looked_at=False) for one in GROWN), force="rebuilt")
    assert (told(judge, said, after), judge.claims) == ([], 0)


def test_a_version_that_gives_a_tag_two_pull_digests_is_found_once() -> None:
    one, other = record(platform=AMD, index=digest("i")), record(platform=ARM, digest=digest("r"), index=digest("j"))
    said = f"publish x\n\nImage: {one.name}\nPlatform: {{}}\nDigest: {{}}\n"
    judge = proof()
    assert told(judge, said.format(AMD, one.digest), ledger_of(one)) == []
    assert [fault.rule for fault in told(judge, said.format(ARM, other.digest), ledger_of(one, other))] == ["index"]
    labelled = but(other, labels={"a": "b"})
    assert told(judge, said.format(ARM, other.digest), ledger_of(one, labelled)) == []


@pytest.mark.parametrize(("at", "rules"), [("2026-12-31T23:50:00Z", []), ("2026-12-31T23:49:59Z", ["date"])])
def test_a_step_back_of_over_ten_minutes_is_found(at: str, rules: list[str]) -> None:
    judge = proof()
    said, before = published(Ledger(), SINGLE)
    told(judge, said, before)
    said, after = published(before, draft("app", tag="v2"))
    assert [fault.rule for fault in told(judge, said, after, Timestamp(at))] == rules


@pytest.mark.parametrize(("at", "rules"), [("2027-01-01T00:10:00Z", []), ("2027-01-01T00:10:01Z", ["date"])])
def test_a_record_of_over_ten_minutes_ahead_of_its_commit_is_found(at: str, rules: list[str]) -> None:
    said, after = published(Ledger(), draft("app", published_at=Timestamp(at)))
    assert [fault.rule for fault in told(proof(), said, after)] == rules


def test_what_came_back_as_something_else_is_listed_and_no_finding() -> None:
    """On the branch each push is a change of its own."""
    for policy, again, listed in [
        (Policy(), draft("app", platform=AMD, digest=digest("b")), ["d" * 40]),
        (Policy(), draft("app", platform=AMD, source_ref=source(2)), ["d" * 40]),
        (Policy(), SINGLE, []),
        (Policy(mutable=("*",)), draft("app", digest=digest("b")), []),
    ]:
        judge = proof(policy)
        _, before = published(Ledger(), SINGLE)
        judge.begin(codec.dumps(before), policy, WHEN)
        gone = remove(Snapshot("", before, policy), [parse_name("app:v1")], reason="a slip")
        assert told(judge, message.compose(gone, "t"), gone.ledger) == []
        said, after = published(gone.ledger, again)
        assert told(judge, said, after, commit="d" * 40) == []
        assert [one.commit for one in judge.returned] == listed
