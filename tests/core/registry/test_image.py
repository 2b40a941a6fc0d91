"""Manifests, indexes and what an image says of itself: bytes in, values out, and nothing believed unchecked."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.registry.image import (
    INDEXES,
    MANIFESTS,
    Child,
    ImageFacts,
    Manifest,
    digest_of,
    facts,
    parse,
    platform_of,
)
from ledger_tool.errors import BadManifest, InvalidValue, UnreadableManifest
from tests.support.values.make import digest
from tests.support.values.strategies import json_values

PREFIX = "org.opencontainers.image."
CONFIG, LAYER = digest("config"), digest("layer")


def _image(**more: Any) -> bytes:
    fields = {"schemaVersion": 2, "config": {"digest": CONFIG}, "layers": [{"digest": LAYER}]}
    return json.dumps(fields | more).encode()


def _index(*entries: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"schemaVersion": 2, "manifests": list(entries)} | more).encode()


def _entry(seed: str, system: str = "linux", architecture: str = "amd64", **more: Any) -> dict[str, Any]:
    platform = {"os": system, "architecture": architecture}
    return {"mediaType": MANIFESTS[0], "digest": digest(seed), "platform": platform} | more


@pytest.mark.parametrize("media_type", MANIFESTS)
def test_a_manifest_is_its_config_and_layers(media_type: str) -> None:
    raw = _image(annotations={"a": "b", "c": 7})
    found = parse(raw, f"{media_type}; charset=utf-8")
    assert (found.digest, found.is_index, found.config) == (digest_of(raw), False, CONFIG)
    assert found.blobs == (CONFIG, LAYER)
    assert found.annotations == {"a": "b"}


@pytest.mark.parametrize("media_type", INDEXES)
def test_an_index_is_its_images_without_attestations_and_other_things(media_type: str) -> None:
    note = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    raw = _index(
        _entry("a"),
        _entry("b", architecture="arm"),
        _entry("note", "unknown", "unknown") | note,
        _entry("chart") | {"mediaType": "application/vnd.cncf.helm.chart"},
        {"mediaType": MANIFESTS[0], "digest": digest("bare")},
    )
    found = parse(raw, media_type)
    assert found.is_index
    assert found.children == (
        Child(Digest(digest("a")), platform_of({"os": "linux", "architecture": "amd64"})),
        Child(Digest(digest("b")), platform_of({"os": "linux", "architecture": "arm", "variant": "v7"})),
        Child(Digest(digest("bare")), None),
    )


def test_what_an_index_refers_to_is_all_of_it_and_only_images_are_looked_at() -> None:
    note = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    other = {"mediaType": "application/vnd.cncf.helm.chart", "digest": "blake3:abc"}
    raw = _index(
        _entry("a"), _entry("note", "unknown", "unknown") | note, _entry("in") | {"mediaType": INDEXES[0]}, other
    )
    found = parse(raw, INDEXES[0])
    assert found.referenced == (digest("a"), digest("note"), digest("in"), "blake3:abc")
    assert found.nested == (digest("in"),)
    assert [child.digest for child in found.children] == [digest("a"), digest("in")]


def test_the_digest_is_of_the_raw_bytes_whatever_they_mean() -> None:
    raw = b" " + _image() + b"\n"
    assert parse(raw, MANIFESTS[0]).digest == "sha256:" + hashlib.sha256(raw).hexdigest()
    wide = digest_of(raw, "sha512")
    assert parse(raw, MANIFESTS[0], wide).digest == wide


@pytest.mark.parametrize(
    ("raw", "content_type", "words"),
    [
        (_image(mediaType=INDEXES[0]), MANIFESTS[0], "but the body says"),
        (_image(), "text/html", "but the body says"),
        (_image(), "", "but the body says"),
        (_image(schemaVersion=1), MANIFESTS[0], "schema 1"),
        (_image(schemaVersion="2"), MANIFESTS[0], "schema 1"),
        (_index(), MANIFESTS[0], "malformed"),
        (_image(), INDEXES[0], "malformed"),
        (_index({"digest": "sha256:x"}), INDEXES[0], "malformed"),
        (_index({}), INDEXES[0], "malformed"),
        (_index(_entry("a", "lin ux")), INDEXES[0], "malformed"),
        (b"\xef\xbb\xbf" + _image(), MANIFESTS[0], "not JSON"),
        (_image()[:-1], MANIFESTS[0], "not JSON"),
        (_image()[:-1] + b',"config":{}}', MANIFESTS[0], "not JSON"),
        (b"[]", MANIFESTS[0], "not a JSON object"),
    ],
)
def test_anything_but_a_manifest_is_refused(raw: bytes, content_type: str, words: str) -> None:
    with pytest.raises(BadManifest, match=words):
        parse(raw, content_type)


def test_a_body_that_is_not_what_was_asked_for_is_refused_with_both_digests() -> None:
    with pytest.raises(BadManifest) as caught:
        parse(_image(), MANIFESTS[0], digest("other"))
    assert digest("other") in caught.value.message
    assert digest_of(_image()) in caught.value.message


@given(
    st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([*INDEXES, *MANIFESTS]),
)
def test_no_bytes_break_the_reader(raw: bytes, media_type: str) -> None:
    with suppress(BadManifest):
        assert parse(raw, media_type).digest == digest_of(raw)


@given(st.sampled_from(["config", "layers", "manifests", "annotations", "mediaType", "schemaVersion"]), json_values)
def test_no_field_breaks_the_reader(name: str, value: Any) -> None:
    for raw, media_type in (
        (_image(**{name: value}), MANIFESTS[0]),
        (_index(_entry("a"), **{name: value}), INDEXES[0]),
    ):
        with suppress(BadManifest):
            parse(raw, media_type)


def _facts(labels: Any = None, annotations: dict[str, str] | None = None, **config: Any) -> ImageFacts:
    image = Manifest(digest=digest_of(b""), is_index=False, annotations=annotations or {})
    return facts(image, {"config": {"Labels": labels}} | config)


def test_labels_and_annotations_say_where_an_image_is_from() -> None:
    commit = "a" * 40
    labels = {
        f"{PREFIX}source": "https://git.example.com/a", f"{PREFIX}revision": commit,
        f"{PREFIX}base.name": "docker.io/library/debian:bookworm", f"{PREFIX}base.digest": CONFIG,
    }  # fmt: skip
    found = _facts(labels, {f"{PREFIX}source": "https://git.example.com/b"}, os="linux", architecture="arm64")
    assert found.source_ref == f"https://git.example.com/b@{commit}"
    assert found.depends_on == (f"docker.io/library/debian:bookworm@{CONFIG}",)
    assert found.platform == "linux/arm64"


@pytest.mark.parametrize(
    "labels",
    [
        None, [], "x", 7, {f"{PREFIX}source": 7}, {f"{PREFIX}source": "https://git.example.com/a"},
        {f"{PREFIX}source": "https://u:p@git.example.com/a", f"{PREFIX}revision": "a" * 40},
        {f"{PREFIX}source": "ext::sh -c id", f"{PREFIX}revision": "a" * 40},
        {f"{PREFIX}source": "https://git.example.com/a", f"{PREFIX}revision": "main"},
        {f"{PREFIX}base.name": "debian", f"{PREFIX}base.digest": "sha256:x"},
        {f"{PREFIX}base.name": "debian\n", f"{PREFIX}base.digest": CONFIG},
    ],
)  # fmt: skip
def test_a_malformed_label_is_left_out(labels: Any) -> None:
    assert _facts(labels) == ImageFacts()


@given(json_values, json_values)
def test_no_config_breaks_the_reader_of_facts(inner: Any, system: Any) -> None:
    image = Manifest(digest=digest_of(b""), is_index=False)
    for config in ({"config": inner, "os": system, "architecture": system}, {"config": {"Labels": inner}}):
        facts(image, config)


@pytest.mark.parametrize(
    ("value", "platform"),
    [
        ({"os": "linux", "architecture": "arm64", "variant": "v8"}, "linux/arm64"),
        ({"os": "linux", "architecture": "arm", "variant": "v6"}, "linux/arm/v6"),
        ({"os": "windows", "architecture": "amd64", "os.version": "10.0.20348.2340"}, "windows(10.0.20348.2340)/amd64"),
        ({"os": "unknown", "architecture": "unknown"}, None),
        ({"os": "linux"}, None),
        ({}, None),
        (None, None),
        ("linux/amd64", None),
    ],
)
def test_a_platform_is_written_as_containerd_writes_it(value: Any, platform: str | None) -> None:
    assert platform_of(value) == platform


def test_a_malformed_platform_is_an_error() -> None:
    with pytest.raises(InvalidValue):
        platform_of({"os": "linux\n", "architecture": "amd64"})


@pytest.mark.parametrize("raw", [_image(layers=None), _image(schemaVersion=1), b"[]", b"\xff", _image(mediaType="x")])
def test_what_has_the_expected_digest_and_cannot_be_read_says_which_digest_that_is(raw: bytes) -> None:
    with pytest.raises(UnreadableManifest) as caught:
        parse(raw, MANIFESTS[0], digest_of(raw))
    assert caught.value.digest == digest_of(raw)
