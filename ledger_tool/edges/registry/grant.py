"""What lets requests in at a registry: Basic, or a token for one scope.

Source: distribution's token authentication specification. A read asks for `pull` and never for more. A write asks for
the scope that the registry names in its challenge (one says `delete`, another `*`), if it is for the same repository;
otherwise for the scope that distribution itself would name.
"""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.policy.policy import Registry
from ledger_tool.core.registry.challenge import Challenge, why_unsafe
from ledger_tool.edges.http.client import Answer
from ledger_tool.edges.http.host import Host
from ledger_tool.edges.registry.credentials import Credential
from ledger_tool.edges.registry.doubt import RealmRefused, busy
from ledger_tool.errors import Denied, Unreachable

TOKEN_BYTES = 2**20


class CredentialRefused(Denied):
    """A token server does not accept the user name and password, or the identity token."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What lets a request in, for some time; `by_credential` if it was given for the configured credential."""

    authorization: str = field(repr=False)
    until: float
    by_credential: bool

    @property
    def token(self) -> str:
        """The bearer token, or `""` for Basic."""
        return self.authorization.removeprefix("Bearer ") if self.authorization.startswith("Bearer ") else ""


def token_grant(
    http: Host, registry: Registry, host: str, challenge: Challenge, *, scope: str, credential: Credential | None
) -> Grant:
    """Get a token for a scope from the token server that a challenge names. Raises Denied or Unreachable.

    `host` is the host that sent the challenge.
    """
    realm = challenge.parameters.get("realm", "")
    if not realm:
        raise RealmRefused(
            f"{registry.host} asks for a token, and names no token realm that would issue it",
            "check that this is the right registry; if it is, have it name its token server",
        )
    if reason := why_unsafe(realm, host, plain_http=registry.plain_http):
        raise RealmRefused(
            f"{registry.host} names a token realm that {reason}, which is refused: {shown(realm)}",
            "check that this is the right registry; if it is, have it name an https address of its token server",
        )
    service = challenge.parameters.get("service", "")
    scope = _scope(scope, challenge.parameters.get("scope", ""))
    query = {name: value for name, value in (("service", service), ("scope", scope)) if value}
    if credential and credential.identity_token:
        form = query | {
            "grant_type": "refresh_token",
            "client_id": "ledger-tool",
            "refresh_token": credential.identity_token,
        }
        answer = http.request("POST", realm, {}, limit=TOKEN_BYTES, body=form)
    else:
        url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}"
        authorization = basic_grant(credential).authorization if credential else ""
        answer = http.request("GET", url, {}, limit=TOKEN_BYTES, authorization=authorization)
    server = f"the token server of {registry.host}"
    if answer.status in (400, 401, 403):
        who = "the credential" if credential else "anonymous clients"
        kind = CredentialRefused if credential and answer.status != 403 else Denied
        raise kind(
            f"{server} does not accept {who}: it answers {answer.status}",
            f"check which credential is used: `ledger doctor {registry.address}`",
        )
    if answer.status != 200:
        raise busy(server, answer)
    return _token_of(answer, server, by_credential=credential is not None)


def basic_grant(credential: Credential) -> Grant:
    """Return what a user name and a password let in, where Basic is enough."""
    login = base64.b64encode(f"{credential.username}:{credential.password}".encode()).decode()
    return Grant(f"Basic {login}", float("inf"), by_credential=True)


def _token_of(answer: Answer, server: str, *, by_credential: bool) -> Grant:
    try:
        data = json.loads(answer.body)
        token = data.get("token") or data["access_token"]
        seconds = float(data.get("expires_in") or 60)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        raise Unreachable(f"{server} did not return a token", "run it again later") from None
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]{1,65536}", token):
        raise Unreachable(f"{server} returned a malformed token", "run it again later")
    until = time.monotonic() + max(5.0, min(seconds, 86_400.0) - 10.0)
    return Grant(f"Bearer {token}", until, by_credential=by_credential)


def _scope(needed: str, named: str) -> str:
    """Return the scope to request: `needed` or, for a write, the one that the registry named for that repository."""
    repository, _, actions = needed.rpartition(":")
    is_same_repository = re.fullmatch(rf"{re.escape(repository)}:[a-z*,]+", named)
    return named if not needed or (actions != "pull" and is_same_repository) else needed
