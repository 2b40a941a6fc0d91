"""A registry in memory that implements the port, and counts what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.registry.drift import ABSENT, Absent
from ledger_tool.core.registry.image import Child, Manifest, ServedDocument
from ledger_tool.errors import Denied, LedgerError, RuleRefused
from tests.support.values.make import digest


@dataclass(eq=False)
class FakeRegistry:
    """Holds manifests and tags of any number of images. `failing` are errors, by what is asked for."""

    name: str = "registry.example.com"
    tagged: dict[tuple[str, str], Digest] = field(default_factory=dict)
    manifests: dict[Digest, Manifest] = field(default_factory=dict)
    configs: dict[str, Mapping[str, object]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    deleted: dict[Digest, Manifest] = field(default_factory=dict)
    prefix: str = ""
    deletes_tags: bool = False
    is_greedy: bool = False
    clock_ahead: float | None = None
    unlisted: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    failing: dict[str, LedgerError] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    hook: Callable[[str, str], None] = lambda what, reference: None

    plain_http = False

    def repository(self, image: str) -> str:
        """Return the host and the path of an image."""
        return "/".join(filter(None, (self.name, self.prefix, image)))

    def push(self, image: str, tag: str, seed: str = "a", **config: object) -> Digest:
        """Hold an image under a tag; return its digest."""
        made = Digest(digest(seed))
        described = Digest(digest(f"config of {seed}"))
        blobs = (described, Digest(digest(f"layer of {seed}")))
        self.manifests[made] = Manifest(digest=made, is_index=False, config=described, blobs=blobs)
        self.configs[described] = {"os": "linux", "architecture": "amd64"} | config
        self.tagged[image, tag] = made
        return made

    def push_index(
        self, image: str, tag: str, seed: str, children: Sequence[Child], *, attestations: Sequence[Digest] = (),
        nested: Sequence[Digest] = (),
    ) -> Digest:  # fmt: skip
        """Hold an index under a tag; return its digest."""
        made = Digest(digest(seed))
        referenced = (*(child.digest for child in children), *attestations, *nested)
        self.manifests[made] = Manifest(
            digest=made,
            is_index=True,
            children=tuple(children),
            referenced=referenced,
            manifests=referenced,
            nested=tuple(nested),
        )
        self.tagged[image, tag] = made
        return made

    @property
    def host(self) -> str:
        """The host, which is the name here."""
        return self.name

    def count(self, what: str) -> int:
        """Return how often a method was called."""
        return sum(name == what for name, _ in self.calls)

    def look(self, image: str, reference: str) -> Digest | Absent:
        self._note("look", reference)
        found = self._resolve(image, reference)
        return found if found in self.manifests else ABSENT

    def manifest(self, image: str, reference: str) -> Manifest | Absent:
        self._note("manifest", reference)
        return self.manifests.get(self._resolve(image, reference), ABSENT)

    def config(self, image: str, digest: str) -> Mapping[str, object]:
        self._note("config", digest)
        if digest in self.lost:
            raise RuleRefused(f"it does not have the config {digest}", "push the image again")
        return self.configs[digest]

    def blob(self, image: str, digest: str, *, limit: int, what: str = "blob") -> bytes:
        self._note("blob", digest)
        if digest in self.lost or len(self.contents[digest]) > limit:
            raise RuleRefused(f"it does not have the {what} {digest}", "push the image again")
        return self.contents[digest]

    def has_blob(self, image: str, digest: str) -> bool:
        self._note("has_blob", digest)
        return digest not in self.lost

    def referrers(self, image: str, digest: str) -> None:
        self._note("referrers", digest)

    def tags(self, image: str) -> Iterator[str]:
        self._note("tags", image)
        yield from (tag for name, tag in self.tagged if name == image and tag not in self.unlisted)

    def document(self, image: str, digest: str) -> ServedDocument | Absent:
        self._note("document", digest)
        return ServedDocument(digest.encode(), "fake") if digest in self.manifests else ABSENT

    def untag(self, image: str, tag: str) -> None:
        self._note("untag", tag)
        if not self.deletes_tags:
            raise Denied("it does not delete tags")
        gone = self.tagged.pop((image, tag), None)
        if gone and self.is_greedy:
            self.delete(image, gone)

    def delete(self, image: str, digest: str) -> None:
        self._note("delete", digest)
        if Digest(digest) in self.manifests:
            self.deleted[Digest(digest)] = self.manifests.pop(Digest(digest))
        self.tagged = {name: made for name, made in self.tagged.items() if made != digest}

    def put(self, image: str, reference: str, document: ServedDocument) -> None:
        self._note("put", reference)
        made = Digest(document.raw.decode())
        self.manifests[made] = self.manifests.get(made) or self.deleted[made]
        if ":" not in reference:
            self.tagged[image, reference] = made

    def _resolve(self, image: str, reference: str) -> Digest:
        return Digest(reference) if ":" in reference else self.tagged.get((image, reference), Digest(""))

    def _note(self, what: str, reference: str) -> None:
        self.calls.append((what, reference))
        self.hook(what, reference)
        if reference in self.failing:
            raise self.failing[reference]


@dataclass
class FakeRegistries:
    """Registries that serve every image."""

    all: Sequence[FakeRegistry]

    def serving(self, policy: Policy, image: str) -> Sequence[FakeRegistry]:
        return self.all
