"""In-toto statements: any bytes in, a statement or one kind of error out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.provenance.claim import claim_of
from ledger_tool.core.provenance.statement import MAX_BYTES, MOST_SUBJECTS, TYPES, Statement, parse_statement
from ledger_tool.errors import InvalidStatement
from tests.support.values import provenance
from tests.support.values.make import digest

_IMAGE = digest("image")


@pytest.mark.parametrize("kind", ["v0.1", "v1"])
def test_a_statement_is_about_its_subjects(kind: str) -> None:
    other = "sha512:" + "a" * 128
    statement = parse_statement(provenance.statement({"x": 1}, _IMAGE, other, kind=kind))
    assert (statement.is_about(_IMAGE), statement.is_about(other)) == (True, True)
    assert not statement.is_about(digest("another"))
    assert not statement.is_about("")
    assert (statement.predicate_type, statement.predicate) == ("https://slsa.dev/provenance/v1", {"x": 1})


def test_keys_that_nobody_knows_are_ignored_and_a_predicate_may_be_missing() -> None:
    data = json.loads(provenance.statement({}, _IMAGE)) | {"extra": [1]}
    del data["predicate"], data["subject"][0]["name"]
    assert parse_statement(json.dumps(data).encode()).predicate == {}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"_type": "https://in-toto.io/Statement/v2"}, "its `_type` is `https://in-toto.io/Statement/v2`"),
        ({"_type": None}, "its `_type` is missing, or not a text"),
        ({"_type": ["https://in-toto.io/Statement/v1"]}, "its `_type` is"),
        ({"predicateType": ""}, "its `predicateType` is missing, or not a text"),
        ({"predicateType": 1}, "its `predicateType` is missing, or not a text"),
        ({"predicate": []}, "its `predicate` is not an object"),
        ({"predicate": None}, "its `predicate` is not an object"),
        ({"subject": []}, "it has no `subject`"),
        ({"subject": {"digest": {"sha256": "00"}}}, "it has no `subject`"),
        ({"subject": ["x"]}, "its `subject[0]` is not an object"),
        ({"subject": [{"name": "x"}]}, "its `subject[0]` has no `digest`"),
        ({"subject": [{"digest": {}}]}, "its `subject[0]` has no `digest`"),
        ({"subject": [{"digest": "sha256:00"}]}, "its `subject[0]` has no `digest`"),
        ({"subject": [{"digest": {"sha256": 1}}]}, "its `subject[0].digest` is not an object of texts"),
        ({"subject": [{"digest": {"sha256": ""}}]}, "its `subject[0].digest` is not an object of texts"),
        ({"subject": [{"digest": {"sha256": "00"}, "name": 7}]}, "its `subject[0].name` is not a text"),
        ({"subject": [{"digest": {"a": "b"}}] * (MOST_SUBJECTS + 1)}, f"it has more than {MOST_SUBJECTS} subjects"),
    ],
)
def test_what_is_missing_or_of_another_type_is_an_error(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidStatement) as caught:
        parse_statement(json.dumps(json.loads(provenance.statement({}, _IMAGE)) | changed).encode())
    assert reason in caught.value.message
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "it is not JSON"),
        (b"[]", "it is not a JSON object"),
        (b"\xff", "it is not UTF-8"),
        (b"\xef\xbb\xbf{}", "a byte order mark"),
        (b'{"_type": 1, "_type": 2}', "the key `_type` appears twice"),
        (b'{"subject": [{"digest": {"sha256": "a", "sha256": "b"}}]}', "the key `sha256` appears twice"),
        (b'{"a": NaN}', "`NaN` is not JSON"),
        (b"[" * 100, "nested deeper"),
        (b'"' + b"x" * MAX_BYTES, "it is larger than 8 MiB"),
        (provenance.statement({}, _IMAGE)[:-20], "it is not JSON"),
    ],
)
def test_bytes_that_are_not_one_json_object_are_an_error(payload: bytes, reason: str) -> None:
    with pytest.raises(InvalidStatement, match=reason.replace("(", r"\(")):
        parse_statement(payload)


def _parsed(payload: bytes) -> Statement | None:
    try:
        statement = parse_statement(payload)
    except InvalidStatement:
        return None
    try:
        claim = claim_of(statement)
    except InvalidStatement:
        return statement
    assert claim.source_ref is None or claim.source_ref == f"{claim.source}@{claim.commit}"
    return statement


@given(st.binary(max_size=200))
def test_any_bytes_are_a_statement_or_invalid(payload: bytes) -> None:
    _parsed(payload)


_KEYS = (
    "_type subject predicateType predicate name digest sha256 sha1 gitCommit builder id materials uri invocation "
    "configSource buildDefinition externalParameters resolvedDependencies runDetails metadata vcs source revision "
    "buildkit_metadata workflow repository parameters request args"
)
_keys = st.sampled_from(_KEYS.split())
_texts = st.sampled_from(
    [*TYPES, "https://slsa.dev/provenance/v1", provenance.REPOSITORY, provenance.COMMIT, provenance.BASE_URI, "x", "@"]
)
_trees = st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _texts | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(_keys, _trees, max_size=6), st.dictionaries(_keys, _trees, max_size=6))
def test_any_json_is_a_statement_or_invalid(data: dict[str, Any], predicate: dict[str, Any]) -> None:
    _parsed(json.dumps(data).encode())
    assert _parsed(provenance.statement(predicate, _IMAGE)) is not None


_whole = json.loads(provenance.statement(provenance.buildkit("v1", vcs={"source": "x"}), _IMAGE))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [deeper for key, one in inner for deeper in _paths(one, (*path, key))]


@given(st.sampled_from(_paths(_whole)), _trees)
def test_a_statement_with_anything_in_any_place_is_a_statement_or_invalid(path: tuple[Any, ...], value: Any) -> None:
    data = json.loads(json.dumps(_whole))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    _parsed(json.dumps(data).encode())
