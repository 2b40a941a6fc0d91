"""What a 404 is worth: absence in a registry's own words, to the credential or where none is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ledger_tool.core.registry.drift import ABSENT
from ledger_tool.edges.registry.client import RegistryClient
from ledger_tool.errors import Denied, LedgerError, Unreachable
from tests.support.registries.clients import BASIC, LOGIN, docker_config, rig
from tests.support.registries.tokens import unsigned_token
from tests.support.registries.wire import (
    API_ROOT,
    Asked,
    Reply,
    Wire,
    as_json,
    config,
    image,
    served,
    sha256,
    unauthorized,
)

APP = "/v2/myorg/app"
V1 = f"{APP}/manifests/v1"
HONEST = served(image())
CONFIG = sha256(config())
PAGE = Reply(404, {"Content-Type": "text/html"}, b"<html>default backend - 404</html>")
NOT_FOUND = as_json({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, 404)
LOOKS: dict[str, Callable[[RegistryClient], object]] = {
    "a tag": lambda client: client.look("myorg/app", "v1"),
    "a manifest": lambda client: client.manifest("myorg/app", "v1"),
    "a document": lambda client: client.document("myorg/app", sha256(image())),
    "a blob": lambda client: client.has_blob("myorg/app", CONFIG),
    "the content of a blob": lambda client: client.blob("myorg/app", CONFIG, limit=1000),
    "a config": lambda client: client.config("myorg/app", CONFIG),
    "tags": lambda client: client.tags("myorg/app"),
}
look = pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())


def _private(wire: Wire, authorization: str, anonymous: Reply = NOT_FOUND) -> None:
    """Serve a repository to whoever has the authorization, and `anonymous` to everybody else."""
    contents = {
        V1: HONEST, f"{APP}/manifests/{sha256(image())}": HONEST, f"{APP}/blobs/{CONFIG}": Reply(body=config()),
        f"{APP}/tags/list": as_json({"tags": ["v1"]}),
    }  # fmt: skip

    def script(content: Reply) -> Callable[[Asked], Reply]:
        return lambda asked: content if asked.authorization == authorization else anonymous

    for path, content in contents.items():
        wire.on(path, script(content))
    wire.otherwise = lambda asked: NOT_FOUND if asked.authorization == authorization else anonymous


def _doubt(wire: Wire, environment: Mapping[str, str] | None = None, tag: str = "v1") -> LedgerError:
    """Return the error with which a look ends."""
    with rig(wire, environment) as at, pytest.raises((Denied, Unreachable)) as caught:
        at.client.look("myorg/app", tag)
    return caught.value


@look
@pytest.mark.parametrize("anonymous", [NOT_FOUND, Reply(403)], ids=["404", "403"])
def test_where_anonymous_clients_see_nothing_the_credential_is_tried(
    wire: Wire, look: Callable[[RegistryClient], object], anonymous: Reply
) -> None:
    _private(wire, BASIC, anonymous)
    with rig(wire, LOGIN) as at:
        assert look(at.client) not in (ABSENT, False, [])
    assert [one.authorization for one in wire.asked] == ["", "", BASIC]
    assert wire.asked[1].path == "/v2/"


@look
def test_where_v2_names_a_token_server_a_token_is_tried(wire: Wire, look: Callable[[RegistryClient], object]) -> None:
    wire.root = unauthorized(f'Bearer realm="{wire.url}/token",service="registry"')
    _private(wire, "Bearer good")
    wire.on("/token", as_json({"token": "good"}))
    with rig(wire, LOGIN) as at:
        assert look(at.client) not in (ABSENT, False, [])
    assert [one.authorization for one in wire.asked] == ["", "", BASIC, "Bearer good"]
    assert "scope=repository%3Amyorg%2Fapp%3Apull" in wire.asked[2].path


def test_what_the_credential_does_not_see_either_is_absent(wire: Wire) -> None:
    _private(wire, BASIC)
    with rig(wire, LOGIN) as at:
        assert at.client.look("myorg/app", "gone") == ABSENT
        assert at.client.has_blob("myorg/app", sha256(b"gone")) is False
        assert at.client.manifest("myorg/other", "v1") == ABSENT
        assert at.client.tags("myorg/other") == []


def test_the_credential_is_sent_at_once_where_it_was_needed_before(wire: Wire) -> None:
    _private(wire, BASIC)
    with rig(wire, LOGIN) as at:
        at.client.look("myorg/app", "v1")
        at.client.look("myorg/app", "v1")
        at.client.look("myorg/other", "v1")
    assert [(one.method, one.authorization) for one in wire.asked] == [
        ("HEAD", ""), ("GET", ""), ("HEAD", BASIC), ("HEAD", BASIC), ("HEAD", BASIC), ("GET", BASIC),
    ]  # fmt: skip


def test_what_everybody_sees_needs_no_credential_and_one_request(wire: Wire) -> None:
    wire.on(V1, HONEST)
    with rig(wire, LOGIN) as at:
        for _ in range(3):
            at.client.look("myorg/app", "v1")
    assert [(one.method, one.authorization) for one in wire.asked] == [("HEAD", "")] * 3


def test_v2_is_asked_once_however_much_is_absent(wire: Wire) -> None:
    for environment in ({}, LOGIN):
        wire.asked.clear()
        with rig(wire, environment) as at:
            for number in range(20):
                assert at.client.look(f"myorg/app{number % 4}", f"v{number}") == ABSENT
        assert sum(one.path == "/v2/" for one in wire.asked) == 1


@pytest.mark.parametrize(
    "root",
    [
        API_ROOT,
        Reply(200, {"Content-Type": "application/json"}, b"{}"),
        Reply(200),
        Reply(200, {"Docker-Distribution-Api-Version": "registry/2.0", "Content-Type": "text/plain"}, b"ok"),
    ],
)
def test_an_open_registry_is_believed(wire: Wire, root: Reply) -> None:
    wire.root = root
    with rig(wire) as at:
        assert at.client.look("myorg/app", "v1") == ABSENT


NO_REGISTRY = {
    "an ingress": PAGE,
    "an ingress of another make": Reply(404, {"Content-Type": "text/plain"}, b"404 page not found"),
    "an API gateway": as_json({"message": "no Route matched with those values"}, 404),
    "an ingress that adds headers": Reply(404, {"Docker-Distribution-Api-Version": "registry/2.0"}),
    "a site for browsers": Reply(200, {"Content-Type": "text/html"}, b"<!doctype html><div id=app></div>"),
    "a site without a page": Reply(200, {"Content-Type": "text/html"}),
    "a firewall": Reply(403, {"Content-Type": "application/json"}, b"{}"),
    "a loop": Reply(302, {"Location": "/v2/"}),
    "an old registry": Reply(404, {"Docker-Distribution-Api-Version": "registry/1.0"}),
}


@pytest.mark.parametrize("environment", [{}, LOGIN], ids=["anonymous", "with a credential"])
@pytest.mark.parametrize("root", NO_REGISTRY.values(), ids=NO_REGISTRY.keys())
def test_what_is_not_a_registry_knows_no_absence_and_gets_no_credential(
    wire: Wire, root: Reply, environment: dict[str, str]
) -> None:
    wire.root, wire.otherwise = root, PAGE if root == PAGE else Reply(404)
    with rig(wire, environment) as at:
        for look in LOOKS.values():
            with pytest.raises(Unreachable, match=r"does not answer as a registry|more than 5 redirects"):
                look(at.client)
    assert all(not one.authorization for one in wire.asked)


def test_a_page_to_sign_in_at_another_host_is_not_a_registry(wire: Wire, other: Wire) -> None:
    wire.root = Reply(302, {"Location": f"{other.url}/v2/"})
    assert "does not answer as a registry" in _doubt(wire).message


def test_a_page_to_sign_in_is_not_a_blob(wire: Wire, other: Wire) -> None:
    wire.on(f"{APP}/blobs/{CONFIG}", Reply(302, {"Location": f"{other.url}/login"}))
    other.on("/login", Reply(200, {"Content-Type": "text/html; charset=utf-8"}))
    with rig(wire) as at, pytest.raises(Unreachable, match="answers with a page instead of the blob"):
        at.client.has_blob("myorg/app", CONFIG)


def test_an_ingress_that_has_lost_its_registry_in_the_middle_of_a_run_is_noticed(wire: Wire) -> None:
    for environment in ({}, LOGIN):
        wire.root, wire.otherwise = API_ROOT, NOT_FOUND
        with rig(wire, environment) as at:
            assert at.client.look("myorg/app", "v1") == ABSENT
            wire.root = wire.otherwise = PAGE
            with pytest.raises(Unreachable, match="does not answer as a registry"):
                at.client.look("myorg/app", "v2")


def test_an_ingress_that_asks_for_basic_and_has_nothing_behind_it_is_not_a_registry(wire: Wire) -> None:
    asks = Reply(401, {"WWW-Authenticate": 'Basic realm="x"', "Content-Type": "text/html"}, b"<html>")
    wire.root = wire.otherwise = lambda asked: PAGE if asked.authorization == BASIC else asks
    assert "does not answer as a registry" in _doubt(wire, LOGIN).message
    wire.root = lambda asked: API_ROOT if asked.authorization == BASIC else asks
    wire.otherwise = lambda asked: NOT_FOUND if asked.authorization == BASIC else asks
    with rig(wire, LOGIN) as at:
        assert at.client.look("myorg/app", "v1") == ABSENT


def test_a_404_to_an_anonymous_token_is_not_absence(wire: Wire) -> None:
    """An anonymous token is given to everybody, and says nothing of what only others see."""
    wire.root = unauthorized(f'Bearer realm="{wire.url}/token",service="registry"')
    wire.on("/token", as_json({"token": "anonymous"}))
    wire.otherwise = lambda asked: (
        NOT_FOUND if asked.authorization else unauthorized(f'Bearer realm="{wire.url}/token"')
    )
    wire.on(V1, lambda asked: HONEST if asked.authorization else unauthorized(f'Bearer realm="{wire.url}/token"'))
    doubt = _doubt(wire, tag="v2")
    assert "answers 404 to whoever is not logged in" in doubt.message
    assert "configure a credential" in doubt.hint
    with rig(wire) as at:
        for _ in range(2):
            with pytest.raises(Denied):
                at.client.look("myorg/app", "v2")
            assert at.client.look("myorg/app", "v1") == sha256(image())


def _token_server(wire: Wire, token: str) -> None:
    """Let a token server give everybody a token, and the registry answer whoever brings it."""
    challenge = unauthorized(f'Bearer realm="{wire.url}/token"')
    wire.otherwise = lambda asked: NOT_FOUND if asked.authorization == f"Bearer {token}" else challenge
    wire.on("/token", as_json({"token": token}))


def test_a_404_to_a_token_for_the_credential_is_absence_and_costs_a_get(wire: Wire) -> None:
    _token_server(wire, "good")
    with rig(wire, LOGIN) as at:
        assert at.client.look("myorg/app", "v1") == ABSENT
        assert at.client.look("myorg/app", "v2") == ABSENT
    assert [one.method for one in wire.asked] == ["HEAD", "GET", "HEAD", "GET", "HEAD", "GET"]


@look
def test_a_404_to_a_token_that_grants_nothing_is_not_absence(
    wire: Wire, look: Callable[[RegistryClient], object]
) -> None:
    """Many token servers give one to everybody who logs in, with what that one may do in it."""
    _token_server(wire, unsigned_token({"access": []}))
    message = "a token that does not let the credential read myorg/app"
    with rig(wire, LOGIN) as at, pytest.raises(Denied, match=message) as caught:
        look(at.client)
    assert f"`ledger doctor http://{wire.host}`" in caught.value.hint


PAGES = {
    "a page": PAGE,
    "Go": Reply(404, {"Content-Type": "text/plain; charset=utf-8"}, b"404 page not found\n"),
    "S3": Reply(404, {"Content-Type": "application/xml"}, b"<Error><Code>NoSuchKey</Code></Error>"),
    "nothing": Reply(404),
    "nothing, from a proxy that adds headers": Reply(
        404, {"Content-Type": "application/json", "Docker-Distribution-Api-Version": "registry/2.0"}
    ),
    "a gateway": as_json({"message": "no Route matched with those values"}, 404),
    "a refusal": as_json({"errors": [{"code": "DENIED"}]}, 404),
}


@pytest.mark.parametrize("way", ["anonymous", "Basic", "Bearer"])
@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
def test_a_404_that_is_not_a_registrys_error_is_not_absence_though_v2_answers(
    wire: Wire, page: Reply, way: str
) -> None:
    asks = unauthorized({"Basic": 'Basic realm="x"', "Bearer": f'Bearer realm="{wire.url}/token"'}.get(way, ""))
    wire.on("/token", as_json({"token": "good"}))
    wire.otherwise = lambda asked: page if way == "anonymous" or asked.authorization else asks
    with rig(wire, {} if way == "anonymous" else LOGIN) as at:
        for look in LOOKS.values():
            with pytest.raises(Unreachable, match="answers 404 with something other than a registry's error"):
                look(at.client)


@pytest.mark.parametrize(
    ("to_get", "answered"),
    [(HONEST, "200"), (Reply(200, body=b" " * (2**20 + 1)), "a large body"), (Reply(403), "403"), (Reply(410), "410")],
    ids=["200", "large", "403", "410"],
)
def test_what_head_does_not_find_and_get_answers_otherwise_is_not_absent(
    wire: Wire, to_get: Reply, answered: str
) -> None:
    wire.on("*", lambda asked: NOT_FOUND if asked.method == "HEAD" else to_get)
    wire.on("/v2/", API_ROOT)
    with rig(wire) as at:
        for name in ("a tag", "a blob"):
            with pytest.raises(Unreachable, match=f"answers 404 to HEAD and {answered} to GET"):
                LOOKS[name](at.client)


@look
def test_a_404_after_a_redirect_on_the_same_host_is_not_absence(
    wire: Wire, look: Callable[[RegistryClient], object]
) -> None:
    wire.otherwise = Reply(302, {"Location": "/v2/elsewhere/manifests/v1?token=hunter22"})
    wire.on("/v2/elsewhere/manifests/v1", NOT_FOUND)
    message = "sends us to /v2/elsewhere/manifests/v1, which answers 404"
    with rig(wire) as at, pytest.raises(Unreachable, match=message) as caught:
        look(at.client)
    assert "hunter22" not in caught.value.message


def test_what_is_there_in_a_type_that_nobody_asked_for_is_not_absent(wire: Wire) -> None:
    """Artifact Registry answers 404 for a type that is not in `Accept`."""
    wire.on(V1, lambda asked: Reply(200, body=b"{}") if "*/*" in asked.headers["accept"] else NOT_FOUND)
    assert "answers 404 to HEAD and 200 to GET" in _doubt(wire).message


@pytest.mark.parametrize("anonymous", [NOT_FOUND, Reply(403)], ids=["404", "403"])
def test_a_wrong_password_is_tried_once_for_an_absence_and_spoils_nothing_else(wire: Wire, anonymous: Reply) -> None:
    wire.otherwise = lambda asked: Reply(401) if asked.authorization else anonymous
    wire.on(V1, HONEST)
    with rig(wire, LOGIN) as at:
        for tag in ("v2", "v3", "v2"):
            with pytest.raises(Denied, match=f"answers {anonymous.status} without the credential, and 401 with it"):
                at.client.look("myorg/app", tag)
            assert at.client.look("myorg/app", "v1") == sha256(image())
    assert sum(bool(one.authorization) for one in wire.asked) == 1
    assert not [one for one in wire.asked if one.path == V1 and one.authorization]


@pytest.mark.parametrize("anonymous", [NOT_FOUND, Reply(403)], ids=["404", "403"])
def test_a_token_server_that_refuses_the_password_proves_no_absence(wire: Wire, anonymous: Reply) -> None:
    wire.root = unauthorized(f'Bearer realm="{wire.url}/token"')
    wire.otherwise = anonymous
    wire.on("/token", Reply(401))
    wire.on(V1, HONEST)
    with rig(wire, LOGIN) as at:
        for tag in ("v2", "v3"):
            with pytest.raises(Denied, match="does not accept the credential"):
                at.client.look("myorg/app", tag)
            assert at.client.look("myorg/app", "v1") == sha256(image())
    assert wire.count("/token") == 1


def test_a_token_that_the_registry_does_not_take_proves_no_absence(wire: Wire) -> None:
    wire.root = unauthorized(f'Bearer realm="{wire.url}/token"')
    wire.on("/token", as_json({"token": "never"}))
    wire.otherwise = lambda asked: (
        unauthorized(f'Bearer realm="{wire.url}/token"') if asked.authorization else NOT_FOUND
    )
    wire.on(V1, HONEST)
    with rig(wire, LOGIN) as at:
        for tag in ("v2", "v3"):
            with pytest.raises(Unreachable, match="does not accept the token"):
                at.client.look("myorg/app", tag)
            assert at.client.look("myorg/app", "v1") == sha256(image())
    assert wire.count("/token") == 2


def test_an_identity_token_that_nobody_asks_for_proves_no_absence(wire: Wire, tmp_path: Path) -> None:
    environment = docker_config(tmp_path, auths={wire.host: {"identitytoken": "identity-secret"}})
    assert "asks for none that can be sent" in _doubt(wire, environment).message
    assert "identity-secret" not in str([(one.path, one.headers, one.body) for one in wire.asked])


@pytest.mark.parametrize("status", [401, 403, 404, 410, 500, 503])
def test_what_another_host_answers_is_unknown_of_this_look_and_of_no_other(
    wire: Wire, other: Wire, status: int
) -> None:
    """A store of blobs refuses a signature that was for another method; an index of mirrors points to a dead one."""
    wire.otherwise = Reply(307, {"Location": f"{other.url}/store?X-Amz-Signature=hunter22"})
    wire.on(f"{APP}/manifests/v2", HONEST)
    other.otherwise = Reply(status, {"WWW-Authenticate": 'Basic realm="x"'})
    with rig(wire, LOGIN) as at:
        for look in [*LOOKS.values()][:: 3 if status in (500, 503) else 1]:  # patience with 503 has an end
            with pytest.raises(Unreachable, match=f"sends us to {other.url}, which answers {status}") as caught:
                look(at.client)
            assert at.client.look("myorg/app", "v2") == sha256(image())
    assert "hunter22" not in caught.value.message
    assert all(not one.authorization for one in [*wire.asked, *other.asked])


def test_a_refusal_of_one_manifest_is_not_one_of_the_others(wire: Wire) -> None:
    """Scanners put single manifests into quarantine, with 403."""
    wire.on(f"{APP}/manifests/v2", Reply(403))
    wire.on(V1, HONEST)
    with rig(wire) as at:
        with pytest.raises(Denied, match="answers 403"):
            at.client.look("myorg/app", "v2")
        assert at.client.look("myorg/app", "v1") == sha256(image())
    for anonymous in (NOT_FOUND, Reply(403)):
        wire.on(f"{APP}/manifests/v2", lambda asked: Reply(403) if asked.authorization else anonymous)  # noqa: B023
        with rig(wire, LOGIN) as at:
            with pytest.raises(Denied, match=r"answers 403|403 with it"):
                at.client.look("myorg/app", "v2")
            assert at.client.look("myorg/app", "v1") == sha256(image())
            assert at.client.look("myorg/app", "v3") == ABSENT


def test_a_login_that_is_accepted_for_one_image_and_not_for_another_leaves_it_open_to_all(wire: Wire) -> None:
    wire.on(V1, lambda asked: HONEST if asked.authorization == BASIC else unauthorized('Basic realm="x"'))
    wire.on("/v2/public/app/manifests/v1", lambda asked: Reply(403) if asked.authorization else HONEST)
    with rig(wire, LOGIN) as at:
        at.client.look("myorg/app", "v1")
        assert at.client.look("public/app", "v1") == sha256(image())


def test_a_host_that_fails_when_asked_what_it_is_knows_no_absence(wire: Wire) -> None:
    wire.root = Reply(503)
    with rig(wire) as at:
        with pytest.raises(Unreachable, match="answers 503 at `/v2/`"):
            at.client.look("myorg/app", "v1")
        wire.root = API_ROOT
        assert at.client.look("myorg/app", "v1") == ABSENT
    wire.root = Reply(500)
    wire.asked.clear()
    with rig(wire) as at:
        for number in range(20):
            with pytest.raises(Unreachable, match="answers 500 at `/v2/`"):
                at.client.look("myorg/app", f"v{number}")
    assert sum(one.path == "/v2/" for one in wire.asked) == 12  # three times, with patience


def test_a_write_that_anonymous_clients_may_not_see_is_tried_with_the_credential(wire: Wire) -> None:
    path = f"{APP}/manifests/{sha256(image())}"
    wire.on(f"DELETE {path}", lambda asked: Reply(202) if asked.authorization == BASIC else NOT_FOUND)
    with rig(wire, LOGIN) as at:
        at.client.delete("myorg/app", sha256(image()))
    assert [one.authorization for one in wire.asked] == ["", "", BASIC]
