"""Good and bad `ledger.json` files; each bad one is refused with rule, line, column and reason."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from ledger_tool.core.ledger import codec, diagnosis
from ledger_tool.errors import InvalidLedger
from tests.support.values.examples import examples, expected
from tests.support.values.make import fields, ledger_bytes, record
from tests.support.values.oracle import SCHEMA, canonical, is_valid


@pytest.mark.parametrize("path", examples("ledger/valid", ".json"))
def test_a_valid_file_is_read_and_written_back_byte_for_byte(path: Path) -> None:
    raw = path.read_bytes()
    ledger = codec.loads(raw)
    assert codec.dumps(ledger) == raw
    assert len(ledger) == len(json.loads(raw)["records"])


@pytest.mark.parametrize("path", examples("ledger/valid", ".json"))
def test_a_valid_file_has_no_findings_and_satisfies_the_schema(path: Path) -> None:
    raw = path.read_bytes()
    assert list(diagnosis.file_faults(raw, SCHEMA)) == []
    assert is_valid(raw)


@pytest.mark.parametrize("path", examples("ledger/invalid", ".json"))
def test_an_invalid_file_is_refused(path: Path) -> None:
    with pytest.raises(InvalidLedger) as caught:
        codec.loads(path.read_bytes())
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("path", examples("ledger/invalid", ".json"))
def test_an_invalid_file_is_explained_by_rule_line_column_and_reason(path: Path) -> None:
    first = next(diagnosis.file_faults(path.read_bytes(), SCHEMA))
    want = expected(path)
    assert (first.rule, first.line, first.column) == (path.name.partition("--")[0], want.line, want.column)
    assert want.phrase in first.message


@pytest.mark.parametrize("path", examples("ledger/invalid", ".json"))
def test_the_explanation_is_one_printable_line_with_a_hint(path: Path) -> None:
    error = diagnosis.invalid_ledger(path.read_bytes(), SCHEMA)
    want = expected(path)
    assert error.message.isprintable()
    assert len(error.message) < 300
    assert error.hint
    if not path.name.startswith("version"):
        assert error.message.startswith(f"ledger.json, line {want.line}, column {want.column}: ")


@pytest.mark.parametrize("path", examples("ledger/invalid", ".json"))
def test_what_makes_all_else_meaningless_is_the_only_finding(path: Path) -> None:
    found = list(diagnosis.file_faults(path.read_bytes(), SCHEMA))
    rules = {finding.rule for finding in found}
    assert len(rules) == 1
    assert len(found) == 1 or rules <= {"schema", "order", "unique", "platform", "date", "nfc"}


def test_a_newer_version_asks_for_an_upgrade_and_names_both_versions() -> None:
    error = diagnosis.invalid_ledger(ledger_bytes().replace(b": 1,", b": 2,"), SCHEMA)
    assert error.message == "ledger.json has schemaVersion 2; this version knows 1"
    assert "upgrade" in error.hint


_HEAD = b'{\n  "schemaVersion": 1,\n  "records": '
_EXTREMES = {
    "arrays 100,000 deep": (b"[" * 100_000, "json", 1, 65),
    "objects 100,000 deep in a record": (_HEAD + b'[{"labels":' * 100_000, "json", 3, 14 + 11 * 31 + 1),
    "deep and balanced": (b"[" * 100_000 + b"]" * 100_000, "json", 1, 65),
    "a number of 5,000 digits": (_HEAD + b"9" * 5000 + b"\n}\n", "json", 3, 14),
    "a negative number of 5,000 digits": (_HEAD + b"-" + b"9" * 5000 + b"\n}\n", "json", 3, 14),
    "a version of 4,000 digits": (b'{\n  "schemaVersion": ' + b"9" * 4000 + b"\n}\n", "version", 2, 20),
    "a number beyond floats": (_HEAD + b"1e400\n}\n", "schema", 3, 14),
    "a key of a million letters, twice": (b'{"%b": 1, "%b": 1}' % (b"k" * 10**6, b"k" * 10**6), "json", 1, 10**6 + 9),
    "a million unclosed quotes": (b'"' * 1_000_001, "json", 1, 3),
    "a million backslashes": (b'"' + b"\\" * 1_000_001, "json", 1, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", _EXTREMES)
def test_an_extreme_file_is_refused_in_bounded_time(name: str) -> None:
    raw, rule, line, column = _EXTREMES[name]
    start = time.process_time()
    with pytest.raises(InvalidLedger):
        codec.loads(raw)
    first = next(diagnosis.file_faults(raw, SCHEMA))
    message = diagnosis.invalid_ledger(raw, SCHEMA).message
    assert time.process_time() - start < 3
    assert (first.rule, first.line, first.column) == (rule, line, column)
    assert len(message) < 300


def test_a_fault_at_the_end_of_many_records_is_found_at_its_line() -> None:
    many = [fields(tag=f"v{number:04}") for number in range(1500)]
    many[-1]["digest"] = "sha256:0"
    start = time.process_time()
    first = next(diagnosis.file_faults(canonical(many).encode(), SCHEMA))
    assert time.process_time() - start < 5
    assert (first.rule, first.line, first.column) == ("schema", 3 + 7 * 1499 + 4, 17)


def test_a_file_that_git_hosts_refuse_is_refused_for_its_size_without_being_parsed() -> None:
    raw = ledger_bytes(record()) + b" " * codec.MAX_BYTES
    with pytest.raises(InvalidLedger):
        codec.loads(raw)
    assert [finding.rule for finding in diagnosis.file_faults(raw, SCHEMA)] == ["size"]
    error = diagnosis.invalid_ledger(raw, SCHEMA)
    assert "100.0 MB" in error.message
    assert "100 MB" in error.message


def test_every_missing_field_is_named() -> None:
    raw = canonical([{"image": "a", "tag": "v1"}]).encode()
    messages = {finding.message for finding in diagnosis.file_faults(raw, SCHEMA)}
    assert messages == {"`digest` is missing", "`publishedAt` is missing", "`sourceRef` is missing"}


def test_all_faults_of_a_file_are_found_and_not_only_the_first() -> None:
    bad = [fields(tag="v1", digest="md5:0"), fields(tag="v2", ttl="soon"), fields(tag="v3", labels={"a": 1})]
    found = [(finding.line, finding.rule) for finding in diagnosis.file_faults(canonical(bad).encode(), SCHEMA)]
    assert found == [(7, "schema"), (17, "schema"), (26, "schema")]
