"""Referrers at the wire, of registries with and without an API for them, and what is attached to a digest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ledger_tool.commands.attached import Attached, attached
from ledger_tool.core.registry.referrers import MOST_REFERRERS, MOST_STATEMENTS, Referrer
from ledger_tool.errors import BadManifest, LedgerError, Unreachable
from tests.support.registries.clients import Rig, rig
from tests.support.registries.wire import (
    INDEX,
    MANIFEST,
    Asked,
    Reply,
    Wire,
    as_json,
    served,
    sha256,
    unknown,
    wire_server,
)
from tests.support.values.make import digest
from tests.support.values.signing import BUNDLE

IMAGE = digest("image")
APP = "/v2/myorg/app"
REFERRERS = f"{APP}/referrers/{IMAGE}"
LIST = f"{APP}/manifests/{IMAGE.replace(':', '-')}"
ATTACHED = f"{LIST}.att"
NO_API = Reply(404, {"Content-Type": "text/plain; charset=utf-8"}, b"404 page not found\n")


@pytest.fixture
def at(wire: Wire) -> Iterator[Rig]:
    with rig(wire) as made:
        yield made


def listed(*entries: Any, link: str = "") -> Reply:
    return as_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}, link=link)


def entry(seed: object, artifact_type: str | None = BUNDLE) -> dict[str, Any]:
    described = {"mediaType": MANIFEST, "digest": digest(seed), "size": 1}
    return described if artifact_type is None else described | {"artifactType": artifact_type}


def artifact(*documents: bytes, media_type: str = BUNDLE) -> bytes:
    layers = [{"mediaType": media_type, "digest": sha256(raw), "size": len(raw)} for raw in documents]
    return json.dumps(
        {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": media_type, "layers": layers}
    ).encode()


def serve(wire: Wire, *documents: bytes, media_type: str = BUNDLE) -> dict[str, Any]:
    """Serve an artifact that has documents; return its entry."""
    raw = artifact(*documents, media_type=media_type)
    wire.on(f"{APP}/manifests/{sha256(raw)}", served(raw))
    for document in documents:
        wire.on(f"{APP}/blobs/{sha256(document)}", Reply(body=document))
    return {"mediaType": MANIFEST, "digest": sha256(raw), "size": len(raw), "artifactType": media_type}


def test_referrers_come_page_by_page_without_a_filter(wire: Wire, at: Rig) -> None:
    wire.on(REFERRERS, listed(entry(1), entry(2, None), link=f"{REFERRERS}?next=2"))
    wire.on(f"{REFERRERS}?next=2", listed(entry(3, "text/x"), link=f"{wire.url}{REFERRERS}?next=3"))
    wire.on(f"{REFERRERS}?next=3", listed())
    found = at.client.referrers("myorg/app", IMAGE)
    assert found == [Referrer(digest(1), BUNDLE), Referrer(digest(2)), Referrer(digest(3), "text/x")]  # type: ignore[arg-type]
    assert [one.path for one in wire.asked] == [REFERRERS, f"{REFERRERS}?next=2", f"{REFERRERS}?next=3"]


PAGE = Reply(200, {"Content-Type": "text/html"}, b"<html>")


@pytest.mark.parametrize(
    "answer",
    [NO_API, unknown, PAGE, as_json({}), *[as_json({}, status) for status in (400, 405, 406, 410, 501)]],
)
def test_a_registry_without_the_api_has_no_list(wire: Wire, at: Rig, answer: Any) -> None:
    wire.on(REFERRERS, answer)
    assert at.client.referrers("myorg/app", IMAGE) is None


def test_that_a_registry_has_no_api_is_found_out_once_and_that_it_knows_no_digest_for_that_one(
    wire: Wire, at: Rig
) -> None:
    other = digest("other")
    wire.on(REFERRERS, unknown)
    wire.on(f"{APP}/referrers/{other}", listed(entry(1)))
    assert at.client.referrers("myorg/app", IMAGE) is None
    assert at.client.referrers("myorg/app", other) == [Referrer(digest(1), BUNDLE)]  # type: ignore[arg-type]
    wire.on(REFERRERS, NO_API)
    assert at.client.referrers("myorg/app", IMAGE) is None
    asked = wire.count()
    assert at.client.referrers("myorg/app", other) is None
    assert wire.count() == asked
    wire.on(f"/v2/myorg/tool/referrers/{other}", listed(entry(1)))
    assert at.client.referrers("myorg/tool", other)


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 502, 503])
def test_any_other_status_leaves_it_open(wire: Wire, at: Rig, status: int) -> None:
    wire.on(REFERRERS, as_json({}, status))
    with pytest.raises(LedgerError):
        at.client.referrers("myorg/app", IMAGE)


@pytest.mark.parametrize(
    "answer",
    [
        *[Reply(200, {"Content-Type": INDEX}, body) for body in (b"<html>", b"[]", b"[" * 100_000, b"{}")],
        as_json({"manifests": 7}),
        as_json({"manifests": [7]}),
        as_json({"manifests": [{"digest": "sha256:x"}]}),
        as_json({"manifests": [{}]}),
    ],
)
def test_a_list_that_makes_no_sense_is_an_error(wire: Wire, at: Rig, answer: Reply) -> None:
    wire.on(REFERRERS, answer)
    with pytest.raises(BadManifest):
        at.client.referrers("myorg/app", IMAGE)


def test_a_list_may_be_null_and_have_a_type_with_parameters(wire: Wire, at: Rig) -> None:
    wire.on(REFERRERS, as_json({"manifests": None}))
    assert at.client.referrers("myorg/app", IMAGE) == []
    wire.on(REFERRERS, Reply(200, {"Content-Type": f"{INDEX}; charset=utf-8"}, b'{"manifests": []}'))
    assert at.client.referrers("myorg/app", IMAGE) == []


def test_a_registry_that_sends_us_to_a_page_elsewhere_has_no_api(wire: Wire, at: Rig) -> None:
    """So does GHCR: `https://github.com/-/v2/packages/container/package/OWNER%2FNAME%2Freferrers%2Fsha256`."""
    with wire_server() as elsewhere:
        target = f"{elsewhere.url}/-/v2/packages/container/package/myorg%2Fapp%2Freferrers%2Fsha256"
        wire.on(REFERRERS, Reply(303, {"Location": target}))
        assert at.client.referrers("myorg/app", IMAGE) is None
        assert not elsewhere.asked


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_a_list_that_has_moved_elsewhere_and_cannot_be_read_there_is_open(wire: Wire, at: Rig, status: int) -> None:
    with wire_server() as elsewhere:
        elsewhere.on("*", as_json({}, status))
        wire.on(REFERRERS, Reply(307, {"Location": f"{elsewhere.url}{REFERRERS}"}))
        with pytest.raises(LedgerError):
            at.client.referrers("myorg/app", IMAGE)


def test_a_list_that_has_moved_elsewhere_is_read_there(wire: Wire, at: Rig) -> None:
    with wire_server() as elsewhere:
        elsewhere.on("*", listed(entry(1)))
        wire.on(REFERRERS, Reply(307, {"Location": f"{elsewhere.url}{REFERRERS}"}))
        assert at.client.referrers("myorg/app", IMAGE) == [Referrer(digest(1), BUNDLE)]  # type: ignore[arg-type]


def test_pages_are_bounded_and_circles_noticed(wire: Wire, at: Rig) -> None:
    wire.on(REFERRERS, lambda _: listed(link=f"{REFERRERS}?n={len(wire.asked)}"))
    with pytest.raises(Unreachable, match="more than 100 pages"):
        at.client.referrers("myorg/app", IMAGE)
    wire.on(REFERRERS, listed(link=REFERRERS))
    with pytest.raises(Unreachable, match="sends us back to an earlier page of the referrers of sha256:"):
        at.client.referrers("myorg/app", IMAGE)
    wire.on(REFERRERS, listed(link="ftp://elsewhere.example/"))
    with pytest.raises(Unreachable, match="cannot be followed"):
        at.client.referrers("myorg/app", IMAGE)
    wire.on(REFERRERS, listed(*[entry(1)] * (MOST_REFERRERS + 1)))
    with pytest.raises(Unreachable, match="has more than 1000 entries in the referrers of sha256:"):
        at.client.referrers("myorg/app", IMAGE)


@pytest.mark.parametrize("answer", [NO_API, unknown, as_json({}, 405)])
def test_a_later_page_that_is_missing_makes_the_list_incomplete(wire: Wire, at: Rig, answer: Any) -> None:
    wire.on(REFERRERS, listed(entry(1), link=f"{REFERRERS}?next=2"))
    wire.on(f"{REFERRERS}?next=2", answer)
    with pytest.raises(Unreachable):
        at.client.referrers("myorg/app", IMAGE)


def found(at: Rig) -> Attached:
    return attached(at.client, "myorg/app", IMAGE)


def test_what_refers_to_a_digest_is_found_by_the_api_alone_where_there_is_one(wire: Wire, at: Rig) -> None:
    wire.on(REFERRERS, listed(serve(wire, b"one", b"two"), entry("sbom", "application/spdx+json")))
    assert [document.raw for document in found(at).documents] == [b"one", b"two"]
    assert found(at).unknown == []
    assert not wire.count(LIST, "GET") or all(".att" in one.path for one in wire.asked if one.path.startswith(LIST))


def test_without_the_api_the_tag_that_stands_for_it_is_looked_at(wire: Wire, at: Rig) -> None:
    wire.on(REFERRERS, NO_API)
    raw = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [serve(wire, b"one")]}).encode()
    wire.on(LIST, served(raw, INDEX))
    wire.on(f"{APP}/manifests/{sha256(raw)}", served(raw, INDEX))
    envelopes = artifact(b"two", media_type="application/vnd.dsse.envelope.v1+json")
    wire.on(ATTACHED, served(envelopes))
    wire.on(f"{APP}/manifests/{sha256(envelopes)}", served(envelopes))
    wire.on(f"{APP}/blobs/{sha256(b'two')}", Reply(body=b"two"))
    assert [document.raw for document in found(at).documents] == [b"one", b"two"]
    assert found(at).unknown == []


@pytest.mark.parametrize("is_index", [False, True])
def test_a_registry_that_takes_the_tag_for_the_digest_has_no_such_tag(wire: Wire, at: Rig, *, is_index: bool) -> None:
    """GitLab serves the image itself as `sha256-HEX`; the images of an index are not what refers to it."""
    wire.on(REFERRERS, NO_API)
    wire.on(ATTACHED, unknown)
    raw = json.dumps({"manifests": [serve(wire, b"one")]} if is_index else {"layers": []}).encode()
    subject = sha256(raw)
    wire.on(f"{APP}/referrers/{subject}", NO_API)
    wire.on(f"{APP}/manifests/{subject.replace(':', '-')}.att", unknown)
    for reference in (subject, subject.replace(":", "-")):
        wire.on(f"{APP}/manifests/{reference}", served(raw, INDEX if is_index else MANIFEST))
    assert attached(at.client, "myorg/app", subject) == Attached([], [])


def test_what_is_too_long_for_a_tag_is_not_looked_at(wire: Wire, at: Rig) -> None:
    subject = f"sha512:{'a' * 128}"
    wire.on(f"{APP}/referrers/{subject}", NO_API)
    raw = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [serve(wire, b"one")]}).encode()
    for reference in (f"sha512-{'a' * 64}", sha256(raw)):
        wire.on(f"{APP}/manifests/{reference}", served(raw, INDEX))
    seen = attached(at.client, "myorg/app", subject)
    assert ([document.raw for document in seen.documents], seen.unknown) == ([b"one"], [])
    assert not any(".att" in asked.path for asked in wire.asked)


def test_nothing_attached_is_nothing_and_what_fails_is_unknown_beside_what_was_found(wire: Wire, at: Rig) -> None:
    wire.on(REFERRERS, unknown)
    assert found(at) == Attached([], [])
    wire.on(REFERRERS, listed(serve(wire, b"one")))
    wire.on(ATTACHED, as_json({}, 403))
    seen = found(at)
    assert [document.raw for document in seen.documents] == [b"one"]
    (reason,) = seen.unknown
    assert reason.startswith(f"what is attached to {IMAGE} at {wire.host} could not be looked at: ")
    wire.on(REFERRERS, as_json({}, 500))
    assert len(found(at).unknown) == 2


def test_too_many_candidates_are_unknown_and_none_is_fetched(wire: Wire, at: Rig) -> None:
    others = [entry(f"sbom {number}", "application/spdx+json") for number in range(500)]
    wire.on(REFERRERS, listed(*[entry(number) for number in range(MOST_STATEMENTS + 1)], *others))
    (reason,) = found(at).unknown
    assert "it has more than 64 referrers that may be signed statements" in reason
    assert not wire.count(f"{APP}/manifests/sha256:")


def test_what_a_list_says_of_a_type_is_not_believed(wire: Wire, at: Rig) -> None:
    """A list may call anything a bundle, and leave the type out; what counts is what the manifest has."""
    raw = artifact(b"not ours", media_type="application/spdx+json")
    wire.on(f"{APP}/manifests/{sha256(raw)}", served(raw))
    untyped = {key: value for key, value in serve(wire, b"one").items() if key != "artifactType"}
    other = {"mediaType": MANIFEST, "digest": sha256(raw), "size": 1}
    wire.on(REFERRERS, listed(other, untyped))
    assert [document.raw for document in found(at).documents] == [b"one"]
    assert found(at).unknown == []
    wire.on(REFERRERS, listed(untyped, other | {"artifactType": BUNDLE}))
    assert [document.raw for document in found(at).documents] == [b"one"]
    (reason,) = found(at).unknown
    assert "is said to have a signed statement, and has no layer that is one" in reason


@pytest.mark.parametrize("spelt", [f"{BUNDLE}; charset=utf-8", BUNDLE.upper()])
def test_a_type_counts_without_its_case_and_its_parameters(wire: Wire, at: Rig, spelt: str) -> None:
    wire.on(REFERRERS, listed(serve(wire, b"one", media_type=spelt)))
    assert [document.raw for document in found(at).documents] == [b"one"]


def test_what_calls_itself_a_signed_statement_and_has_none_is_unknown_whatever_the_list_says(
    wire: Wire, at: Rig
) -> None:
    layers = [{"mediaType": "application/json", "digest": digest("x"), "size": 1}]
    raw = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": BUNDLE, "layers": layers}).encode()
    wire.on(f"{APP}/manifests/{sha256(raw)}", served(raw))
    wire.on(REFERRERS, listed({"mediaType": MANIFEST, "digest": sha256(raw), "size": 1}))
    assert len(found(at).unknown) == 1


@pytest.mark.parametrize("kind", ["an index", "no layers", "gone"])
def test_what_is_said_to_be_a_signed_statement_and_cannot_be_read_is_unknown(wire: Wire, at: Rig, kind: str) -> None:
    inner = {"manifests": [serve(wire, b"hidden")]} if kind == "an index" else {"layers": []}
    raw = json.dumps({"schemaVersion": 2, "mediaType": INDEX if "manifests" in inner else MANIFEST} | inner).encode()
    media_type = INDEX if "manifests" in inner else MANIFEST
    wire.on(f"{APP}/manifests/{sha256(raw)}", unknown if kind == "gone" else served(raw, media_type))
    listed_one = {"mediaType": media_type, "digest": sha256(raw), "size": len(raw), "artifactType": BUNDLE}
    wire.on(REFERRERS, listed(serve(wire, b"one"), listed_one))
    seen = found(at)
    assert [document.raw for document in seen.documents] == [b"one"]
    assert len(seen.unknown) == 1
    wire.on(REFERRERS, listed())
    wire.on(ATTACHED, served(raw, media_type))
    assert len(found(at).unknown) == 1


def test_a_document_that_says_it_is_too_large_is_not_fetched(wire: Wire, at: Rig) -> None:
    layer = {"mediaType": BUNDLE, "digest": digest("large"), "size": 8 * 2**20 + 1}
    raw = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [layer]}).encode()
    wire.on(f"{APP}/manifests/{sha256(raw)}", served(raw))
    wire.on(REFERRERS, listed({"digest": sha256(raw), "artifactType": BUNDLE}))
    (document,) = found(at).documents
    assert document.fault == "it is larger than 8 MiB"
    assert not wire.count(f"{APP}/blobs/")


def test_all_documents_together_are_bounded(wire: Wire, at: Rig) -> None:
    wire.on(REFERRERS, listed(*[serve(wire, b"%d" % number, b"x%d" % number) for number in range(MOST_STATEMENTS)]))
    (reason,) = found(at).unknown
    assert "there are more than 64 signed statements" in reason
    pieces = [b"%d" % number + b" " * (7 * 2**20) for number in range(10)]
    wire.on(REFERRERS, listed(serve(wire, *pieces)))
    (reason,) = found(at).unknown
    assert "its signed statements have more than 64 MiB in all" in reason


def test_a_document_that_is_larger_than_it_says_is_not_read_to_its_end(wire: Wire, at: Rig) -> None:
    def endless(_: Asked) -> Reply:
        return Reply(stream=lambda: iter([b" " * 2**20] * 100))

    layer = {"mediaType": BUNDLE, "digest": digest("large"), "size": 7}
    raw = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [layer]}).encode()
    wire.on(f"{APP}/manifests/{sha256(raw)}", served(raw))
    wire.on(f"{APP}/blobs/{digest('large')}", endless)
    wire.on(REFERRERS, listed({"digest": sha256(raw), "artifactType": BUNDLE}))
    assert len(found(at).unknown) == 1
