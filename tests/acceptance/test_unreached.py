"""A registry or a git host that is not reached: why, told apart for both by the same rules, and what to write where."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.git.servers import free_port, http_server, make_certificate, silent_server, speaking_server
from tests.support.git.upstream import Upstream, git
from tests.support.registries.registry import RealRegistry, real_registry
from tests.support.registries.wire import Reply, wire_server
from tests.support.values.doctor import problem
from tests.support.values.make import SOURCE, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
Ask = Callable[..., Outcome]
NO_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def _as_error(done: Outcome) -> Outcome:
    """Return what `doctor` says of a registry as another command would say it."""
    (check,) = done.json["checks"]
    assert (check["about"], check["state"], done.err) == ("registry", "problem", "")
    return Outcome(done.code, "", f"error: {check['message']}\n\nhint: {check['hint']}\n")


@pytest.fixture(params=["registry", "git"])
def ask(request: pytest.FixtureRequest, ledger: Run) -> Ask:
    """Return a function that has a command ask a host (with `http://` in front, or by https) and fail."""

    def run(host: str) -> Outcome:
        address = host if "://" in host else f"https://{host}"
        if request.param == "git":
            done = ledger("list", "--repo", f"{address}/team/ledger.git")
            assert done.out == ""
        else:
            done = _as_error(ledger("doctor", host, "--format", "json"))
        assert f"error: {'' if request.param == 'registry' else 'could not reach '}{address}" in done.err
        return done

    return run


def _fails(done: Outcome, says: str, *hints: str, code: int = 5) -> None:
    message, _, hint = done.err.partition("\n\nhint: ")
    assert (done.code, says in message) == (code, True), done.err
    for part in hints:
        assert part in hint, done.err


def test_a_name_that_does_not_resolve(ask: Ask) -> None:
    _fails(ask("no-such-host.invalid"), "the name no-such-host.invalid does not resolve", "DNS")


def test_a_port_on_which_nothing_listens(ask: Ask) -> None:
    port = free_port()
    _fails(ask(f"127.0.0.1:{port}"), f"port {port}")


def test_plain_http_behind_an_https_setting_names_the_address_to_write(ask: Ask) -> None:
    with wire_server() as wire:
        _fails(ask(wire.host), "it does not speak TLS, but plain HTTP", f"http://{wire.host}")


def test_neither_tls_nor_http(ask: Ask) -> None:
    with speaking_server(b"SSH-2.0-OpenSSH_9.9\r\n") as port:
        _fails(ask(f"127.0.0.1:{port}"), "it does not speak TLS", "correct the port of")
        _fails(ask(f"http://127.0.0.1:{port}"), "its answer is not HTTP", "correct the port of")


def test_a_connection_that_is_closed(ask: Ask) -> None:
    with speaking_server(b"") as port:
        for scheme in ("", "http://"):
            _fails(ask(f"{scheme}127.0.0.1:{port}"), "it closed the connection before its answer was complete")


@contextmanager
def _tls(folder: Path, monkeypatch: pytest.MonkeyPatch, *, days: int = 2, trusted: bool = True) -> Iterator[int]:
    certificate = make_certificate(folder, days=days)
    if trusted:
        for name in ("REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO"):
            monkeypatch.setenv(name, str(certificate[0]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with speaking_server(NO_LENGTH, context) as port:
        yield port


def test_tls_behind_an_http_setting_names_the_address_to_write(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _tls(tmp_path, monkeypatch) as port:
        _fails(ask(f"http://127.0.0.1:{port}"), "it speaks TLS, and was asked by plain HTTP", f"127.0.0.1:{port}")


def test_a_ca_that_is_not_known_here(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _tls(tmp_path, monkeypatch, trusted=False) as port:
        done = ask(f"127.0.0.1:{port}")
        _fails(done, "its certificate is not trusted")
        assert ("--ca-file FILE" in done.err) != ("GIT_SSL_CAINFO" in done.err)


def test_a_certificate_for_another_name(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _tls(tmp_path, monkeypatch) as port:
        _fails(ask(f"localhost:{port}"), "its certificate is not trusted: it is not for localhost")


def test_a_certificate_that_has_expired(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GnuTLS does not say why it does not trust a certificate."""
    with _tls(tmp_path, monkeypatch, days=-1) as port:
        _fails(ask(f"127.0.0.1:{port}"), "its certificate is not trusted", "have", "renewed")


@pytest.mark.parametrize(
    ("status", "says", "code"),
    [
        (407, "wants a login, or refuses the one that it gets (it answers 407)", 6),
        (403, "does not connect to registry.example.com (it answers 403)", 5),
        (502, "does not connect to registry.example.com (it answers 502)", 5),
    ],
)
def test_a_proxy_that_refuses(ask: Ask, monkeypatch: pytest.MonkeyPatch, status: int, says: str, code: int) -> None:
    with wire_server() as proxy:
        proxy.on("*", Reply(status))
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter22@{proxy.host}")
        done = ask("registry.example.com")
        _fails(done, f"the proxy {proxy.host} {says}", "HTTPS_PROXY", code=code)
        assert "hunter22" not in done.err


def test_a_proxy_for_plain_http_that_wants_a_login(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    with wire_server() as proxy:
        proxy.on("*", Reply(407))
        monkeypatch.setenv("http_proxy", proxy.url)
        _fails(ask("http://registry.example.com"), f"the proxy {proxy.host} wants a login", "http_proxy", code=6)


@pytest.mark.parametrize("proxy", ["no-such-proxy.invalid:3128", "127.0.0.1:1"])
def test_a_proxy_that_is_not_there(ask: Ask, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("https_proxy", f"http://user:hunter22@{proxy}")
    done = ask("registry.example.com")
    _fails(done, f"the proxy {proxy}", "https_proxy", "no_proxy")
    assert "hunter22" not in done.err


def test_publish_to_a_plain_http_registry_names_the_line_of_ledger_yaml(
    ledger: Run, open_registry: RealRegistry, tmp_path: Path
) -> None:
    settings = f"registries:\n  - host: {open_registry.host}\n"
    upstream = Upstream.create(tmp_path / "ledger.git", settings=settings)
    done = ledger("publish", "myorg/app:v1", "--source", SOURCE, "--repo", upstream.url)
    _fails(
        done,
        f"https://{open_registry.host} did not answer: it does not speak TLS, but plain HTTP",
        f"write `- host: http://{open_registry.host}` under `registries` in ledger.yaml",
    )


def test_a_real_registry_with_tls_that_is_asked_by_plain_http_names_the_line_of_ledger_yaml(
    ledger: Run, tmp_path: Path
) -> None:
    """Servers answer 400 to plain HTTP at a port for TLS, some with words of their own, and HEAD has none."""
    go = Reply(400, {"Content-Type": "text/plain"}, b"Client sent an HTTP request to an HTTPS server.\n")
    with wire_server() as wire:
        wire.on("*", go)
        done = ledger("doctor", wire.url)
        assert "it answers 400" in done.out  # without TLS at that port, it is an answer as any other

    with real_registry(tmp_path / "registry", certificate=make_certificate(tmp_path)) as registry:
        settings = f"registries:\n  - host: http://{registry.host}\n"
        upstream = Upstream.create(tmp_path / "ledger.git", settings=settings)
        upstream.commit_as_other_writer({"ledger.json": ledger_bytes(record("a", "v1"))})
        for words in (["publish", "myorg/app:v1", "--source", SOURCE], ["verify", "a:v1"]):
            done = ledger(*words, "--repo", upstream.url)
            assert done.code == 5
            assert "it speaks TLS, and was asked by plain HTTP" in done.out + done.err
            assert f"write `- host: {registry.host}` under `registries` in ledger.yaml" in done.out + done.err


def test_a_registry_that_sends_plain_http_on_to_https_names_the_line_of_ledger_yaml(
    ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    with wire_server(certificate) as secure, wire_server() as plain:
        plain.on("*", lambda asked: Reply(301, {"Location": secure.url + asked.path}))
        secure.on("*", Reply(401, {"WWW-Authenticate": 'Basic realm="x"'}))
        upstream = Upstream.create(tmp_path / "ledger.git", settings=f"registries:\n  - host: {plain.url}\n")
        done = ledger("publish", "myorg/app:v1", "--source", SOURCE, "--repo", upstream.url)
        _fails(done, "which answers 401: it wants TLS", f"write `- host: {secure.host}` under `registries`")


def test_a_registry_that_says_nothing_and_one_that_stays_down_keep_their_reason(ledger: Run, tmp_path: Path) -> None:
    records = [record("myorg/app", f"v{number}") for number in range(12)]
    settings = f"registries:\n  - host: http://127.0.0.1:{free_port()}\n"
    upstream = Upstream.create(tmp_path / "ledger.git", settings=settings)
    upstream.commit_as_other_writer({"ledger.json": ledger_bytes(*records)})
    done = ledger("reconcile", "--repo", upstream.url, "--format", "json", "--jobs", "1")
    assert (done.code, done.json["summary"]) == (5, {"unknown": 12})
    assert all("nothing listens on port" in finding["reason"] for finding in done.json["findings"])


def test_a_git_host_with_a_login_is_never_asked_for_more_than_whether_it_speaks_plain_http(
    ledger: Run, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_TOKEN", "ledger-token-0123456789")
    with http_server(upstream.path.parent, "ledger-token-0123456789") as server:
        done = ledger("list", "--repo", server.url("ledger.git").replace("http:", "https:"))
        _fails(done, "it does not speak TLS, but plain HTTP", f"http://127.0.0.1:{server.port}/")
        assert server.requests == []


def test_a_silent_git_host_is_given_up_in_time(ledger: Run) -> None:
    with silent_server() as port:
        done = ledger("list", "--repo", f"https://127.0.0.1:{port}/ledger.git", "--timeout", "1")
        _fails(done, "timed out after")


@pytest.mark.parametrize("page", [b"<html><body>Sign in</body></html>", b"{}", b"", b"<p>\n"])
def test_a_page_in_the_place_of_a_git_host_is_not_an_empty_ledger(ledger: Run, page: bytes) -> None:
    """To git, any page may be the list of the branches of a repository that is served as plain files."""
    with wire_server() as wire:
        wire.on("*", Reply(200, {"Content-Type": "text/html"}, page))
        for words in (("list",), ("publish", f"myorg/app:v1@{digest()}", "--source", SOURCE, "--offline")):
            done = ledger(*words, "--repo", f"{wire.url}/team/ledger.git")
            assert done.code == 2, done.err
            assert "is not the address of a git repository" in done.err
            assert "no login page or proxy answers in the host's place" in done.err
        done = ledger("doctor", "--repo", f"{wire.url}/team/ledger.git")
        problem(done, "remote", 2, "is not the address of a git repository")


def test_an_empty_repository_is_still_one(ledger: Run, upstream: Upstream) -> None:
    git("init", "--quiet", "--bare", upstream.path.parent / "empty.git")
    with http_server(upstream.path.parent, "") as server:
        done = ledger("list", "--repo", server.url("empty.git"))
    assert done.code == 2
    assert "is empty: it has no branch yet" in done.err


@pytest.mark.parametrize("place", ["nosuch.invalid", "127.0.0.1:1"])
def test_a_git_host_that_sends_git_on_to_one_that_is_not_reached(ledger: Run, place: str) -> None:
    """Neither the name in the ledger's URL is wrong, nor is the other place a proxy."""
    with wire_server() as wire:
        wire.on("*", Reply(301, {"Location": f"http://{place}/login"}))
        done = ledger("list", "--repo", f"{wire.url}/team/ledger.git")
        _fails(done, f"/team/ledger.git: git is sent on to {place}: ", "check the URL, and that no login page")
        assert "the name 127.0.0.1" not in done.err
        assert "the proxy" not in done.err


def test_a_git_host_that_limits_the_rate_of_requests(ledger: Run) -> None:
    with wire_server() as wire:
        wire.on("*", Reply(429))
        done = ledger("list", "--repo", f"{wire.url}/team/ledger.git")
    _fails(done, "limits the rate of requests (429)", "run it again later")
