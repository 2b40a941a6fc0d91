"""Where credentials come from: Docker's and podman's files, and helpers that are real programs on PATH."""

from __future__ import annotations

import base64
import json
import os
import threading
from pathlib import Path

import pytest

from ledger_tool.edges.registry.credentials import Credential, Keychain
from ledger_tool.errors import UsageError
from tests.support.registries.clients import docker_config

HOST = "registry.example.com"
SECRET = "secret-of-the-helper"


def _auth(username: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


def _file(path: Path, **content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


class Helper:
    """A credential helper: a script on PATH that notes each call, its arguments and its environment."""

    def __init__(self, folder: Path, name: str, answer: str) -> None:
        self.folder = folder
        self.calls = folder / f"{name}.calls"
        folder.mkdir(exist_ok=True)
        script = folder / f"docker-credential-{name}"
        script.write_text(f'#!/bin/sh\nread -r host\necho "$* $host" >>{self.calls}\n{answer}\n')
        script.chmod(0o755)

    def environment(self, config: dict[str, str]) -> dict[str, str]:
        return config | {"PATH": f"{self.folder}:{os.environ['PATH']}"}

    @property
    def called(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []


def _answering(username: str = "robot") -> str:
    return f"""echo '{json.dumps({"ServerURL": "x", "Username": username, "Secret": SECRET})}'"""


def test_nothing_configured_is_anonymous(home: Path) -> None:
    assert Keychain({"HOME": str(home)}).find(HOST) is None


def test_the_environment_comes_first(home: Path, tmp_path: Path) -> None:
    config = docker_config(tmp_path / "docker", auths={HOST: _auth("file", "x")})
    given = config | {"LEDGER_REGISTRY_USERNAME": "robot", "LEDGER_REGISTRY_PASSWORD": "p"}
    found = Keychain(given).find(HOST)
    assert found is not None
    assert (found.username, found.password) == ("robot", "p")
    assert found.source == "LEDGER_REGISTRY_USERNAME and LEDGER_REGISTRY_PASSWORD"


def test_each_place_is_looked_at_in_its_order(home: Path, tmp_path: Path) -> None:
    environment = {
        "HOME": str(home), "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json"),
        "XDG_RUNTIME_DIR": str(tmp_path / "run"), "XDG_CONFIG_HOME": str(tmp_path / "xdg"),
    }  # fmt: skip
    places = [
        home / ".docker" / "config.json",
        tmp_path / "auth.json",
        tmp_path / "run" / "containers" / "auth.json",
        tmp_path / "xdg" / "containers" / "auth.json",
    ]
    for number, place in reversed(list(enumerate(places))):
        _file(place, auths={HOST: _auth(f"user{number}", "p")})
        found = Keychain(environment).find(HOST)
        assert found is not None
        assert (found.username, found.source) == (f"user{number}", f"auths of {place}")


def test_a_host_is_found_under_each_way_to_write_it_and_under_no_other(home: Path, tmp_path: Path) -> None:
    for key in (HOST, f"https://{HOST}", f"https://{HOST}/v1/", f"http://{HOST}/v2/", f"{HOST}/"):
        assert Keychain(docker_config(tmp_path, auths={key: _auth("u", "p")})).find(HOST) is not None, key
    for key in (f"x{HOST}", f"{HOST}.evil.example", f"{HOST}:5000", f"https://evil.example/{HOST}", "example.com"):
        assert Keychain(docker_config(tmp_path, auths={key: _auth("u", "p")})).find(HOST) is None, key


def test_a_credential_for_a_namespace_is_not_the_whole_hosts(tmp_path: Path) -> None:
    config = docker_config(tmp_path, auths={f"{HOST}/team-a": _auth("team", "a"), HOST: _auth("whole", "host")})
    found = Keychain(config).find(HOST)
    assert found is not None
    assert found.username == "whole"


def test_docker_hub_has_a_key_of_its_own(tmp_path: Path) -> None:
    config = docker_config(tmp_path, auths={"https://index.docker.io/v1/": _auth("hub", "p")})
    found = Keychain(config).find("docker.io")
    assert found is not None
    assert found.username == "hub"


def test_a_password_may_hold_colons_and_any_letter(tmp_path: Path) -> None:
    found = Keychain(docker_config(tmp_path, auths={HOST: _auth("u", "a:b:ü")})).find(HOST)
    assert found is not None
    assert (found.username, found.password) == ("u", "a:b:ü")
    plain = Keychain(docker_config(tmp_path, auths={HOST: {"username": "u", "password": "p"}})).find(HOST)
    assert plain is not None
    assert plain.password == "p"


def test_an_identity_token_goes_before_the_password(tmp_path: Path) -> None:
    entry = _auth("u", "p") | {"identitytoken": "token"}
    found = Keychain(docker_config(tmp_path, auths={HOST: entry})).find(HOST)
    assert found is not None
    assert (found.identity_token, found.password) == ("token", "")


def test_a_credential_never_shows_its_secrets() -> None:
    shown = repr(Credential(source="s", username="u", password="hunter22", identity_token="hunter33"))
    assert "hunter" not in shown


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": "' + b"x" * 5_000_000 + b'"}'])
def test_a_broken_file_is_a_usage_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    environment = docker_config(tmp_path)
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(UsageError, match=r"config\.json cannot be read as JSON"):
        Keychain(environment).find(HOST)


@pytest.mark.parametrize(
    "content",
    [[], 7, {"auths": []}, {"auths": {HOST: 7}}, {"auths": {HOST: {}}}, {"credHelpers": 7}, {"credsStore": 0}],
)
def test_a_file_with_other_things_in_it_has_no_credential(tmp_path: Path, content: object) -> None:
    environment = docker_config(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(content))
    assert Keychain(environment).find(HOST) is None


def test_an_auth_that_is_not_base64_is_a_usage_error_that_does_not_repeat_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not base64") as caught:
        Keychain(docker_config(tmp_path, auths={HOST: {"auth": "hunter22hunter22h"}})).find(HOST)
    assert "hunter" not in caught.value.message + caught.value.hint


def test_a_helper_is_run_once_even_from_eight_threads(tmp_path: Path) -> None:
    helper = Helper(tmp_path / "bin", "test", f"sleep 0.05; {_answering()}")
    keychain = Keychain(helper.environment(docker_config(tmp_path / "d", credHelpers={HOST: "test"})))
    found: list[Credential | None] = []
    threads = [threading.Thread(target=lambda: found.append(keychain.find(HOST))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert helper.called == [f"get {HOST}"]
    assert {one.password if one else "" for one in found} == {SECRET}
    assert len(found) == 8


def test_a_helper_is_told_the_host_on_its_input_and_goes_before_auths(tmp_path: Path) -> None:
    helper = Helper(tmp_path / "bin", "test", _answering())
    config = docker_config(tmp_path / "d", credHelpers={HOST: "test"}, auths={HOST: _auth("file", "p")})
    found = Keychain(helper.environment(config)).find(HOST)
    assert found is not None
    assert (found.username, helper.called) == ("robot", [f"get {HOST}"])
    assert found.source == f"`docker-credential-test`, credHelpers of {tmp_path / 'd' / 'config.json'}"


def test_a_store_is_asked_where_auths_has_nothing(tmp_path: Path) -> None:
    helper = Helper(tmp_path / "bin", "desktop", _answering("<token>"))
    config = docker_config(tmp_path / "d", credsStore="desktop", auths={HOST: {}})
    found = Keychain(helper.environment(config)).find(HOST)
    assert found is not None
    assert (found.identity_token, found.username) == (SECRET, "")


def test_a_helper_without_a_credential_is_not_an_error(tmp_path: Path) -> None:
    helper = Helper(tmp_path / "bin", "test", "echo 'credentials not found in native keychain'; exit 1")
    keychain = Keychain(helper.environment(docker_config(tmp_path / "d", credsStore="test")))
    assert (keychain.find(HOST), keychain.find(HOST)) == (None, None)
    assert len(helper.called) == 1


FAILING = {
    "fails": (f"echo {SECRET}; echo {SECRET} >&2; exit 3", "failed with exit code 3"),
    "says nothing": ("", "return a credential in JSON"),
    "says rubbish": (f"echo '{SECRET}'", "return a credential in JSON"),
    "says a list": ("echo '[]'", "return a credential in JSON"),
    "says half of it": ("""echo '{"Username": "u"}'""", "return a credential in JSON"),
    "nests": ("""head -c 100000 /dev/zero | tr '\\0' '['""", "return a credential in JSON"),
    "hangs": ("exec sleep 60", "did not answer"),
}


@pytest.mark.parametrize(("answer", "words"), FAILING.values(), ids=FAILING.keys())
def test_a_helper_that_fails_or_hangs_is_a_usage_error_and_is_not_run_again(
    tmp_path: Path, answer: str, words: str
) -> None:
    helper = Helper(tmp_path / "bin", "test", answer)
    environment = helper.environment(docker_config(tmp_path / "d", credHelpers={HOST: "test"}))
    keychain = Keychain(environment, helper_seconds=0.5 if "sleep" in answer else 20.0)
    for _ in range(3):
        with pytest.raises(UsageError, match=words) as caught:
            keychain.find(HOST)
        assert SECRET not in caught.value.message + caught.value.hint
    assert len(helper.called) == 1


def test_a_helper_that_is_not_installed_or_not_a_program_is_a_usage_error(tmp_path: Path) -> None:
    environment = docker_config(tmp_path / "d", credHelpers={HOST: "missing"}) | {"PATH": str(tmp_path)}
    with pytest.raises(UsageError, match=r"`docker-credential-missing`, named by credHelpers of .* is not installed"):
        Keychain(environment).find(HOST)
    script = tmp_path / "docker-credential-missing"
    script.write_text("no program")
    with pytest.raises(UsageError, match="or cannot be run"):
        Keychain(environment).find(HOST)


@pytest.mark.parametrize("name", ["../evil", "a b", "x;id", "-x/../y", "a\nb"])
def test_a_helper_with_a_path_or_a_shell_in_its_name_is_not_run(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="names the credential helper"):
        Keychain(docker_config(tmp_path, credHelpers={HOST: name})).find(HOST)


def test_a_helper_of_another_host_is_not_run(tmp_path: Path) -> None:
    helper = Helper(tmp_path / "bin", "test", _answering())
    keychain = Keychain(helper.environment(docker_config(tmp_path / "d", credHelpers={"other.example.com": "test"})))
    assert keychain.find(HOST) is None
    assert helper.called == []
