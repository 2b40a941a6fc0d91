"""What cannot be read fails a gate if it may be a manifest, and only then."""

from __future__ import annotations

import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.manifests.catalogue import Catalogue
from ledger_tool.core.manifests.pin import judge_pin
from ledger_tool.core.manifests.remark import ManifestNote
from ledger_tool.core.manifests.rewrite import Judge, rewrite
from ledger_tool.core.manifests.unread import MAX_FILE
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.edges.yaml.manifest_tokens import tokens
from tests.support.values.make import ledger_of

_REGISTRY = Registry("registry.example.com", images=("myorg/*",))
_POLICY = Policy(registries=(_REGISTRY,), manifest_keys=("operand",))
_CATALOGUE = Catalogue(Snapshot("", ledger_of(), _POLICY), Timestamp("2026-11-25T09:30:00Z"))
_JUDGE = Judge(partial(judge_pin, catalogue=_CATALOGUE), _CATALOGUE.ours)
_BREAKS = {"a.yaml": "\n'", "a.json": '\n{"'}  # no parser reads what this follows


def notes(text: str | bytes, path: str = "a.yaml") -> list[ManifestNote]:
    return rewrite(path, text.encode() if isinstance(text, str) else text, tokens, _JUDGE).notes


_REFERENCES = [
    "image: nginx", "image: nginx:1.27", "  - image: a/b", '"image": "myorg/app:v1"', '{"image":"r.example.com/a/b"}',
    "image: 'nginx' # c", "image: &a nginx", "image: !!str nginx", "image: $IMAGE", "image: ${X}/app:v1", "image: *app",
    "image: MyOrg/app:v1", "image: |\n  nginx:1", "image:\n  name: nginx:1", 'image: {repository: myorg/app, tag: "1"}',
    'image:\n  # c\n  repository: "nginx"', "services:\n  - postgres:16", "services: [postgres:16]",
    "images:\n  - name: nginx\n    newTag: v1", "images: [{newName: a/b}]", "uses: docker://alpine:3",
    '"uses":"docker:\\/\\/alpine"', "container: node:20", "repository: myorg/app\ntag: v1",
    "initImage: registry.example.com/myorg/app:v1", "operand: a:1",
]  # fmt: skip
_OTHERS = [
    "image: https://example.com/x.png", "image: /img/x.png", "image: logo.png", "image: A picture", "image: ''",
    "image: 'a sentence, with a comma'", '"image": {"src": "/x.png", "alt": "A ship"}', "image: '*/app:*'",
    "images: [a.png, b.png]", "images:\n  - /a.png\n  - title: A ship", "image: null.png", "image: ami-0abcdef12",
    '"image": {"type": "x y"}', "image: Bild", "repository: https://github.com/a/b", "services: {}", "container: {}",
    '"image": {\n "url": "https://example.com/a"}', '"image": ["https://example.com/a"]', '"containerClass": "a b"',
    "imageFormat: jpeg", '"imageSize": "100:200"', "see: https://registry.example.com/app",
]  # fmt: skip


def _as_files(texts: list[str]) -> list[tuple[str, str]]:
    return [(text, path) for path in _BREAKS for text in texts if path == "a.yaml" or text[0] in '{"']


@pytest.mark.parametrize(("text", "path"), _as_files(_REFERENCES))
def test_a_broken_file_that_may_be_a_manifest_is_a_fault(text: str, path: str) -> None:
    (note,) = notes(f"a: 1\n{text}{_BREAKS[path]}", path)
    assert (note.is_fault, note.kind) == (True, ""), note


@pytest.mark.parametrize(("text", "path"), _as_files(_OTHERS))
def test_a_broken_file_that_is_no_manifest_is_at_most_a_note(text: str, path: str) -> None:
    found = notes(f"a: 1\n{text}{_BREAKS[path]}", path)
    assert [(note.is_fault, note.kind) for note in found] in ([], [(False, "not-a-manifest")])


@given(st.sampled_from(_REFERENCES), st.lists(st.sampled_from(_OTHERS + _REFERENCES)), st.integers(0))
def test_one_reference_among_other_things_is_seen(text: str, others: list[str], place: int) -> None:
    lines = [*others]
    lines.insert(place % (len(others) + 1), text)
    assert notes("\n".join([*lines, "'"]))[0].is_fault


@pytest.mark.parametrize(("value", "is_fault"), [("https://example.com/a.png", False), ("nginx:1.27", True)])
def test_a_large_file_is_a_fault_only_if_it_may_be_a_manifest(value: str, *, is_fault: bool) -> None:
    text = json.dumps([{"text": "x" * 1000, "image": value}] * (MAX_FILE // 1000))
    (note,) = notes(text, "data.json")
    assert (note.is_fault, "larger than 10 MiB" in note.message) == (is_fault, True)


def test_a_large_file_without_images_is_nothing_to_speak_of() -> None:
    packages = {f"node_modules/image-{number}": {"version": "1.0.0", "image": False} for number in range(200_000)}
    assert len(text := json.dumps({"name": "x", "packages": packages})) > MAX_FILE
    assert [note for note in notes(text, "package-lock.json") if note.is_fault] == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-32", "latin-1"])
@pytest.mark.parametrize(("text", "is_fault"), [("image: nginx:1 # é", True), ("image: /é.png", False), ("a: é", None)])
def test_another_encoding_is_a_fault_only_in_what_may_be_a_manifest(
    text: str, encoding: str, *, is_fault: bool | None
) -> None:
    raw = {"utf-16-be": b"\xfe\xff", "utf-16-le": b"\xff\xfe"}.get(encoding, b"") + text.encode(encoding)
    assert [note.is_fault for note in notes(raw)] == ([] if is_fault is None else [is_fault])


def test_a_file_of_a_ledger_is_known_by_its_content_and_not_by_its_name_alone() -> None:
    records = '{\n  "schemaVersion": 1,\n  "records": [{"image": "a", "tag": "v1"}]\n}\n'
    settings = "# c\nregistries:\n  - host: a.example\n    images: ['*']\nmanifests: {keys: [image]}\n"
    for path, text in (("x/ledger.json", records), ("ledger.yaml", settings)):
        assert [note.kind for note in notes(text, path)] == ["not-a-manifest"]
    assert notes(records, "records.json") == []
    for text in ("image: a", "registries: []\nimage: a", "", "a"):
        assert [note for note in notes(text, "ledger.yaml") if note.kind == "not-a-manifest"] == []


_ENCODINGS = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]


@pytest.mark.parametrize("encoding", _ENCODINGS)
@pytest.mark.parametrize("path", ["a.yaml", "a.json", "Dockerfile", "a.tpl"])
def test_an_image_in_another_encoding_is_never_passed_over_in_silence(encoding: str, path: str) -> None:
    text = (
        "FROM registry.example.com/myorg/app:v1"
        if path == "Dockerfile"
        else '"image": "registry.example.com/myorg/a:1"'
    )
    (note,) = notes(text.encode(encoding), path)
    assert note.is_fault, note


@given(st.integers(0), st.sampled_from(_REFERENCES))
def test_a_nul_byte_anywhere_is_never_passed_over_in_silence(place: int, reference: str) -> None:
    raw = f"a: 1\n{reference}\n".encode()
    place %= len(raw) + 1
    (note,) = notes(raw[:place] + b"\0" + raw[place:])
    assert note.is_fault, note


@pytest.mark.parametrize("value", ["{{ {{ {{", '"{{ .Values.image', "{{ " * 10_000, '{{ include "a" . }'])
def test_an_image_by_an_action_that_is_not_closed_is_a_fault(value: str) -> None:
    assert notes(f"image: {value}\n")[0].is_fault
