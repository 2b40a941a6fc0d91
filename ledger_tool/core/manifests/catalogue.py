"""The ledger's view of the images in manifests: the digest of each tag, and whether it may be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger import version
from ledger_tool.core.ledger.names import Digest, Platform, SourceRef, Timestamp, listed_platforms
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Record, by_name, pull_digest
from ledger_tool.core.ledger.yanks import Yanks, yanks_among
from ledger_tool.core.manifests.ours import OurImages, our_images


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One tag of an image, for the requested platform or for all.

    `digest` is the one to pull by; if there is none, `why` says why. `digests` are all by which it can be pulled.
    `yanked` is the reason if it is yanked, else None; `yanked_as` is the tag that is: it, or another of its digest.
    `version` is the one that an environment has, if it is an environment's; then it is not a version itself.
    """

    tag: str
    digest: Digest | None
    why: str = ""
    digests: frozenset[str] = frozenset()
    published_at: Timestamp
    source_ref: SourceRef
    yanked: str | None = None
    yanked_as: str = ""
    is_expired: bool = False
    version: str = ""

    @property
    def is_environment(self) -> bool:
        """Whether it is what an environment has, and not a version."""
        return bool(self.version)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The releases of a ledger at `now`; only those of `platform`, if given."""

    snapshot: Snapshot
    now: Timestamp
    platform: Platform | None = None
    _by_image: dict[str, dict[str, Release]] = field(default_factory=dict, repr=False)

    @property
    def ours(self) -> OurImages:
        """What a search for references knows of these images."""
        return our_images(self.snapshot.policy, self.snapshot.resolver)

    def releases(self, image: str) -> dict[str, Release]:
        """Return the releases of an image by tag, looked up once; empty if the ledger has none."""
        if image not in self._by_image:
            records = list(self.snapshot.ledger.of_image(image))
            yanks = yanks_among(records)
            groups = by_name(records).items()
            self._by_image[image] = {name.tag: self._release(name.tag, siblings, yanks) for name, siblings in groups}
        return self._by_image[image]

    def versions(self, image: str) -> dict[str, Release]:
        """Return the releases of an image that are no environment's."""
        return {tag: release for tag, release in self.releases(image).items() if not release.is_environment}

    def tags_of(self, image: str, digest: str) -> list[str]:
        """Return the tags of an image that can be pulled by a digest.

        Immutable ones come first, the newest of them first, and environments last.
        """
        releases = self.releases(image)
        tags = [release.tag for release in releases.values() if digest in release.digests]
        by_version = sorted(tags, key=version.rank, reverse=True)
        return sorted(by_version, key=lambda tag: (releases[tag].is_environment, self.snapshot.policy.is_mutable(tag)))

    def _release(self, tag: str, records: Sequence[Record], yanks: Yanks) -> Release:
        chosen = [record for record in records if self.platform in (None, record.platform)]
        described = chosen or records
        digest, why = None, ""
        if not chosen:
            platforms = [record.platform for record in records]
            others = (
                f"only for: {listed_platforms(platforms)}" if any(platforms) else "and its records name no platform"
            )
            why = f"the ledger has no image of it for {self.platform}, {others}"
        elif self.platform:
            digest = chosen[0].digest
        else:
            digest = pull_digest(tuple(chosen))
            why = "" if digest else "it has several images and no common index digest; `--platform` chooses one"
        own = next((record for record in described if record.yanked), None)
        shared = (yanks.of(record, as_pulled=self.platform is None) for record in described)
        marked = own or next(filter(None, shared), None)
        return Release(
            tag=tag,
            digest=digest,
            why=why,
            digests=frozenset(digest for record in records for digest in (record.digest, record.index) if digest),
            published_at=max(record.published_at for record in described),
            source_ref=described[0].source_ref,
            yanked=marked.yanked.reason if marked and marked.yanked else None,
            yanked_as=marked.tag if marked else "",
            is_expired=any(is_expired(record, self.now) for record in described),
            version=described[0].version or "",
        )
