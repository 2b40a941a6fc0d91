"""`ledger.yaml`: what people write becomes a policy, or an error with line and column."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ledger_tool.core.policy.policy import MAX_SETTINGS_BYTES, Policy, Registry
from ledger_tool.edges.files.ledger import read_policy, schema
from ledger_tool.edges.yaml.settings import load
from ledger_tool.errors import InvalidSettings, UsageError
from tests.support.values.examples import examples, expected
from tests.support.values.profiles import example_count
from tests.support.values.strategies import json_values

SCHEMA = Draft202012Validator(schema("ledger-config-v1"))


def refused(raw: bytes) -> UsageError:
    with pytest.raises(UsageError) as caught:
        load(raw)
    return caught.value


@pytest.mark.parametrize("path", examples("settings/valid", ".yaml"))
def test_a_valid_file_gives_the_policy_that_it_says(path: Path) -> None:
    want = asdict(Policy()) | json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert json.loads(json.dumps(asdict(load(path.read_bytes())))) == json.loads(json.dumps(want))


@pytest.mark.parametrize("path", examples("settings/invalid", ".yaml"))
def test_an_invalid_file_is_refused_with_line_column_and_reason(path: Path) -> None:
    error, want = refused(path.read_bytes()), expected(path)
    assert error.message.startswith(f"ledger.yaml, line {want.line}, column {want.column}: ")
    assert want.phrase in error.message
    assert error.message.isprintable()
    assert len(error.message) < 300
    assert error.hint
    assert error.exit_code == 2


def test_a_number_that_should_be_text_is_told_how_to_quote_it() -> None:
    assert refused(b"tags:\n  mutable: [1.10]\n").hint == 'quote it: `"1.10"`'


def test_a_password_in_a_host_is_not_repeated() -> None:
    assert "TOKEN" not in refused(b"registries:\n  - host: https://u:TOKEN@a.example\n").message


def test_no_file_at_all_is_the_default_policy() -> None:
    assert read_policy(None) == Policy() == load(b"")


def test_the_order_of_registries_and_patterns_is_kept() -> None:
    policy = load(b"registries: [{host: b.example}, {host: a.example}]\ntags: {ttl: {z: 1d, a: 2d, m: 3d}}\n")
    assert policy.registries == (Registry("b.example"), Registry("a.example"))
    assert list(policy.ttl) == ["z", "a", "m"]


_HOSTILE = {
    "larger than the limit": b"#" * (MAX_SETTINGS_BYTES + 1),
    "50 megabytes": b"a: b\n" * (10 * 2**20),
    "flow lists as deep as there is room": b"[" * MAX_SETTINGS_BYTES,
    "flow mappings as deep as there is room": b"{a: " * (MAX_SETTINGS_BYTES // 4),
    "block lists as deep as there is room": b"- " * (MAX_SETTINGS_BYTES // 2),
    "explicit keys as deep as there is room": b"? " * (MAX_SETTINGS_BYTES // 2),
    "one long key": b"k" * (MAX_SETTINGS_BYTES - 4) + b": v",
    "one long word": b"w" * MAX_SETTINGS_BYTES,
    "quotes": b"'" * MAX_SETTINGS_BYTES,
    "empty lines before a tab": b"\n" * (MAX_SETTINGS_BYTES - 2) + b"\tx",
    "the largest alias bomb": b"a: &a [" + b"x," * 100 + b"]\n" + b"".join(
        b"a%d: &a%d [%s]\n" % (at, at, b",".join([b"*a"] * 100)) for at in range(180)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", _HOSTILE)
def test_a_hostile_file_is_refused_in_less_than_a_second(name: str) -> None:
    start = time.process_time()
    error = refused(_HOSTILE[name])
    assert time.process_time() - start < 1
    assert error.message.startswith("ledger.yaml")
    assert len(error.message) < 300


def test_an_escape_beyond_unicode_is_refused() -> None:
    assert refused(b'tags:\n  mutable: ["\\U0011ffff"]\n').message.startswith("ledger.yaml, line ")


@pytest.mark.parametrize("text", ["1:20", "190:20:30", "20:30.5", "2026-1-1", "2026-01-1", "tRUE", "fALSE", "=", "<<"])
def test_what_only_yaml_1_1_reads_as_anything_but_text_is_text(text: str) -> None:
    rule = f"provenance: [{{images: ['*'], signer: {{issuer: a, identity: {text}}}}}]\n"
    assert load(rule.encode()).provenance[0].signers[0].identity == text


def test_a_file_beyond_the_limit_is_told_the_limit() -> None:
    message = refused(b"#" * (MAX_SETTINGS_BYTES + 1)).message
    assert message == "ledger.yaml, line 1, column 1: the file is larger than 64 KiB"
    assert load(b"#" * MAX_SETTINGS_BYTES) == Policy()


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_settings_or_a_usage_error(raw: bytes) -> None:
    try:
        load(raw)
    except UsageError as error:
        told = error.message
        assert told.startswith("ledger.yaml")


@example_count(150)
@given(st.text(st.sampled_from("ab1.:-[]{},*&!|>'\"#%@`\n\t ?~é"), max_size=40))
def test_arbitrary_yaml_like_text_is_settings_or_a_usage_error(text: str) -> None:
    try:
        load(text.encode())
    except UsageError as error:
        told = error.message
        assert told.startswith("ledger.yaml, line ")


# Near-valid settings as JSON, which is YAML with every text quoted; and the schema says the same of them.
_SPOILERS: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 7, 1.5, [], {}, "", "a b", "a\n", "A", "-a", "a/", "a:123456", "ftp://a", "x" * 257, "0d", "7d\n", "7"]
) | json_values.filter(lambda value: not isinstance(value, float))


def _mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 9).flatmap(lambda at: good if at else _SPOILERS)


def _object(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    known = st.fixed_dictionaries({}, optional={name: _mostly(good) for name, good in fields.items()})
    return st.integers(0, 9).flatmap(lambda at: known if at else known.map(lambda one: one | {"colour": "red"}))


_PATTERNS = _mostly(st.sampled_from(["*", "latest", "pr-*", "x" * 256, "é", "*/x", "[a-c]?", "a/", "v_1", "a.-b"]))
_HOSTS = st.sampled_from(["registry.example.com", "http://localhost:5000", "https://a", "[::1]:5000", "10.0.0.1"])
_REGISTRIES = st.builds(
    lambda one, host: {"host": host} | one,
    _object(images=st.lists(_PATTERNS, min_size=1, max_size=3), prefix=st.sampled_from(["", "proxy/hub", "a.b"])),
    _mostly(_HOSTS),
)
_TTLS = st.dictionaries(
    st.sampled_from(["*", "pr-*", "", "a b"]), _mostly(st.sampled_from(["7d", "99999w"])), max_size=2
)
_REQUIRABLE = st.sampled_from(["platform", "sourceRef", "labels.team", "labels.org.example/x", "digest", "labels."])
_SETTINGS = _object(
    registries=st.lists(_mostly(_REGISTRIES | _object()), max_size=2),
    tags=_object(mutable=st.lists(_PATTERNS, max_size=3), ttl=_TTLS),
    require=st.lists(_mostly(_REQUIRABLE), max_size=3),
)


def _without_nulls(value: Any) -> Any:
    """Leave out a part that is there but empty (`tags:`), which people's YAML may have and the schema does not."""
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None or key in ("host", "")}
    return value


def _fits_yaml(value: Any) -> bool:
    """YAML refuses some characters anywhere, and nesting is bounded; neither is the schema's to say."""
    text = json.dumps(value, ensure_ascii=False)
    return text.isprintable() and "\ufeff" not in text


@example_count(300)
@given(_SETTINGS.filter(_fits_yaml))
def test_the_reader_and_the_schema_agree(value: Any) -> None:
    plain = _without_nulls(value)
    try:
        load(json.dumps(plain, ensure_ascii=False).encode())
        accepted = True
    except UsageError:
        accepted = False
    assert accepted == SCHEMA.is_valid(plain)


@pytest.mark.parametrize("path", examples("settings/valid", ".yaml"))
def test_the_schema_accepts_the_valid_examples(path: Path) -> None:
    from ruamel.yaml import YAML

    value = YAML(typ="safe", pure=True).load(path.read_bytes().decode("utf-8-sig"))
    assert SCHEMA.is_valid(_filled(value))


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner) for key, inner in value.items() if inner is not None}
    return {} if value is None else value


@pytest.mark.parametrize(
    ("key", "meant"), [("registry", "registries"), ("tag", "tags"), ("environment", "environments")]
)
def test_a_mistyped_key_is_answered_with_the_one_that_was_meant(key: str, meant: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(f"{key}: []\n".encode())
    assert caught.value.hint.endswith(f"; did you mean `{meant}`?")
