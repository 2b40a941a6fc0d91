"""What git's words mean when a remote was not reached at all: curl's, in the words of OpenSSL and GnuTLS, and ssh's.

The words about a name, a port or a certificate come from this machine; what a server says is read in `refusals`.
"""

from __future__ import annotations

import os
import re

from ledger_tool.edges.git.location import Address
from ledger_tool.edges.git.refusals import NO_PAGE, without_names
from ledger_tool.edges.git.user_settings import user_settings
from ledger_tool.edges.http.failure import GIT, ORIGIN, Cause, Failure, Route, failure
from ledger_tool.edges.http.probe import sharpened
from ledger_tool.edges.http.proxies import place_of, variable_for
from ledger_tool.errors import UsageError

_TUNNEL = re.compile(r"CONNECT tunnel failed, response (\d{3})|HTTP code (\d{3}) from proxy after CONNECT")
_PLAIN_407 = re.compile(r"(?:returned error: |HTTP )407")
_PEER = re.compile(r"(?:Failed to connect to|connect to host) (\S+) port (\d{1,5})")
_UNRESOLVED = re.compile(r"Could not resolve host: (\S+)")
_PROXY_SETTING = re.compile(r"http\.(?:.*\.)?proxy")
_NO_PROXY_NAME = re.compile(r"Could not resolve proxy")
# The first that matches counts.
_CAUSES = (
    (r"Temporary failure in name resolution", Cause.SILENT_NAME_SERVER),
    (r"Could not resolve (?:host|proxy|it\b)", Cause.UNKNOWN_NAME),
    (r"Connection refused", Cause.REFUSED),
    (r"No route to host|Network is unreachable", Cause.NO_ROUTE),
    (r"Operation too slow|Operation timed out after \d+ milliseconds with", Cause.NO_ANSWER),
    (r"Connection timed out|Operation timed out|Timeout was reached|Connection timeout", Cause.NO_CONNECTION),
    (r"Couldn't connect to server|Failed to connect to", Cause.UNCONNECTED),
    (r"certificate has expired|certificate is expired|has expired certificate", Cause.EXPIRED),
    (r"certificate is not yet (?:valid|activated)", Cause.NOT_YET_VALID),
    (r"certificate[^\n]{0,300} does not match|no alternative certificate subject name", Cause.OTHER_NAME),
    (r"certificate (?:is|was|has been) revoked", Cause.REVOKED),
    (r"self[- ]signed certificate", Cause.SELF_SIGNED),
    (r"unable to get (?:local )?issuer certificate|unknown (?:CA|issuer)", Cause.UNKNOWN_CA),
    (r"server certificate|SSL certificate problem|certificate verif", Cause.UNTRUSTED),
    (r"unexpected TLS packet|wrong version number|record layer failure|SSL routines:[^\n]*http request", Cause.NO_TLS),
    (r"alert protocol version|unsupported protocol|no protocols available|unsupported TLS version", Cause.OLD_TLS),
    (r"alert certificate required", Cause.CLIENT_CERTIFICATE),
    (r"Received (?:HTTP/0\.9|it) when not allowed|Unsupported HTTP|Weird server reply", Cause.NOT_HTTP),
    (
        r"Empty reply from server|Connection (?:was )?reset|Connection closed by|non-properly terminated"
        r"|SSL_ERROR_SYSCALL|SSL_connect: |unexpected(?:ly)? (?:EOF|eof)|connection unexpectedly closed",
        Cause.CLOSED,
    ),
    (r"gnutls_handshake\(\) failed|handshake failure", Cause.NO_HANDSHAKE),
)


def proxy_failure(words: str, address: Address) -> Failure | None:
    """Return what a proxy on the way refused, or None. A server's own refusals look alike, so this comes first."""
    if address.scheme not in ("http", "https"):
        return None
    words = without_names(words)
    if answer := _TUNNEL.search(words):
        status = answer[1] or answer[2]
        cause = Cause.PROXY_LOGIN if status == "407" else Cause.PROXY_REFUSES
        return failure(cause, _route(address, "", is_through=True), f"it answers {status}")
    if _PLAIN_407.search(words):
        return failure(Cause.PROXY_LOGIN, _route(address, "", is_through=True), "it answers 407")
    return None


def unreached(words: str, address: Address) -> Failure | None:
    """Return why a remote was not reached, or None if git's words do not say it."""
    if not address.host:
        return None
    peer, unresolved, words = _PEER.search(words), _UNRESOLVED.search(words), without_names(words)
    cause = next((cause for pattern, cause in _CAUSES if re.search(pattern, words)), None)
    if cause is None:
        return None
    place = f"{peer[1]}:{peer[2]}" if peer else ""
    if address.scheme != "ssh" and (elsewhere := _sent_on(address, place, unresolved[1] if unresolved else "")):
        told = failure(cause, elsewhere)
        return Failure(f"git is sent on to {elsewhere.host}: {told.says}", NO_PAGE)
    route = _route(address, place, is_through=bool(_NO_PROXY_NAME.search(words)))
    return failure(sharpened(cause, route), route)


def _sent_on(address: Address, peer: str, unresolved: str) -> Route | None:
    """Return the route to the place that a redirect led to, or None if git was at the remote or at a proxy."""
    own = Route(address.scheme, address.host, GIT)
    if unresolved:  # a proxy's name has other words
        return Route("", unresolved, GIT) if unresolved.lower() != own.name.strip("[]").lower() else None
    if not peer or peer.lower() == _place(own) or variable_for(address.url, os.environ) or _has_git_a_proxy():
        return None
    return Route("", peer, GIT)


def _place(route: Route) -> str:
    return f"{route.name.strip('[]')}:{route.port}".lower()


def _has_git_a_proxy() -> bool:
    try:
        return any(_PROXY_SETTING.fullmatch(setting.key) for setting in user_settings(None))
    except UsageError:
        return True


def _route(address: Address, peer: str, *, is_through: bool) -> Route:
    """Return the route to a remote; `peer` is what git connected to: another place than the remote is a proxy.

    `is_through` if git itself speaks of a proxy.
    """
    setup = GIT if address.is_ledgers else ORIGIN
    direct = Route(address.scheme, address.host, setup)
    variable = variable_for(address.url, os.environ) if address.scheme != "ssh" else ""
    configured = place_of(os.environ[variable]) if variable else ""
    is_elsewhere = bool(peer) and peer.lower() != _place(direct)
    if address.scheme == "ssh" or not (is_elsewhere or is_through or (configured and not peer)):
        return direct
    where = f"{variable} and git's `http.proxy`" if variable else "git's `http.proxy`"
    return Route(address.scheme, address.host, setup, proxy=peer or configured or "that git uses", proxy_from=where)
