"""Logging in at the wire: token servers near and far, tokens that run out, realms that must not get a password."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from ledger_tool.errors import Denied, Unreachable
from tests.support.registries.clients import BASIC, LOGIN, PASSWORD, docker_config, rig
from tests.support.registries.wire import Asked, Reply, Wire, as_json, image, served, sha256, unauthorized

V1 = "/v2/myorg/app/manifests/v1"
HONEST = served(image())


def _behind(wire: Wire, realm: str, token: str = "good", refusal: Reply | None = None) -> None:
    """Serve a manifest to whoever has the token, and name the realm to everybody else."""

    def script(asked: Asked) -> Reply:
        if asked.authorization == f"Bearer {token}":
            return HONEST
        if asked.authorization and refusal:
            return refusal
        return unauthorized(f'Bearer realm="{realm}",service="registry",scope="repository:evil:push"')

    wire.on(V1, script)
    wire.on("/v2/myorg/app/manifests/v2", script)


def _look(wire: Wire, environment: dict[str, str] | None = None, host: str = "") -> None:
    with rig(wire, environment, host=host) as at:
        assert at.client.look("myorg/app", "v1") == sha256(image())


def test_a_token_is_asked_for_pull_only_and_with_the_credential(wire: Wire) -> None:
    _behind(wire, f"{wire.url}/token?account=x")
    wire.on("/token", as_json({"token": "good"}))
    _look(wire, LOGIN)
    first, token, again = wire.asked
    assert (first.authorization, token.authorization, again.authorization) == ("", BASIC, "Bearer good")
    query = parse_qs(token.path.partition("?")[2])
    assert query == {"account": ["x"], "service": ["registry"], "scope": ["repository:myorg/app:pull"]}


def test_a_token_server_on_another_host_gets_the_credential_and_its_token_stays_with_the_registry(
    wire: Wire, other: Wire
) -> None:
    _behind(wire, f"{other.url}/token")
    other.on("/token", as_json({"access_token": "good"}))
    _look(wire, LOGIN)
    assert [one.authorization for one in other.asked] == [BASIC]
    assert PASSWORD not in str([one.headers for one in wire.asked])


def test_without_a_credential_a_token_is_asked_for_anonymously(wire: Wire) -> None:
    _behind(wire, f"{wire.url}/token")
    wire.on("/token", as_json({"token": "good"}))
    _look(wire)
    assert wire.asked[1].authorization == ""


def test_an_identity_token_is_posted_and_not_in_a_url(wire: Wire, tmp_path: Path) -> None:
    _behind(wire, f"{wire.url}/token")
    wire.on("POST /token", as_json({"access_token": "good"}))
    _look(wire, docker_config(tmp_path, auths={wire.host: {"identitytoken": "identity-secret"}}))
    (posted,) = [one for one in wire.asked if one.method == "POST"]
    form = parse_qs(posted.body.decode())
    assert (form["grant_type"], form["refresh_token"]) == (["refresh_token"], ["identity-secret"])
    assert "identity-secret" not in str([(one.path, one.headers) for one in wire.asked])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_an_identity_token_does_not_follow_a_redirect_to_another_host(
    wire: Wire, other: Wire, tmp_path: Path, status: int
) -> None:
    _behind(wire, f"{wire.url}/token")
    wire.on("/token", Reply(status, {"Location": f"{other.url}/token"}))
    with pytest.raises(Unreachable, match="redirect of a login"):
        _look(wire, docker_config(tmp_path, auths={wire.host: {"identitytoken": "identity-secret"}}))
    assert other.asked == []


def test_a_token_is_used_until_it_runs_out_and_then_refreshed_once(wire: Wire) -> None:
    _behind(wire, f"{wire.url}/token")
    wire.on("/token", as_json({"token": "good"}), as_json({"token": "better"}))
    with rig(wire, LOGIN) as at:
        at.client.look("myorg/app", "v1")
        at.client.look("myorg/app", "v2")
        assert wire.count("/token") == 1
        _behind(wire, f"{wire.url}/token", "better")
        at.client.look("myorg/app", "v1")
    assert wire.count("/token") == 2


def test_a_400_for_an_expired_token_is_treated_as_a_401(wire: Wire) -> None:
    """ECR Public does so, and names no realm with it."""
    _behind(wire, f"{wire.url}/token")
    wire.on("/token", as_json({"token": "good"}), as_json({"token": "better"}))
    with rig(wire, LOGIN) as at:
        at.client.look("myorg/app", "v1")
        _behind(wire, f"{wire.url}/token", "better", refusal=Reply(400))
        assert at.client.look("myorg/app", "v1") == sha256(image())


def test_a_fresh_token_that_is_refused_once_is_replaced(wire: Wire) -> None:
    """The clock of the token server is ahead: the token is not valid yet."""
    challenge = unauthorized(f'Bearer realm="{wire.url}/token",service="registry"')
    wire.on(V1, challenge, challenge, HONEST)
    wire.on("/token", as_json({"token": "good"}))
    with rig(wire, LOGIN) as at:
        assert at.client.look("myorg/app", "v1") == sha256(image())
        assert at.slept
    assert (wire.count("/token"), wire.count(V1)) == (2, 3)


def test_fresh_tokens_that_are_refused_twice_are_a_fault_and_not_a_refusal(wire: Wire) -> None:
    _behind(wire, f"{wire.url}/token", "never")
    wire.on("/token", as_json({"token": "good"}))
    with rig(wire, LOGIN) as at:
        for _ in range(5):
            with pytest.raises(Unreachable, match="does not accept the token that its token server has just issued"):
                at.client.look("myorg/app", "v1")
    assert (wire.count("/token"), wire.count(V1)) == (2, 3)


def _claims(*access: dict[str, object]) -> str:
    body = base64.urlsafe_b64encode(json.dumps({"access": access}).encode()).decode().rstrip("=")
    return f"e30.{body}.x"


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ("good", ',error="insufficient_scope"'),
        (_claims(), ""),
        (_claims({"type": "repository", "name": "myorg/app", "actions": []}), ""),
        (_claims({"type": "repository", "name": "myorg/other", "actions": ["pull"]}), ',error="invalid_token"'),
    ],
)
def test_a_token_that_does_not_grant_the_scope_is_a_refusal_and_is_not_asked_for_again(
    wire: Wire, token: str, error: str
) -> None:
    refusal = unauthorized(f'Bearer realm="{wire.url}/token",service="registry"{error}')
    _behind(wire, f"{wire.url}/token", "never", refusal=refusal)
    wire.on("/token", as_json({"token": token}))
    with rig(wire, LOGIN) as at:
        for _ in range(5):
            with pytest.raises(Denied, match="does not let us read"):
                at.client.look("myorg/app", "v1")
    assert (wire.count("/token"), wire.count(V1)) == (1, 2)


def test_a_wrong_password_is_tried_once_and_not_for_every_tag(wire: Wire) -> None:
    """An account is locked after a handful of wrong passwords; a night has thousands of tags."""
    _behind(wire, f"{wire.url}/token")
    wire.on("/token", Reply(401))
    with rig(wire, LOGIN) as at:
        for tag in ("v1", "v2") * 50:
            with pytest.raises(Denied, match="does not accept the credential"):
                at.client.look("myorg/app", tag)
    assert wire.count("/token") == 1


def test_a_wrong_password_is_tried_three_times_however_many_images_there_are(wire: Wire) -> None:
    """Once for each of two images, since the first refusal may be about that image, and once for none of them."""
    for challenge in (f'Bearer realm="{wire.url}/token"', 'Basic realm="x"'):
        wire.asked.clear()
        wire.otherwise = wire.root = unauthorized(challenge)
        wire.on("/token", Reply(401))
        with rig(wire, LOGIN) as at:

            def look(number: int) -> None:
                with pytest.raises(Denied):
                    at.client.look(f"myorg/app{number}", "v1")

            threads = [threading.Thread(target=look, args=(number,)) for number in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert sum(bool(one.authorization) for one in wire.asked) == 3


def test_a_refusal_for_some_images_is_not_one_for_the_others(wire: Wire) -> None:
    """Some token servers answer 401 for an image that the account may not read."""

    def script(asked: Asked) -> Reply:
        scope = f"repository:{'/'.join(asked.path.split('/')[2:4])}:pull"
        challenge = f'Bearer realm="{wire.url}/token",service="registry",scope="{scope}"'
        return HONEST if asked.authorization else unauthorized(challenge)

    wire.otherwise = script
    wire.on("/token", lambda asked: Reply(401) if "secret" in asked.path else as_json({"token": "good"}))
    with rig(wire, LOGIN) as at:
        for number in range(5):
            with pytest.raises(Denied):
                at.client.look(f"secret/app{number}", "v1")
        assert at.client.look("myorg/app", "v1") == sha256(image())


def test_eight_threads_log_in_once(wire: Wire) -> None:
    _behind(wire, f"{wire.url}/token")
    wire.on("/token", as_json({"token": "good"}))
    with rig(wire, LOGIN) as at:
        threads = [threading.Thread(target=at.client.look, args=("myorg/app", "v1")) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wire.count("/token") == 1


def test_basic_is_answered_where_it_is_asked_for_and_never_before(wire: Wire) -> None:
    wire.on(V1, lambda asked: HONEST if asked.authorization == BASIC else unauthorized('Basic realm="x"'))
    with rig(wire, LOGIN) as at:
        at.client.look("myorg/app", "v1")
        at.client.look("myorg/app", "v1")
    assert [one.authorization for one in wire.asked] == ["", BASIC, BASIC]


TOKEN_RUBBISH = [
    b"", b"[]", b"{}", b'{"token": 7}', b'{"token": "a b"}', b'{"token": "a\\r\\nX: y"}', b'{"token": ""}',
    b'{"token": "t", "expires_in": 1' + b"0" * 400 + b"}", b'{"token": "t", "expires_in": "soon"}',
    b'{"token": "t", "expires_in": [1]}', b"[" * 100_000, b"<html>",
]  # fmt: skip


@pytest.mark.parametrize("body", TOKEN_RUBBISH)
def test_a_token_server_that_answers_rubbish_is_an_error_of_ours(wire: Wire, body: bytes) -> None:
    _behind(wire, f"{wire.url}/token")
    wire.on("/token", Reply(body=body))
    with pytest.raises(Unreachable, match="token server"):
        _look(wire, LOGIN)


@pytest.mark.parametrize("expires", [0, -1, 1, 1e300, None])
def test_any_number_will_do_as_the_life_of_a_token(wire: Wire, expires: float | None) -> None:
    _behind(wire, f"{wire.url}/token")
    wire.on("/token", as_json({"token": "good", "expires_in": expires}))
    _look(wire, LOGIN)


def test_a_token_server_that_fails_or_never_ends_is_an_error_of_ours(wire: Wire) -> None:
    _behind(wire, f"{wire.url}/token")
    for reply, words in ((Reply(500), "answers 500"), (wire.endless(), "larger than"), (Reply(404), "answers 404")):
        wire.on("/token", reply)
        with pytest.raises(Unreachable, match=words):
            _look(wire, LOGIN)


UNSAFE = [
    "http://169.254.169.254/latest", "http://169.254.169.254:{port}/", "https://169.254.169.254/", "http://[fe80::1]/",
    "https://0.0.0.0/", "http://2852039166/", "ftp://{host}/", "", "/token", "file:///etc/passwd", "http://[",
    "http://user:hunter22@{host}/token", "http://{host}/token#x", "http://{host}:99999999/", "http://example.com/token",
]  # fmt: skip


@pytest.mark.parametrize("realm", UNSAFE)
def test_an_unsafe_realm_gets_nothing(wire: Wire, realm: str) -> None:
    _behind(wire, realm.format(host=wire.host, port=wire.port))
    with pytest.raises(Denied, match="token realm") as caught:
        _look(wire, LOGIN)
    assert "hunter22" not in caught.value.message + caught.value.hint
    assert wire.count() == 1


def test_a_registry_with_a_public_name_cannot_send_a_password_to_this_machine(wire: Wire, other: Wire) -> None:
    for realm in (other.url, f"http://localhost:{other.port}", f"https://127.0.0.1:{other.port}", "http://[::1]/"):
        _behind(wire, f"{realm}/token")
        with rig(wire, LOGIN, host="registry.example.com") as at, pytest.raises(Denied, match="token realm"):
            at.client.look("myorg/app", "v1")
    assert other.asked == []


def test_no_challenge_or_an_unknown_one_is_denied_without_a_password(wire: Wire) -> None:
    for at_tag, challenge in enumerate(("", "Negotiate", "Digest realm=x", 'Bearer scope="x"', "\x01", 'Basic"')):
        wire.on(f"/v2/myorg/a{at_tag}/manifests/v1", unauthorized(challenge))
        with rig(wire, LOGIN) as at, pytest.raises(Denied):
            at.client.look(f"myorg/a{at_tag}", "v1")
    assert all(not one.authorization for one in wire.asked)
