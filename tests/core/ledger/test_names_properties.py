"""Whatever text comes in: a parser refuses it, or gives a value that matches its grammar and parses to itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger import codec, names
from ledger_tool.core.ledger.record import from_json
from ledger_tool.core.ledger.secrets import redacted
from ledger_tool.core.policy.reference import parse_name, parse_reference
from ledger_tool.errors import InvalidValue
from tests.support.values import strategies
from tests.support.values.make import fields, ledger_bytes
from tests.support.values.profiles import example_count

_PARSERS: dict[str, tuple[Callable[[str], Any], str, st.SearchStrategy[str]]] = {
    "image": (names.parse_image, names.IMAGE, strategies.images),
    "tag": (names.parse_tag, names.TAG, strategies.tags),
    "digest": (names.parse_digest, names.DIGEST, strategies.digests),
    "platform": (names.parse_platform, names.PLATFORM, strategies.platforms),
    "sourceRef": (names.parse_source_ref, names.SOURCE_REF, strategies.source_refs),
    "publishedAt": (names.parse_timestamp, names.TIMESTAMP, strategies.timestamps),
    "ttl": (names.parse_ttl, names.TTL, strategies.ttls),
    "dependsOn": (names.parse_dependency, names.DEPENDENCY, strategies.dependencies),
    "label": (names.parse_label_key, names.LABEL_KEY, strategies.label_keys),
    "reason": (lambda text: names.parse_text(text, "reason"), names.TEXT, strategies.texts),
}
_SPLINTERS = st.sampled_from(
    [
        "\n",
        "\r",
        "\0",
        "\x1b[31m",
        " ",
        "/",
        ":",
        "@",
        "-",
        ".",
        "v8",
        "x86_64",
        "٣",
        "K",
        "\u202e",
        "é",
        "e\u0301",
        "A",
    ]
)


def _nearly(good: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Give good values, ones with something put in, ones with something cut out, and any text at all."""
    put_in = st.builds(
        lambda text, at, splinter: text[: at % (len(text) + 1)] + splinter + text[at % (len(text) + 1) :],
        good, st.integers(0, 200), _SPLINTERS,
    )  # fmt: skip
    cut = st.builds(lambda text, at: text[:at] + text[at + 1 :], good, st.integers(0, 100))
    return st.one_of(good, put_in, cut, st.text(max_size=20))


_NEARLY = {field: _nearly(good) for field, (_, _, good) in _PARSERS.items()}


def _outcome(parse: Callable[[str], str], text: str) -> str | InvalidValue:
    try:
        return parse(text)
    except InvalidValue as error:
        return error


@pytest.mark.parametrize("field", _PARSERS)
def test_a_parser_refuses_or_gives_a_value_that_parses_to_itself(field: str) -> None:
    parse, pattern, _ = _PARSERS[field]

    @example_count(60)
    @given(_NEARLY[field])
    def check(text: str) -> None:
        value = _outcome(parse, text)
        if isinstance(value, InvalidValue):
            assert value.field == field
            assert names.escaped(value.message) == value.message
            return
        assert re.fullmatch(pattern, value)
        assert unicodedata.is_normalized("NFC", value)
        assert parse(value) == value

    check()


@pytest.mark.parametrize("field", _PARSERS)
def test_a_parser_takes_every_value_of_the_contract_as_it_is(field: str) -> None:
    parse, _, good = _PARSERS[field]

    @example_count(40)
    @given(good)
    def check(text: str) -> None:
        assert parse(text) == text

    check()


@example_count(150)
@given(st.data())
def test_whatever_the_parsers_give_is_a_valid_record(data: st.DataObject) -> None:
    """The parsers and the reader hold the same grammar: what gets in by one is read back by the other."""
    drawn: dict[str, Any] = {}
    for field in ("image", "tag", "platform", "digest", "publishedAt", "sourceRef", "ttl"):
        parse, _, good = _PARSERS[field]
        got = _outcome(parse, data.draw(_NEARLY[field]))
        drawn[field] = data.draw(good) if isinstance(got, InvalidValue) else got
    said = _outcome(_PARSERS["reason"][0], data.draw(st.text(max_size=30)))
    text = "plain" if isinstance(said, InvalidValue) else said
    one = from_json(fields() | drawn | {"labels": {"note": text}})
    assert list(codec.loads(ledger_bytes(one)).records()) == [one]


@example_count(200)
@given(st.text(max_size=40))
def test_escaped_text_is_safe_and_stays_as_it_is(text: str) -> None:
    safe = names.escaped(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", safe)
    assert names.escaped(safe) == safe


@example_count(200)
@given(st.lists(st.sampled_from(["https://", "ssh://", "u", ":", "@", "SECRET", "h", "/", " ", "x"]), max_size=10))
def test_what_stands_between_a_scheme_with_a_password_and_its_last_at_sign_is_never_shown(parts: list[str]) -> None:
    text = "".join(parts)
    shown = names.shown(text, 1000)
    assert not re.search(r"https://[^/\s]*SECRET[^/\s]*@", shown)
    assert not re.search(r"://[^/\s@:]*:[^/\s]*SECRET[^/\s]*@", shown)
    assert redacted(shown) == shown


@example_count(150)
@given(
    st.one_of(
        st.builds("{}:{}@{}".format, strategies.images, strategies.tags, strategies.digests),
        st.builds("localhost:5000/{}:{}".format, strategies.images, strategies.tags),
        _nearly(st.builds("registry.example.com/{}:{}".format, strategies.images, strategies.tags)),
    )
)
def test_a_reference_refuses_or_is_written_as_it_was_given(text: str) -> None:
    for parse in (parse_reference, parse_name):
        try:
            reference = parse(text)
        except InvalidValue:
            continue
        assert str(reference) == text
        assert parse(str(reference)) == reference
