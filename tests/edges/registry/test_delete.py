"""Deleting and storing manifests at the wire: what each answer means, and what a token is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest

from ledger_tool.core.registry.drift import ABSENT
from ledger_tool.core.registry.image import ServedDocument
from ledger_tool.errors import BadManifest, Denied, Unreachable
from tests.support.registries.clients import LOGIN, Rig, rig
from tests.support.registries.wire import (
    MANIFEST,
    Asked,
    Reply,
    Wire,
    as_json,
    image,
    served,
    sha256,
    unauthorized,
    unknown,
    wire_server,
)

DIGEST = sha256(image())
PATH = f"/v2/myorg/app/manifests/{DIGEST}"
UNSUPPORTED = {"errors": [{"code": "UNSUPPORTED", "message": "The operation is unsupported."}]}


@pytest.fixture
def at(wire: Wire) -> Iterator[Rig]:
    with rig(wire) as made:
        yield made


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_deletion_is_by_digest(wire: Wire, at: Rig, status: int) -> None:
    wire.on(f"DELETE {PATH}", Reply(status))
    at.client.delete("myorg/app", DIGEST)
    assert [(one.method, one.path) for one in wire.asked] == [("DELETE", PATH)]


def test_deleting_what_is_already_gone_succeeds(wire: Wire, at: Rig) -> None:
    at.client.delete("myorg/app", DIGEST)
    assert [(one.method, one.path) for one in wire.asked] == [
        ("DELETE", PATH),
        ("GET", "/v2/"),
        ("HEAD", PATH),
        ("GET", PATH),
    ]


def test_a_404_to_a_deletion_does_not_mean_that_the_manifest_is_gone(wire: Wire, at: Rig) -> None:
    wire.on(f"DELETE {PATH}", Reply(404))
    wire.on(PATH, served(image()))
    with pytest.raises(Denied, match="answers 404 to the deletion"):
        at.client.delete("myorg/app", DIGEST)


@pytest.mark.parametrize(("status", "body"), [(405, UNSUPPORTED), (405, {}), (501, {}), (400, UNSUPPORTED)])
def test_a_registry_that_does_not_delete_names_the_setting(
    wire: Wire, at: Rig, status: int, body: dict[str, object]
) -> None:
    wire.on(f"DELETE {PATH}", as_json(body, status))
    with pytest.raises(Denied, match="does not delete manifests") as caught:
        at.client.delete("myorg/app", DIGEST)
    assert "REGISTRY_STORAGE_DELETE_ENABLED=true" in caught.value.hint


@pytest.mark.parametrize("status", [400, 409, 412])
def test_a_rule_of_the_registry_is_a_refusal_of_this_digest(wire: Wire, at: Rig, status: int) -> None:
    wire.on(f"DELETE {PATH}", as_json({}, status))
    with pytest.raises(Denied, match=f"refuses to delete {DIGEST} of myorg/app: it answers {status}"):
        at.client.delete("myorg/app", DIGEST)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_registry_that_fails_is_tried_again_and_then_unreachable(wire: Wire, at: Rig, status: int) -> None:
    wire.on(f"DELETE {PATH}", Reply(status))
    with pytest.raises(Unreachable):
        at.client.delete("myorg/app", DIGEST)
    assert wire.count(PATH, "DELETE") == 4


def test_a_deletion_whose_answer_was_lost_is_done_when_it_is_tried_again(wire: Wire, at: Rig) -> None:
    wire.on(f"DELETE {PATH}", Reply(503), Reply(404))
    at.client.delete("myorg/app", DIGEST)
    assert [one.method for one in wire.asked if one.path == PATH] == ["DELETE", "DELETE", "HEAD", "GET"]


def test_a_tag_whose_deletion_is_answered_by_404_is_gone_if_the_registry_shows_that(wire: Wire, at: Rig) -> None:
    at.client.untag("myorg/app", "v1")
    wire.on("/v2/myorg/app/manifests/v1", served(image()))
    wire.on("DELETE /v2/myorg/app/manifests/v1", unknown)
    with pytest.raises(Denied, match="does not delete a tag without its image: it answers 404"):
        at.client.untag("myorg/app", "v1")


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not_delete_is_told_so_once_and_may_still_look(wire: Wire, at: Rig, status: int) -> None:
    wire.on(f"DELETE {PATH}", Reply(status))
    wire.on(PATH, served(image()))
    for _ in range(2):
        with pytest.raises(Denied, match="does not let us delete from myorg/app"):
            at.client.delete("myorg/app", DIGEST)
    assert wire.count(PATH, "DELETE") == 1
    assert at.client.look("myorg/app", DIGEST) == DIGEST


@pytest.mark.parametrize(
    ("named", "asked"),
    [
        ("repository:myorg/app:delete", "repository:myorg/app:delete"),
        ("repository:myorg/app:*", "repository:myorg/app:*"),
        ("repository:myorg/app:pull,push", "repository:myorg/app:pull,push"),
        ("repository:other/app:*", "repository:myorg/app:delete"),
        ("repository:myorg/app:delete repository:other/app:*", "repository:myorg/app:delete"),
        ("registry:catalog:*", "repository:myorg/app:delete"),
        ("", "repository:myorg/app:delete"),
    ],
)
def test_a_token_is_asked_for_what_the_registry_names_of_this_repository_and_no_other(
    wire: Wire, named: str, asked: str
) -> None:
    def script(request: Asked) -> Reply:
        challenge = f'Bearer realm="{wire.url}/token",service="registry",scope="{named}"'
        return Reply(202) if request.authorization == "Bearer good" else unauthorized(challenge)

    wire.on(f"DELETE {PATH}", script)
    wire.on("/token", as_json({"token": "good"}))
    with rig(wire, LOGIN) as at:
        at.client.delete("myorg/app", DIGEST)
    (token,) = [one for one in wire.asked if one.path.startswith("/token")]
    assert parse_qs(token.path.partition("?")[2])["scope"] == [asked]


def test_a_deletion_is_not_redirected_to_another_host(wire: Wire, at: Rig) -> None:
    with wire_server() as other:
        other.on(f"DELETE {PATH}", Reply(202))
        wire.on(f"DELETE {PATH}", Reply(307, {"Location": f"{other.url}{PATH}"}))
        with pytest.raises(Unreachable, match="a write to another host is not followed"):
            at.client.delete("myorg/app", DIGEST)
        assert other.count() == 0


def test_a_document_is_its_bytes_whatever_it_is(wire: Wire, at: Rig) -> None:
    raw = b'{"not": "a manifest"}'
    path = f"/v2/myorg/app/manifests/{sha256(raw)}"
    wire.on(path, served(raw, "application/vnd.other+json"))
    assert at.client.document("myorg/app", sha256(raw)) == ServedDocument(raw, "application/vnd.other+json")
    assert at.client.document("myorg/app", DIGEST) == ABSENT
    wire.on(path, served(raw + b" "))
    with pytest.raises(BadManifest):
        at.client.document("myorg/app", sha256(raw))


def test_a_document_is_stored_as_it_was(wire: Wire, at: Rig) -> None:
    wire.on(f"PUT {PATH}", Reply(201))
    at.client.put("myorg/app", DIGEST, ServedDocument(image(), MANIFEST))
    (asked,) = wire.asked
    assert (asked.body, asked.headers["content-type"]) == (image(), MANIFEST)


def test_a_document_that_is_not_taken_is_an_error(wire: Wire, at: Rig) -> None:
    wire.on(f"PUT {PATH}", as_json({}, 503))
    with pytest.raises(Unreachable, match="answers 503"):
        at.client.put("myorg/app", DIGEST, ServedDocument(image(), MANIFEST))
    part = {"errors": [{"code": "DIGEST_INVALID"}, {"code": "MANIFEST_BLOB_UNKNOWN", "message": "blob unknown"}]}
    wire.on(f"PUT {PATH}", as_json(part, 400))
    with pytest.raises(Unreachable, match="answers 400, DIGEST_INVALID; MANIFEST_BLOB_UNKNOWN: blob unknown"):
        at.client.put("myorg/app", DIGEST, ServedDocument(image(), MANIFEST))
    told = {"errors": [{"code": "TAG_INVALID", "message": "it is\nimmutable", "detail": [1]}, {"code": "OTHER"}]}
    for status, body, words in (
        (400, told, r"answers 400, TAG_INVALID: it is\\nimmutable; OTHER"),
        (412, {}, "answers 412$"),
        (405, {"errors": "no list of errors"}, "answers 405$"),
    ):
        wire.on(f"PUT {PATH}", as_json(body, status))
        with pytest.raises(Denied, match=words):
            at.client.put("myorg/app", DIGEST, ServedDocument(image(), MANIFEST))
    wire.on(f"PUT {PATH}", Reply(403))
    with pytest.raises(Denied, match="does not let us push to"):
        at.client.put("myorg/app", DIGEST, ServedDocument(image(), MANIFEST))


def test_a_tag_is_put_once_whatever_becomes_of_the_answer(wire: Wire, at: Rig) -> None:
    path = PATH.replace(DIGEST, "v1")
    wire.on(f"PUT {path}", Reply(503))
    with pytest.raises(Unreachable, match="answers 503"):
        at.client.put("myorg/app", "v1", ServedDocument(image(), MANIFEST))
    assert len(wire.asked) == 1
