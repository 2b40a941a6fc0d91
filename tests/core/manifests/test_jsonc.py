"""JSON with comments is read as JSON, at the same positions."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.manifests.jsonc import is_json_lines, values, without_comments
from ledger_tool.core.manifests.tokens import parts

_words = st.text(alphabet="a/*\"\\'#,: \u00e9{[", max_size=8)
_values = st.recursive(
    st.none() | st.integers(-9, 9) | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=3),
    max_leaves=8,
)
_comments = st.sampled_from(["", " ", "\n", '// it\'s "one"\n', "/* a\r\n * b, */", "//\n", "/**/", "\t// é /*\r\n"])


@given(_values, st.data())
def test_comments_anywhere_between_the_words_of_json_change_nothing(value: object, data: st.DataObject) -> None:
    words = re.findall(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+', json.dumps(value))
    text = "".join(word + data.draw(_comments) for word in words)
    bare = without_comments(text)
    assert json.loads(bare) == value
    assert len(bare) == len(text)
    assert all(new in (old, " ") for old, new in zip(text, bare, strict=True))


@given(st.lists(st.lists(_values, max_size=2) | st.dictionaries(_words, _values, max_size=2), min_size=1), st.data())
def test_several_values_are_found_wherever_comments_and_brackets_in_texts_are(
    found: list[object], data: st.DataObject
) -> None:
    texts = [data.draw(_comments) + json.dumps(value) + data.draw(_comments) for value in found]
    text = "".join(texts)
    cut = [without_comments(text)[part.start : part.end] for part in parts(text, values(text))]
    assert list(map(json.loads, cut)) == found
    assert parts(text, values(text))[-1].end == len(text)


@pytest.mark.parametrize("text", ['{"a": "https://x"}', "{'a': 'b//c'}", '{"a": "\\"//"}', "{}", '{"/*": "*/"}'])
def test_what_is_in_quotes_is_no_comment(text: str) -> None:
    assert without_comments(text) == text


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ('{"a": 1}\n{"b": 2}', True), ('\n{"a": 1}\r\n\r\n{"b": 2}\n', True), ('{"a": 1}', False), ("", False),
        ('{\n"a": 1}\n{"b": 2}', False), ("[1]\n[2]", False), ('{"a": 1}\n{"b": ', False), ("1\n2", False),
    ],
)  # fmt: skip
def test_an_object_on_each_line_is_json_lines(text: str, *, is_so: bool) -> None:
    assert is_json_lines(text) is is_so


@pytest.mark.parametrize(
    "text",
    [
        "{}" * 100_000,
        "}{" * 100_000,
        "/* " * 200_000,
        '// "\\' + '"\\' * 200_000,
        "/*" + "'\\" * 200_000,
        "//\n" * 200_000,
    ],
)
def test_what_never_ends_is_read_once(text: str) -> None:
    assert len(without_comments("{" + text)) == len(text) + 1  # not in a time that grows with the square
    assert values("{" + text)[0] == 0
