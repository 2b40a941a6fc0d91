"""Strict JSON with positions: each value can be found again in the text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger import jsontext
from tests.support.values.profiles import example_count
from tests.support.values.strategies import json_values

_Path = list[str | int]


def _paths(value: Any, path: Sequence[str | int] = ()) -> Iterator[tuple[_Path, Any]]:
    yield [*path], value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, [*path, key])
    if isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _paths(inner, [*path, at])


@given(st.text(alphabet='{}[]":,\\ud8ctrue1.\n ', max_size=30) | json_values.map(json.dumps))
def test_a_short_text_is_taken_or_refused_as_any_other(text: str) -> None:
    def outcome(parse: Callable[[str], Any]) -> object:
        try:
            return repr(parse(text))
        except jsontext.JsonFault as fault:
            return fault

    def thoroughly(text: str) -> Any:
        value, faults = jsontext.read(text)
        for fault in faults:
            raise fault
        return value

    assert outcome(jsontext.parse) == outcome(thoroughly)


@example_count(150)
@given(
    json_values.filter(lambda value: "NaN" not in json.dumps(value) and "Inf" not in json.dumps(value)), st.booleans()
)
def test_every_value_stands_where_locate_says(value: Any, pretty: bool) -> None:
    text = json.dumps(value, indent=2 if pretty else None, ensure_ascii=False)
    for path, inner in _paths(value):
        found, _ = json.JSONDecoder().raw_decode(text, jsontext.locate(text, path))
        assert found == inner


def test_a_path_that_leads_nowhere_gives_what_is_around_it() -> None:
    text = '{"a": [1, {"b": 2}], "c": 3}'
    places: dict[tuple[str | int, ...], int] = {
        ("a", 1, "x"): 10,
        ("a", 7): 6,
        ("x",): 0,
        ("c", "x"): 26,
        ("a", 0, 0): 7,
    }
    assert {path: jsontext.locate(text, path) for path in places} == places


@example_count(150)
@given(json_values)
def test_what_json_reads_is_read_the_same_or_refused_for_what_the_rfc_advises_against(value: Any) -> None:
    text = json.dumps(value)
    try:
        got = jsontext.parse(text)
    except jsontext.JsonFault as fault:
        reason = fault.reason
        assert reason.startswith(("`", "a lone surrogate"))
    else:
        assert json.dumps(got) == text


@pytest.mark.parametrize(
    ("text", "offset", "reason"),
    [
        ("", 0, "expecting value"),
        ("{} {}", 3, "extra data"),
        ('{"a": 1, "a": 2}', 9, "the key `a` appears twice in one object"),
        ('{"a": {"b": 1}, "c": {"b": 2}, "b": 3, "\\u0062": 4}', 39, "the key `b` appears twice in one object"),
        ('[{"a": [{"a": 1}, "a", "a"], "x": ":", "a": 0}]', 39, "the key `a` appears twice in one object"),
        ('{"\\u001b": 1, "\\u001b": 2}', 14, "the key `\\x1b` appears twice in one object"),
        ('{"NaN": "NaN", "x": NaN}', 20, "`NaN` is not JSON"),
        ('["-Infinity", -Infinity]', 14, "`-Infinity` is not JSON"),
        ('["' + "9" * 5000 + '", ' + "9" * 5000 + "]", 5005, "a number has thousands of digits"),
        ('["\\\\ud800", "\\ud83d\\ude00", "\\ud800"]', 29, "a lone surrogate is not a character"),
        ('["\\ude00\\ud83d"]', 2, "a lone surrogate is not a character"),
        ('["\\\\\\ud800"]', 4, "a lone surrogate is not a character"),
        ("[" * 65, 64, "nested deeper than 64 levels"),
        ('["[[[[", ' + "[" * 64, 72, "nested deeper than 64 levels"),
    ],
)
def test_a_fault_has_its_offset_and_reason(text: str, offset: int, reason: str) -> None:
    with pytest.raises(jsontext.JsonFault) as caught:
        jsontext.parse(text)
    assert (caught.value.offset, caught.value.reason) == (offset, reason)


@pytest.mark.parametrize(
    "text", ["[" * 64 + "]" * 64, '["\\ud83d\\ude00"]', '["D:\\\\udev"]', "[1e400, 0.1, -0]", '{"": {"": 0}}']
)
def test_unusual_but_sound_json_is_read(text: str) -> None:
    assert jsontext.parse(text) == json.loads(text)


def test_lines_and_columns_count_from_one_and_in_characters() -> None:
    text = "äö\nb🚀c\n"
    places = [jsontext.line_and_column(text, offset) for offset in range(len(text) + 1)]
    assert places == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (2, 4), (3, 1)]
    assert jsontext.line_and_column("\na", 1) == (2, 1)
