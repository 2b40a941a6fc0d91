"""The registry client at the wire: digests that lie, bodies that are none, tags in circles, statuses of all kinds."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from ledger_tool.core.policy.policy import Registry
from ledger_tool.core.registry.drift import ABSENT
from ledger_tool.core.registry.image import Manifest
from ledger_tool.edges.http.client import Line
from ledger_tool.edges.http.host import Host
from ledger_tool.edges.registry.client import RegistryClient
from ledger_tool.edges.registry.credentials import Keychain
from ledger_tool.errors import BadManifest, Denied, RuleRefused, Unreachable, UnreadableManifest
from tests.support.registries.clients import BASIC, LOGIN, Rig, rig
from tests.support.registries.wire import (
    INDEX,
    MANIFEST,
    Asked,
    Reply,
    Wire,
    as_json,
    config,
    image,
    served,
    sha256,
    unauthorized,
    unknown,
)
from tests.support.values.make import digest

APP = "/v2/myorg/app"
V1 = f"{APP}/manifests/v1"
TAGS = f"{APP}/tags/list"


@pytest.fixture
def at(wire: Wire) -> Iterator[Rig]:
    with rig(wire) as made:
        yield made


def test_a_tag_is_looked_up_by_one_head_with_every_media_type(wire: Wire, at: Rig) -> None:
    wire.on(V1, served(image()))
    assert at.client.look("myorg/app", "v1") == sha256(image())
    (asked,) = wire.asked
    assert asked.method == "HEAD"
    assert asked.headers["accept"].split(", ") == [
        INDEX, "application/vnd.docker.distribution.manifest.list.v2+json",
        MANIFEST, "application/vnd.docker.distribution.manifest.v2+json",
    ]  # fmt: skip


def test_without_a_digest_header_the_body_is_fetched_and_hashed(wire: Wire, at: Rig) -> None:
    wire.on(V1, served(image(), docker_content_digest=""))
    assert at.client.look("myorg/app", "v1") == sha256(image())
    assert [one.method for one in wire.asked] == ["HEAD", "GET"]


def test_a_manifest_that_head_sees_and_get_does_not_is_not_absent(wire: Wire, at: Rig) -> None:
    wire.on(f"HEAD {V1}", Reply(200))
    with pytest.raises(Unreachable, match="answers 200 to HEAD and 404 to GET"):
        at.client.look("myorg/app", "v1")


@pytest.mark.parametrize("status", [405, 501])
def test_a_registry_without_head_is_asked_by_get(wire: Wire, at: Rig, status: int) -> None:
    wire.on(f"HEAD {V1}", as_json({}, status))
    wire.on(f"GET {V1}", served(image()))
    assert at.client.look("myorg/app", "v1") == sha256(image())
    wire.on(f"HEAD {APP}/blobs/{sha256(b'x')}", as_json({}, status))
    with pytest.raises(Unreachable):  # of a blob that says nothing, neither way
        at.client.has_blob("myorg/app", sha256(b"x"))


def test_a_sha512_digest_is_checked_as_such(wire: Wire, at: Rig) -> None:
    name = "sha512:" + hashlib.sha512(image()).hexdigest()
    wire.on(f"{APP}/manifests/{name}", served(image(), docker_content_digest=name))
    found = at.client.manifest("myorg/app", name)
    assert isinstance(found, Manifest)
    assert found.digest == name


@pytest.mark.parametrize("claimed", ["sha256:short", "md5:" + "0" * 32, sha256(b"").upper(), "sha256:" + "٣" * 64])
def test_a_malformed_digest_header_is_ignored(wire: Wire, at: Rig, claimed: str) -> None:
    wire.on(V1, served(image(), docker_content_digest=claimed.encode().decode("latin-1")))
    with pytest.raises(BadManifest, match="claims the digest"):
        at.client.look("myorg/app", "v1")


def test_a_header_that_lies_about_the_body_is_found_out(wire: Wire, at: Rig) -> None:
    wire.on(V1, served(image(), docker_content_digest=digest("lie")))
    with pytest.raises(BadManifest, match=f"says {digest('lie')}, but the body hashes to {sha256(image())}"):
        at.client.manifest("myorg/app", "v1")


def test_a_digest_that_serves_something_else_is_found_out(wire: Wire, at: Rig) -> None:
    asked = sha256(image("a"))
    wire.on(f"{APP}/manifests/{asked}", served(image("b")))
    with pytest.raises(BadManifest):
        at.client.look("myorg/app", asked)
    with pytest.raises(BadManifest):
        at.client.manifest("myorg/app", asked)


def test_a_right_body_under_a_wrong_header_is_not_believed_either(wire: Wire, at: Rig) -> None:
    asked = sha256(image())
    wire.on(f"{APP}/manifests/{asked}", served(image(), docker_content_digest=digest("lie")))
    with pytest.raises(BadManifest, match="instead of sha256:"):
        at.client.manifest("myorg/app", asked)


SCHEMA_1 = json.dumps({"schemaVersion": 1, "name": "myorg/app", "tag": "v1", "fsLayers": []}).encode()
BAD_BODIES = {
    "another media type": served(image(), INDEX),
    "schema 1": served(SCHEMA_1, "application/vnd.docker.distribution.manifest.v1+prettyjws"),
    "truncated": served(image()[:-20]),
    "empty": served(b""),
    "no object": served(b"[]"),
    "not UTF-8": served(b'{"schemaVersion": 2, "mediaType": "\xff"}'),
    "a page": served(b"<html>Sign in</html>", "text/html"),
    "a million deep": served(b'{"a":' * 1_000_000 + b"1" + b"}" * 1_000_000),
    "a string without end": served(b'{"a": "' + b'\\"' * 3_000_000),
    "twice": served(image()[:-1] + b', "layers": []}'),
    "a number of layers": served(image(layers=7)),
    "layers of text": served(image(layers=["x"])),
    "a bad layer": served(image(layers=[{"digest": "sha256:../../x"}])),
    "no config": served(image(config={})),
    "media type of lists": served(image(mediaType=["x"])),
    "an index of text": served(json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": "x"}).encode(), INDEX),
}


@pytest.mark.parametrize("reply", BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_a_body_that_is_not_a_manifest_is_refused(wire: Wire, at: Rig, reply: Reply) -> None:
    wire.on(V1, reply)
    started = time.process_time()
    with pytest.raises(UnreadableManifest) as caught:
        at.client.manifest("myorg/app", "v1")
    assert caught.value.digest == sha256(reply.body)
    assert time.process_time() - started < 5.0
    assert wire.count() == 1


def test_without_a_digest_header_what_cannot_be_read_still_has_the_digest_of_its_bytes(wire: Wire, at: Rig) -> None:
    wire.on(V1, served(image(config=None), docker_content_digest=""))
    assert at.client.look("myorg/app", "v1") == sha256(image(config=None))
    wire.on(V1, served(b"<html>Sign in</html>", "text/html", docker_content_digest=""))
    with pytest.raises(BadManifest, match="not JSON"):
        at.client.look("myorg/app", "v1")


def test_an_endless_body_is_cut_off_at_8_mib_and_not_asked_for_again(wire: Wire, at: Rig) -> None:
    wire.on(V1, wire.endless())
    with pytest.raises(Unreachable, match="larger than 8 MiB"):
        at.client.manifest("myorg/app", "v1")
    assert wire.count() == 1


def test_what_is_too_large_is_refused_under_the_digest_that_was_asked_for(wire: Wire, at: Rig) -> None:
    name = sha256(b"large")
    wire.on(f"{APP}/manifests/{name}", wire.endless())
    wire.on(f"{APP}/blobs/{name}", wire.endless())
    with pytest.raises(UnreadableManifest, match="larger than 8 MiB") as caught:
        at.client.manifest("myorg/app", name)
    assert caught.value.digest == name
    with pytest.raises(RuleRefused, match=f"the config {name} of myorg/app cannot be read: .*larger than 8 MiB"):
        at.client.config("myorg/app", name)
    assert wire.count() == 2


def test_a_gzip_bomb_is_not_inflated(wire: Wire, at: Rig) -> None:
    bomb = gzip.compress(b" " * 2**26)
    wire.on(V1, Reply(headers={"Content-Type": MANIFEST, "Content-Encoding": "gzip"}, body=bomb))
    with pytest.raises(Unreachable, match="compressed"):
        at.client.manifest("myorg/app", "v1")
    assert wire.asked[0].headers["accept-encoding"] == "identity"


def test_a_body_that_comes_a_byte_at_a_time_is_given_up(wire: Wire) -> None:
    wire.on(V1, wire.dawdling(b"{"))
    with (
        rig(wire, request_seconds=0.3) as at,
        pytest.raises(Unreachable, match="its answer was not complete within"),
    ):
        at.client.manifest("myorg/app", "v1")
    assert wire.count() == 1


def test_many_bad_answers_do_not_make_a_host_that_answers_look_down(wire: Wire, at: Rig) -> None:
    wire.on(V1, wire.endless())
    wire.on(f"{APP}/manifests/v2", served(image()))
    for _ in range(9):
        with pytest.raises(Unreachable):
            at.client.manifest("myorg/app", "v1")
    assert at.client.look("myorg/app", "v2") == sha256(image())


def test_404_is_absent_and_nothing_else_is(wire: Wire, at: Rig) -> None:
    assert at.client.look("myorg/app", "v1") == ABSENT
    assert at.client.manifest("myorg/app", "v1") == ABSENT
    assert at.client.has_blob("myorg/app", digest()) is False
    assert list(at.client.tags("myorg/app")) == []
    for status in (400, 403, 405, 410, 500, 501, 429):  # after a 429 the host is not asked again
        wire.on(f"/v2/myorg/s{status}/manifests/v1", Reply(status))
        with pytest.raises((Denied, Unreachable), match=str(status)):
            at.client.look(f"myorg/s{status}", "v1")


def test_401_is_denied_and_asked_once_for_all_tags_of_an_image(wire: Wire, at: Rig) -> None:
    """Docker Hub answers 401 for a repository that is not there: that is not absence."""
    for tag in ("v1", "v2"):
        wire.on(f"{APP}/manifests/{tag}", Reply(401, {"WWW-Authenticate": 'Basic realm="x"'}))
        with pytest.raises(Denied, match="does not let us read myorg/app"):
            at.client.look("myorg/app", tag)
    assert wire.count() == 1
    wire.on("/v2/myorg/other/manifests/v1", served(image()))
    assert at.client.look("myorg/other", "v1") == sha256(image())


def test_a_config_is_checked_against_its_digest(wire: Wire, at: Rig) -> None:
    name = sha256(config(a="b"))
    wire.on(f"{APP}/blobs/{name}", Reply(body=config(a="b")), Reply(body=config(a="c")), unknown)
    assert at.client.config("myorg/app", name)["config"] == {"Labels": {"a": "b"}}
    with pytest.raises(BadManifest):
        at.client.config("myorg/app", name)
    with pytest.raises(RuleRefused, match=f"does not have the config {name}"):
        at.client.config("myorg/app", name)


def test_a_blob_is_checked_against_its_digest_and_its_limit(wire: Wire, at: Rig) -> None:
    name = sha256(b"statement")
    wire.on(f"{APP}/blobs/{name}", *[Reply(body=b"statement")] * 2, Reply(body=b"statemenT"), unknown)
    assert at.client.blob("myorg/app", name, limit=9) == b"statement"
    with pytest.raises(RuleRefused, match=f"the blob {name} of myorg/app cannot be read"):
        at.client.blob("myorg/app", name, limit=8)
    with pytest.raises(BadManifest):
        at.client.blob("myorg/app", name, limit=9)
    with pytest.raises(RuleRefused, match=f"does not have the statement {name}"):
        at.client.blob("myorg/app", name, limit=1000, what="statement")


def test_a_config_that_is_not_json_says_nothing(wire: Wire, at: Rig) -> None:
    for raw in (b"{", b"\xff", b"", b"[" * 100_000):
        wire.on(f"{APP}/blobs/{sha256(raw)}", Reply(body=raw))
        assert at.client.config("myorg/app", sha256(raw)) == {}
    wire.on(f"{APP}/blobs/{sha256(b'[]')}", Reply(body=b"[]"))
    assert at.client.config("myorg/app", sha256(b"[]")) == {}


def _page(wire: Wire, path: str, tags: list[object], following: str = "") -> None:
    wire.on(path, as_json({"tags": tags}, link=following))


def test_tags_come_page_by_page_by_relative_and_absolute_links(wire: Wire, at: Rig) -> None:
    _page(wire, f"{TAGS}?n=1000", ["a", "b"], f"{TAGS}?last=b&n=2")
    _page(wire, f"{TAGS}?last=b&n=2", ["c"], f"{wire.url}{TAGS}?last=c")
    _page(wire, f"{TAGS}?last=c", ["d"], "?last=d")
    _page(wire, f"{TAGS}?last=d", ["e"])
    assert list(at.client.tags("myorg/app")) == ["a", "b", "c", "d", "e"]
    assert wire.count() == 4


def test_names_that_are_not_tags_are_left_out_of_the_list(wire: Wire, at: Rig) -> None:
    _page(wire, TAGS, ["v1", "-x", "a\x1b]0;", 7, None, "v1\n", ""])
    assert list(at.client.tags("myorg/app")) == ["v1"]


def test_no_tags_at_all_is_an_empty_list(wire: Wire, at: Rig) -> None:
    wire.on(TAGS, as_json({"name": "myorg/app", "tags": None}))
    assert list(at.client.tags("myorg/app")) == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"tags": 7}', b"{}", b"[" * 100_000, b"<html>"])
def test_a_malformed_list_of_tags_is_an_error(wire: Wire, at: Rig, body: bytes) -> None:
    wire.on(TAGS, Reply(body=body))
    with pytest.raises(Unreachable, match="malformed list of tags"):
        list(at.client.tags("myorg/app"))


def test_pages_that_go_in_circles_are_noticed(wire: Wire, at: Rig) -> None:
    _page(wire, TAGS, ["a"], f"{TAGS}?n=1000")
    with pytest.raises(Unreachable, match="back to an earlier page"):
        at.client.tags("myorg/app")
    assert wire.count() <= 3


def test_a_registry_that_ignores_where_the_page_begins_is_noticed(wire: Wire, at: Rig) -> None:
    """It sends the same tags for ever, under ever new links."""
    wire.on(TAGS, lambda _: as_json({"tags": ["a", "b"]}, link=f"{TAGS}?last=b&n={len(wire.asked)}"))
    with pytest.raises(Unreachable, match="back to an earlier page"):
        at.client.tags("myorg/app")
    assert wire.count() == 2


def test_pages_without_end_are_bounded(wire: Wire, at: Rig) -> None:
    def page(asked: Asked) -> Reply:
        return as_json({"tags": [f"a{len(wire.asked)}"]}, link=f"{TAGS}?last={len(wire.asked)}")

    wire.on(TAGS, page)
    with pytest.raises(Unreachable, match="more than 500 pages"):
        at.client.tags("myorg/app")
    assert wire.count() == 500


@pytest.mark.parametrize("number", [2, 3])
def test_a_later_page_that_is_missing_makes_the_list_incomplete(wire: Wire, at: Rig, number: int) -> None:
    _page(wire, f"{TAGS}?n=1000", ["a"], f"{TAGS}?last=a")
    _page(wire, f"{TAGS}?last=a", ["b"], f"{TAGS}?last=b")
    wire.on(f"{TAGS}?last={'ab'[number - 2]}", unknown)
    with pytest.raises(Unreachable, match=f"answers 404 to page {number} of the tags of myorg/app"):
        at.client.tags("myorg/app")


@pytest.mark.parametrize(
    "link",
    ["http://192.0.2.1{}", "https://registry.internal:5000{}", "//192.0.2.1{}", "http://user:hunter22@192.0.2.1{}#x"],
)
def test_a_next_page_elsewhere_is_fetched_from_the_registry_itself(wire: Wire, link: str) -> None:
    """Behind a proxy, a registry may not know its own name."""
    wire.on(TAGS, unauthorized('Basic realm="x"'), as_json({"tags": ["a"]}, link=link.format(f"{TAGS}?last=a")))
    wire.on(f"{TAGS}?last=a", as_json({"tags": ["b"]}))
    with rig(wire, LOGIN) as at:
        assert at.client.tags("myorg/app") == ["a", "b"]
    assert wire.asked[-1].authorization == BASIC


@pytest.mark.parametrize(
    "link",
    ['<http://[>; rel="next"', '<file:///etc/passwd>; rel="next"', f'{TAGS}?last=a; rel="next"', '<x>; rel="next',
     '<mailto:a>; rel=next', 'rel="next"', "<" + "a" * 20_000 + '>; rel="next"'],
)  # fmt: skip
def test_a_next_page_that_cannot_be_followed_makes_the_list_incomplete(wire: Wire, at: Rig, link: str) -> None:
    wire.on(TAGS, Reply(200, {"Link": link}, b'{"tags": ["a"]}'))
    with pytest.raises(Unreachable, match="names a next page of the tags of myorg/app that cannot be followed"):
        at.client.tags("myorg/app")
    assert wire.count() == 1


@pytest.mark.parametrize("rest", ["?last=\xe9", "?last=a b", "?last=\x01", "?last=%zz"])
def test_a_next_page_with_odd_characters_breaks_nothing(wire: Wire, at: Rig, rest: str) -> None:
    wire.on(TAGS, as_json({"tags": ["a"]}, link=f"{TAGS}{rest}"), as_json({"tags": ["b"]}))
    with suppress(Unreachable):
        assert list(at.client.tags("myorg/app")) == ["a", "b"]


def test_the_prefix_stands_in_front_of_the_image(wire: Wire) -> None:
    registry = Registry(wire.host, prefix="mirror/hub", plain_http=True)
    wire.on("/v2/mirror/hub/myorg/app/manifests/v1", served(image()))
    client = RegistryClient(registry, Keychain({}))
    assert client.look("myorg/app", "v1") == sha256(image())
    client.close()


@pytest.mark.parametrize(
    "host", ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "Docker.IO"]
)
def test_docker_hub_is_asked_at_one_host_whichever_of_its_names_is_configured(host: str) -> None:
    client = RegistryClient(Registry(host), Keychain({}))
    assert client.name == host
    assert client._http.origin == "https://registry-1.docker.io"
    client.close()


@pytest.mark.parametrize(
    "host", ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "Docker.IO"]
)
@pytest.mark.parametrize(
    ("prefix", "image_name", "asked"),
    [
        ("", "nginx", "library/nginx"),
        ("", "library/nginx", "library/nginx"),
        ("library", "nginx", "library/nginx"),
        ("", "myorg/app", "myorg/app"),
        ("myorg", "app", "myorg/app"),
    ],
)
def test_docker_hub_is_asked_for_the_whole_path(
    wire: Wire, host: str, prefix: str, image_name: str, asked: str
) -> None:
    registry = Registry(host, prefix=prefix)
    wire.on(f"/v2/{asked}/manifests/v1", served(image()))
    client = RegistryClient(registry, Keychain({}), http=Host(Line(wire.url)))
    assert client.look(image_name, "v1") == sha256(image())
    client.close()
