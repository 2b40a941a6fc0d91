"""One registry, as the commands see it: tags, manifests, blobs.

Sources: OCI distribution-spec 1.1; distribution's token authentication specification. A tag is looked up by HEAD, which
does not count against Docker Hub's quota; GET is for manifests that have to be read, and for registries that omit
`Docker-Content-Digest`. A tag that cannot be observed is an error that says why, never an absent tag; what a 404 is
worth is decided by `edges.registry.login`. What a server says of our credentials is masked in every error.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial

from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import Digest, shown
from ledger_tool.core.ledger.secrets import Mask
from ledger_tool.core.policy.policy import Registry
from ledger_tool.core.policy.resolve import HUB, pulled_from, same_host
from ledger_tool.core.registry.drift import ABSENT, Absent
from ledger_tool.core.registry.image import Manifest, ServedDocument, digest_of, parse
from ledger_tool.core.registry.referrers import Referrer
from ledger_tool.edges.deadline import UNLIMITED, Deadline
from ledger_tool.edges.http.client import Answer, Line
from ledger_tool.edges.http.failure import REGISTRY, Setup
from ledger_tool.edges.http.host import Host, TooLarge
from ledger_tool.edges.registry import doubt, refused
from ledger_tool.edges.registry.credentials import Credential, Keychain
from ledger_tool.edges.registry.doubt import AbsenceUnproved, TokenRefused
from ledger_tool.edges.registry.login import Login
from ledger_tool.edges.registry.masking import masked
from ledger_tool.edges.registry.referrers import NO_API, ReferrersApi
from ledger_tool.edges.registry.tags import list_tags
from ledger_tool.errors import (
    BadManifest,
    Denied,
    InvalidValue,
    LedgerError,
    RuleRefused,
    Unreachable,
    UnreadableManifest,
)

MANIFEST_BYTES = 8 * 2**20
CONFIG_BYTES = 8 * 2**20
TAGS_BYTES = 16 * 2**20
ERROR_BYTES = 2**20
_NO_METHOD = (405, 501)  # the server does not know the method; GET is then used instead of HEAD


class RegistryClient:
    """A configured registry, reachable from several threads. Close it when done.

    Methods raise Unreachable or Denied if there is no answer, and BadManifest for one that is not what it claims to be.
    """

    def __init__(
        self,
        registry: Registry,
        keychain: Keychain,
        *,
        jobs: int = 8,
        ca_file: str = "",
        http: Host | None = None,
        deadline: Deadline = UNLIMITED,
        beside: RegistryClient | None = None,
        setup: Setup = REGISTRY,
    ) -> None:
        """Open a client; `beside` is one of the same host, with which it shares connections, patience and the login.

        `setup` is where a person has named the registry.
        """
        self.registry = registry
        self.plain_http = registry.plain_http
        host = "registry-1.docker.io" if same_host(registry.host) == HUB else registry.host
        scheme = "http" if registry.plain_http else "https"
        self._http: Host = (
            beside._http
            if beside
            else http or Host(Line(f"{scheme}://{host}", jobs=jobs, ca_file=ca_file, deadline=deadline), setup=setup)
        )
        self.close = self._http.close
        self._login: Login = beside._login if beside else Login(registry, host, keychain, self._http)
        self._referrers = ReferrersApi()
        self._refused: dict[str, LedgerError] = {}  # by scope; asked once, not once per tag

    @property
    def name(self) -> str:
        """What reports call it: the name in `ledger.yaml`, else the host and the prefix."""
        return self.registry.name

    @property
    def mask(self) -> Mask:
        """What masks the credentials and tokens that were sent."""
        return self._login.mask

    @property
    def host(self) -> str:
        """The host as written in `ledger.yaml`."""
        return self.registry.host

    def repository(self, image: str) -> str:
        """Return the host, in lower case, and the path by which clients pull an image."""
        host, path = pulled_from(self.registry, image)
        return f"{host.lower()}/{path}"

    @masked
    def look(self, image: str, reference: str) -> Digest | Absent:
        """Return the digest that a tag serves, or the digest itself if it exists; ABSENT if the registry says so."""
        answer = self._ask("HEAD", image, f"manifests/{reference}", limit=0, also=_NO_METHOD)
        if answer.status == 404:
            return ABSENT
        claimed = answer.headers.get("docker-content-digest", "")
        if not claimed:
            try:
                manifest = self.manifest(image, reference)
            except UnreadableManifest as error:  # its digest is known all the same
                return Digest(error.digest)
            if isinstance(manifest, Absent) and answer.status == 200:
                raise Unreachable(f"{self.name} answers 200 to HEAD and 404 to GET of one manifest", "run it again")
            return manifest if isinstance(manifest, Absent) else manifest.digest
        try:
            digest = names.parse_digest(claimed)
        except InvalidValue:
            raise BadManifest(f"the registry claims the digest {shown(claimed)}") from None
        if ":" in reference and digest != reference:
            raise BadManifest(f"the registry answers with {digest} instead of {reference}")
        return digest

    @masked
    def manifest(self, image: str, reference: str) -> Manifest | Absent:
        """Return what a tag or digest serves, its body checked against every digest that was claimed."""
        asked = reference if ":" in reference else ""
        try:
            answer = self._ask("GET", image, f"manifests/{reference}", limit=MANIFEST_BYTES)
        except TooLarge as error:
            if not asked:
                raise
            message = f"the registry serves something that is not a valid image or index: {error.message}"
            raise UnreadableManifest(message, "push a smaller one", digest=asked) from None
        if answer.status == 404:
            return ABSENT
        claimed = answer.headers.get("docker-content-digest", "")
        manifest = parse(answer.body, answer.headers.get("content-type", ""), asked or claimed)
        if asked and claimed and claimed != asked:
            raise BadManifest(f"the registry answers with {shown(claimed)} instead of {asked}")
        return manifest

    @masked
    def document(self, image: str, digest: str) -> ServedDocument | Absent:
        """Return a manifest or index as served, its bytes checked, whatever its media type."""
        answer = self._ask("GET", image, f"manifests/{digest}", limit=MANIFEST_BYTES)
        if answer.status == 404:
            return ABSENT
        if digest_of(answer.body, digest.partition(":")[0]) != digest:
            raise BadManifest(f"{self.name} serves something other than {digest} under that digest")
        return ServedDocument(answer.body, answer.headers.get("content-type", ""))

    @property
    def clock_ahead(self) -> float | None:
        """By how many seconds this machine's clock is ahead of the registry's `Date`, or None if it sent none."""
        return self._login.clock.ahead

    @masked
    def untag(self, image: str, tag: str) -> None:
        """Delete a tag, and leave its manifest (distribution-spec 1.1 "Deleting tags"), if it exists.

        Raises Denied if that is not allowed or not supported.
        """
        answer = self._let_in("DELETE", image, f"manifests/{tag}", "delete", limit=ERROR_BYTES)
        if answer.status in (200, 202, 204):
            return
        if answer.status == 404 and self.look(image, tag) == ABSENT:
            return
        if answer.status in (408, 429) or answer.status >= 500:
            raise self._failed(answer)
        raise refused.untag(self.name, answer.status)

    @masked
    def delete(self, image: str, digest: str) -> None:
        """Delete a manifest or index by its digest (distribution-spec 1.1 "Deleting Manifests"), if it exists.

        Raises Denied if that is not allowed or not supported.
        """
        answer = self._let_in("DELETE", image, f"manifests/{digest}", "delete", limit=ERROR_BYTES)
        if answer.status in (200, 202, 204):
            return
        if answer.status == 404:
            if self.look(image, digest) == ABSENT:
                return
            raise refused.deletion_not_done(self.name, digest)
        is_unsupported = answer.status in _NO_METHOD or b'"UNSUPPORTED"' in answer.body
        if not is_unsupported and (answer.status in (408, 429) or answer.status >= 500):
            raise self._failed(answer)
        raise refused.deletion(self.name, image, digest, answer.status, is_unsupported=is_unsupported)

    @masked
    def put(self, image: str, reference: str, document: ServedDocument) -> None:
        """Store a manifest or index under a tag or its digest; everything it refers to has to exist.

        Under a tag, it is sent once: whoever sends it again later may undo what somebody else did in between. Raises
        Denied if the registry does not take it, and Unreachable if that is not known.
        """
        answer = self._let_in("PUT", image, f"manifests/{reference}", "pull,push", limit=ERROR_BYTES, document=document)
        if answer.status in (200, 201, 202):
            return
        if not self._http.is_own(answer) or answer.status in (408, 429) or not 400 <= answer.status < 500:
            raise self._failed(answer)
        raise refused.push(self.name, image, reference, answer)

    @masked
    def config(self, image: str, digest: str) -> dict[str, object]:
        """Return an image's config (image-spec 1.1 "Image Configuration"), empty if not JSON. Raises as `blob`."""
        raw = self.blob(image, digest, limit=CONFIG_BYTES, what="config")
        try:
            config = json.loads(raw)
        except (ValueError, RecursionError):
            return {}
        return config if isinstance(config, dict) else {}

    @masked
    def blob(self, image: str, digest: str, *, limit: int, what: str = "blob") -> bytes:
        """Return a blob, its bytes checked. Raises RuleRefused if it is not there, or larger than `limit` bytes."""
        try:
            answer = self._ask("GET", image, f"blobs/{digest}", limit=limit)
        except TooLarge as error:
            message = f"the {what} {digest} of {image} cannot be read: {error.message}"
            raise RuleRefused(message, f"push the image with a smaller {what}") from None
        if answer.status == 404:
            raise RuleRefused(f"{self.name} does not have the {what} {digest} of {image}", "push the image again")
        if digest_of(answer.body, digest.partition(":")[0]) != digest:
            raise BadManifest(f"{self.name} serves something other than {digest} under that digest")
        return answer.body

    @masked
    def referrers(self, image: str, digest: str) -> Sequence[Referrer] | None:
        """Return the referrers of a digest, None if the registry has no API for that."""
        ask = partial(self._ask, "GET", image, limit=MANIFEST_BYTES, also=NO_API)
        url = self._url(image, f"referrers/{digest}")
        return self._referrers.list(ask, self._http, url, self.repository(image), digest)

    @masked
    def has_blob(self, image: str, digest: str) -> bool:
        """Return whether a blob exists."""
        answer = self._ask("HEAD", image, f"blobs/{digest}", limit=0)
        if answer.status == 200 and "html" in answer.headers.get("content-type", "").lower():  # to sign in, perhaps
            raise Unreachable(
                f"{self.name} answers with a page instead of the blob {digest}", "check any proxy before it"
            )
        return answer.status != 404

    @masked
    def tags(self, image: str) -> list[str]:
        """Return all tags of an image. A list that cannot be read to its end is an error, never a shorter list."""
        ask = partial(self._ask, "GET", image, limit=TAGS_BYTES)
        return list_tags(ask, self._http, self._url(image, "tags/list?n=1000"), f"the tags of {image}", self.name)

    @masked
    def check_login(self) -> tuple[Credential | None, bool, str]:
        """Return the credential in use, whether it was seen to be needed and accepted, and why it was refused."""
        return self._login.check()

    def _ask(self, method: str, image: str, path: str, *, limit: int, also: tuple[int, ...] = ()) -> Answer:
        """Return the answer to a read, whose status is 200, 404 or one of `also`."""
        answer = self._let_in(method, image, path, "pull", limit=limit)
        if answer.status in (200, 404, *also):
            return answer
        raise self._failed(answer)

    def _let_in(
        self, method: str, image: str, path: str, actions: str, *, limit: int, document: ServedDocument | None = None
    ) -> Answer:
        """Return the answer to a request that needs `actions` of an image's repository. Raises Denied, Unreachable."""
        _, repository = pulled_from(self.registry, image)
        scope = f"repository:{repository}:{actions}"
        if scope in self._refused:
            raise self._refused[scope].within("")
        try:
            answer = self._login.send(method, self._url(image, path), scope=scope, limit=limit, document=document)
            if self._http.is_own(answer):
                self._login.clock.hear(answer.headers)
        except (Denied, TokenRefused) as error:
            if not isinstance(error, AbsenceUnproved):
                self._refused[scope] = error.masked(self.mask)
            raise
        if answer.status not in (401, 403):
            return answer
        if not self._http.is_own(answer):
            raise doubt.elsewhere(self.registry, answer)
        access = {"pull": "read", "delete": "delete from", "pull,push": "push to"}[actions]
        denied = Denied(
            f"{self.name} does not let us {access} {repository}: it answers {answer.status}",
            f"check which credential is used: `ledger doctor {self.registry.address}`",
        )
        if answer.status == 401 or actions != "pull":  # 403 to a read may be about one manifest: a quarantine
            self._refused[scope] = denied
        raise denied

    def _url(self, image: str, path: str) -> str:
        """Return the URL of a path below an image's repository; `path` may be a URL already."""
        _, repository = pulled_from(self.registry, image)
        return path if path.startswith(("http://", "https://")) else f"{self._http.origin}/v2/{repository}/{path}"

    def _failed(self, answer: Answer) -> Unreachable:
        if not self._http.is_own(answer):
            return doubt.elsewhere(self.registry, answer)
        return doubt.busy(self.name, answer)
