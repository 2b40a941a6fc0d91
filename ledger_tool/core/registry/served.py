"""What the image that a tag serves says about itself, for the person who has to find out where it came from.

It is foreign text: escaped and cut short, and believed by nobody. Source of the keys: OCI image-spec 1.1, "Pre-Defined
Annotation Keys"; `created`, "Image Configuration".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger_tool.core.ledger.names import SourceRef, shown
from ledger_tool.core.registry.facts import annotations_of, facts
from ledger_tool.core.registry.image import Manifest

_LONGEST = 200  # characters of each


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedFacts:
    """When an image was created, and its source and revision, as it says; `source_ref` is both, if well-formed."""

    created: str = ""
    source: str = ""
    revision: str = ""
    source_ref: SourceRef | None = None

    @property
    def is_complete(self) -> bool:
        """Whether nothing more is to be known."""
        return bool(self.created and self.source and self.revision)


def served_facts(manifest: Manifest, config: Mapping[str, Any]) -> ServedFacts:
    """Return what an image says, from its annotations or else its config."""
    annotations = annotations_of(manifest, config)
    created, source, revision = (
        annotations.get(f"org.opencontainers.image.{key}", "") for key in ("created", "source", "revision")
    )
    created = created or (config["created"] if isinstance(config.get("created"), str) else "")
    return ServedFacts(
        created=shown(created, _LONGEST),
        source=shown(source, _LONGEST),
        revision=shown(revision, _LONGEST),
        source_ref=facts(manifest, config).source_ref,
    )
