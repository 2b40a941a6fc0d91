"""Manifests, indexes and what an image says of itself: bytes in, values out, and nothing believed unchecked."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import Digest, Platform
from ledger_tool.core.registry.facts import ImageFacts, facts
from ledger_tool.core.registry.image import (
    INDEXES,
    MANIFESTS,
    Child,
    Manifest,
    digest_of,
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
        (_image(), "text/html", "its media type is `text/html`"),
        (_image(), "", "its media type is ``"),
        (_image(mediaType="application/vnd.x"), "", "its media type is `application/vnd.x`"),
        (_image(schemaVersion=1), MANIFESTS[0], "schema 1"),
        (_image(schemaVersion="2"), MANIFESTS[0], 'its `schemaVersion` is `"2"`, not `2`'),
        (_image(schemaVersion=3), MANIFESTS[0], "its `schemaVersion` is `3`, not `2`"),
        (_image(fsLayers=[]), MANIFESTS[0], "schema 1"),
        (_image(config=None), MANIFESTS[0], "without `config`"),
        (_image(config={"digest": "md5:0"}), MANIFESTS[0], "its `config.digest` is `md5:0`"),
        (_image(layers="x"), MANIFESTS[0], "its `layers` is not a list"),
        (_image(layers=[{}, 7]), MANIFESTS[0], r"its `layers\[1\]` is not an object"),
        (_image(layers=[{"digest": "../../x"}]), MANIFESTS[0], r"its `layers\[0\].digest` is `../../x`"),
        (_index(), MANIFESTS[0], "it is a manifest, and has `manifests` as well"),
        (_image(manifests=[]), MANIFESTS[0], "it is a manifest, and has `manifests` as well"),
        (_image(), INDEXES[0], "it is an index, and has `config` as well"),
        (_index(layers=[]), INDEXES[0], "it is an index, and has `layers` as well"),
        (_index(layers=None), INDEXES[0], "it is an index, and has `layers` as well"),
        (b'{"schemaVersion": 2}', INDEXES[0], "an index without `manifests`"),
        (_index(manifests={}), INDEXES[0], "its `manifests` is not a list"),
        (_index(manifests=[None]), INDEXES[0], r"its `manifests\[0\]` is not an object"),
        (_index(Manifests=[]), INDEXES[0], "it has `Manifests`, which some clients read as `manifests`"),
        (_image(MEDIATYPE=INDEXES[0]), MANIFESTS[0], "it has `MEDIATYPE`, which some clients read as `mediaType`"),
        (_image()[:-1] + b', "layer\\u017f": []}', MANIFESTS[0], "which some clients read as `layers`"),
        (_image(config={"digest": CONFIG, "Digest": LAYER}), MANIFESTS[0], "it has `config.Digest`, which"),
        (_image(layers=[{"digest": LAYER, "Urls": []}]), MANIFESTS[0], r"it has `layers\[0\].Urls`, which"),
        (_index(_entry("a", Digest=digest("b"))), INDEXES[0], r"it has `manifests\[0\].Digest`, which"),
        (_index({"digest": digest("a"), "platform": {"OS": "linux"}}), INDEXES[0], r"\[0\].platform.OS`, which"),
        (b"\xef\xbb\xbf" + _image(), MANIFESTS[0], "not JSON"),
        (b"\xff", MANIFESTS[0], "not JSON"),
        (_image()[:-1], MANIFESTS[0], "not JSON"),
        (_image()[:-1] + b',"config":{}}', MANIFESTS[0], "the key `config` appears twice"),
        (b"[]", MANIFESTS[0], "not a JSON object"),
    ],
)
def test_what_is_pushed_and_is_not_a_manifest_is_refused_by_name_and_digest(
    raw: bytes, content_type: str, words: str
) -> None:
    with pytest.raises(UnreadableManifest, match=words) as caught:
        parse(raw, content_type, digest_of(raw))
    assert (caught.value.exit_code, caught.value.digest) == (3, digest_of(raw))
    assert "again later" not in caught.value.hint


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [(b"<html>", "text/html"), (b"{}", "application/json"), (b"[]", MANIFESTS[0]), (_image()[:-1], MANIFESTS[0])],
)
def test_what_no_digest_vouches_for_may_be_a_proxys_page(raw: bytes, content_type: str) -> None:
    with pytest.raises(BadManifest, match="not a manifest"):
        parse(raw, content_type)


def test_a_manifest_that_no_digest_vouches_for_is_still_known_by_its_own() -> None:
    with pytest.raises(UnreadableManifest) as caught:
        parse(_image(config=None), MANIFESTS[0])
    assert caught.value.digest == digest_of(_image(config=None))


def test_a_manifest_of_schema_1_is_named_though_its_digest_is_not_that_of_its_bytes() -> None:
    raw = b'{"schemaVersion": 1, "fsLayers": [], "signatures": []}'
    with pytest.raises(UnreadableManifest, match="schema 1"):
        parse(raw, "application/vnd.docker.distribution.manifest.v1+prettyjws", digest("payload"))


@pytest.mark.parametrize("claimed", ["md5:0", "shake_128:0", "nonsense"])
def test_a_digest_that_cannot_be_computed_is_refused(claimed: str) -> None:
    with pytest.raises(BadManifest, match="claims the digest"):
        parse(_image(), MANIFESTS[0], claimed)


@pytest.mark.parametrize("layers", [[], None])
def test_an_image_may_have_no_layers(layers: Any) -> None:
    assert parse(_image(layers=layers), MANIFESTS[0]).blobs == (CONFIG,)


def test_an_index_may_have_no_entries() -> None:
    assert parse(_index(manifests=None), INDEXES[0]).children == ()


def test_layers_that_are_kept_elsewhere_need_not_be_at_the_registry() -> None:
    foreign = [
        {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "digest": digest("foreign")},
        {"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", "digest": digest("kept")},
        {"urls": ["https://example.com/layer"], "digest": digest("linked")},
        {"mediaType": "application/vnd.oci.image.layer.v1.tar+zstd", "digest": "blake3:" + "a" * 64, "urls": []},
    ]
    assert parse(_image(layers=foreign), MANIFESTS[0]).blobs == (CONFIG, "blake3:" + "a" * 64)


@pytest.mark.parametrize(
    ("media_type", "is_image"),
    [
        ("application/vnd.oci.image.config.v1+json", True),
        ("application/vnd.docker.container.image.v1+json", True),
        (None, True),
        ("application/vnd.oci.empty.v1+json", False),
        ("application/vnd.cncf.helm.config.v1+json", False),
        ("application/vnd.docker.plugin.v1+json", False),
    ],
)
def test_only_the_config_of_an_image_says_what_it_is_for(media_type: str | None, is_image: bool) -> None:
    found = parse(_image(config={"digest": CONFIG, "mediaType": media_type}), MANIFESTS[0])
    assert (found.config, found.image_config) == (CONFIG, CONFIG if is_image else None)


@pytest.mark.parametrize(
    "odd",
    [
        {"platform": {"os": "linux", "architecture": "amd64", "os.version": "x y"}},
        {"platform": {"os": "macOS 14", "architecture": "arm64"}},
        {"platform": {"os": 7, "architecture": ["amd64"]}},
        {"platform": {"os": "linux", "architecture": "a/b"}},
        {"platform": "linux/amd64"},
        {"platform": {"os": "linux"}},
        {"annotations": "x"},
        {"mediaType": 7},
        {"size": -1},
    ],
)
def test_an_odd_entry_does_not_hide_the_others(odd: dict[str, Any]) -> None:
    found = parse(_index(_entry("odd") | odd, _entry("b", architecture="arm64")), INDEXES[0])
    assert Child(Digest(digest("b")), Platform("linux/arm64")) in found.children
    assert found.referenced == (digest("odd"), digest("b"))
    assert {child.platform for child in found.children} <= {None, "linux/amd64", "linux/arm64"}


@pytest.mark.parametrize("value", ["sha256:x", None, 7, "", "md5:" + "0" * 32, "../../x"])
def test_an_entry_without_a_digest_is_told_and_does_not_hide_the_others(value: Any) -> None:
    found = parse(_index(_entry("a"), _entry("b") | {"digest": value}), INDEXES[0])
    assert [child.digest for child in found.children] == [digest("a")]
    assert found.unreadable[0].startswith("`manifests[1].digest` is `")


@pytest.mark.parametrize(
    "entry",
    [
        _entry("sbom", "unknown", "unknown"),
        _entry("sbom", "unknown", "amd64"),
        _entry("sbom", "linux", "unknown"),
        _entry("sbom") | {"mediaType": "application/spdx+json"},
    ],
)
def test_an_entry_that_is_not_for_a_platform_is_left_out_without_an_annotation_too(entry: dict[str, Any]) -> None:
    assert parse(_index(entry, digest := _entry("a")), INDEXES[0]).children[0].digest == digest["digest"]
    assert len(parse(_index(entry), INDEXES[0]).children) == 0


def test_an_entry_that_does_not_say_what_it_is_may_be_an_index() -> None:
    entries = [_entry("a"), _entry("b") | {"mediaType": None}, _entry("c") | {"mediaType": INDEXES[1]}]
    del (open_entry := _entry("d"))["mediaType"]
    found = parse(_index(*entries, open_entry), INDEXES[0])
    assert found.nested == (digest("b"), digest("c"), digest("d"))
    assert [child.kind for child in found.children] == ["image", "", "index", ""]


def test_a_body_that_is_not_what_was_asked_for_is_refused_with_both_digests() -> None:
    with pytest.raises(BadManifest) as caught:
        parse(_image(), MANIFESTS[0], digest("other"))
    assert digest("other") in caught.value.message
    assert digest_of(_image()) in caught.value.message


@given(
    st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([*INDEXES, *MANIFESTS, "application/json", ""]),
    st.sampled_from(["", "own", digest()]),
)
def test_no_bytes_break_the_reader(raw: bytes, media_type: str, expected: str) -> None:
    with suppress(BadManifest, UnreadableManifest):
        assert parse(raw, media_type, digest_of(raw) if expected == "own" else expected).digest == digest_of(raw)


@given(
    st.sampled_from(["config", "layers", "manifests", "annotations", "mediaType", "schemaVersion", "fsLayers"]),
    json_values,
)
def test_no_field_breaks_the_reader(name: str, value: Any) -> None:
    for raw, media_type in (
        (_image(**{name: value}), MANIFESTS[0]),
        (_index(_entry("a"), **{name: value}), INDEXES[0]),
    ):
        with suppress(BadManifest, UnreadableManifest):
            parse(raw, media_type)


def _is_json(value: Any) -> bool:
    """Return whether a value can be written in JSON, which knows no infinity."""
    return not re.search(r"NaN|Infinity", json.dumps(value))


@given(
    st.dictionaries(
        st.sampled_from(["digest", "platform", "mediaType", "annotations", "urls"]), json_values.filter(_is_json)
    )
)
def test_no_entry_breaks_the_reader_or_hides_another(entry: dict[str, Any]) -> None:
    found = parse(_index(entry, _entry("a")), INDEXES[0])
    assert found.children[-1] == Child(Digest(digest("a")), Platform("linux/amd64"))
    assert len(found.referenced) == 2
    with suppress(UnreadableManifest):
        assert parse(_image(layers=[entry]), MANIFESTS[0]).config == CONFIG


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
    assert found.platform.normal() == "linux/arm64"


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
