"""Logging in to one registry: Basic, or a token with the scope that a request needs, kept until it expires.

A request is anonymous until the registry asks for a login, or answers 403 or 404: what anonymous clients do not see
looks the same as what does not exist. A 404 is absence if it is the answer to the configured credential or, without
one, if `/v2/` asks for none and answers as a registry does. Nothing else is: `send` raises what is in doubt.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.secrets import Mask
from ledger_tool.core.policy.policy import Registry
from ledger_tool.core.registry.answer import is_page, withholds
from ledger_tool.core.registry.challenge import Challenge
from ledger_tool.core.registry.image import MEDIA_TYPES, ServedDocument
from ledger_tool.edges.http.client import Answer, origin_of
from ledger_tool.edges.http.host import TRIES, Host
from ledger_tool.edges.registry.attempts import LoginAttempts
from ledger_tool.edges.registry.credentials import Credential, Keychain
from ledger_tool.edges.registry.grant import TOKEN_BYTES, CredentialRefused, Grant, basic_grant, token_grant
from ledger_tool.edges.registry.root import Root, RootLook, challenges_of
from ledger_tool.errors import Denied, LedgerError, Unreachable

_ACCEPT = {"Accept": ", ".join(MEDIA_TYPES)}
_ANY_BASIC = {"basic": Challenge("basic")}


class AbsenceUnproved(Denied):
    """A 404 (or 403) that says nothing, because of who asked; what the registry shows to others still counts."""


class TokenRefused(Unreachable):
    """The registry does not accept a token that its token server has just issued."""


Ask = Callable[[Grant | None], Answer]


class Login:
    """Sends requests to a registry with the credential that they need, from several threads.

    `host` is the host that is really contacted, which is not always the registry's name.
    """

    def __init__(self, registry: Registry, host: str, keychain: Keychain, http: Host) -> None:
        self._registry = registry
        self._name = registry.host
        self._which = f"check which credential is used: `ledger auth {registry.host}`"
        self._host = host
        self._keychain = keychain
        self._http = http
        self._grants: dict[str, Grant] = {}  # by scope
        self._basic: Grant | None = None  # that the registry has accepted, for whatever scope
        self._unproved: dict[str, LedgerError] = {}  # why a 404 says nothing, by scope
        self._attempts = LoginAttempts()
        self._roots = RootLook(http, self._name, self._known_basic)
        self._locks: dict[str, threading.Lock] = {}
        self._secrets: set[str] = set()
        self._sent = threading.local()  # the tokens of a thread's last request

    @property
    def credential(self) -> Credential | None:
        """The credential that the registry gets. Raises UsageError if its configuration cannot be read."""
        credential = self._keychain.find(self._name)
        if credential:
            self._secrets |= credential.secrets
        return credential

    @property
    def mask(self) -> Mask:
        """What masks the credential, and the tokens that this thread has just sent, wherever a server repeats them."""
        return Mask([*self._secrets, *getattr(self._sent, "tokens", ())])

    def send(self, method: str, url: str, *, scope: str, limit: int, document: ServedDocument | None = None) -> Answer:
        """Send a request; log in if the registry asks, again if a token expired. A 404 that is returned is absence.

        Raises Unreachable or Denied; AbsenceUnproved for a 404 that says nothing.
        """
        ask = self._asking(method, url, limit, document)
        own = self._grants.get(scope)
        grant = own if own and own.until > time.monotonic() else None if own else self._basic
        used, answer = grant, ask(grant)
        # ECR Public answers 400 without a realm to an expired token. What was accepted elsewhere may not be here.
        refusals = (400,) if own else (400, 401, 403)
        if grant and method in ("GET", "HEAD") and answer.status in refusals:
            used, answer = None, ask(None)
        if answer.status == 401 and self._http.is_own(answer):  # no other host may name a realm
            answer, used = self._logged_in(ask, answer, challenges_of(answer), scope, stale=grant)
        return self._settled(ask, answer, used, scope) if answer.status in (403, 404) else answer

    def check(self) -> tuple[Credential | None, bool, str]:
        """Return the credential, whether it was seen to be needed and accepted, and why it was refused, or `""`.

        A registry that lets everybody in at `/v2/` may still ask for a login where it lists its repositories. Raises
        Unreachable if there is no answer, or if it is not a registry's.
        """
        credential = self.credential
        root = self._roots.look()
        if not root.is_registry and not (root.asks and root.challenges):
            raise self._not_a_registry(root)
        if credential is None and not root.asks:
            return None, False, ""
        if challenges := self._ways_in(root):
            is_accepted, problem = self._tried(f"{self._http.origin}/v2/", root.answer, challenges, "")
            if not problem and not root.is_registry:  # not behind the login either
                raise self._not_a_registry(root)
            if problem or root.asks:
                return credential, is_accepted, problem
        elif root.asks:
            return credential, False, f"it answers {root.answer.status}"
        url = f"{self._http.origin}/v2/_catalog?n=1"
        catalog = self._asking("GET", url, TOKEN_BYTES, None)(None)
        if catalog.status != 401 or not self._http.is_own(catalog):
            return credential, False, ""
        is_accepted, problem = self._tried(url, catalog, challenges_of(catalog), "registry:catalog:*")
        return credential, is_accepted, problem

    def _tried(self, url: str, answer: Answer, challenges: Mapping[str, Challenge], scope: str) -> tuple[bool, str]:
        """Return whether a URL that asked for a login accepts the credential, and why not; `answer` was anonymous."""
        try:
            again, grant = self._logged_in(self._asking("GET", url, TOKEN_BYTES, None), answer, challenges, scope, None)
        except Denied as denied:
            return False, denied.message
        by_credential = grant is not None and grant.by_credential
        if again.status != 200:  # a token that lists no repositories is no less valid
            is_refused = not scope or (by_credential and grant is not None and not grant.token and again.status == 401)
            return False, f"it answers {again.status}" if is_refused else ""
        return answer.status == 401 and by_credential, ""

    def elsewhere(self, answer: Answer) -> Unreachable:
        """Return the error for an answer of another host, to which the registry sent us."""
        place = shown("://".join(origin_of(answer.url)))
        message = f"{self._name} sends us to {place}, which answers {answer.status}"
        return Unreachable(message, "run it again later; if it stays, check where the registry stores its blobs")

    def _asking(self, method: str, url: str, limit: int, document: ServedDocument | None) -> Ask:
        headers = _ACCEPT | ({"Content-Type": document.media_type} if document else {})
        content = document.raw if document else b""
        self._sent.tokens = []

        def ask(grant: Grant | None) -> Answer:
            authorization = grant.authorization if grant else ""
            self._sent.tokens += [grant.token] if grant else []
            return self._http.request(method, url, headers, limit=limit, authorization=authorization, body=content)

        return ask

    def _logged_in(
        self, ask: Ask, answer: Answer, challenges: Mapping[str, Challenge], scope: str, stale: Grant | None
    ) -> tuple[Answer, Grant | None]:
        """Return what `ask` answers after a login, and what it was let in with; `answer` itself if there is none.

        A fresh token that is refused is replaced once: the clock of what issues it may be ahead of what checks it.
        """
        for tries_left in (1, 0):
            grant = self._fresh(challenges, scope, stale)
            if grant is None:
                return answer, stale
            answer = ask(grant) if grant.token else self._with_basic(ask, grant)
            if answer.status != 401 or not self._http.is_own(answer):
                if not grant.token and answer.status != 403:
                    self._basic = grant
                return answer, grant
            again = challenges_of(answer)
            error = again["bearer"].parameters.get("error", "") if "bearer" in again else ""
            if not grant.token or error == "insufficient_scope" or (scope and withholds(grant.token, scope)):
                return answer, grant
            challenges = again if "bearer" in again else challenges
            stale = grant
            if tries_left:
                self._http.back_off(TRIES - 2)
        raise TokenRefused(
            f"{self._name} does not accept the token that its token server has just issued",
            f"run it again; if it stays, check the clocks of both, and with `ledger auth {self._name}` the login",
        )

    def _fresh(self, challenges: Mapping[str, Challenge], scope: str, stale: Grant | None) -> Grant | None:
        """Return another grant than `stale`, or None if there is no way to log in."""
        with self._locks.setdefault(scope, threading.Lock()):  # one login for all threads that wait for it
            current = self._grants.get(scope)
            if current and current is not stale and current.until > time.monotonic():
                return current
            credential = self.credential
            if "bearer" in challenges:
                grant = self._with_token(challenges["bearer"], scope, credential)
            elif "basic" in challenges and credential and credential.username:
                grant = basic_grant(credential)
                if stale and stale.authorization == grant.authorization:
                    return None
            else:
                return None
            self._grants[scope] = grant
            return grant

    def _with_basic(self, ask: Ask, grant: Grant) -> Answer:
        with self._attempts.turn():
            self._attempts.check()
            answer = ask(grant)
            if answer.status == 401 and self._http.is_own(answer):
                reason = Denied(f"{self._name} does not accept the credential: it answers 401", self._which)
                root, basic = f"{self._http.origin}/v2/", grant.authorization
                self._attempts.refused(
                    reason,
                    lambda: self._http.request("GET", root, {}, limit=TOKEN_BYTES, authorization=basic).status == 401,
                )
            else:
                self._attempts.succeeded()
            return answer

    def _with_token(self, challenge: Challenge, scope: str, credential: Credential | None) -> Grant:
        def get(wanted: str, challenge: Challenge = challenge) -> Grant:
            return token_grant(self._http, self._registry, self._host, challenge, scope=wanted, credential=credential)

        def is_refused_without_scope() -> bool:
            named = {name: value for name, value in challenge.parameters.items() if name != "scope"}
            try:
                get("", Challenge(challenge.scheme, named))
            except CredentialRefused:
                return True
            except LedgerError:
                pass
            return False

        if credential is None:
            return get(scope)
        with self._attempts.turn():
            self._attempts.check()
            try:
                grant = get(scope)
            except CredentialRefused as refused:
                self._attempts.refused(refused, is_refused_without_scope)
                raise
            self._attempts.succeeded()
            return grant

    def _settled(self, ask: Ask, answer: Answer, grant: Grant | None, scope: str) -> Answer:
        """Return a 404 if it is absence, a 403 if it is final, or what the credential gets instead.

        Raises what is in doubt.
        """
        if not self._http.is_own(answer):
            raise self.elsewhere(answer)
        by_credential = grant is not None and grant.by_credential
        if by_credential and grant and grant.token and not is_page(answer.headers):
            return answer
        if answer.status == 403 and (by_credential or self.credential is None):
            return answer
        root = self._roots.look(anew=is_page(answer.headers))
        if not root.is_registry:
            raise self._not_a_registry(root)
        if by_credential:
            return answer
        if self.credential is None:
            if not root.asks:
                return answer
            raise AbsenceUnproved(
                f"{self._name} answers 404 to whoever is not logged in: that proves nothing",
                f"configure a credential that may read it, and try it with `ledger auth {self._name}`",
            )
        return self._answer_to_credential(ask, answer, self._ways_in(root), scope)

    def _answer_to_credential(
        self, ask: Ask, answer: Answer, challenges: Mapping[str, Challenge], scope: str
    ) -> Answer:
        """Ask again with the credential, as `/v2/` wants it, after an anonymous 403 or 404; return the answer."""
        if scope in self._unproved:
            raise self._unproved[scope].within("")
        accepted = self._basic
        refused = answer  # so far
        try:
            again, grant = self._logged_in(ask, answer, challenges, scope, stale=None)
            if grant is None or (again.status in (401, 403) and self._http.is_own(again)):
                refused = again
                then = f"{again.status} with it" if grant else "asks for none that can be sent"
                message = f"{self._name} answers {answer.status} without the credential, and {then}"
                raise AbsenceUnproved(message, self._which)
        except (Denied, TokenRefused) as error:
            kind = AbsenceUnproved if isinstance(error, Denied) else Unreachable
            doubt = kind(error.message, error.hint).masked(self.mask)
            self._grants.pop(scope, None)  # the rest of the repository may be open to everybody
            if refused is answer or refused.status != 403:  # 403 may be about one manifest: a quarantine
                self._unproved[scope] = doubt
            raise doubt from None
        if again.status >= 400:
            self._basic = accepted  # this one may not even have been looked at
        if again.status == 404 and not self._http.is_own(again):
            raise self.elsewhere(again)
        return again

    def _ways_in(self, root: Root) -> Mapping[str, Challenge]:
        """Return how `/v2/` wants a login; where it lets everybody in without a word, Basic is tried."""
        credential = self.credential
        is_open_to_basic = not root.asks and "bearer" not in root.challenges
        return _ANY_BASIC if is_open_to_basic and credential and credential.username else root.challenges

    def _known_basic(self) -> Grant | None:
        credential = self.credential
        return basic_grant(credential) if credential and credential.username else None

    def _not_a_registry(self, root: Root) -> Unreachable:
        message = f"{self._name} does not answer as a registry: at `/v2/` it answers {root.answer.status}"
        return Unreachable(message, "check its address, and any proxy or ingress in front of it; run it again later")
