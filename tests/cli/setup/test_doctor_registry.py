"""Who gets in: TLS from a private CA, htpasswd, a token server; and `doctor HOST`, which never says the secret."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.git.servers import free_port, make_certificate
from tests.support.git.upstream import Upstream
from tests.support.registries.registry import Layout, RealRegistry, real_registry
from tests.support.registries.tokens import TokenKeys, token_script
from tests.support.registries.wire import (
    API_ROOT,
    Reply,
    Wire,
    as_json,
    config,
    image,
    served,
    sha256,
    unauthorized,
    wire_server,
)
from tests.support.values.make import SOURCE, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
SECRET = "secret-password"
LOG_IN = "; log in with `docker login`, or set LEDGER_REGISTRY_USERNAME and LEDGER_REGISTRY_PASSWORD"
# bcrypt of SECRET for `user`, as `htpasswd -B` writes it: docker-registry takes nothing else.
HTPASSWD = "user:$2y$05$xObh53g8Yqvcarmg9QaxQ.z5Yr65OE5U8lC2ORIcTADM0xj1ckgGm\n"


def _log_in(monkeypatch: pytest.MonkeyPatch, password: str = SECRET) -> None:
    monkeypatch.setenv("LEDGER_REGISTRY_USERNAME", "user")
    monkeypatch.setenv("LEDGER_REGISTRY_PASSWORD", password)


def _line(state: str, says: str) -> str:
    return f"{state:9}{'registry':13}{says}\n"


def _publish(ledger: Run, registry: RealRegistry, folder: Path, *options: object) -> Outcome:
    upstream = Upstream.create(folder / "ledger.git", settings=registry.settings())
    return ledger("publish", "myorg/app:v1", "--source", SOURCE, "--repo", upstream.url, *options)


class Closed:
    """A registry with TLS from a throw-away CA and htpasswd, and an image in it."""

    registry: RealRegistry
    ca: Path
    digest: str

    def __init__(self, registry: RealRegistry, ca: Path, digest: str) -> None:
        self.registry, self.ca, self.digest = registry, ca, digest


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closed]:
    folder = tmp_path_factory.mktemp("closed")
    certificate = make_certificate(folder)
    with real_registry(folder / "registry", htpasswd=HTPASSWD, certificate=certificate) as registry:
        layout = Layout.image(folder / "layout", "closed")
        yield Closed(registry, certificate[0], registry.push(layout, "myorg/app:v1"))


def test_a_private_ca_by_option_and_a_password_let_us_in(
    ledger: Run, closed: Closed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _log_in(monkeypatch)
    done = _publish(ledger, closed.registry, tmp_path, "--ca-file", closed.ca)
    assert done.code == 0, done.err
    assert (done.json["digest"], done.json["verified"]) == (closed.digest, True)


def test_a_private_ca_from_the_environment_is_trusted(
    ledger: Run, closed: Closed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _log_in(monkeypatch)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(closed.ca))
    assert _publish(ledger, closed.registry, tmp_path).code == 0


def test_without_its_ca_the_registry_is_not_trusted_and_gets_no_password(
    ledger: Run, closed: Closed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _log_in(monkeypatch)
    done = _publish(ledger, closed.registry, tmp_path)
    assert done.code == 5
    assert "certificate is not trusted" in done.err
    assert SECRET not in done.err


@pytest.mark.parametrize("content", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\nrubbish\n"])
def test_a_file_that_is_not_a_ca_certificate_is_a_usage_error(
    ledger: Run, closed: Closed, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    done = _publish(ledger, closed.registry, tmp_path, "--ca-file", file)
    assert done.code == 2, done.err
    assert str(file) in done.err


def test_a_wrong_password_is_denied_and_not_shown(
    ledger: Run, closed: Closed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _log_in(monkeypatch, "wrong-password")
    done = _publish(ledger, closed.registry, tmp_path, "--ca-file", closed.ca)
    assert done.code == 6
    assert "wrong-password" not in done.out + done.err
    assert f"ledger doctor {closed.registry.host}" in done.err


def test_reconcile_that_is_not_let_in_knows_nothing_and_exits_5(
    ledger: Run, closed: Closed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _log_in(monkeypatch)
    upstream = Upstream.create(tmp_path / "l.git", settings=closed.registry.settings())
    ca = ("--ca-file", closed.ca)
    assert ledger("publish", "myorg/app:v1", "--source", SOURCE, "--repo", upstream.url, *ca).code == 0
    assert ledger("reconcile", "--repo", upstream.url, *ca).code == 0
    _log_in(monkeypatch, "wrong-password")
    done = ledger("reconcile", "--repo", upstream.url, "--format", "json", *ca)
    assert (done.code, done.json["summary"]) == (5, {"unknown": 1})


def test_doctor_says_where_a_credential_comes_from_and_whether_it_works(
    ledger: Run, closed: Closed, hermetic: Path
) -> None:
    host, ca = closed.registry.host, ("--ca-file", closed.ca)
    anonymous = ledger("doctor", host, *ca)
    assert (anonymous.code, anonymous.out) == (
        6, _line("problem", f"{host}: anonymous: no credential is configured: refused, it answers 401" + LOG_IN),
    )  # fmt: skip
    config = hermetic / ".docker" / "config.json"
    config.parent.mkdir()
    config.write_text((closed.registry.auth_file or Path()).read_text())
    works = ledger("doctor", host, *ca)
    assert (works.code, works.out) == (0, _line("ok", f"{host}: user user, from auths of {config}: works"))
    wrong = {"auths": {host: {"username": "user", "password": "wrong-password"}}}
    config.write_text(json.dumps(wrong))
    refused = ledger("doctor", host, *ca)
    assert refused.code == 6
    assert f"user user, from auths of {config}: refused" in refused.out
    assert "password" not in refused.out + refused.err


def test_doctor_of_a_registry_that_does_not_answer_exits_5(ledger: Run) -> None:
    assert ledger("doctor", f"http://127.0.0.1:{free_port()}").code == 5


def test_doctor_of_a_malformed_host_is_a_usage_error_that_shows_no_password(ledger: Run) -> None:
    done = ledger("doctor", "https://user:hunter22@registry.example.com")
    assert done.code == 2
    assert "hunter22" not in done.err


class Tokens:
    """A registry behind a token server, and an image in it."""

    def __init__(self, registry: RealRegistry, wire: Wire, digest: str) -> None:
        self.registry, self.wire, self.digest = registry, wire, digest


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tokens]:
    folder = tmp_path_factory.mktemp("tokens")
    keys = TokenKeys.make(folder)
    with wire_server() as wire:
        wire.on("/token", token_script(keys, user="user", password=SECRET))
        realm = f"{wire.url}/token"
        with real_registry(folder / "registry", token_realm=realm, token_roots=keys.certificate) as registry:
            layout = Layout.image(folder / "layout", "tokens")
            yield Tokens(registry, wire, registry.push(layout, "myorg/app:v1"))


def test_a_token_server_is_asked_once_for_what_a_look_needs(
    ledger: Run, tokens: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _log_in(monkeypatch)
    tokens.wire.asked.clear()
    done = _publish(ledger, tokens.registry, tmp_path)
    assert done.code == 0, done.err
    assert (done.json["digest"], done.json["verified"]) == (tokens.digest, True)
    assert [one.path for one in tokens.wire.asked] == ["/token?service=registry&scope=repository%3Amyorg%2Fapp%3Apull"]


def test_a_credential_that_the_token_server_refuses_is_denied(
    ledger: Run, tokens: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _log_in(monkeypatch, "wrong-password")
    done = _publish(ledger, tokens.registry, tmp_path)
    assert done.code == 6
    assert "wrong-password" not in done.out + done.err
    told = ledger("doctor", tokens.registry.url)
    assert told.code == 6
    assert "user user, from LEDGER_REGISTRY_USERNAME and LEDGER_REGISTRY_PASSWORD: refused" in told.out


def test_what_is_missing_behind_a_login_is_missing_only_for_who_may_look(
    ledger: Run, closed: Closed, tokens: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, registry in (("myorg/app:v2", closed.registry), ("myorg/other:v1", tokens.registry)):
        upstream = Upstream.create(tmp_path / f"{name}.git", settings=registry.settings())
        for password, code in ((SECRET, 3), ("wrong-password", 6)):
            _log_in(monkeypatch, password)
            done = ledger("publish", name, "--source", SOURCE, "--repo", upstream.url, "--ca-file", closed.ca)
            assert (done.code, f"has no {name}" in done.err) == (code, code == 3), done.err


def test_doctor_logs_in_at_a_token_server(ledger: Run, tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    _log_in(monkeypatch)
    done = ledger("doctor", tokens.registry.url)
    assert done.code == 0, done.out
    assert done.out.endswith(": works\n")
    assert SECRET not in done.out + done.err


@pytest.fixture
def wire() -> Iterator[Wire]:
    with wire_server() as server:
        yield server


def test_where_everybody_is_let_in_a_password_is_not_said_to_work(
    ledger: Run, open_registry: RealRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = open_registry
    anonymous, who = ledger("doctor", registry.url), "anonymous: no credential is configured"
    assert (anonymous.code, anonymous.out) == (
        0, _line("ok", f"{registry.host} by plain HTTP: {who}: let in without a login"),
    )  # fmt: skip
    _log_in(monkeypatch, "wrong-password")
    done = ledger("doctor", registry.url)
    assert (done.code, done.out) == (
        0,
        _line(
            "ok",
            f"{registry.host} by plain HTTP: user user, from LEDGER_REGISTRY_USERNAME and LEDGER_REGISTRY_PASSWORD: "
            "not checked, since the registry lets everybody in",
        ),
    )


@pytest.mark.parametrize("status", [401, 403])
def test_a_password_that_is_refused_where_everybody_is_let_in_is_said_to_be_refused(
    ledger: Run, wire: Wire, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    _log_in(monkeypatch)
    wire.root = lambda asked: Reply(status) if asked.authorization else API_ROOT
    done = ledger("doctor", wire.url)
    assert done.code == 6
    assert done.out.endswith(f": refused, it answers {status}{LOG_IN}\n")


BASIC = "Basic " + base64.b64encode(f"user:{SECRET}".encode()).decode()


@pytest.mark.parametrize(("password", "code"), [(SECRET, 0), ("wrong-password", 6)])
@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
def test_where_only_the_list_of_repositories_asks_for_a_login_it_is_tried_there(
    ledger: Run, wire: Wire, monkeypatch: pytest.MonkeyPatch, scheme: str, password: str, code: int
) -> None:
    realm = {"Basic": "x", "Bearer": f"{wire.url}/token"}[scheme]
    right = {"Basic": BASIC, "Bearer": "Bearer good"}[scheme]
    challenge = unauthorized(f'{scheme} realm="{realm}",scope="registry:catalog:*"')
    wire.on("/v2/_catalog", lambda asked: as_json({}) if asked.authorization == right else challenge)
    wire.on("/token", lambda asked: as_json({"token": "good"}) if asked.authorization == BASIC else Reply(401))
    _log_in(monkeypatch, password)
    done = ledger("doctor", wire.url)
    assert done.code == code, done.out + done.err
    assert (": works\n" in done.out) == (code == 0)
    assert (": refused, " in done.out) == (code == 6)


def test_a_login_that_may_not_list_repositories_is_not_refused(
    ledger: Run, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = unauthorized(f'Bearer realm="{wire.url}/token",scope="registry:catalog:*",error="insufficient_scope"')
    wire.on("/v2/_catalog", refusal)
    wire.on("/token", as_json({"token": "good"}))
    _log_in(monkeypatch)
    done = ledger("doctor", wire.url)
    assert (done.code, "not checked" in done.out) == (0, True)


def test_an_identity_token_that_nobody_asks_for_is_not_checked(ledger: Run, wire: Wire, hermetic: Path) -> None:
    config = hermetic / ".docker" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"auths": {wire.host: {"identitytoken": "identity-secret"}}}))
    done = ledger("doctor", wire.url)
    assert done.code == 0
    assert all(not one.authorization and not one.body for one in wire.asked)
    assert done.out.endswith(
        f": an identity token, from auths of {config}: not checked, since the registry lets everybody in\n"
    )


def test_an_identity_token_is_tried_where_the_list_of_repositories_asks_for_it(
    ledger: Run, wire: Wire, hermetic: Path
) -> None:
    config = hermetic / ".docker" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"auths": {wire.host: {"identitytoken": "identity-secret"}}}))
    challenge = unauthorized(f'Bearer realm="{wire.url}/token"')
    wire.on("/v2/_catalog", lambda asked: as_json({}) if asked.authorization == "Bearer good" else challenge)
    wire.on("POST /token", as_json({"access_token": "good"}))
    assert ledger("doctor", wire.url).out.endswith(": works\n")
    wire.on("POST /token", Reply(401))
    assert ledger("doctor", wire.url).code == 6


def test_doctor_takes_the_scheme_from_ledger_yaml_and_works_without_a_ledger(
    ledger: Run, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = _line("ok", f"{wire.host} by plain HTTP: anonymous: no credential is configured: let in without a login")
    upstream = Upstream.create(tmp_path / "ledger.git", settings=f"registries:\n  - host: {wire.url}\n    name: main\n")
    for typed in (wire.host, "main", wire.url):
        done = ledger("doctor", typed, "--repo", upstream.url)
        assert (done.code, done.out, done.err) == (0, said, "")
    monkeypatch.chdir(tmp_path)
    done = ledger("doctor", wire.host)
    assert (done.code, done.err) == (5, "")
    assert (
        f"problem  registry     https://{wire.host} did not answer: it does not speak TLS, but plain HTTP; " in done.out
    )
    assert f"write `- host: {wire.url}` under `registries` in ledger.yaml" in done.out
    assert ledger("doctor", f"https://{wire.host}", "--repo", upstream.url).code == 5
    gone = ledger("doctor", wire.url.removeprefix("http://"), "--repo", tmp_path / "gone")
    assert f"note     ledger.yaml  {wire.host} is asked by https, since ledger.yaml is not known: " in gone.out


@pytest.mark.parametrize("typed", ["{}", "http://{}"])
def test_publish_takes_a_registry_with_and_without_its_scheme(
    ledger: Run, wire: Wire, tmp_path: Path, typed: str
) -> None:
    wire.on("/v2/myorg/app/manifests/v1", served(image()))
    wire.on(f"/v2/myorg/app/manifests/{sha256(image())}", served(image()))
    wire.on(f"/v2/myorg/app/blobs/{sha256(config())}", Reply(body=config()))
    upstream = Upstream.create(tmp_path / "ledger.git", settings=f"registries:\n  - host: {wire.url}\n    name: main\n")
    words = ("publish", "myorg/app:v1", "--source", SOURCE, "--repo", upstream.url, "--dry-run")
    assert ledger(*words, "--registry", typed.format(wire.host)).code == 0
    wrong = ledger(*words, "--registry", f"https://{wire.host}")
    assert (wrong.code, f"does not say that https://{wire.host} serves" in wrong.err) == (2, True)


def test_an_anonymous_token_is_not_a_login(ledger: Run, wire: Wire) -> None:
    wire.root = lambda asked: API_ROOT if asked.authorization else unauthorized(f'Bearer realm="{wire.url}/token"')
    wire.on("/token", as_json({"token": "anonymous"}))
    done = ledger("doctor", wire.url)
    assert (done.code, done.out) == (
        0, _line("ok", f"{wire.host} by plain HTTP: anonymous: no credential is configured: let in without a login"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("root", "code", "says"),
    [
        (
            Reply(404, {"Content-Type": "text/html"}),
            5,
            "does not answer as a registry: at `/v2/` it answers 404; check its address",
        ),
        (
            Reply(200, {"Content-Type": "text/html"}, b"<html>"),
            5,
            "does not answer as a registry: at `/v2/` it answers 200 with a page, where a registry sends JSON or",
        ),
        (Reply(200, {}, b"pong"), 5, "it answers 200 with something, where a registry sends JSON or nothing"),
        (Reply(403), 6, "denies access to everything: at `/v2/` it answers 403; ask whoever runs it"),
        (Reply(429, {"Retry-After": "90"}), 5, "limits the rate of requests (429); it asks us to wait 90 s; run it"),
    ],
)
def test_doctor_says_what_it_is_that_does_not_answer_as_a_registry_and_sends_no_password(
    ledger: Run, wire: Wire, monkeypatch: pytest.MonkeyPatch, root: Reply, code: int, says: str
) -> None:
    _log_in(monkeypatch)
    wire.root = root
    done = ledger("doctor", wire.url)
    assert (done.code, says in done.out) == (code, True), done.out
    assert all(not one.authorization for one in wire.asked)


@pytest.mark.parametrize("typed", ["localhost:99999", "http://localhost:0", "registry.example.com:65536"])
def test_a_port_that_does_not_exist_is_a_mistake_of_the_one_who_typed_it(ledger: Run, typed: str) -> None:
    done = ledger("doctor", typed)
    assert (done.code, "has a port that does not exist" in done.err) == (2, True), done.err


def test_doctor_of_nothing_is_not_the_whole_doctor(ledger: Run) -> None:
    done = ledger("doctor", "")
    assert (done.code, done.out) == (2, "")
    assert "`HOST` is given an empty value" in done.err


@pytest.mark.parametrize(("password", "code"), [(SECRET, 0), ("wrong-password", 6)])
def test_doctor_asks_a_registry_behind_a_page_that_asks_for_basic(
    ledger: Run, wire: Wire, monkeypatch: pytest.MonkeyPatch, password: str, code: int
) -> None:
    page = Reply(401, {"WWW-Authenticate": 'Basic realm="x"', "Content-Type": "text/html"}, b"<html>401</html>")
    right = "Basic " + base64.b64encode(f"user:{SECRET}".encode()).decode()
    wire.root = lambda asked: API_ROOT if asked.authorization == right else page
    _log_in(monkeypatch, password)
    done = ledger("doctor", wire.url)
    assert done.code == code, done.out + done.err
    assert done.out.endswith(": works\n" if code == 0 else f": refused, it answers 401{LOG_IN}\n")
    wire.root = lambda asked: Reply(200, {}, b"<html>") if asked.authorization == right else page
    assert ledger("doctor", wire.url).code == {0: 5, 6: 6}[code]


@pytest.mark.parametrize("command", ["doctor", "publish", "reconcile"])
def test_a_malformed_proxy_is_a_usage_error_that_does_not_repeat_its_password(
    ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:hunter22@")
    records = ledger_bytes(record())
    settings = "registries:\n  - host: registry.example.com\n"
    upstream = Upstream.create(tmp_path / "ledger.git", content=records, settings=settings)
    words = {
        "doctor": ["doctor", "registry.example.com"],
        "publish": ["publish", "myorg/app:v1", "--source", SOURCE, "--repo", upstream.url],
        "reconcile": ["reconcile", "--repo", upstream.url],
    }
    done = ledger(*words[command])
    assert done.code == 2, done.out + done.err
    assert (
        "problem  registry     " if command == "doctor" else "error: "
    ) + "HTTPS_PROXY is not the address of a proxy" in (done.out + done.err)
    assert "hunter22" not in done.out + done.err


@pytest.mark.parametrize("there", ["USERNAME", "PASSWORD"])
def test_half_a_login_in_the_environment_is_named_and_not_sent(
    ledger: Run, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    monkeypatch.setenv(f"LEDGER_REGISTRY_{there}", "half")
    with wire_server() as wire:
        done = ledger("doctor", wire.url)
        assert wire.asked == []
    assert done.code == 2
    missing = {"USERNAME": "PASSWORD", "PASSWORD": "USERNAME"}[there]
    assert f"LEDGER_REGISTRY_{there} is set, and LEDGER_REGISTRY_{missing} is not" in done.out


def test_credentials_of_a_kind_that_is_not_sent(ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with wire_server() as wire:
        wire.root = Reply(401, {**API_ROOT.headers, "WWW-Authenticate": 'Basic realm="r"'}, b'{"errors": []}')
        for entry, code, says in (
            ({"identitytoken": "an-identity-token"}, 6, "is an identity token, which was not sent"),
            ({"auth": base64.b64encode(b"nocolon").decode()}, 2, "is not the base64 of `USER:PASSWORD`"),
            ({"auth": "!!!"}, 2, "contain an `auth` that is not base64"),
        ):
            (tmp_path / "config.json").write_text(json.dumps({"auths": {wire.host: entry}}))
            done = ledger("doctor", wire.url)
            assert (done.code, says in done.out) == (code, True), done.out


def test_a_registry_that_disagrees_with_another_one_and_with_us_is_the_one_that_is_wrong(
    ledger: Run, tmp_path: Path
) -> None:
    with wire_server() as right, wire_server() as wrong:
        wrong.root = Reply(200, {**API_ROOT.headers, "Date": "Wed, 01 Jan 2020 00:00:00 GMT"}, API_ROOT.body)
        settings = f"registries: [{{host: '{wrong.url}'}}, {{host: '{right.url}'}}]\n"
        upstream = Upstream.create(tmp_path / "l.git", settings=settings)
        done = ledger("doctor", "--repo", upstream.url)
    assert done.code == 0, done.out
    (clock,) = [line for line in done.out.splitlines() if line[9:].startswith("clock")]
    assert clock.startswith(f"note     clock        agrees with that of {right.host}; that of {wrong.host} is ")
    assert clock.endswith(" years off")


def test_a_token_server_that_must_not_get_a_login_is_not_a_matter_of_the_login(ledger: Run, wire: Wire) -> None:
    wire.root = unauthorized('Bearer realm="http://registry.example.com/token"')
    done = ledger("doctor", wire.url)
    assert done.code == 6
    assert "names a token realm that is plain http, which is refused" in done.out
    assert "have it name an https address of its token server" in done.out
    assert "docker login" not in done.out


@pytest.mark.parametrize(
    ("challenge", "says"),
    [
        ("Negotiate", "asks for a login of a kind that is not supported here (Negotiate), so no credential was sent"),
        ("NTLM", "(Ntlm), so no credential was sent"),
        ('Digest realm="r", nonce="n"', "(Digest), so no credential was sent"),
        ("", "asks for a login without saying of which kind, so no credential was sent"),
        ('Bearer service="s"', "names no token realm that would issue it"),
    ],
)
def test_a_login_of_a_kind_that_is_not_sent_is_not_called_refused(
    ledger: Run, wire: Wire, monkeypatch: pytest.MonkeyPatch, challenge: str, says: str
) -> None:
    _log_in(monkeypatch)
    headers = {**API_ROOT.headers, "Content-Type": "application/json"} | (
        {"WWW-Authenticate": challenge} if challenge else {}
    )
    wire.root = Reply(401, headers, b'{"errors": [{"code": "UNAUTHORIZED"}]}')
    done = ledger("doctor", wire.url)
    assert (done.code, says in done.out) == (6, True), done.out
    assert "docker login" not in done.out
    assert not [one for one in wire.asked if one.authorization]


@pytest.mark.parametrize("host", ["[::1]:1", "127.0.0.1:1", "http://[::1]:1"])
def test_a_host_that_is_not_in_ledger_yaml_is_not_looked_for_there(
    ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = ledger("doctor", host)
    assert done.code == 5
    assert f"{host.removeprefix('http://')} did not answer" in done.out
    assert "ledger.yaml" not in done.out
    (tmp_path / "ledger.json").write_bytes(ledger_bytes())
    (tmp_path / "ledger.yaml").write_text(f"registries: [{{host: '{host}'}}]\n")
    assert "`host` in ledger.yaml" in ledger("doctor", host).out
