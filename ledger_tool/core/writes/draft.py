"""What a caller says about an image before the ledger is consulted: a record with parts left open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger_tool.core.ledger.names import Digest, Platform, SourceRef, Tag, Timestamp, Ttl
from ledger_tool.core.ledger.record import Provenance
from ledger_tool.core.policy.reference import Reference
from ledger_tool.errors import LedgerError

if TYPE_CHECKING:  # a publish without provenance need not load it
    from ledger_tool.core.provenance.claim import BuildClaim


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One image to publish. None and empty mean "not given": the ledger's own value is kept.

    A registry may fill in the digest and the sourceRef; if none does, a missing digest is refused, and the error in
    place of the sourceRef, which says why it is missing, is raised.

    `where` names the input for messages, such as `line 17`; it is `""` for the command line. `is_index`
    is set if the input says that the digest is an index's, not an image's own. `looked_at` is set if a registry was
    asked, and the drafts of this image:tag are all the images that its pull digest leads to.

    `builds` is what the input says of how it was built, by platform, `""` for any. `provenance` is the one that was
    found, and `bases` are the base images that any of these tell: less than what the ledger has, and than `depends_on`.
    """

    reference: Reference
    tag: Tag
    digest: Digest | None
    published_at: Timestamp
    source_ref: SourceRef | LedgerError
    platform: Platform | None = None
    index: Digest | None = None
    config: Digest | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    ttl: Ttl | None = None
    where: str = ""
    is_index: bool = False
    looked_at: bool = False
    builds: Mapping[str, BuildClaim] = field(default_factory=dict)
    provenance: Provenance | None = None
    bases: tuple[str, ...] = ()

    @property
    def pull_digest(self) -> Digest | None:
        """What the draft states that its image:tag is pulled by, as in a record; None if it gives no digest."""
        return self.index or self.digest
