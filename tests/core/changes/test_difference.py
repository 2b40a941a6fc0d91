"""What differs between two ledgers."""

from __future__ import annotations

from hypothesis import given

from ledger_tool.core.changes.difference import by_name, compare
from ledger_tool.core.ledger.ledger import Ledger
from tests.support.values.smallworld import ledgers


@given(ledgers(), ledgers())
def test_what_differs_turns_one_ledger_into_the_other(old: Ledger, new: Ledger) -> None:
    found = compare(old, new)
    records = {record.key: record for record in old.records()}
    for one in found:
        assert records.pop(one.key, None) == one.old != one.new
        if one.new:
            records[one.key] = one.new
    assert sorted(records.values(), key=lambda record: record.key) == list(new.records())
    assert [one.key for one in found] == sorted({one.key for one in found})
    assert [one for group in by_name(found).values() for one in group] == found
    assert [(one.key, one.new, one.old) for one in compare(new, old)] == [(one.key, one.old, one.new) for one in found]
