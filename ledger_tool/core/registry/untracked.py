"""Tags that a registry has and the ledger does not, without those that belong to other images or are to be ignored.

A list of tags is believed if it has every recorded tag that the registry serves: one that is cut short, or empty by
mistake, looks like any other. A tag that is listed and said not to exist, also at a second look at both, is neither
there nor gone: nobody knows what it serves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ledger_tool.core.ledger.query import matches
from ledger_tool.core.registry.drift import DriftFinding
from ledger_tool.errors import Unreachable

# What tools attach to an image has the image's digest in the name of its tag, the colon as a dash: cosign's
# `sha256-HEX.sig`, `.att` and `.sbom` (cosign, "Signature Specification"), and the referrers of OCI distribution-spec
# 1.1 ("Referrers Tag Schema"), which cuts a digest to 64 characters.
_ATTACHED = re.compile(r"(?:sha256-[0-9a-f]{64}|sha512-(?:[0-9a-f]{64}|[0-9a-f]{128}))(?:[.-][A-Za-z0-9._-]+)?")


def is_attached(tag: str) -> bool:
    """Return whether a tag is a signature's, an attestation's, or another referrer's of an image."""
    return _ATTACHED.fullmatch(tag) is not None


def not_listed(registry: str, image: str, tag: str) -> Unreachable:
    """Return the error for a list of tags that lacks one that the registry serves."""
    return Unreachable(
        f"{registry} serves {image}:{tag}, and does not list it: its list of tags is incomplete",
        "run it again; if it stays, report it to the registry's operator",
    )


def not_served(registry: str, image: str, tag: str) -> Unreachable:
    """Return the error for a tag that the registry lists, and says it does not have."""
    return Unreachable(
        f"{registry} lists {image}:{tag}, and says that it does not exist: what that tag serves is not known",
        "run it again; if it stays, push that tag again or delete it",
    )


def untracked(
    registry: str, image: str, tags: Iterable[str], known: Iterable[str], *, ignore: Sequence[str] = ()
) -> list[DriftFinding]:
    """Return a finding for each tag of the registry that the ledger does not have.

    Signature and referrer tags are left out, and what a pattern of `ignore` (globs of images or image:tags) matches.
    """
    return [
        DriftFinding(drift="untracked", kind="housekeeping", registry=registry, image=image, tag=tag)
        for tag in sorted(set(tags) - set(known))
        if not is_attached(tag) and not any(matches(pattern, image, tag) for pattern in ignore)
    ]
