"""What git, curl and ssh say when a remote was not reached, in the words of several versions of each."""

from __future__ import annotations

import pytest

from ledger_tool.edges.git.location import Address, parse_address
from ledger_tool.edges.git.process import Completed
from ledger_tool.edges.git.server_words import fetch_error
from ledger_tool.errors import Denied, LedgerError, Unreachable, UsageError

HTTPS = "https://git.example.invalid:8443/team/ledger.git"
SSH = "ssh://git@git.example.invalid/team/ledger.git"
AT = f"fatal: unable to access '{HTTPS}/': "
WORDS = {
    f"{AT}Could not resolve host: git.example.invalid": "the name git.example.invalid does not resolve",
    f"{AT}Failed to connect to git.example.invalid port 8443: Connection refused": "nothing listens on port 8443",
    f"{AT}Failed to connect to git.example.invalid port 8443 after 3 ms: Couldn't connect to server": (
        "no connection to port 8443"
    ),
    f"{AT}Failed to connect to git.example.invalid port 8443: No route to host": "there is no route to it",
    f"{AT}Failed to connect to git.example.invalid port 8443: Connection timed out": "no connection in time",
    f"{AT}Operation too slow. Less than 1 bytes/sec transferred the last 30 seconds": "said nothing in time",
    f"{AT}SSL certificate problem: certificate has expired": "its certificate is not trusted: it has expired",
    f"{AT}SSL certificate problem: certificate is not yet valid": "it is not valid yet",
    f"{AT}SSL certificate problem: unable to get local issuer certificate": "its CA is unknown here",
    f"{AT}SSL certificate problem: self-signed certificate in certificate chain": "it is self-signed, or signed by",
    f"{AT}SSL certificate problem: self signed certificate": "it is self-signed, or signed by",
    f"{AT}server certificate verification failed. CAfile: none CRLfile: none": "its certificate is not trusted (",
    f"{AT}SSL: no alternative certificate subject name matches target host name 'git.example.invalid'": (
        "it is not for git.example.invalid"
    ),
    f"{AT}SSL: certificate subject name (other) does not match target host name 'git.example.invalid'": (
        "it is not for git.example.invalid"
    ),
    f"{AT}error:0A00010B:SSL routines::wrong version number": "it does not speak TLS",
    f"{AT}TLS connect error: error:0A00010B:SSL routines::wrong version number": "it does not speak TLS",
    f"{AT}gnutls_handshake() failed: An unexpected TLS packet was received.": "it does not speak TLS",
    f"{AT}error:0A00042E:SSL routines::tlsv1 alert protocol version": "it has no version of TLS that is accepted here",
    f"{AT}error:0A00045C:SSL routines::tlsv13 alert certificate required": "it wants a client certificate",
    f"{AT}gnutls_handshake() failed: Handshake failed": "it refuses the TLS handshake",
    f"{AT}Empty reply from server": "it closed the connection",
    f"{AT}OpenSSL SSL_connect: Connection reset by peer in connection to git.example.invalid:8443": (
        "it closed the connection"
    ),
    f"{AT}Received HTTP/0.9 when not allowed": "its answer is not HTTP",
    f"{AT}Could not resolve proxy: proxy.example.invalid": "the name of the proxy that git uses does not resolve",
    f"{AT}Failed to connect to other.example.invalid port 3128: Connection refused": (
        "git is sent on to other.example.invalid:3128: nothing listens on port 3128"
    ),
    f"{AT}Could not resolve host: other.example.invalid": "git is sent on to other.example.invalid: the name other.ex",
    f"{AT}Received HTTP code 407 from proxy after CONNECT": "wants a login, or refuses the one that it gets",
    f"{AT}CONNECT tunnel failed, response 407": "wants a login, or refuses the one that it gets",
    f"{AT}The requested URL returned error: 407": "wants a login, or refuses the one that it gets",
    f"{AT}CONNECT tunnel failed, response 403": (
        "the proxy that git uses does not connect to git.example.invalid:8443 (it answers 403)"
    ),
}
SSH_WORDS = {
    "ssh: Could not resolve hostname git.example.invalid: Name or service not known": (
        "the name git.example.invalid does not resolve"
    ),
    "ssh: Could not resolve hostname git.example.invalid: Temporary failure in name resolution": (
        "the DNS of this machine gave no answer for git.example.invalid"
    ),
    "ssh: connect to host git.example.invalid port 22: Connection refused": "nothing listens on port 22",
    "ssh: connect to host git.example.invalid port 22: Connection timed out": "no connection in time",
    "ssh: connect to host git.example.invalid port 22: Network is unreachable": "there is no route to it",
    "kex_exchange_identification: Connection closed by remote host": "it closed the connection",
}


def _error(url: str, words: str) -> LedgerError:
    address = parse_address(url)
    assert isinstance(address, Address)
    return fetch_error(Completed(128, b"", words), address, "main")


@pytest.mark.parametrize(("words", "says"), WORDS.items())
def test_the_words_of_curl_are_told_apart(words: str, says: str) -> None:
    error = _error(HTTPS, words)
    assert error.message.startswith(f"could not reach {HTTPS}: ")
    assert says in error.message
    assert isinstance(error, Denied if "407" in words or "client certificate" in says else Unreachable)
    assert error.hint


@pytest.mark.parametrize(("words", "says"), SSH_WORDS.items())
def test_the_words_of_ssh_are_told_apart(words: str, says: str) -> None:
    error = _error(SSH, f"{words}\nfatal: Could not read from remote repository.")
    assert error.message == f"could not reach {SSH}: {error.message.partition(f'{SSH}: ')[2]}"
    assert says in error.message
    assert error.message.endswith(f"({words})")
    assert isinstance(error, Unreachable)


@pytest.mark.parametrize(
    "name", ["certificate has expired", "Could not resolve proxy", "Connection refused", "response 407"]
)
def test_names_that_people_chose_say_nothing(name: str) -> None:
    url = f"https://git.example.invalid/{name.replace(' ', '-')}.git"
    error = _error(url, f"fatal: unable to access '{url}/': {name.replace(' ', '/')}/x/y something new")
    assert error.message == f"could not reach {url}: {name.replace(' ', '/')}/x/y something new"


def test_what_the_server_says_is_not_taken_for_the_words_of_this_machine() -> None:
    error = _error(SSH, "remote: Connection refused: the certificate has expired\nfatal: early end of input")
    assert "port" not in error.message.partition("(")[0]
    assert "run it again" in error.hint


def test_a_refusal_of_the_server_is_still_one() -> None:
    assert isinstance(_error(HTTPS, f"{AT}The requested URL returned error: 403"), Denied)
    assert isinstance(_error(HTTPS, "fatal: couldn't find remote ref refs/heads/main"), UsageError)


@pytest.mark.parametrize("key", ["http.proxy", "http.https://git.example.invalid.proxy"])
def test_with_a_proxy_in_gits_settings_another_place_is_the_proxy(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", key)
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "http://proxy.example.invalid:3128")
    error = _error(HTTPS, f"{AT}Failed to connect to proxy.example.invalid port 3128: Connection refused")
    assert "the proxy proxy.example.invalid:3128 refused the connection" in error.message
