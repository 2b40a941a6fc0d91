"""Logging in to one registry: Basic, or a token with the scope that a request needs, kept until it expires.

Source: distribution's token authentication specification. A read asks for `pull` and never for more. A write asks for
the scope that the registry names in its challenge (one says `delete`, another `*`), if it is for the same repository;
otherwise for the scope that distribution itself would name.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.policy.policy import Registry
from ledger_tool.core.registry.challenge import Challenge, parse_challenges, why_unsafe
from ledger_tool.core.registry.image import MEDIA_TYPES, ServedDocument
from ledger_tool.edges.http.client import Answer
from ledger_tool.edges.http.host import Host
from ledger_tool.edges.registry.credentials import Credential, Keychain
from ledger_tool.errors import Denied, Unreachable

TOKEN_BYTES = 2**20
_ACCEPT = {"Accept": ", ".join(MEDIA_TYPES)}


@dataclass(frozen=True, slots=True)
class _ScopeToken:
    authorization: str
    until: float


class Login:
    """Sends requests to a registry with the credential that they need, from several threads.

    `host` is the host that is really contacted, which is not always the registry's name.
    """

    def __init__(self, registry: Registry, host: str, keychain: Keychain, http: Host) -> None:
        self._registry = registry
        self._host = host
        self._keychain = keychain
        self._http = http
        self._tokens: dict[str, _ScopeToken] = {}
        self._lock = threading.Lock()

    @property
    def credential(self) -> Credential | None:
        """The credential that the registry gets."""
        return self._keychain.find(self._registry.host)

    def send(self, method: str, url: str, *, scope: str, limit: int, document: ServedDocument | None = None) -> Answer:
        """Send a request; log in if the registry asks, again if a token expired. Raises Unreachable or Denied."""
        headers = _ACCEPT | ({"Content-Type": document.media_type} if document else {})
        content = document.raw if document else b""

        def ask(authorization: str = "") -> Answer:
            return self._http.request(method, url, headers, limit=limit, authorization=authorization, body=content)

        token = self._tokens.get(scope)
        if token and token.until < time.monotonic():
            token = None
        answer = ask(token.authorization if token else "")
        if answer.status == 400 and token and method in ("GET", "HEAD"):
            answer = ask()  # ECR Public answers 400 without a realm to an expired token
        if answer.status == 401 and answer.url.startswith(f"{self._http.origin}/"):  # no other host may name a realm
            fresh = self._log_in(answer, scope, stale=token)
            if fresh:
                answer = ask(fresh)
        return answer

    def _log_in(self, answer: Answer, scope: str, stale: _ScopeToken | None) -> str:
        with self._lock:  # one login for all threads that wait for it
            current = self._tokens.get(scope)
            if current and current is not stale and current.until > time.monotonic():
                return current.authorization
            header = answer.headers.get("www-authenticate", "")
            challenges = {challenge.scheme: challenge for challenge in parse_challenges(header)}
            credential = self.credential
            if "bearer" in challenges:
                token = self._bearer(challenges["bearer"], scope, credential)
            elif "basic" in challenges and credential and credential.username:
                token = _ScopeToken(_basic(credential), float("inf"))
            else:
                return ""
            if stale and token.authorization == stale.authorization:
                return ""
            self._tokens[scope] = token
            return token.authorization

    def _bearer(self, challenge: Challenge, scope: str, credential: Credential | None) -> _ScopeToken:
        realm = challenge.parameters.get("realm", "")
        if reason := why_unsafe(realm, self._host, plain_http=self._registry.plain_http):
            raise Denied(
                f"{self._registry.host} names a token realm that {reason}, which is refused: {shown(realm)}",
                "check that this is the right registry",
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
            answer = self._http.request("POST", realm, {}, limit=TOKEN_BYTES, body=form)
        else:
            url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}"
            authorization = _basic(credential) if credential else ""
            answer = self._http.request("GET", url, {}, limit=TOKEN_BYTES, authorization=authorization)
        server = f"the token server of {self._registry.host}"
        if answer.status in (400, 401, 403):
            raise Denied(
                f"{server} does not accept the credential: it answers {answer.status}",
                f"check which credential is used: `ledger auth {self._registry.host}`",
            )
        if answer.status != 200:
            raise Unreachable(f"{server} answers {answer.status}", "run it again later")
        return _token_of(answer, server)


def _basic(credential: Credential) -> str:
    return "Basic " + base64.b64encode(f"{credential.username}:{credential.password}".encode()).decode()


def _token_of(answer: Answer, server: str) -> _ScopeToken:
    try:
        data = json.loads(answer.body)
        token = data.get("token") or data["access_token"]
        seconds = float(data.get("expires_in") or 60)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        raise Unreachable(f"{server} did not return a token", "run it again later") from None
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]{1,65536}", token):
        raise Unreachable(f"{server} returned a malformed token", "run it again later")
    return _ScopeToken(f"Bearer {token}", time.monotonic() + max(5.0, min(seconds, 86_400.0) - 10.0))


def _scope(needed: str, named: str) -> str:
    """Return the scope to request: `needed` or, for a write, the one that the registry named for that repository."""
    repository, _, actions = needed.rpartition(":")
    is_same_repository = re.fullmatch(rf"{re.escape(repository)}:[a-z*,]+", named)
    return named if not needed or (actions != "pull" and is_same_repository) else needed
