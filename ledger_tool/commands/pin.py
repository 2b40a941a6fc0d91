"""`pin`: every image that the ledger knows is named by its digest."""

from __future__ import annotations

from functools import partial

from ledger_tool.commands.ports import Source
from ledger_tool.commands.rewrite import Manifests, ManifestsReport, Progress, checked, survey, written
from ledger_tool.core.ledger.names import Platform, Timestamp
from ledger_tool.core.manifests import pin as pinning
from ledger_tool.core.manifests.catalogue import Catalogue


def pin(
    source: Source,
    manifests: Manifests,
    *,
    now: Timestamp,
    platform: Platform | None = None,
    check: bool = False,
    progress: Progress,
) -> ManifestsReport:
    """Pin the images of all manifests, or with `check` only say which are not pinned as they should be."""
    judge = partial(pinning.pin, catalogue=Catalogue(source.read(), now, platform))
    found = survey(manifests, judge, progress, write=not check)
    return checked(found) if check else written(manifests, found)
