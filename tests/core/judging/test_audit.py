"""Whatever the rules write is proved; see tests/cli/review/test_audit.py for what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes import message
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.history.commit import Commit, File, Step, Touch
from ledger_tool.core.judging.audit import FileContent, HistoryAudit
from ledger_tool.core.judging.commit import CommitFault
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import LEDGER, SETTINGS, Timestamp
from ledger_tool.core.policy.policy import Policy
from ledger_tool.errors import LedgerError
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.operations import OPERATIONS, Operation
from tests.support.values.profiles import example_count
from tests.support.values.smallworld import POLICIES


def step(text: str, *paths: str, parents: int = 1) -> Step:
    made = Commit("c" * 40, ("p" * 40,) * parents, "A", "a@example.com", Timestamp("2026-01-01T00:00:00Z"), text)
    return Step(made, {path: Touch((None,), File("100644", "b" * 40)) for path in paths})


def proof(policy: Policy | None = None) -> HistoryAudit:
    return HistoryAudit(lambda raw: "broken", lambda raw: policy or Policy(), lambda *_: ())


def told(proof: HistoryAudit, text: str, ledger: Ledger | bytes) -> list[CommitFault]:
    raw = ledger if isinstance(ledger, bytes) else codec.dumps(ledger)
    return list(proof.commit(step(text, LEDGER), {LEDGER: FileContent(raw)}))


@example_count(300)
@given(POLICIES, st.lists(OPERATIONS, max_size=8))
def test_any_sequence_of_operations_is_proved(policy: Policy, operations: list[Operation]) -> None:
    judge = proof(policy)
    ledger = Ledger()
    judge.begin(codec.dumps(ledger), b"")
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
    judge = HistoryAudit(lambda raw: "broken", policies.__getitem__, lambda *_: ())
    old, new = ledger_of(record(digest=digest("a"))), ledger_of(record(digest=digest("b")))
    judge.begin(codec.dumps(old), b"strict")
    both = {LEDGER: FileContent(codec.dumps(new)), SETTINGS: FileContent(b"loose")}
    rules_broken = [fault.rule for fault in judge.commit(step("x\n", LEDGER, SETTINGS), both)]
    assert rules_broken == ["unexplained", "immutable"]
    assert [fault.rule for fault in told(judge, "x\n", old)] == ["unexplained"]
