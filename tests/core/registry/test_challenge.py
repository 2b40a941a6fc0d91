"""`WWW-Authenticate`, and which token realm may get a credential."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.registry.challenge import Challenge, parse_challenges, why_unsafe

HUB = {"realm": "https://auth.docker.io/token", "service": "registry.docker.io"}
EXAMPLES = [
    ('Bearer realm="https://auth.docker.io/token",service="registry.docker.io"', [Challenge("bearer", HUB)]),
    ('bearer Realm = "https://auth.docker.io/token" , service=registry.docker.io', [Challenge("bearer", HUB)]),
    ('Basic realm="a"', [Challenge("basic", {"realm": "a"})]),
    ("Basic", [Challenge("basic")]),
    (
        'Bearer realm="a",scope="repository:x:pull,push"',
        [Challenge("bearer", {"realm": "a", "scope": "repository:x:pull,push"})],
    ),
    (r'Bearer realm="a\"b\\c"', [Challenge("bearer", {"realm": 'a"b\\c'})]),
    (
        'Basic realm="a", Bearer realm="b",service="c"',
        [Challenge("basic", {"realm": "a"}), Challenge("bearer", {"realm": "b", "service": "c"})],
    ),
    ('Negotiate, Basic realm="a"', [Challenge("negotiate"), Challenge("basic", {"realm": "a"})]),
    ("", []),
    ("nonsense", []),
]


@pytest.mark.parametrize(("header", "expected"), EXAMPLES)
def test_challenges_are_read_as_the_rfc_has_them(header: str, expected: list[Challenge]) -> None:
    assert parse_challenges(header) == expected


@given(st.text(max_size=300) | st.text('Bearer asic="\\, :/', max_size=300))
def test_no_header_breaks_the_reader(header: str) -> None:
    for one in parse_challenges(header):
        assert one.scheme == one.scheme.lower()
        assert all(isinstance(value, str) for value in one.parameters.values())


@pytest.mark.parametrize("filler", ["a", "a=", '"', '\\"', ",", " ", "Basic,", 'Bearer a="', "\\", ", a"])
def test_a_long_header_is_read_in_little_time(filler: str) -> None:
    started = time.process_time()
    parse_challenges('Bearer a="' + filler * 65_536)
    parse_challenges("Bearer a=" + filler * 65_536)
    assert time.process_time() - started < 3.0


PUBLIC = "registry.example.com"
SAFE = [
    ("https://registry.example.com/token", PUBLIC, False),
    ("https://auth.example.org/token?account=x", PUBLIC, False),
    ("https://10.0.0.5/token", "10.0.0.5:5000", False),
    ("https://[2001:db8::1]/token", PUBLIC, False),
    ("http://registry.example.com:5001/token", "registry.example.com:5000", True),
    ("https://auth.example.org/token", PUBLIC, True),
    ("http://127.0.0.1:5001/token", "127.0.0.1:5000", True),
    ("http://localhost:5001/token", "127.0.0.1:5000", True),
    ("https://localhost:5001/token", "localhost:5000", False),
    ("http://[::1]:5001/token", "[::1]:5000", True),
]
UNSAFE_EVERYWHERE = [
    "", "token", "/token", "//registry.example.com/token", "ftp://registry.example.com/", "file:///etc/passwd",
    "javascript:x", "https://", "https:///token", "https://user:pw@registry.example.com/", "https://user@x.example/",
    "https://registry.example.com/#x", "https://registry.example.com:99999/", "https://[", "https://x.example\\@y.example/",
    "https://x.example /", "https://x.exa\tmple/", "http://169.254.169.254/", "https://169.254.169.254/",
    "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://0.0.0.0/", "https://[::]/", "https://[::ffff:169.254.169.254]/",
    "https://2852039166/", "https://0xa9fea9fe/", "https://0xa9.254.169.254/", "https://0251.0376.0251.0376/",
    "https://169.254.43518/",
]  # fmt: skip
LOOPBACK = [
    "127.0.0.1", "127.255.0.9", "localhost", "LOCALHOST", "a.localhost", "localhost.", "127.0.0.1.", "[::1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "2130706433", "0x7f000001", "0x7f.1", "127.1",
    "017700000001", "0177.0.0.1", "１２７.0.0.1", "127。0。0。1", "ⓛocalhost", "%31%32%37.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize(("realm", "registry", "plain_http"), SAFE)
def test_a_realm_as_safe_as_its_registry_is_taken(realm: str, registry: str, plain_http: bool) -> None:
    assert why_unsafe(realm, registry, plain_http=plain_http) == ""


@pytest.mark.parametrize("realm", UNSAFE_EVERYWHERE)
def test_a_realm_that_is_malformed_or_link_local_is_never_used(realm: str) -> None:
    for registry in (PUBLIC, "127.0.0.1:5000", "localhost"):
        for plain_http in (True, False):
            assert why_unsafe(realm, registry, plain_http=plain_http), (realm, registry, plain_http)


@pytest.mark.parametrize("host", LOOPBACK)
def test_a_public_registry_cannot_name_this_machine_in_any_spelling(host: str) -> None:
    for scheme in ("http", "https"):
        for plain_http in (True, False):
            assert why_unsafe(f"{scheme}://{host}:8080/token", PUBLIC, plain_http=plain_http)


def test_plain_http_is_for_the_same_host_and_where_it_is_configured() -> None:
    assert why_unsafe("http://registry.example.com/token", PUBLIC, plain_http=False) == "is plain http"
    assert why_unsafe("http://auth.example.org/token", PUBLIC, plain_http=True) == "is plain http"


_hosts = st.one_of(
    st.sampled_from(LOOPBACK),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map("[{}]".format),
    st.integers(0, 2**32 - 1).map(str),
    st.integers(0, 2**32 - 1).map(hex),
    st.text("abc.localhost0123456789:[]%@\\/ x-", max_size=20),
)


@given(st.sampled_from(["http", "https", "HTTPS", "ftp", ""]), _hosts, st.text(max_size=10))
def test_a_public_https_registry_is_held_to_https_and_to_other_machines(scheme: str, host: str, rest: str) -> None:
    realm = f"{scheme}://{host}/{rest}"
    if why_unsafe(realm, PUBLIC, plain_http=False):
        return
    assert scheme.lower() == "https"
    bare = host.lower().strip("[]")
    assert not bare.startswith(("127.", "169.254.", "fe80", "0.", "0x", "::ffff:7f", "::ffff:a9fe"))
    assert bare not in ("::1", "::", "localhost", "0")
    assert not bare.isdigit()
    assert not bare.endswith(".localhost")


@given(st.text(max_size=60), st.booleans())
def test_no_realm_breaks_the_check(realm: str, plain_http: bool) -> None:
    why_unsafe(realm, "registry.example.com", plain_http=plain_http)
