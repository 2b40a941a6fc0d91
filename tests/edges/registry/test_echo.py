"""A registry that repeats our credential, in whatever spelling, never gets it into an error."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest

from ledger_tool.core.ledger.secrets import Mask
from ledger_tool.edges.registry.client import RegistryClient
from ledger_tool.errors import LedgerError
from tests.support.registries.clients import BASIC, rig
from tests.support.registries.wire import INDEX, Asked, Reply, Wire, as_json, image, served, sha256, unauthorized

PASSWORD = "hunter2+hunter3&"
LOGIN = {"LEDGER_REGISTRY_USERNAME": "robot", "LEDGER_REGISTRY_PASSWORD": PASSWORD}
TOKEN = "token-of-the-registry"
SPELLINGS = {
    "plain": PASSWORD,
    "percent-encoded": quote(PASSWORD, safe=""),
    "as it was sent": base64.b64encode(f"robot:{PASSWORD}".encode()).decode(),
    "base64": base64.b64encode(PASSWORD.encode()).decode(),
    "a token": TOKEN,
}
APP = "/v2/myorg/app"
V1 = f"{APP}/manifests/v1"


def _index(**entry: object) -> Reply:
    child = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": sha256(b"x"), "size": 1} | entry
    return served(json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}).encode(), INDEX)


ECHOES: dict[str, Callable[[str], Reply]] = {
    "a realm": lambda text: unauthorized(f'Bearer realm="ftp://{text}.example.com/{text}"'),
    "a realm that is cut": lambda text: unauthorized(f'Bearer realm="ftp://example.com/{"x" * 50}{text}"'),
    "a digest": lambda text: Reply(headers={"Docker-Content-Digest": text}),
    "another digest": lambda text: served(image(), docker_content_digest=f"{text}{'x' * 60}"),
    "a media type": lambda text: served(image(), f"application/{text}"),
    "a media type in the body": lambda text: served(image(mediaType=text)),
    "a platform": lambda text: _index(platform={"os": text, "architecture": text}),
    "a digest of a child": lambda text: _index(digest=text),
    "a redirect": lambda text: Reply(307, {"Location": f"ftp://{text}/{text}"}),
    "a host": lambda text: Reply(307, {"Location": f"http://169.254.169.254/{text}"}),
    "a link": lambda text: Reply(200, {"Link": f'<ftp://{text}>; rel="next"'}, b'{"tags": ["a"]}'),
    "a body": lambda text: Reply(400, {}, text.encode()),
    "a status": lambda text: Reply(500, {"X": text, "WWW-Authenticate": text, "Content-Type": text}, text.encode()),
}
LOOKS: list[Callable[[RegistryClient], object]] = [
    lambda client: client.look("myorg/app", "v1"),
    lambda client: client.manifest("myorg/app", "v1"),
    lambda client: client.config("myorg/app", sha256(b"x")),
    lambda client: client.blob("myorg/app", sha256(b"x"), limit=1000),
    lambda client: client.tags("myorg/app"),
    lambda client: client.delete("myorg/app", "v1"),
    lambda client: client.check_login(),
]


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES.keys())
def test_no_error_repeats_a_credential_in_any_spelling(wire: Wire, echo: Callable[[str], Reply]) -> None:
    challenge = unauthorized(f'Bearer realm="{wire.url}/token"')
    wire.root = challenge
    wire.on("/token", as_json({"token": TOKEN}))
    told = []
    for number, spelled in enumerate(SPELLINGS.values()):
        wire.otherwise = lambda asked: echo(spelled) if asked.authorization else challenge  # noqa: B023
        for look in LOOKS if number == 0 else LOOKS[1:4:2]:
            with rig(wire, LOGIN) as at:
                try:
                    look(at.client)
                except LedgerError as error:
                    told.append(f"{error.message}\n{error.hint}")
    assert told
    text = "\n".join(told)
    assert not [spelled for spelled in SPELLINGS.values() if spelled in text]
    assert Mask([PASSWORD, TOKEN])(text) == text
    assert "hunter" not in text


def test_an_error_that_is_remembered_does_not_repeat_the_token_of_another_thread(wire: Wire) -> None:
    wire.otherwise = lambda asked: unauthorized(
        f'Bearer realm="ftp://x/{asked.authorization}"' if asked.authorization else f'Bearer realm="{wire.url}/token"'
    )
    wire.on("/token", as_json({"token": TOKEN}))
    with rig(wire, LOGIN) as at:
        for look in LOOKS[:2]:
            with pytest.raises(LedgerError) as caught:
                look(at.client)
            assert TOKEN not in caught.value.message


def test_a_token_server_that_repeats_the_password_is_not_quoted(wire: Wire) -> None:
    def script(asked: Asked) -> Reply:
        assert asked.authorization == "Basic " + SPELLINGS["as it was sent"] != BASIC
        return Reply(307, {"Location": f"ftp://{PASSWORD}/{asked.authorization}"})

    wire.otherwise = unauthorized(f'Bearer realm="{wire.url}/token"')
    wire.on("/token", script)
    with rig(wire, LOGIN) as at, pytest.raises(LedgerError, match="a redirect to") as caught:
        at.client.look("myorg/app", "v1")
    assert "hunter" not in caught.value.message + caught.value.hint
