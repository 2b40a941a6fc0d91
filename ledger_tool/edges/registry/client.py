"""One registry, as the commands see it: tags, manifests, blobs.

Sources: OCI distribution-spec 1.1; distribution's token authentication specification. A tag is looked up by
HEAD, which costs nothing of Docker Hub's quota; GET is for what has to be explained, and for registries
that leave `Docker-Content-Digest` out. What can't be observed is an error that says so, never absence.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin

from ledger_tool.core import names
from ledger_tool.core.challenge import Challenge, parse_challenges, why_unsafe
from ledger_tool.core.drift import ABSENT, Absent
from ledger_tool.core.manifest import MEDIA_TYPES, Manifest, digest_of, parse
from ledger_tool.core.names import Digest, shown
from ledger_tool.core.policy import Registry
from ledger_tool.edges.http import Answer
from ledger_tool.edges.registry.credentials import Credential, Keychain
from ledger_tool.edges.registry.http import Host
from ledger_tool.errors import BadManifest, Denied, InvalidValue, Unreachable

MANIFEST_BYTES = 8 * 2**20
CONFIG_BYTES = 8 * 2**20
TAGS_BYTES = 16 * 2**20
TOKEN_BYTES = 2**20
_NO_HEAD = (405, 501)  # what a server answers that does not know the method: GET is asked then
TAG_PAGES = 500
_HUB = "docker.io"
_HUB_API = "registry-1.docker.io"
_ACCEPT = {"Accept": ", ".join(MEDIA_TYPES)}


@dataclass(frozen=True, slots=True)
class _Token:
    authorization: str
    until: float


class RegistryClient:
    """A configured registry, reachable from several threads. Close it when done."""

    def __init__(
        self, registry: Registry, keychain: Keychain, *, jobs: int = 8, ca_file: str = "", http: Host | None = None
    ) -> None:
        self.registry = registry
        self._keychain = keychain
        self._host = _HUB_API if registry.host == _HUB else registry.host
        scheme = "http" if registry.plain_http else "https"
        self._http = http or Host(f"{scheme}://{self._host}", jobs=jobs, ca_file=ca_file)
        self._tokens: dict[str, _Token] = {}
        self._refused: dict[str, tuple[str, str]] = {}  # by scope: who is not let in is not to knock for each tag
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The host, as `ledger.yaml` has it."""
        return self.registry.host

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def look(self, image: str, reference: str) -> Digest | Absent:
        """Return the digest that a tag serves, or that a digest is there; ABSENT if the registry says so.

        Raises Unreachable, Denied or BadManifest where that can't be told.
        """
        answer = self._ask("HEAD", image, f"manifests/{reference}", limit=0, also=_NO_HEAD)
        if answer.status == 404:
            return ABSENT
        claimed = answer.headers.get("docker-content-digest", "")
        if claimed:
            return self._checked(claimed, reference)
        found = self.manifest(image, reference)
        return found if isinstance(found, Absent) else found.digest

    def manifest(self, image: str, reference: str) -> Manifest | Absent:
        """Return what a tag or digest serves, its body checked against every digest that is claimed.

        Raises Unreachable, Denied or BadManifest.
        """
        answer = self._ask("GET", image, f"manifests/{reference}", limit=MANIFEST_BYTES)
        if answer.status == 404:
            return ABSENT
        asked = reference if ":" in reference else ""
        claimed = answer.headers.get("docker-content-digest", "")
        found = parse(answer.body, answer.headers.get("content-type", ""), asked or claimed)
        if asked and claimed and claimed != asked:
            raise BadManifest(f"the registry says {shown(claimed)} where {asked} was asked for")
        return found

    def config(self, image: str, digest: str) -> dict[str, object]:
        """Return an image's config (image-spec 1.1 "Image Configuration"), its body checked.

        Raises Unreachable, Denied or BadManifest.
        """
        answer = self._ask("GET", image, f"blobs/{digest}", limit=CONFIG_BYTES)
        if answer.status == 404 or digest_of(answer.body, digest.partition(":")[0]) != digest:
            raise BadManifest(f"the config {digest} is not there, or not what it should be")
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError):
            raise BadManifest(f"the config {digest} is no JSON") from None
        return found if isinstance(found, dict) else {}

    def has_blob(self, image: str, digest: str) -> bool:
        """Return whether a blob is there. Raises Unreachable or Denied."""
        return self._ask("HEAD", image, f"blobs/{digest}", limit=0).status != 404

    def tags(self, image: str) -> Iterator[str]:
        """Yield the tags of an image, page by page. Raises Unreachable or Denied."""
        path: str = "tags/list?n=1000"
        seen: set[str] = set()
        for _ in range(TAG_PAGES):
            answer = self._ask("GET", image, path, limit=TAGS_BYTES)
            if answer.status == 404:
                return
            yield from _tags_of(answer)
            link = re.search(r'<([^>]*)>\s*;\s*rel="?next"?', answer.headers.get("link", ""))
            if not link:
                return
            path = _joined(answer.url, link[1])
            if path in seen or not path.startswith(f"{self._http.origin}/v2/"):
                how = "in circles" if path in seen else "on to another host"
                raise Unreachable(
                    f"{self.name} sends us {how} for the tags of {image}", "report it to the registry's operator"
                )
            seen.add(path)
        raise Unreachable(f"{self.name} has more than {TAG_PAGES} pages of tags for {image}", "restrict the pattern")

    def check_login(self) -> tuple[Credential | None, str]:
        """Return which credential is used, and `""` if the registry lets it in, else why not."""
        credential = self._keychain.find(self.registry.host)
        try:
            answer = self._send("GET", f"{self._http.origin}/v2/", scope="", limit=TOKEN_BYTES)
        except Denied as denied:
            return credential, denied.message
        return credential, "" if answer.status == 200 else f"it answers {answer.status}"

    def _checked(self, claimed: str, reference: str) -> Digest:
        try:
            digest = names.parse_digest(claimed)
        except InvalidValue:
            raise BadManifest(f"the registry claims the digest {shown(claimed)}") from None
        if ":" in reference and digest != reference:
            raise BadManifest(f"the registry says {digest} where {reference} was asked for")
        return digest

    def _ask(self, method: str, image: str, path: str, *, limit: int, also: tuple[int, ...] = ()) -> Answer:
        repository = self._repository(image)
        url = path if path.startswith(("http://", "https://")) else f"{self._http.origin}/v2/{repository}/{path}"
        scope = f"repository:{repository}:pull"
        if scope in self._refused:
            raise Denied(*self._refused[scope])
        try:
            answer = self._send(method, url, scope=scope, limit=limit)
            if answer.status in (401, 403):
                raise Denied(
                    f"{self.name} does not let us see {repository}: it answers {answer.status}",
                    f"see which credential is used: `ledger auth {self.name}`",
                )
        except Denied as denied:
            self._refused[scope] = (denied.message, denied.hint)
            raise
        if answer.status in (200, 404, *also):
            return answer
        if answer.status == 429:
            raise Unreachable(f"{self.name} limits our rate (429)", "run it again later, or with fewer `--jobs`")
        raise Unreachable(f"{self.name} answers {answer.status}", "run it again later")

    def _repository(self, image: str) -> str:
        path = "/".join(part for part in (self.registry.prefix, image) if part)
        return f"library/{path}" if self.registry.host == _HUB and "/" not in path else path

    def _send(self, method: str, url: str, *, scope: str, limit: int) -> Answer:
        """Send a request, logging in where the registry asks for it, and once more where a token ran out."""
        token = self._tokens.get(scope)
        if token and token.until < time.monotonic():
            token = None
        answer = self._http.request(
            method, url, _ACCEPT, limit=limit, authorization=token.authorization if token else ""
        )
        if answer.status == 400 and token:  # ECR Public's answer to a token that ran out, and it names no realm
            answer = self._http.request(method, url, _ACCEPT, limit=limit)
        if answer.status == 401 and answer.url.startswith(f"{self._http.origin}/"):  # no other host may name a realm
            fresh = self._log_in(answer, scope, stale=token)
            if fresh:
                answer = self._http.request(method, url, _ACCEPT, limit=limit, authorization=fresh)
        return answer

    def _log_in(self, answer: Answer, scope: str, stale: _Token | None) -> str:
        with self._lock:  # one login for all threads that wait for it
            current = self._tokens.get(scope)
            if current and current is not stale and current.until > time.monotonic():
                return current.authorization
            challenges = {one.scheme: one for one in parse_challenges(answer.headers.get("www-authenticate", ""))}
            credential = self._keychain.find(self.registry.host)
            if "bearer" in challenges:
                token = self._bearer(challenges["bearer"], scope, credential)
            elif "basic" in challenges and credential and credential.username:
                token = _Token(_basic(credential), float("inf"))
            else:
                return ""
            if stale and token.authorization == stale.authorization:
                return ""
            self._tokens[scope] = token
            return token.authorization

    def _bearer(self, challenge: Challenge, scope: str, credential: Credential | None) -> _Token:
        realm = challenge.parameters.get("realm", "")
        if reason := why_unsafe(realm, self._host, plain_http=self.registry.plain_http):
            raise Denied(
                f"{self.name} names a token realm that {reason}, which is refused: {shown(realm)}",
                "check that this registry is the one you mean",
            )
        query = {
            "service": challenge.parameters.get("service", ""),
            "scope": scope or challenge.parameters.get("scope", ""),
        }
        query = {name: value for name, value in query.items() if value}
        if credential and credential.identity_token:
            form = query | {
                "grant_type": "refresh_token",
                "client_id": "ledger-tool",
                "refresh_token": credential.identity_token,
            }
            answer = self._http.request("POST", realm, {}, limit=TOKEN_BYTES, form=form)
        else:
            joint = "&" if "?" in realm else "?"
            authorization = _basic(credential) if credential else ""
            answer = self._http.request(
                "GET", f"{realm}{joint}{urlencode(query)}", {}, limit=TOKEN_BYTES, authorization=authorization
            )
        if answer.status in (400, 401, 403):
            raise Denied(
                f"the token server of {self.name} does not accept the credential: it answers {answer.status}",
                f"see which one is used: `ledger auth {self.name}`",
            )
        if answer.status != 200:
            raise Unreachable(f"the token server of {self.name} answers {answer.status}", "run it again later")
        return _token_of(answer, self.name)


def _basic(credential: Credential) -> str:
    return "Basic " + base64.b64encode(f"{credential.username}:{credential.password}".encode()).decode()


def _token_of(answer: Answer, name: str) -> _Token:
    try:
        data = json.loads(answer.body)
        token = data.get("token") or data["access_token"]
        seconds = float(data.get("expires_in") or 60)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        raise Unreachable(f"the token server of {name} answers no token", "run it again later") from None
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]{1,65536}", token):
        raise Unreachable(f"the token server of {name} answers a malformed token", "run it again later")
    return _Token(f"Bearer {token}", time.monotonic() + max(5.0, min(seconds, 86_400.0) - 10.0))


def _joined(url: str, link: str) -> str:
    try:
        return urljoin(url, link)
    except ValueError:
        return ""


def _tags_of(answer: Answer) -> list[str]:
    """Return the tags of a page; what is no tag by the grammar is left out."""
    try:
        tags = json.loads(answer.body)["tags"] or []
        return [tag for tag in tags if isinstance(tag, str) and re.fullmatch(names.TAG, tag)]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unreachable("the registry answers a list of tags that is malformed", "run it again later") from None
