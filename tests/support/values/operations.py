"""What clients do to a ledger, as a hypothesis strategy: every function of the rules, on the small world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.core.writes import edit as edits
from ledger_tool.core.writes import publish as rules
from ledger_tool.core.writes.draft import Draft
from ledger_tool.core.writes.prune import PruneCriteria
from tests.support.values.smallworld import BATCHES, NAMES

Operation = Callable[[Snapshot], Change]

_THEN, _NOW = Timestamp("2026-01-01T00:00:00Z"), Timestamp("2027-01-01T00:00:00Z")


def _publish(batch: Sequence[Draft], reason: str) -> Operation:
    drafts = [replace(one, published_at=_THEN) for one in batch]
    return lambda snapshot: rules.publish(snapshot, drafts, force_reason=reason)


def _remove(name: str) -> Operation:
    return lambda snapshot: edits.remove(snapshot, [parse_name(name)], reason="over")


def _yank(name: str, undo: bool) -> Operation:
    return lambda snapshot: edits.yank(snapshot, [parse_name(name)], now=_NOW, reason="bad", undo=undo)


def _set(pattern: str) -> Operation:
    return lambda snapshot: edits.set_facts(snapshot, [pattern], labels={"a": "b"}, unlabel=["env"])


OPERATIONS: st.SearchStrategy[Operation] = st.one_of(
    st.builds(_publish, BATCHES, st.sampled_from(["", "why"])),
    st.builds(_remove, NAMES),
    st.builds(_yank, NAMES, st.booleans()),
    st.builds(_set, st.sampled_from(["*", "app", "app-2:v1"])),
    st.just(lambda snapshot: edits.prune(snapshot, PruneCriteria(now=_NOW))),
)
