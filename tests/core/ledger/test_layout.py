"""JSON that is laid out for people: the text that the standard library makes, whole or piece by piece."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.layout import laid_out, object_lines
from tests.support.values.strategies import json_values


def plain(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


@given(json_values)
def test_it_is_the_text_of_json_dumps(value: Any) -> None:
    assert laid_out(value) == plain(value)
    assert laid_out((value, [value])) == plain((value, [value]))


@given(json_values)
def test_with_a_margin_it_is_that_text_further_right(value: Any) -> None:
    nested = plain({"here": value}).removeprefix('{\n  "here": ').removesuffix("\n}")
    assert laid_out(value, "  ") == nested


@given(st.dictionaries(st.text(max_size=8), st.lists(json_values, max_size=3) | json_values, min_size=1, max_size=4))
def test_an_object_in_pieces_is_the_same_text_also_where_arrays_are_made_item_by_item(
    fields: Mapping[str, Any],
) -> None:
    made = {name: iter(value) if isinstance(value, list) else value for name, value in fields.items()}
    assert "\n".join(object_lines(fields)) == "\n".join(object_lines(made)) == plain(fields)
