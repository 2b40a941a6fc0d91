"""Canonical bytes: written and read back the same, and nothing else is accepted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.difference import applied, compare
from ledger_tool.core.ledger import codec, diagnosis
from ledger_tool.core.ledger.ledger import Ledger, format_text, parse_text
from ledger_tool.core.ledger.record import Key, Name, from_json, to_json
from ledger_tool.errors import InvalidLedger, UsageError
from tests.support.values.make import digest, ledger_bytes, ledger_of, record
from tests.support.values.oracle import SCHEMA, canonical, is_valid
from tests.support.values.strategies import json_values, ledger_objects, ledgers, record_fields


@given(ledgers())
def test_reading_what_was_written_gives_the_same_ledger(ledger: Ledger) -> None:
    assert codec.loads(codec.dumps(ledger)) == ledger


@given(ledger_objects())
def test_the_bytes_are_those_of_json_dumps_and_as_many_as_foretold(objects: list[dict[str, Any]]) -> None:
    ledger = ledger_of(*map(from_json, objects))
    plain = json.dumps({"schemaVersion": 1, "records": objects}, indent=2, ensure_ascii=False) + "\n"
    assert codec.dumps(ledger).decode() == plain
    assert codec.size(ledger) == len(plain.encode())


@given(record_fields())
def test_a_record_is_the_same_after_json_and_after_text(fields: dict[str, Any]) -> None:
    one = from_json(fields)
    assert list(to_json(one).items()) == list(fields.items())
    assert parse_text(format_text(one)) == one


def test_a_record_that_was_put_in_has_its_labels_in_the_order_in_which_they_are_read() -> None:
    one = replace(record(), labels={"z": "1", "a": "2"})
    (own,) = Ledger().replaced({one.name: [one]}).records()
    assert [*own.labels.items()] == [*parse_text(format_text(one)).labels.items()] == [("a", "2"), ("z", "1")]


@given(ledgers(), ledgers())
def test_a_ledger_with_other_records_has_the_bytes_of_one_that_is_made_of_them(old: Ledger, new: Ledger) -> None:
    """Whatever it remembers of what it was made from, it is what its texts say."""
    names = {Name(*name) for name in (*old.names(), *new.names())}
    found = {name: new.find(name)[::-1] for name in names}
    differences = compare(old, new)
    made = old.replaced(found)
    assert codec.dumps(made) == codec.dumps(new)
    assert list(made.records()) == list(codec.loads(codec.dumps(new)).records())
    assert all(made.find(name) == new.find(name) == codec.loads(codec.dumps(new)).find(name) for name in names)
    assert applied(old, differences) == new
    assert all(made.pull_digests(name) == {one.pull_digest for one in new.find(name)} for name in names)


def _refused_or_valid(raw: bytes) -> None:
    """Whatever `loads` takes is valid by the contract; what it refuses is refused for a reason at a place."""
    try:
        ledger = codec.loads(raw)
    except InvalidLedger:
        assert not is_valid(raw)
        found = list(diagnosis.file_faults(raw, SCHEMA))
        assert found
        last = raw.count(b"\n") + 1
        assert all(1 <= finding.line <= last and finding.column >= 1 and finding.message for finding in found)
    else:
        assert is_valid(raw)
        assert codec.dumps(ledger) == raw


@given(ledgers(2), st.data())
def test_a_file_with_one_byte_changed_is_refused_or_is_another_valid_one(ledger: Ledger, data: st.DataObject) -> None:
    raw = codec.dumps(ledger)
    at = data.draw(st.integers(0, len(raw) - 1))
    byte = data.draw(st.one_of(st.sampled_from(b'",:{}[] \n\r\t\\0aA\0\x1b\xff\xef'), st.integers(0, 255)))
    _refused_or_valid(raw[:at] + bytes([byte]) + raw[at + 1 :])


@given(ledgers(2), st.data())
def test_a_file_with_bytes_put_in_is_refused_or_is_another_valid_one(ledger: Ledger, data: st.DataObject) -> None:
    raw = codec.dumps(ledger)
    at = data.draw(st.integers(0, len(raw)))
    _refused_or_valid(raw[:at] + data.draw(st.binary(min_size=1, max_size=3)) + raw[at:])


@given(ledgers(2), st.data())
def test_a_file_with_bytes_cut_out_is_refused_or_is_another_valid_one(ledger: Ledger, data: st.DataObject) -> None:
    raw = codec.dumps(ledger)
    at = data.draw(st.integers(0, len(raw) - 1))
    _refused_or_valid(raw[:at] + raw[at + data.draw(st.integers(1, 80)) :])


@given(ledgers(3), st.data())
def test_a_file_with_lines_moved_is_refused_or_is_another_valid_one(ledger: Ledger, data: st.DataObject) -> None:
    lines = codec.dumps(ledger).split(b"\n")
    one, other = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    lines[one], lines[other] = lines[other], lines[one]
    _refused_or_valid(b"\n".join(lines))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_with_a_reason(raw: bytes) -> None:
    _refused_or_valid(raw)


@given(json_values)
def test_arbitrary_json_is_refused_with_a_reason(value: Any) -> None:
    _refused_or_valid((json.dumps(value, indent=2) + "\n").encode())


def test_an_empty_ledger_is_the_same_however_it_became_empty() -> None:
    emptied = ledger_of(record()).replaced({Name("myorg/app", "v1"): []})
    assert emptied == Ledger() == codec.loads(codec.dumps(Ledger()))


def test_replacing_one_image_touches_no_other() -> None:
    before = ledger_of(record("a"), record("b"), record("c"))
    after = before.replaced({Name("b", "v1"): [record("b", digest=digest("new"))], Name("d", "v1"): [record("d")]})
    assert [one.image for one in after.records()] == ["a", "b", "c", "d"]
    assert [one.digest for one in after.find(Name("b", "v1"))] == [digest("new")]
    assert after.find(Name("a", "v1")) == before.find(Name("a", "v1"))
    assert len(before) == 3  # the ledger that was given stays as it was


def test_a_ledger_finds_all_platforms_of_a_name_and_only_those() -> None:
    two = [record(platform=platform, digest=digest(platform)) for platform in ("linux/amd64", "linux/arm64")]
    ledger = ledger_of(*two, record(tag="v10"), record("myorg/app2"))
    assert list(ledger.find(Name("myorg/app", "v1"))) == two
    assert ledger.find(Name("myorg/app", "v")) == ()
    assert Key("myorg/app", "v1", "linux/amd64") in ledger
    assert Key("myorg/app", "v1", "") not in ledger


@pytest.mark.parametrize(("megabytes", "warns"), [(0, False), (39.9, False), (40, True), (99.9, True)])
def test_a_ledger_is_warned_about_from_40_megabytes(megabytes: float, warns: bool) -> None:
    assert bool(codec.check_size(int(megabytes * 2**20))) is warns


def test_a_ledger_that_hosts_would_refuse_is_refused_with_the_limit_named() -> None:
    with pytest.raises(UsageError) as caught:
        codec.check_size(100 * 2**20)
    assert "100 MB" in caught.value.message
    assert caught.value.exit_code == 2


def test_the_oracle_of_these_tests_knows_good_from_bad() -> None:
    assert is_valid(ledger_bytes(record()))
    assert not is_valid(ledger_bytes(record()) + b"\n")
    assert canonical([]).encode() == ledger_bytes()
