"""HTTP to one host: patience, deadlines, redirects, proxies, and who sees a credential."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter

from ledger_tool.core.registry.address import is_loopback
from ledger_tool.edges.http import host as hosts
from ledger_tool.edges.http.client import Line, retry_after
from ledger_tool.edges.http.host import Host
from ledger_tool.edges.http.proxies import check_proxies, check_proxy
from ledger_tool.errors import Unreachable, UsageError
from tests.support.git.servers import free_port, make_certificate, silent_server
from tests.support.registries.clients import BASIC, LOGIN, Rig, rig
from tests.support.registries.wire import Asked, Reply, Wire, image, served, sha256, unauthorized, wire_server

V1 = "/v2/myorg/app/manifests/v1"
HONEST = served(image())
BUSY = Reply(429)


@pytest.fixture
def at(wire: Wire) -> Iterator[Rig]:
    with rig(wire) as made:
        yield made


def _busy(after: str) -> Reply:
    return Reply(429, {"Retry-After": after})


def test_a_failure_twice_and_then_an_answer_is_an_answer(wire: Wire, at: Rig) -> None:
    for status in (500, 502, 503, 504, 429):
        wire.on(V1, Reply(status), Reply(status), HONEST)
        assert at.client.look("myorg/app", "v1") == sha256(image())
    assert wire.count() == 15
    assert max(at.slept) < 3.0


def test_retry_after_in_seconds_and_as_a_date_is_honoured(wire: Wire, at: Rig) -> None:
    wire.on(V1, _busy("7"), _busy(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)), HONEST)
    at.client.look("myorg/app", "v1")
    assert 5.0 < at.slept[0] < 7.5
    assert 25.0 < at.slept[1] < 31.0


@pytest.mark.parametrize("after", ["", "soon", "-5", "1e9", "٣", "Mon, 99 Foo 2026", "Mon, 01 Jan 0001 00:00:00 -0000"])
def test_garbage_in_retry_after_is_ignored(wire: Wire, at: Rig, after: str) -> None:
    wire.on(V1, _busy(after.encode().decode("latin-1")), HONEST)
    assert at.client.look("myorg/app", "v1") == sha256(image())
    assert sum(at.slept) < 5.0


@given(
    st.text(max_size=40)
    | st.from_regex(r"\A[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,5} \d\d:\d\d:\d\d [+-]?\d{0,6}\Z")
)
def test_no_retry_after_breaks_anything(value: str) -> None:
    found = retry_after(value)
    assert found is None or found >= 0.0


def test_an_hour_is_more_patience_than_a_run_has_and_nobody_else_knocks(wire: Wire, at: Rig) -> None:
    wire.on(V1, _busy("3600"))
    with pytest.raises(Unreachable, match="limits the rate of requests"):
        at.client.look("myorg/app", "v1")
    for tag in ("v1", "v2", "v3"):
        with pytest.raises(Unreachable, match="asks us to wait 3"):
            at.client.look("myorg/app", tag)
    assert (wire.count(), at.slept) == (1, [])


def test_a_429_slows_the_whole_host_down_and_not_one_request(wire: Wire, at: Rig) -> None:
    wire.on(V1, _busy("20"), HONEST)
    wire.on("/v2/myorg/other/manifests/v1", HONEST)
    at.client.look("myorg/app", "v1")
    before = len(at.slept)
    at.client.look("myorg/other", "v1")
    assert len(at.slept) == before + 1
    assert at.slept[-1] > 15.0


def test_a_storm_of_429s_ends_after_four_tries(wire: Wire, at: Rig) -> None:
    wire.on(V1, BUSY)
    with pytest.raises(Unreachable, match="429"):
        at.client.look("myorg/app", "v1")
    assert wire.count() == 4


def test_after_a_429_that_outlasts_the_patience_the_host_is_not_asked_again(wire: Wire, at: Rig) -> None:
    wire.on(V1, BUSY)
    wire.on("/v2/myorg/other/manifests/v1", HONEST)
    with pytest.raises(Unreachable, match="limits the rate of requests"):
        at.client.look("myorg/app", "v1")
    for image_name in ("myorg/app", "myorg/other"):
        with pytest.raises(Unreachable, match="keeps limiting the rate of requests"):
            at.client.look(image_name, "v1")
    assert wire.count() == 4


def test_a_host_that_is_down_is_given_up_for_everybody_after_eight_tries() -> None:
    tried: list[float] = []
    host = Host(Line(f"http://127.0.0.1:{free_port()}"), sleep=tried.append)
    for _ in range(2):
        with pytest.raises(Unreachable, match="did not answer: nothing listens on port"):
            host.request("HEAD", f"{host.origin}/v2/", {}, limit=0)
    before = len(tried)
    for _ in range(1000):
        with pytest.raises(Unreachable, match="keeps failing: nothing listens on port"):
            host.request("HEAD", f"{host.origin}/v2/", {}, limit=0)
    assert len(tried) == before
    host.close()


def test_a_host_that_says_nothing_times_out() -> None:
    with silent_server() as port:
        host = Host(Line(f"http://127.0.0.1:{port}", read_seconds=0.05), sleep=lambda _: None)
        with pytest.raises(Unreachable, match="did not answer: it takes connections, but said nothing"):
            host.request("HEAD", f"{host.origin}/v2/", {}, limit=0)
        host.close()


def test_a_host_that_says_nothing_is_not_asked_again_when_that_has_taken_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "SILENCE_SECONDS", 0.05)
    tried: list[float] = []
    with silent_server() as port:
        host = Host(Line(f"http://127.0.0.1:{port}"), sleep=tried.append)
        with pytest.raises(Unreachable, match="said nothing within"):
            host.request("HEAD", f"{host.origin}/v2/", {}, limit=0)
        host.close()
    assert tried == []


@pytest.mark.parametrize("in_headers", [True, False])
def test_an_answer_that_never_ends_is_bounded_and_not_asked_for_again(wire: Wire, in_headers: bool) -> None:
    wire.on(V1, wire.dawdling(b"HTTP/1.1 200 OK\r\nX: " if in_headers else b"{", in_headers=in_headers))
    with rig(wire, request_seconds=0.2) as at, pytest.raises(Unreachable, match="its answer was not complete within"):
        at.client.manifest("myorg/app", "v1")
    assert wire.count(V1) == 1


def test_headers_that_never_end_are_bounded(wire: Wire, at: Rig) -> None:
    line = b"X-Filler: " + b"x" * 1000 + b"\r\n"
    wire.on(V1, Reply(raw=lambda: [b"HTTP/1.1 200 OK\r\n", *([line] * 10_000)]))
    with pytest.raises(Unreachable):
        at.client.look("myorg/app", "v1")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0\1\2\r\n\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://\xff..\xff/\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://" + b"a" * 300 + b"/\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://a..b/\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:99999/\r\n\r\n",
    ],
)
def test_an_answer_that_is_not_http_is_reported_as_unreachable(wire: Wire, at: Rig, raw: bytes) -> None:
    wire.on(V1, Reply(raw=lambda: [raw]))
    with pytest.raises(Unreachable):
        at.client.manifest("myorg/app", "v1")


def test_a_redirect_to_another_host_is_followed_and_sees_no_credential(wire: Wire, other: Wire) -> None:
    wire.on(V1, unauthorized('Basic realm="x"'), Reply(307, {"Location": f"{other.url}/elsewhere"}))
    other.on("/elsewhere", HONEST)
    with rig(wire, LOGIN) as at:
        found = at.client.manifest("myorg/app", "v1")
    assert getattr(found, "digest", "") == sha256(image())
    assert wire.asked[-1].authorization == BASIC
    (seen,) = other.asked
    assert "authorization" not in seen.headers
    assert "cookie" not in seen.headers


def test_a_redirect_within_the_host_keeps_the_credential(wire: Wire) -> None:
    wire.on(V1, unauthorized('Basic realm="x"'), Reply(302, {"Location": "/moved?a=b#part"}))
    wire.on("/moved", HONEST)
    with rig(wire, LOGIN) as at:
        at.client.look("myorg/app", "v1")
    assert [one.authorization for one in wire.asked] == ["", BASIC, BASIC]
    assert wire.asked[-1].path == "/moved?a=b"


def test_a_host_that_a_redirect_leads_to_cannot_ask_for_the_password(wire: Wire, other: Wire) -> None:
    wire.on(V1, Reply(307, {"Location": f"{other.url}/elsewhere"}))
    other.on("/elsewhere", unauthorized(f'Bearer realm="{other.url}/token"'))
    other.on("/token", lambda asked: Reply(body=b'{"token": "x"}'))
    with rig(wire, LOGIN) as at, pytest.raises(Unreachable, match=f"sends us to {other.url}, which answers 401"):
        at.client.look("myorg/app", "v1")
    assert other.count("/token") == 0
    assert all(not one.authorization for one in other.asked)


def test_a_redirect_loop_ends_and_is_not_tried_again(wire: Wire, at: Rig) -> None:
    wire.on(V1, Reply(302, {"Location": V1}))
    with pytest.raises(Unreachable, match="more than 5 redirects"):
        at.client.look("myorg/app", "v1")
    assert wire.count() == 6


@pytest.mark.parametrize("target", ["ftp://example.com/x", "file:///etc/passwd", "http://user:hunter22@example.com/"])
def test_a_redirect_to_anything_but_a_web_address_is_refused(wire: Wire, at: Rig, target: str) -> None:
    wire.on(V1, Reply(302, {"Location": target}))
    with pytest.raises(Unreachable, match="is not followed") as caught:
        at.client.look("myorg/app", "v1")
    assert "hunter22" not in caught.value.message
    assert wire.count() == 1


def test_a_redirect_from_https_to_http_is_refused(other: Wire, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with wire_server(certificate) as wire, rig(wire, ca_file=str(certificate[0])) as at:
        wire.on(V1, Reply(302, {"Location": f"{other.url}/x?X-Amz-Signature=hunter22"}))
        with pytest.raises(Unreachable, match="is not followed") as caught:
            at.client.look("myorg/app", "v1")
        assert "hunter22" not in caught.value.message
    assert other.asked == []


INTERNAL = [
    "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/", "http://[2002:a9fe:a9fe::1]/", "http://[::169.254.169.254]/", "http://0.0.0.0/",
    "http://0.0.0.7/", "http://[::]/", "http://224.0.0.1/", "http://255.255.255.255/", "http://[fd00:ec2::254]/",
    "http://100.100.100.200/latest", "http://METADATA.google.internal/", "http://2852039166/", "http://0xa9fea9fe/",
    "http://169.254.43518/", "http://0251.0376.0251.0376/", "http://[fe80::1%25lo]/", "https://169.254.169.254/",
    "http://metadata.google.internal./",
]  # fmt: skip


@pytest.mark.parametrize("target", INTERNAL)
def test_a_redirect_to_a_link_local_or_metadata_address_is_refused(wire: Wire, at: Rig, target: str) -> None:
    wire.on(V1, Reply(307, {"Location": target}))
    with pytest.raises(Unreachable, match="where it sends us, is"):
        at.client.look("myorg/app", "v1")
    assert wire.count() == 1


def test_a_redirect_to_loopback_is_only_for_a_registry_that_is_there_itself(
    wire: Wire, other: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry is reached through a proxy, and so is not on this machine; loopback is reached without it."""
    monkeypatch.setenv("http_proxy", wire.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost,localhost.localdomain")
    for place in (f"127.0.0.1:{other.port}", f"localhost:{other.port}", f"[::1]:{other.port}"):
        wire.on(f"http://registry.example.com{V1}", Reply(302, {"Location": f"http://{place}{V1}"}))
        host = Host(Line("http://registry.example.com"))
        with pytest.raises(Unreachable, match="an address of this machine"):
            host.request("GET", f"{host.origin}{V1}", {}, limit=1000)
        host.close()
    assert other.asked == []


def test_a_name_that_leads_to_loopback_is_an_address_of_this_machine(
    wire: Wire, other: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = socket.gethostname()
    if not any(is_loopback(str(info[4][0])) for info in socket.getaddrinfo(name, None)):
        name = "localhost"
    monkeypatch.setenv("http_proxy", wire.url)
    monkeypatch.setenv("no_proxy", name)
    wire.on(f"http://registry.example.com{V1}", Reply(302, {"Location": f"http://{name}:{other.port}{V1}"}))
    host = Host(Line("http://registry.example.com"))
    with pytest.raises(Unreachable, match="an address of this machine"):
        host.request("GET", f"{host.origin}{V1}", {}, limit=1000)
    host.close()
    assert other.asked == []


@pytest.mark.parametrize("reply", [Reply(500), Reply(503), BUSY, _busy("3600")])
def test_a_host_that_a_redirect_leads_to_fails_on_its_own_account(
    wire: Wire, other: Wire, at: Rig, reply: Reply
) -> None:
    wire.on("*", Reply(307, {"Location": f"{other.url}/store"}))
    wire.on(V1, HONEST)
    other.on("/store", reply)
    for number in range(10):
        with pytest.raises(Unreachable, match=other.host):
            at.client.manifest("myorg/app", f"x{number}")
        assert at.client.look("myorg/app", "v1") == sha256(image())
    assert other.count() <= 40


def test_a_host_that_a_redirect_leads_to_and_that_is_down_does_not_make_the_registry_look_down(
    wire: Wire, at: Rig
) -> None:
    wire.on("*", Reply(307, {"Location": f"http://127.0.0.1:{free_port()}/store"}))
    wire.on(V1, HONEST)
    for number in range(10):
        with pytest.raises(Unreachable, match=r"where .* sends us, (did not answer|keeps failing)"):
            at.client.manifest("myorg/app", f"x{number}")
        assert at.client.look("myorg/app", "v1") == sha256(image())


def test_a_netrc_and_cookies_are_ignored(wire: Wire, hermetic: Path, at: Rig) -> None:
    netrc = hermetic / ".netrc"
    netrc.write_text("machine 127.0.0.1 login robot password hunter22\ndefault login a password b\n")
    netrc.chmod(0o600)
    cookie = Reply(headers={"Set-Cookie": "a=b", "Docker-Content-Digest": sha256(image())})
    wire.on(V1, cookie)
    at.client.look("myorg/app", "v1")
    at.client.look("myorg/app", "v1")
    assert all(not one.authorization and "cookie" not in one.headers for one in wire.asked)


def test_a_proxy_of_the_environment_is_used_and_no_proxy_too(
    wire: Wire, other: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    other.on("http://registry.example.com" + V1, HONEST)
    monkeypatch.setenv("http_proxy", other.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    host = Host(Line("http://registry.example.com"))
    answer = host.request("HEAD", f"http://registry.example.com{V1}", {}, limit=0)
    assert (answer.status, other.count()) == (200, 1)
    wire.on(V1, HONEST)
    near = Host(Line(wire.url))
    direct = near.request("HEAD", f"{wire.url}{V1}", {}, limit=0)
    assert (direct.status, other.count(), wire.count()) == (200, 1, 1)
    host.close()
    near.close()


def test_https_goes_through_a_proxy_as_a_tunnel(other: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"http://user:hunter22@{other.host}")
    host = Host(Line("https://registry.example.com"), sleep=lambda _: None)
    with pytest.raises(Unreachable) as caught:
        host.request("HEAD", "https://registry.example.com/v2/", {}, limit=0, authorization=BASIC)
    assert "hunter22" not in caught.value.message
    assert other.count("registry.example.com:443", "CONNECT") == 4
    assert all(not one.authorization for one in other.asked)
    host.close()


PROXIES = [
    "http://user:hunter22@", "http://", "://", "http:///x", "http://h:99999", "http://h:hunter22", "http://[::1",
    "user:hunter22@h:1:2", "http://u:hunter22%C5%82@h:1", "http://ł:hunter22@h:1",
    "ftp://h:1", "http://ho st:1", "http://\x01", " http://h:1", "http://a..b:1", "http://.:1",
    "http:127.0.0.1:9", "http://h:0", "socks9://h:1", "http://" + "a" * 70, "http://h\\x:1",
]  # fmt: skip


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_malformed_proxy_is_a_usage_error_that_names_the_variable_and_not_the_password(
    proxy: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(UsageError, match=f"{variable} is not the address of a proxy") as caught:
        Line("https://registry.example.com")
    assert "hunter22" not in caught.value.message + caught.value.hint
    with pytest.raises(UsageError, match=f"{variable} is not the address of a proxy"):  # which git would use, too
        check_proxies("https://git.example.com/x", {variable: proxy})


def test_a_malformed_proxy_that_is_not_used_is_no_matter(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:x@")
    monkeypatch.setenv("HTTP_PROXY", "http://user:x@")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    host = Host(Line(wire.url))
    wire.on(V1, HONEST)
    assert host.request("HEAD", f"{wire.url}{V1}", {}, limit=0).status == 200
    host.close()


@given(
    st.text("htp:/@[]%.05CEéł \x7f\\", max_size=20),
    st.sampled_from(["", "http://", "https://u:p@", "//", "http://%C5%82@"]),
)
def test_whatever_is_taken_for_a_proxy_is_one_for_requests_too(rest: str, scheme: str) -> None:
    proxy = scheme + rest
    try:
        check_proxy(proxy, {})
    except UsageError:
        return
    request = requests.Request("GET", "https://registry.example.com/").prepare()
    adapter = HTTPAdapter()
    adapter.get_connection_with_tls_context(request, True, {"all": proxy})
    adapter.proxy_headers(proxy)


def test_eight_threads_share_one_slow_down(wire: Wire, at: Rig) -> None:
    """The first answer says when to come again; whoever has not begun by then waits for it."""
    seen = threading.Event()

    def script(asked: Asked) -> Reply:
        if not seen.is_set():
            seen.set()
            return _busy("30")
        return HONEST

    wire.on(V1, script)
    at.client.look("myorg/app", "v1")
    threads = [threading.Thread(target=at.client.look, args=("myorg/app", "v1")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in at.slept if one > 20.0]) == 9
    assert wire.count() == 10
