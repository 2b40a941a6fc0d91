"""The published schema, the grammar of `names` and the fast reader of `codec` say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ledger_tool.core.ledger import codec, diagnosis, names
from ledger_tool.core.ledger.record import FIELDS
from ledger_tool.core.policy.globs import IMAGE_GLOB, NAME_GLOB, TAG_GLOB
from ledger_tool.edges.files.ledger import schema
from ledger_tool.errors import InvalidLedger
from tests.support.values.make import WHEN, digest, fields
from tests.support.values.oracle import SCHEMA, canonical, is_valid
from tests.support.values.profiles import example_count
from tests.support.values.strategies import ledger_objects, record_fields

_DEFINITIONS = SCHEMA["$defs"]


@pytest.mark.parametrize("name", ["ledger-v1", "ledger-config-v1"])
def test_a_schema_is_a_valid_schema_of_draft_2020_12(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))
    assert schema(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    ("definition", "pattern"),
    [
        ("image", names.IMAGE),
        ("tag", names.TAG),
        ("digest", names.DIGEST),
        ("platform", names.PLATFORM),
        ("timestamp", names.TIMESTAMP),
        ("ttl", names.TTL),
        ("sourceRef", names.SOURCE_REF),
        ("reference", names.DEPENDENCY),
        ("text", names.TEXT),
        ("reason", names.TEXT),
    ],
)
def test_a_pattern_of_the_schema_is_the_one_of_the_parser(definition: str, pattern: str) -> None:
    # `(?!\n)$`: in Python, `$` alone lets a newline at the end through.
    assert _DEFINITIONS[definition]["pattern"] == f"^{pattern}(?!\\n)$"


def test_the_pattern_of_a_label_key_is_the_one_of_the_parser() -> None:
    key = _DEFINITIONS["record"]["properties"]["labels"]["propertyNames"]["pattern"]
    assert key == f"^{names.LABEL_KEY}(?!\\n)$"


def test_the_patterns_of_the_settings_are_made_of_those_of_the_parsers() -> None:
    parts = schema("ledger-config-v1")["properties"]
    registry = parts["registries"]["items"]["properties"]
    assert registry["host"]["pattern"] == f"^(?:https?://)?{names.HOST}(?!\\n)$"
    assert registry["prefix"]["pattern"] == f"^(?:{names.IMAGE})?(?!\\n)$"
    assert parts["tags"]["properties"]["ttl"]["additionalProperties"]["pattern"] == f"^{names.TTL}(?!\\n)$"
    assert parts["require"]["items"]["pattern"].endswith(f"|labels\\.{names.LABEL_KEY})(?!\\n)$")
    assert registry["ledgerPrefix"]["pattern"] == registry["prefix"]["pattern"]
    assert registry["name"]["pattern"] == f"^{names.REGISTRY_NAME}(?!\\n)$"
    assert parts["environments"]["propertyNames"]["pattern"] == f"^{names.TAG}(?!\\n)$"
    assert parts["manifests"]["properties"]["keys"]["items"]["pattern"] == f"^{names.MANIFEST_KEY}(?!\\n)$"
    signer = schema("ledger-config-v1")["$defs"]["signer"]["properties"]
    assert signer["key"]["pattern"] == f"^{names.KEY_FILE}(?!\\n)$"
    shared = schema("ledger-config-v1")["$defs"]
    grammars = {"principal": names.PRINCIPAL, "imageGlob": IMAGE_GLOB, "tagGlob": TAG_GLOB, "nameGlob": NAME_GLOB}
    assert {name: shared[name]["pattern"] for name in grammars} == {
        name: f"^(?:{grammar})(?!\\n)$" for name, grammar in grammars.items()
    }
    assert shared["filePattern"]["pattern"] == f"^{names.FILE_PATTERN}(?!\\n)$"


def test_the_lengths_of_the_schema_are_those_of_the_parsers() -> None:
    lengths = {name: one["maxLength"] for name, one in _DEFINITIONS.items() if "maxLength" in one}
    assert lengths == {
        "image": names.IMAGE_MAX,
        "reference": names.DEPENDENCY_MAX,
        "text": names.TEXT_MAX,
        "reason": names.TEXT_MAX,
    }


def test_the_fields_of_the_schema_are_those_that_a_record_writes_in_that_order() -> None:
    assert list(_DEFINITIONS["record"]["properties"]) == list(FIELDS)


def _examples(node: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    if isinstance(node, dict):
        for example in node.get("examples", []):
            yield node, example
        for inner in node.values():
            yield from _examples(inner)


@pytest.mark.parametrize("name", ["ledger-v1", "ledger-config-v1"])
def test_every_example_in_a_schema_is_valid_where_it_stands(name: str) -> None:
    whole = schema(name)
    found = list(_examples(whole))
    assert found
    for node, example in found:
        scope = {"$schema": whole["$schema"], "$defs": whole.get("$defs", {})} | node
        assert Draft202012Validator(scope).is_valid(example), example


def test_the_example_of_a_whole_ledger_is_canonical() -> None:
    for example in SCHEMA["examples"]:
        codec.loads(canonical(example["records"]).encode())


def test_every_definition_and_field_is_described() -> None:
    fields_of_a_record = _DEFINITIONS["record"]["properties"]
    bare = [name for name, one in fields_of_a_record.items() if not one.keys() & {"description", "$ref"}]
    bare += [name for name, one in _DEFINITIONS.items() if "description" not in one]
    assert bare == []


# Values that are wrong in the ways in which files go wrong, and some that are right.
_SPOILERS: list[Any] = [
    None, True, 0, 1.5, [], {}, "", " ", "a", "a\n", "a ", "\u00e9", "e\u0301", "\u202e", "\x1b", "\ud83d\ude00",
    "v1\n", "-v1", "V1", "sha256:" + "0" * 64, "sha256:" + "0" * 64 + "\n", "sha256:" + "A" * 64, "sha512:" + "0" * 128,
    "sha512:" + "0" * 64, "linux/amd64", "linux", "Linux/amd64", "linux/amd64/v1/x", WHEN, "2026-02-30T00:00:00Z",
    "2026-11-24T24:00:00Z", "2026-11-24T09:30:00+00:00", "2026-11-24T09:30:60Z", "0000-01-01T00:00:00Z",
    "7d", "07d", "100000d", "7 d", "git@h:x@" + "0" * 40, "https://h/x@" + "0" * 40, "https://u@h/x@" + "0" * 40,
    "debian@" + digest(), "debian", "registry.example.com/app", ["debian@" + digest()], ["debian@" + digest()] * 2,
    {"env": "prod"}, {"b": "1", "a": "2"}, {"": "x"}, {"a b": "x"}, {"env": 1}, {"env": "x\n"},
    {"replaces": digest(), "reason": "why"}, {"reason": "why", "replaces": digest()}, {"replaces": digest()},
    {"at": WHEN, "reason": "why"}, {"at": "2026-02-30T00:00:00Z", "reason": "why"}, {"at": WHEN, "reason": ""},
    {"at": WHEN, "reason": "x" * 1025}, "x" * 1025, "a" * 256, "t" * 129,
]  # fmt: skip
_NAMES = [*_DEFINITIONS["record"]["properties"], "colour", "Image", ""]


def _agree(raw: bytes) -> None:
    try:
        codec.loads(raw)
        accepted = True
    except InvalidLedger:
        accepted = False
    assert accepted == is_valid(raw)
    assert accepted == (not list(diagnosis.file_faults(raw, SCHEMA)))


@example_count(250)
@given(ledger_objects(2), st.sampled_from(_NAMES), st.sampled_from(_SPOILERS), st.booleans(), st.booleans())
def test_reader_schema_and_findings_agree_on_a_spoiled_record(
    objects: list[dict[str, Any]], name: str, value: Any, remove: bool, reorder: bool
) -> None:
    spoiled = [*objects, fields("zz")]
    if remove:
        spoiled[0].pop(name, None)
    else:
        spoiled[0][name] = value
    if reorder:  # the new key goes where it belongs, so that only its value can be wrong
        spoiled[0] = {key: spoiled[0][key] for key in [*_NAMES, name] if key in spoiled[0]}
    text = json.dumps({"schemaVersion": 1, "records": spoiled}, indent=2, ensure_ascii=False) + "\n"
    _agree(text.encode("utf-8", "surrogatepass"))


@given(st.lists(record_fields(image=st.just("app"), tag=st.just("v1")), max_size=3), st.permutations(range(3)))
def test_reader_schema_and_findings_agree_on_keys_and_their_order(
    objects: list[dict[str, Any]], order: list[int]
) -> None:
    chosen = [objects[at] for at in order if at < len(objects)]
    _agree(canonical(chosen).encode())


@pytest.mark.parametrize("name", _NAMES)
def test_reader_schema_and_findings_agree_on_each_spoiler_in_each_field(name: str) -> None:
    for value in _SPOILERS:
        one = fields() | {name: value}
        text = json.dumps({"schemaVersion": 1, "records": [one]}, indent=2, ensure_ascii=False) + "\n"
        _agree(text.encode("utf-8", "surrogatepass"))
        if name in _DEFINITIONS["record"]["properties"]:
            ordered = {key: one[key] for key in _DEFINITIONS["record"]["properties"] if key in one}
            text = json.dumps({"schemaVersion": 1, "records": [ordered]}, indent=2, ensure_ascii=False) + "\n"
            _agree(text.encode("utf-8", "surrogatepass"))
