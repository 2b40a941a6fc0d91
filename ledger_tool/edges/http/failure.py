"""Why a host was not reached, and what to do about it: one table for registries, forges and git remotes.

What the layers below say is read in two places, `edges.http.causes` (exceptions) and `edges.git.unreached` (git's
words). What is not told apart with certainty has a cause that says no more than what is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Cause(Enum):
    """What happened on the way to a host."""

    UNKNOWN_NAME = auto()
    SILENT_NAME_SERVER = auto()
    REFUSED = auto()
    NO_ROUTE = auto()
    UNCONNECTED = auto()  # and nobody says why
    NO_CONNECTION = auto()  # in time
    NO_ANSWER = auto()  # in time
    UNFINISHED = auto()  # in time, and nobody says how far it came
    CLOSED = auto()  # without an answer, or in the middle of it
    NOT_HTTP = auto()
    PLAIN_HTTP = auto()  # seen to answer by plain HTTP where TLS was tried
    NO_TLS = auto()
    ONLY_TLS = auto()  # seen to speak TLS where plain HTTP was tried
    UNTRUSTED = auto()  # and nobody says why
    UNKNOWN_CA = auto()
    SELF_SIGNED = auto()
    EXPIRED = auto()
    NOT_YET_VALID = auto()
    OTHER_NAME = auto()
    REVOKED = auto()
    OLD_TLS = auto()
    NO_HANDSHAKE = auto()
    CLIENT_CERTIFICATE = auto()
    PROXY_LOGIN = auto()
    PROXY_REFUSES = auto()
    PROXY_WITHOUT_TLS = auto()
    PROXY_UNTRUSTED = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Setup:
    """Where a person says how a kind of host is reached; `{host}` stands for the host with its port.

    `address` names the place of its address, `plain_http` and `tls` are what to write to have it asked that way, `ca`
    how to name the file of its CA.
    """

    address: str
    plain_http: str
    tls: str
    ca: str


REGISTRY = Setup(
    address="`host` in ledger.yaml",
    plain_http="write `- host: http://{host}` under `registries` in ledger.yaml",
    tls="write `- host: {host}` under `registries` in ledger.yaml",
    ca="`--ca-file FILE` or REQUESTS_CA_BUNDLE",
)
TYPED = Setup(
    address="the host that was typed",
    plain_http="type `http://{host}`, and " + REGISTRY.plain_http,
    tls="type `{host}`, and " + REGISTRY.tls,
    ca=REGISTRY.ca,
)
FORGE = Setup(
    address="the remote's URL, or LEDGER_FORGE_URL",
    plain_http="set LEDGER_FORGE_URL to `http://{host}`",
    tls="set LEDGER_FORGE_URL to `https://{host}`",
    ca="REQUESTS_CA_BUNDLE or SSL_CERT_FILE",
)
GIT = Setup(
    address="the ledger's URL (`--repo`, or the checkout's remote)",
    plain_http="use the address that begins with `http://{host}/`",
    tls="use the address that begins with `https://{host}/`",
    ca="GIT_SSL_CAINFO",
)
ORIGIN = Setup(
    address="the URL of the manifests' `origin` (`git remote set-url origin URL`)",
    plain_http=GIT.plain_http,
    tls=GIT.tls,
    ca=GIT.ca,
)
ELSEWHERE = Setup(
    address="the address that the host before it sends us to",
    plain_http="have the host that sends us there use `http://{host}`",
    tls="have the host that sends us there use `https://{host}`",
    ca="`--ca-file FILE` or REQUESTS_CA_BUNDLE",
)


@dataclass(frozen=True, slots=True)
class Route:
    """How a host was asked. `host` has a port only where it was given; `proxy` is `HOST:PORT`, or `""` for none.

    `proxy_from` says where the proxy is set, the last three how long was waited, in seconds (0: not known).
    """

    scheme: str
    host: str
    setup: Setup
    proxy: str = ""
    proxy_from: str = ""
    connect_seconds: float = 0.0
    read_seconds: float = 0.0
    whole_seconds: float = 0.0

    @property
    def port(self) -> str:
        """The port, also the usual one."""
        _, colon, port = self.host.rpartition(":")
        usual = {"http": "80", "https": "443", "ssh": "22"}.get(self.scheme, "")
        return port if colon and port.isdigit() else usual

    @property
    def name(self) -> str:
        """The host without its port."""
        head, colon, port = self.host.rpartition(":")
        return head if colon and port.isdigit() else self.host


@dataclass(frozen=True, slots=True)
class Failure:
    """What happened, to follow `did not answer: `, and what to do. `is_denied` if a login is missing or refused."""

    says: str
    hint: str
    is_denied: bool = False


_LASTING = {
    Cause.PLAIN_HTTP, Cause.NO_TLS, Cause.ONLY_TLS, Cause.UNTRUSTED, Cause.UNKNOWN_CA, Cause.SELF_SIGNED,
    Cause.EXPIRED, Cause.NOT_YET_VALID, Cause.OTHER_NAME, Cause.REVOKED, Cause.OLD_TLS, Cause.NO_HANDSHAKE,
    Cause.CLIENT_CERTIFICATE, Cause.PROXY_LOGIN, Cause.PROXY_WITHOUT_TLS,
    Cause.PROXY_UNTRUSTED,
}  # fmt: skip
_TO_CONNECT = {
    Cause.UNKNOWN_NAME, Cause.SILENT_NAME_SERVER, Cause.REFUSED, Cause.NO_ROUTE, Cause.UNCONNECTED, Cause.NO_CONNECTION,
}  # fmt: skip


def is_lasting(cause: Cause) -> bool:
    """Return whether asking again at once would end the same."""
    return cause in _LASTING


def is_unsent(cause: Cause) -> bool:
    """Return whether the host has certainly not taken a request in."""
    return cause in _LASTING | _TO_CONNECT | {Cause.PROXY_REFUSES}


def failure(cause: Cause, route: Route, detail: str = "") -> Failure:
    """Return what to tell a person about a cause; `detail` is what a proxy answered, or why nothing else is known."""
    if cause in _OF_PROXY:
        return _of_proxy(cause, route, detail)
    says, hint = _WORDS[cause] if cause is not Cause.UNKNOWN else (detail, _CHECK_ALL)
    if route.proxy and cause in _TO_CONNECT:  # it is the proxy that was connected to
        says, hint = _TO_PROXY[cause]
    elif route.proxy:
        says += ", through the proxy {proxy}"
        if cause in (Cause.NO_ANSWER, Cause.CLOSED, Cause.NOT_HTTP):
            hint = "run it again; if that keeps failing, check the host and {proxy_from}"
    if cause is Cause.UNKNOWN_NAME and not route.proxy and "." not in route.name and ":" not in route.name:
        hint = f"write the whole name; {hint}"
    return Failure(_filled(says, route), _filled(hint, route), is_denied=cause is Cause.CLIENT_CERTIFICATE)


def _of_proxy(cause: Cause, route: Route, detail: str) -> Failure:
    says, hint = _OF_PROXY[cause]
    answer = f" ({detail})" if detail else ""
    return Failure(_filled(says, route) + answer, _filled(hint, route), is_denied=cause is Cause.PROXY_LOGIN)


def _filled(text: str, route: Route) -> str:
    """Return a text of the tables with the places and names of a route."""
    setup = route.setup
    values = {
        "plain_http": setup.plain_http, "tls": setup.tls, "address": setup.address, "ca": setup.ca,
        "connect": _within(route.connect_seconds), "read": _within(route.read_seconds),
        "whole": _within(route.whole_seconds),
        "proxy_from": route.proxy_from or "the proxy's settings", "proxy": route.proxy,
        "host": route.host, "name": route.name, "port": route.port,
    }  # fmt: skip
    for key, value in values.items():  # those of a setup first: they name the host
        text = text.replace(f"{{{key}}}", value)
    return text


def _within(seconds: float) -> str:
    return f"within {round(seconds, 1):g} s" if seconds else "in time"


_CHECK_ALL = "run it again; if that keeps failing, check {address}, the network and any proxy"
_RENEW = "have the certificate renewed; if it is valid, set the clock of this machine"
_DIRECT = "check {proxy_from}; a host that is reached without a proxy belongs in no_proxy"
_WORDS: dict[Cause, tuple[str, str]] = {
    Cause.UNKNOWN_NAME: (
        "the name {name} does not resolve",
        "correct {address}; if it is right, check the DNS of this machine and its VPN",
    ),
    Cause.SILENT_NAME_SERVER: (
        "the DNS of this machine gave no answer for {name}",
        "run it again; if that keeps failing, check the network and the DNS of this machine",
    ),
    Cause.REFUSED: (
        "nothing listens on port {port}, or a firewall refuses the connection",
        "start the server, or correct the port of {address}",
    ),
    Cause.UNCONNECTED: ("no connection to port {port}", _CHECK_ALL),
    Cause.NO_ROUTE: ("there is no route to it", "check the network of this machine, and its VPN"),
    Cause.NO_CONNECTION: (
        "no connection {connect}",
        "run it again; if that keeps failing, check {address} and the firewall, and whether this network needs a "
        "proxy (`https_proxy`)",
    ),
    Cause.NO_ANSWER: (
        "it takes connections, but said nothing {read}",
        "run it again; if that keeps failing, check the server, and the port of {address}",
    ),
    Cause.UNFINISHED: (
        "its answer was not complete {whole}",
        "run it again; if that keeps failing, check the server, the network and any proxy",
    ),
    Cause.CLOSED: (
        "it closed the connection before its answer was complete",
        "run it again; if that keeps failing, check the server, and the port of {address}",
    ),
    Cause.NOT_HTTP: ("its answer is not HTTP", "correct the port of {address}"),
    Cause.PLAIN_HTTP: (
        "it does not speak TLS, but plain HTTP",
        "if that is intended, {plain_http}; anybody on the way can read and change what plain HTTP carries",
    ),
    Cause.NO_TLS: (
        "it does not speak TLS",
        "correct the port of {address}; if it is a plain-HTTP server, {plain_http}",
    ),
    Cause.ONLY_TLS: ("it speaks TLS, and was asked by plain HTTP", "{tls}"),
    Cause.UNTRUSTED: (
        "its certificate is not trusted",
        "pass its CA with {ca}; if the certificate has expired, have it renewed",
    ),
    Cause.UNKNOWN_CA: ("its certificate is not trusted: its CA is unknown here", "pass the file of its CA with {ca}"),
    Cause.SELF_SIGNED: (
        "its certificate is not trusted: it is self-signed, or signed by a CA that is unknown here",
        "ask whoever runs the host for the file of its CA, and pass it with {ca}",
    ),
    Cause.EXPIRED: ("its certificate is not trusted: it has expired", _RENEW),
    Cause.NOT_YET_VALID: ("its certificate is not trusted: it is not valid yet", "set the clock of this machine"),
    Cause.OTHER_NAME: (
        "its certificate is not trusted: it is not for {name}",
        "put a name that the certificate is for into {address}, or have this one added to it",
    ),
    Cause.REVOKED: ("its certificate is not trusted: it is revoked", "ask whoever runs the host for a new one"),
    Cause.OLD_TLS: (
        "it has no version of TLS that is accepted here (1.2 or newer)",
        "update the server, or what answers in front of it",
    ),
    Cause.NO_HANDSHAKE: (
        "it refuses the TLS handshake",
        "check that {address} is its right name; it may want a client certificate, or offer only old ciphers",
    ),
    Cause.CLIENT_CERTIFICATE: (
        "it wants a client certificate, and `ledger` sends none",
        "use an address of it that takes a user name and password, or a token",
    ),
}
_TO_PROXY: dict[Cause, tuple[str, str]] = {
    Cause.UNKNOWN_NAME: ("the name of the proxy {proxy} does not resolve", _DIRECT),
    Cause.SILENT_NAME_SERVER: ("the DNS of this machine gave no answer for the proxy {proxy}", _DIRECT),
    Cause.REFUSED: ("the proxy {proxy} refused the connection", _DIRECT),
    Cause.NO_ROUTE: ("there is no route to the proxy {proxy}", _DIRECT),
    Cause.UNCONNECTED: ("no connection to the proxy {proxy}", _DIRECT),
    Cause.NO_CONNECTION: ("no connection to the proxy {proxy} {connect}", _DIRECT),
}
_OF_PROXY: dict[Cause, tuple[str, str]] = {
    Cause.PROXY_LOGIN: (
        "the proxy {proxy} wants a login, or refuses the one that it gets",
        "put `USER:PASSWORD@` in front of the proxy's host in {proxy_from}",
    ),
    Cause.PROXY_REFUSES: (
        "the proxy {proxy} does not connect to {host}",
        "have the proxy allow it, or check {proxy_from}; a host that is reached without a proxy belongs in no_proxy",
    ),
    Cause.PROXY_WITHOUT_TLS: (
        "the proxy {proxy} does not speak TLS",
        "write `http://` in front of the proxy in {proxy_from}: what goes through it is still encrypted",
    ),
    Cause.PROXY_UNTRUSTED: (
        "the certificate of the proxy {proxy} is not trusted",
        "pass the file of the proxy's CA with {ca}, or check {proxy_from}",
    ),
}
