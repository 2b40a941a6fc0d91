"""`pin`: references to the ledger's images get their digests."""

from __future__ import annotations

from functools import partial

from ledger_tool.commands.ports import Progress, Source
from ledger_tool.commands.rewrite import EditableManifests, ManifestsReport, checked, survey, written
from ledger_tool.core.ledger.names import Platform, Timestamp
from ledger_tool.core.manifests.catalogue import Catalogue
from ledger_tool.core.manifests.pin import judge_pin
from ledger_tool.core.manifests.rewrite import Judge


def pin(
    source: Source,
    manifests: EditableManifests,
    *,
    now: Timestamp,
    platform: Platform | None = None,
    check: bool = False,
    progress: Progress,
) -> ManifestsReport:
    """Pin the images of all manifests, or with `check` only report those that are not pinned correctly."""
    catalogue = Catalogue(source.read(), now, platform)
    judge = Judge(partial(judge_pin, catalogue=catalogue), catalogue.ours)
    files = survey(manifests, judge, progress, write=not check)
    return checked(files) if check else written(files, manifests.replace)
