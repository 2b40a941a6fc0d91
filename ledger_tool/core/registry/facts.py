"""What an image states about itself, in its annotations and its config.

Source of the keys: OCI image-spec 1.1 "Pre-Defined Annotation Keys".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ledger_tool.core.ledger import names, sourceref
from ledger_tool.core.ledger.names import SourceRef
from ledger_tool.core.policy.addresses import may_be_same
from ledger_tool.core.registry.descriptor import strings_of
from ledger_tool.core.registry.image import Manifest
from ledger_tool.core.registry.platforms import NOTHING_STATED, StatedPlatform, stated
from ledger_tool.errors import InvalidValue

T = TypeVar("T")
V = TypeVar("V")
_REVISION = r"[0-9a-fA-F]{7,64}"  # a commit id, or one that was cut short; anything else may be the name of a version


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What an image states about itself; malformed facts other than the platform are left out.

    `revision` is the commit id, or its beginning, also where nothing says of which repository.
    """

    platform: StatedPlatform = NOTHING_STATED
    source_ref: SourceRef | None = None
    revision: str = ""
    depends_on: tuple[str, ...] = ()

    def against(self, source_ref: SourceRef) -> str:
        """Return the source that it states instead of another one, `""` if the two do not contradict each other."""
        url, commit = sourceref.split(source_ref)
        is_other_commit = bool(self.revision) and not commit.startswith(self.revision)
        if self.source_ref is None:
            return f"the revision {self.revision}" if is_other_commit else ""
        is_other_place = not may_be_same(sourceref.split(self.source_ref)[0], url)
        return self.source_ref if is_other_commit or is_other_place else ""


def annotations_of(manifest: Manifest, config: Mapping[str, Any]) -> dict[str, str]:
    """Return what an image states about itself, unchecked: its config's labels, and its annotations, which override.

    An index states nothing: anybody can make one of other people's images.
    """
    if manifest.is_index:
        return {}
    inner = config.get("config")
    labels = strings_of(inner.get("Labels") if isinstance(inner, dict) else None)
    return {**labels, **manifest.annotations}


def facts(manifest: Manifest, config: Mapping[str, Any]) -> ImageFacts:
    """Return the facts of an image, from its annotations or else its config's labels.

    Malformed facts are left out: an image is not refused because of a bad label.
    """
    annotations = annotations_of(manifest, config)
    keys = ("source", "revision", "base.name", "base.digest")
    source, revision, base, digest = (annotations.get(f"org.opencontainers.image.{key}", "") for key in keys)
    depends_on = _tried(names.parse_dependency, f"{base}@{digest}") if base and digest else None
    is_sound = not source or _tried(names.parse_source_ref, f"{source}@{'0' * 40}") is not None
    return ImageFacts(
        platform=stated(config),
        source_ref=_tried(names.parse_source_ref, f"{source}@{revision}") if source and revision else None,
        revision=revision.lower() if is_sound and re.fullmatch(_REVISION, revision) else "",
        depends_on=(depends_on,) if depends_on else (),
    )


def _tried(parse: Callable[[V], T | None], value: V) -> T | None:
    try:
        return parse(value)
    except InvalidValue:
        return None
