"""Why an answer of a registry says nothing about what exists: errors, each with what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.policy.policy import Registry
from ledger_tool.edges.http.client import Answer, origin_of, retry_after
from ledger_tool.edges.http.failure import REGISTRY
from ledger_tool.edges.registry.credentials import Credential
from ledger_tool.errors import Denied, Unreachable

if TYPE_CHECKING:
    from ledger_tool.edges.registry.root import Root

_CHECK_THE_WAY = "check its address, and any proxy or ingress in front of it; run it again later"


class AbsenceUnproved(Denied):
    """A 404 (or 403) that says nothing, because of who asked; what the registry shows to others still counts."""


class AbsenceNotShown(Unreachable):
    """A registry's 404 to a path that may not be one of its own: it says nothing of what was asked for."""


class RealmRefused(Denied):
    """A registry sends whoever logs in to a place that must not get a credential."""


class TokenRefused(Unreachable):
    """The registry does not accept a token that its token server has just issued."""


def elsewhere(registry: Registry, answer: Answer) -> Unreachable:
    """Return the error for an answer of another host, to which the registry sent us."""
    scheme, host = origin_of(answer.url)
    message = f"{registry.host} sends us to {shown(f'{scheme}://{host}')}, which answers {answer.status}"
    if registry.plain_http and scheme == "https" and host.partition(":")[0] == registry.host.lower().partition(":")[0]:
        return Unreachable(
            f"{message}: it wants TLS, and was asked by plain HTTP", REGISTRY.tls.format(host=shown(host))
        )
    return Unreachable(message, "run it again later; if it stays, check where the registry stores its blobs")


def another_path(name: str, answer: Answer) -> Unreachable:
    """Return the error for an answer about something other than what was asked for, after a redirect."""
    path = answer.url.partition("://")[2].partition("/")[2].partition("?")[0]
    return Unreachable(f"{name} sends us to /{shown(path)}, which answers {answer.status}", _CHECK_THE_WAY)


def not_a_registry(name: str, root: Root) -> Unreachable:
    """Return the error for a host that does not answer as a registry at `/v2/`."""
    more = ""
    if root.answer.status == 200:
        what = "a page" if "html" in root.answer.headers.get("content-type", "") else "something"
        more = f" with {what}, where a registry sends JSON or nothing"
    status = root.answer.status
    return Unreachable(f"{name} does not answer as a registry: at `/v2/` it answers {status}{more}", _CHECK_THE_WAY)


def closed_or_no_registry(name: str, root: Root) -> Denied | Unreachable:
    """Return the same error, or the one for a host that lets nobody in, not even to log in."""
    if root.answer.status != 403:
        return not_a_registry(name, root)
    return Denied(
        f"{name} denies access to everything: at `/v2/` it answers 403",
        "ask whoever runs it, or a firewall or proxy in front of it, to let this machine in",
    )


def busy(name: str, answer: Answer, where: str = "") -> Unreachable:
    """Return the error for an answer that only says that the host cannot answer now, as it stayed after all tries."""
    if answer.status != 429:
        return Unreachable(f"{name} answers {answer.status}{where}", "run it again later")
    seconds = retry_after(answer.headers.get("retry-after", ""))
    wait = f"; it asks us to wait {seconds:.0f} s" if seconds else ""
    return Unreachable(
        f"{name} limits the rate of requests (429){wait}", "run it again later, log in, or use fewer `--jobs`"
    )


def check_kind(name: str, root: Root, credential: Credential | None) -> None:
    """Raise Denied for a registry that asks for a login of another kind than there is to send: then none is sent."""
    if root.asks and not root.challenges.keys() & {"basic", "bearer"}:
        kinds = shown(", ".join(scheme.title() for scheme in root.challenges))
        kind = f"of a kind that is not supported here ({kinds})" if kinds else "without saying of which kind"
        raise Denied(
            f"{name} asks for a login {kind}, so no credential was sent",
            "ask whoever runs it for an address that takes a user name and a password, or a token; check any proxy in "
            "front of it",
        )
    if root.asks and credential and credential.identity_token and "bearer" not in root.challenges:
        raise Denied(
            f"{name} asks for a user name and a password, and the credential from {credential.source} is an identity "
            "token, which was not sent",
            "log in with `docker login`, or set LEDGER_REGISTRY_USERNAME and LEDGER_REGISTRY_PASSWORD",
        )


def not_shown(name: str) -> AbsenceNotShown:
    """Return the error for a 404 with a body that no registry sends."""
    return AbsenceNotShown(f"{name} answers 404 with something other than a registry's error", _CHECK_THE_WAY)


def contradicted(name: str, answered: str) -> Unreachable:
    """Return the error for a registry that answers 404 to HEAD, and something else to GET of the same."""
    return Unreachable(f"{name} answers 404 to HEAD and {answered} to GET of the same", "run it again")


def not_logged_in(name: str, address: str) -> AbsenceUnproved:
    """Return the error for a 404 that others than anonymous clients may not get."""
    return AbsenceUnproved(
        f"{name} answers 404 to whoever is not logged in: that proves nothing",
        f"configure a credential that may read it, and try it with `ledger doctor {address}`",
    )


def withheld(name: str, scope: str, address: str) -> AbsenceUnproved:
    """Return the error for a 404 to a token that does not grant what was asked for."""
    repository = shown(scope.split(":", 1)[-1].rpartition(":")[0])
    return AbsenceUnproved(
        f"{name} answers 404 to a token that does not let the credential read {repository}: that proves nothing",
        f"give the credential access; `ledger doctor {address}` says which one is used",
    )
