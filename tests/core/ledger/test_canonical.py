"""The canonical form of a file in another form: always found, never anything else said, and refused where in doubt."""

from __future__ import annotations

import codecs
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger import codec, diagnosis
from ledger_tool.core.ledger.canonical import canonical_form
from ledger_tool.core.ledger.record import from_json
from ledger_tool.errors import InvalidLedger
from tests.support.values.make import ledger_bytes, record
from tests.support.values.oracle import SCHEMA
from tests.support.values.strategies import json_values, ledger_objects

ONE = record("myorg/app", "v1", labels={"a": "1", "b": "é"})
GOOD = ledger_bytes(record("base", "v1"), ONE)


def _shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        items = list(value.items())
        chance.shuffle(items)
        return {key: _shuffled(one, chance) for key, one in items}
    return [_shuffled(one, chance) for one in value] if isinstance(value, list) else value


def _in_another_form(objects: list[dict[str, Any]], chance: random.Random) -> bytes:
    records = [_shuffled(one, chance) for one in objects]
    chance.shuffle(records)
    items: list[tuple[str, Any]] = [("schemaVersion", 1), ("records", records)]
    chance.shuffle(items)
    text = json.dumps(
        dict(items),
        indent=chance.choice([None, 0, 1, 2, 4, "\t"]),
        ensure_ascii=chance.random() < 0.5,
        separators=chance.choice([None, (",", ":"), (" , ", " : ")]),
    )
    raw = (text + chance.choice(["", "\n", "\n\n", " \t\n"])).replace("\n", chance.choice(["\n", "\r\n"])).encode()
    return chance.choice([b"", codecs.BOM_UTF8]) + raw


@given(ledger_objects(), st.randoms(use_true_random=False))
def test_whatever_the_form_the_canonical_one_is_found(objects: list[dict[str, Any]], chance: random.Random) -> None:
    canonical = ledger_bytes(*map(from_json, objects))
    assert canonical_form(_in_another_form(objects, chance)) == canonical
    assert canonical_form(canonical) == canonical


@given(ledger_objects(max_size=3), st.data())
def test_what_a_file_says_is_never_changed(objects: list[dict[str, Any]], data: st.DataObject) -> None:
    """One value is put anywhere: the file is refused, unless it says just what its canonical form says."""
    changed: Any = {"schemaVersion": 1, "records": [dict(one) for one in objects]}
    where = data.draw(st.sampled_from([changed, *changed["records"]]))
    key = data.draw(st.sampled_from([*where, "extra", "ttl", "platform"]))
    where[key] = data.draw(json_values | st.sampled_from([None, True, 1.0, "", [], {}, *where.values()]))
    found = canonical_form(json.dumps(changed).encode())
    if found is not None:
        ledger = codec.loads(found)
        assert sorted(json.dumps(one, sort_keys=True) for one in changed["records"]) == sorted(
            json.dumps(json.loads("{" + text + "}"), sort_keys=True) for text in ledger.texts
        )
        assert set(changed) == {"schemaVersion", "records"}
        assert changed["schemaVersion"] is not True
        assert not isinstance(changed["schemaVersion"], float)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"schemaVersion": 1', b'"schemaVersion": 2'),
        (b'"schemaVersion": 1', b'"schemaVersion": 1.0'),
        (b'"schemaVersion": 1', b'"schemaVersion": true'),
        (b'"schemaVersion": 1,', b'"schemaVersion": 1, "schemaVersion": 1,'),
        (b'"tag": "v1"', b'"tag": "v1", "tag": "v1"'),
        (b'"tag": "v1"', b'"tag": "v1", "platform": ""'),
        (b'"tag": "v1"', b'"tag": "v1", "platform": null'),
        (b'"tag": "v1"', b'"tag": "v1", "dependsOn": []'),
        (b'"tag": "v1"', b'"tag": "v1", "extra": 1'),
        (b'"tag": "v1"', b'"tag": "v1 "'),
        (b'"base"', b'"myorg/app"'),
        ("é".encode(), "e\u0301".encode()),
        ("é".encode(), b"\\ud800"),
        ("é".encode(), b"\xe9"),
        (b"2026-", b"2026-13-"),
        (b"{\n  ", b"<<<<<<< ours\n{\n  "),
    ],
)
def test_anything_but_form_is_refused(old: bytes, new: bytes) -> None:
    assert old in GOOD
    assert canonical_form(GOOD.replace(old, new, 1)) is None


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"null", b"{", b'{"records": 1}', b'{"records": [1]}', b"[" * 10_000]
    + [b'{"schemaVersion": 1, "records": %s}' % other for other in (b"{}", b'""', b"null", b"false", b"0")],
)
def test_what_is_no_ledger_is_refused(raw: bytes) -> None:
    assert canonical_form(raw) is None


def test_the_hint_of_a_file_with_a_wrong_form_alone_names_the_way() -> None:
    form = diagnosis.invalid_ledger(json.dumps(json.loads(GOOD)).encode(), SCHEMA)
    assert isinstance(form, InvalidLedger)
    assert "`ledger check --fix` writes the canonical one" in form.hint
    assert "--fix" not in diagnosis.invalid_ledger(GOOD.replace(b'"base"', b'"Base"').rstrip(), SCHEMA).hint


_SPOILS = st.sampled_from(
    [
        (b'"schemaVersion": 1', b'"schemaVersion": 1.0'), (b'"schemaVersion"', b'"extra": 1, "schemaVersion"'),
        (b'"tag": "', b'"tag": "-'), (b'"tag": ', b'"tag": "v0", "tag": '), (b'"sha256:', b'"sha256:0'),
        (b'"20', b'"\\ud80020'), (b'"2026-', b'"2026-13-'), (b'"image": "', b'"image": "\\u0041'), (b"\n", b"\r\n"),
        (b"    ", b"\t"), (b'"publishedAt"', b'"ttl": null, "publishedAt"'), (b"[", b"{"), (b"}", b"},"),
        (b"1", b"true"),
    ]
)  # fmt: skip


@given(ledger_objects(max_size=4), st.randoms(use_true_random=False), st.lists(_SPOILS, max_size=3), st.booleans())
def test_either_the_form_is_found_or_each_fault_named_is_a_reason_why_not(
    objects: list[dict[str, Any]], chance: random.Random, spoils: list[tuple[bytes, bytes]], twice: bool
) -> None:
    raw = _in_another_form(objects + objects[:1] * twice, chance)
    for old, new in spoils:
        raw = raw.replace(old, new, chance.choice([1, -1]))
    faults = list(diagnosis.file_faults(raw, SCHEMA))
    form = canonical_form(raw)
    if form is None:
        assert faults
        assert not any(fault.is_form for fault in faults), faults
    else:
        assert all(fault.is_form for fault in faults), faults
        assert bool(faults) == (form != raw)
    if twice and objects and not spoils:
        assert [fault.rule for fault in faults if fault.rule == "unique"]


def test_every_reason_is_named_at_once() -> None:
    one, other = json.loads(ledger_bytes(record("b"), record("c")))["records"]
    bad = {**other, "image": "d", "digest": "md5:0"}
    data = {
        "extra": 1,
        "schemaVersion": 1.0,
        "records": [other, one, bad, {**other, "publishedAt": "2026-02-30T00:00:00Z"}],
    }
    # One line each: the values of a record start with the line after its brace.
    raw = json.dumps(data, indent=0).replace('"tag": "v1"', '"tag": "v1",\n"tag": "v1"', 1).encode()
    assert [(fault.rule, fault.line) for fault in diagnosis.file_faults(raw, SCHEMA)] == [
        ("json", 8), ("canonical", 3), ("schema", 1), ("schema", 23), ("date", 31), ("unique", 27),
    ]  # fmt: skip
