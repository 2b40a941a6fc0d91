"""What a commit did, told from its diff: with the reason of the step that it tells of, in whatever order they stand."""

from __future__ import annotations

from itertools import permutations

import pytest

from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.changes.message import compose, parse_message
from ledger_tool.core.changes.runclaim import RunClaim
from ledger_tool.core.history.commit import Commit
from ledger_tool.core.history.log import seen
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Timestamp, parse_ttl
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.writes import edit as edits
from ledger_tool.core.writes.publish import publish
from tests.support.values import squashes
from tests.support.values.make import digest, draft
from tests.support.values.operations import Operation

NOW = Timestamp("2026-06-01T00:00:00Z")
NAME = parse_name("myorg/app:v1")
_PUBLISH: Operation = lambda snapshot: publish(snapshot, [draft()])  # noqa: E731
_FORCE: Operation = lambda snapshot: publish(snapshot, [draft(digest=digest("b"))], force_reason="CVE fixed")  # noqa: E731
_YANK: Operation = lambda snapshot: edits.yank(snapshot, [NAME], now=NOW, reason="crashes")  # noqa: E731
_AGAIN: Operation = lambda snapshot: edits.yank(snapshot, [NAME], now=NOW, reason="crashes again")  # noqa: E731
_UNYANK: Operation = lambda snapshot: edits.yank(snapshot, [NAME], now=NOW, reason="false alarm", undo=True)  # noqa: E731
_REMOVE: Operation = lambda snapshot: edits.remove(snapshot, [NAME], reason="never used")  # noqa: E731


def _made(ledger: Ledger, *operations: Operation) -> tuple[Ledger, list[str]]:
    messages = []
    for number, operation in enumerate(operations):
        change: Change = operation(Snapshot("", ledger, Policy()))
        messages.append(compose(change, str(number), RunClaim(f"https://ci.example.com/{number}", f"actor {number}")))
        ledger = change.ledger
    return ledger, messages


@pytest.mark.parametrize(
    ("before", "then", "done"),
    [
        ([_PUBLISH], [_FORCE, _YANK, _UNYANK], ("moved", "CVE fixed")),
        ([_PUBLISH], [_FORCE, _YANK], ("moved", "CVE fixed")),
        ([_PUBLISH, _YANK], [_UNYANK, _AGAIN], ("updated", "crashes again")),
        ([_PUBLISH, _YANK], [_UNYANK, _AGAIN, _UNYANK], ("updated", "false alarm")),
        ([_PUBLISH], [_YANK, _REMOVE], ("removed", "never used")),
        ([], [_PUBLISH, _YANK], ("added", "crashes")),
        ([], [_PUBLISH, _YANK, _UNYANK], ("added", "")),
    ],
)
def test_the_reason_in_a_squash_is_that_of_the_step_which_its_diff_shows(
    before: list[Operation], then: list[Operation], done: tuple[str, str]
) -> None:
    start, _ = _made(Ledger(), *before)
    after, messages = _made(start, *then)
    effects = effects_of(compare(start, after))
    for order in permutations(messages):
        text = squashes.github(order)
        commit = Commit("c" * 40, (), "T", "t@example.com", NOW, text)
        (entry,) = seen(commit, parse_message(text), effects)
        assert (entry.action, entry.reason) == done


_LABEL: Operation = lambda snapshot: edits.set_facts(snapshot, ["*"], labels={"env": "prod"})  # noqa: E731
_TTL: Operation = lambda snapshot: edits.set_facts(snapshot, ["*"], labels={}, ttl=parse_ttl("7d"))  # noqa: E731


@pytest.mark.parametrize(
    ("before", "then", "number"),
    [
        ([], [_PUBLISH], 0),
        ([], [_PUBLISH, _LABEL], 0),
        ([_PUBLISH], [_LABEL, _FORCE], 1),
        ([_PUBLISH], [_FORCE, _YANK, _UNYANK], 0),
        ([_PUBLISH], [_YANK, _REMOVE], 1),
        ([_PUBLISH], [_LABEL], 0),
        ([_PUBLISH], [_LABEL, _TTL], None),  # it was both, and one entry can name only one
    ],
)
def test_the_run_in_a_squash_is_that_of_the_step_which_its_diff_shows_or_none_if_several_may_be(
    before: list[Operation], then: list[Operation], number: int | None
) -> None:
    start, _ = _made(Ledger(), *before)
    after, messages = _made(start, *then)
    effects = effects_of(compare(start, after))
    for order in permutations(messages):
        text = squashes.github(order)
        (entry,) = seen(Commit("c" * 40, (), "T", "t@example.com", NOW, text), parse_message(text), effects)
        claim = RunClaim() if number is None else RunClaim(f"https://ci.example.com/{number}", f"actor {number}")
        assert entry.run == claim
