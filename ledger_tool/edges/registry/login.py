"""Logging in to one registry: Basic, or a token with the scope that a request needs, kept until it expires.

A request is anonymous until the registry asks for a login, or answers 403 or 404: what anonymous clients do not see
looks the same as what does not exist. A 404 is absence if it says so in a registry's words (`shows_absence`), and if it
is the answer to the configured credential or, without one, if `/v2/` asks for none and answers as a registry does.
HEAD has no words, so its 404 is followed by a GET. Nothing else is absence: `send` raises what is in doubt.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

from ledger_tool.core.ledger.secrets import Mask
from ledger_tool.core.policy.policy import Registry
from ledger_tool.core.registry.answer import is_page, shows_absence, withholds
from ledger_tool.core.registry.challenge import Challenge
from ledger_tool.core.registry.image import MEDIA_TYPES, ServedDocument
from ledger_tool.edges.http.client import Answer
from ledger_tool.edges.http.clock import HostClock
from ledger_tool.edges.http.host import Host, TooLarge
from ledger_tool.edges.registry import doubt
from ledger_tool.edges.registry.attempts import LoginAttempts
from ledger_tool.edges.registry.credentials import Credential, Keychain
from ledger_tool.edges.registry.doubt import AbsenceUnproved, TokenRefused
from ledger_tool.edges.registry.grant import TOKEN_BYTES, CredentialRefused, Grant, basic_grant, token_grant
from ledger_tool.edges.registry.referrers import subject
from ledger_tool.edges.registry.root import Root, RootLook, challenges_of
from ledger_tool.errors import Denied, LedgerError, Unreachable

_PROOF_BYTES = 2**20
_ACCEPT = {"Accept": ", ".join(MEDIA_TYPES)}
_ACCEPT_ALL = {"Accept": ", ".join([*MEDIA_TYPES, "*/*"])}  # some answer 404 for what is there in another type
_ANY_BASIC = {"basic": Challenge("basic")}

Ask = Callable[[Grant | None], Answer]


class Login:
    """Sends requests to a registry, asked at `host`, with the credential that they need, from several threads."""

    def __init__(self, registry: Registry, host: str, keychain: Keychain, http: Host) -> None:
        self._registry = registry
        self._name = registry.host
        self._which = f"check which credential is used: `ledger doctor {registry.address}`"
        self._host = host
        self._keychain = keychain
        self._http = http
        self._grants: dict[str, Grant] = {}  # by scope
        self._basic: Grant | None = None  # that the registry has accepted, for whatever scope
        self._unproved: dict[str, LedgerError] = {}  # why a 404 says nothing, by scope
        self._attempts = LoginAttempts()
        self.clock = HostClock()
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
        """Send a request; log in if the registry asks, again if a token expired. A 404 to a read is absence.

        Raises Unreachable or Denied; AbsenceUnproved for a 404 that says nothing because of who asked.
        """
        self._sent.tokens = []
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
        if answer.status in (403, 404):
            answer, used = self._settled(ask, answer, used, scope)
        if answer.status == 404 and method in ("GET", "HEAD"):
            self._check_absence(method, url, answer, used, scope)
        return answer

    def check(self) -> tuple[Credential | None, bool, str]:
        """Return the credential, whether it was seen to be needed and accepted, and why it was refused, or `""`.

        An open registry may ask for a login where it lists its repositories. Raises Unreachable if no registry answers.
        """
        self._sent.tokens = []
        credential = self.credential
        root = self._roots.look()
        if self._http.is_own(root.answer):
            self.clock.hear(root.answer.headers)
        if not root.is_registry and not (root.asks and root.challenges):
            raise doubt.closed_or_no_registry(self._name, root)
        if credential is None and not root.asks:
            return None, False, ""
        doubt.check_kind(self._name, root, credential)
        if challenges := self._ways_in(root):
            is_accepted, problem = self._tried(f"{self._http.origin}/v2/", root.answer, challenges, "")
            if not problem and not root.is_registry:  # not behind the login either
                raise doubt.not_a_registry(self._name, root)
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
        except doubt.RealmRefused:
            raise
        except Denied as denied:
            return False, denied.message
        by_credential = grant is not None and grant.by_credential
        if again.status != 200:  # a token that lists no repositories is no less valid
            is_refused = not scope or (by_credential and grant is not None and not grant.token and again.status == 401)
            return False, f"it answers {again.status}" if is_refused else ""
        return answer.status == 401 and by_credential, ""

    def _asking(self, method: str, url: str, limit: int, document: ServedDocument | None) -> Ask:
        raw, own = (document.raw, {"Content-Type": document.media_type}) if document else (b"", {})
        headers = (_ACCEPT_ALL if method == "GET" else _ACCEPT) | own
        once = document is not None and ":" not in url.rpartition("/")[2]  # a tag, which others may move in between
        request = partial(self._http.request, method, url, headers, limit=limit, body=raw, once=once, keep=subject(url))

        def ask(grant: Grant | None) -> Answer:
            self._sent.tokens += [grant.token] if grant else []
            return request(authorization=grant.authorization if grant else "")

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
                self._http.back_off()
        raise TokenRefused(
            f"{self._name} does not accept the token that its token server has just issued",
            f"run it again; if it stays, check both clocks and the login: `ledger doctor {self._registry.address}`",
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

    def _settled(self, ask: Ask, answer: Answer, grant: Grant | None, scope: str) -> tuple[Answer, Grant | None]:
        """Return a 403 or 404 and who it answers, if nobody else can know more, or what the credential gets instead.

        Raises what is in doubt.
        """
        if not self._http.is_own(answer):
            raise doubt.elsewhere(self._registry, answer)
        if (grant and grant.by_credential) or (answer.status == 403 and self.credential is None):
            return answer, grant
        root = self._roots.look(anew=is_page(answer.headers))
        if not root.is_registry:
            raise doubt.not_a_registry(self._name, root)
        if self.credential:
            return self._answer_to_credential(ask, answer, self._ways_in(root), scope)
        if root.asks:
            raise doubt.not_logged_in(self._name, self._registry.address)
        return answer, grant

    def _check_absence(self, method: str, url: str, answer: Answer, grant: Grant | None, scope: str) -> None:
        """Raise the doubt about a 404 to a read, unless the registry says in its body that it knows no such thing."""
        if grant and grant.by_credential and grant.token and withholds(grant.token, scope):
            raise doubt.withheld(self._name, scope, self._registry.address)
        if answer.url == url and method == "HEAD":
            try:
                answer = self._asking("GET", url, _PROOF_BYTES, None)(grant)
            except TooLarge:
                raise doubt.contradicted(self._name, "a large body") from None
        if not self._http.is_own(answer):
            raise doubt.elsewhere(self._registry, answer)
        if answer.url != url:
            raise doubt.another_path(self._name, answer)
        if answer.status != 404:
            raise doubt.contradicted(self._name, str(answer.status))
        if not shows_absence(answer.body):
            root = self._roots.look(anew=True)
            raise doubt.not_shown(self._name) if root.is_registry else doubt.not_a_registry(self._name, root)

    def _answer_to_credential(
        self, ask: Ask, answer: Answer, challenges: Mapping[str, Challenge], scope: str
    ) -> tuple[Answer, Grant | None]:
        """Ask again with the credential, as `/v2/` wants it, after an anonymous 403 or 404."""
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
            unproved = kind(error.message, error.hint).masked(self.mask)
            self._grants.pop(scope, None)  # the rest of the repository may be open to everybody
            if refused is answer or refused.status != 403:  # 403 may be about one manifest: a quarantine
                self._unproved[scope] = unproved
            raise unproved from None
        if again.status >= 400:
            self._basic = accepted  # this one may not even have been looked at
        return again, grant

    def _ways_in(self, root: Root) -> Mapping[str, Challenge]:
        """Return how `/v2/` wants a login; where it lets everybody in without a word, Basic is tried."""
        is_open_to_basic = not root.asks and "bearer" not in root.challenges
        return _ANY_BASIC if is_open_to_basic and self._known_basic() else root.challenges

    def _known_basic(self) -> Grant | None:
        credential = self.credential
        return basic_grant(credential) if credential and credential.username else None
