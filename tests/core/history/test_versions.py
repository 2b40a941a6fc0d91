"""A version read by what differs from the one before is what it is when read whole."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ledger_tool.core.changes.difference import compare
from ledger_tool.core.history.versions import Versions
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.errors import InvalidLedger
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.profiles import example_count
from tests.support.values.smallworld import ledgers as small_ledgers
from tests.support.values.strategies import ledgers


def whole(raw: bytes) -> Ledger | None:
    try:
        return codec.loads(raw)
    except InvalidLedger:
        return None


@example_count(400)
@given(ledgers(4) | small_ledgers(), ledgers(4) | small_ledgers())
def test_from_any_ledger_to_any_other(before: Ledger, after: Ledger) -> None:
    versions = Versions()
    versions.follow(codec.dumps(before))
    assert versions.follow(codec.dumps(after)) == compare(before, after)
    assert versions.ledger == after


@example_count(400)
@given(small_ledgers(), st.data())
def test_whatever_is_done_to_the_bytes_it_says_what_a_whole_read_says(before: Ledger, data: st.DataObject) -> None:
    raw = codec.dumps(before)
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 400)))
    other = data.draw(st.one_of(st.binary(max_size=4), st.just(raw[data.draw(st.integers(0, len(raw))) :][:300])))
    _agree(before, raw[:start] + other + raw[end:])


@example_count(400)
@given(small_ledgers(), st.data())
def test_records_that_are_doubled_dropped_or_swapped_are_judged_as_in_a_whole_read(
    before: Ledger, data: st.DataObject
) -> None:
    assume(before.texts)
    texts = data.draw(st.lists(st.sampled_from(list(before.texts)), min_size=1, max_size=6))
    _agree(before, codec.dumps(Ledger([("", "", "")] * len(texts), texts)))


def _agree(before: Ledger, raw: bytes) -> None:
    expected = whole(raw)
    found = codec.reread(raw, codec.dumps(before), before)
    assert found is None or found.ledger == expected
    versions = Versions()
    versions.follow(codec.dumps(before))
    if expected is None:
        with pytest.raises(InvalidLedger):
            versions.follow(raw)
        assert versions.ledger == before
    else:
        assert versions.follow(raw) == compare(before, expected)
        assert Versions().read(raw) == expected


MANY = [record(tag=f"v{number:03}", digest=digest(number)) for number in range(200)]


@given(st.integers(0, 199), st.sampled_from(["change", "drop", "add"]))
@example_count(60)
@example(0, "drop")
@example(199, "drop")
@example(199, "change")
def test_only_what_differs_is_read(at: int, how: str) -> None:
    records, before = list(MANY), ledger_of(*MANY)
    if how == "drop":
        del records[at]
    else:
        new = record(tag=f"v{at:03}" + ("a" if how == "add" else ""), digest=digest("new"))
        records[at : at + (how == "change")] = [new]
    after = ledger_of(*records)
    found = codec.reread(codec.dumps(after), codec.dumps(before), before)
    assert found
    assert found.ledger == after
    assert found.old_end - found.start <= 3
    assert found.end - found.start <= 3


def test_an_invalid_version_is_forgotten() -> None:
    versions = Versions()
    first, second = ledger_of(record()), ledger_of(record(digest=digest("b")))
    assert len(versions.follow(codec.dumps(first))) == 1
    with pytest.raises(InvalidLedger):
        versions.follow(b"{}")
    assert versions.ledger == first
    assert versions.follow(codec.dumps(first)) == []
    assert versions.follow(codec.dumps(second)) == compare(first, second)


def test_an_empty_file_is_not_valid_even_as_the_first_version() -> None:
    versions = Versions()
    with pytest.raises(InvalidLedger):
        versions.read(b"")
    with pytest.raises(InvalidLedger):
        versions.follow(b"")
