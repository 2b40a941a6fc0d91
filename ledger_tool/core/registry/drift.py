"""Ledger against registry: every record gets exactly one class, derived from what was observed.

==================  =================================================================================
in-sync             the tag serves this image, by its index or itself
tag-moved           the tag serves something else, without this image
index-moved         the tag serves another index, and this image is still in it
tag-missing         the tag is gone, the digest still pulls
gone                the digest itself does not exist
children-missing    a blob or child that the manifest refers to does not exist
expired             in sync, but past its TTL
untracked           the registry has a tag that the ledger does not
unknown             it could not be observed; never drift, never absence
==================  =================================================================================

Observations are three-valued: a digest, `ABSENT` (a 404 after a login that worked), or `Unknown` with its reason.
This module observes nothing itself; it says what to observe next (`needs_*`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.registry.image import Manifest

DriftClass = Literal[  # the most serious first
    "gone", "children-missing", "tag-moved", "tag-missing", "index-moved", "expired", "untracked", "unknown", "in-sync"
]
CLASSES: tuple[DriftClass, ...] = get_args(DriftClass)
_LOOKS_DOWN_SHARE = 0.2
_LOOKS_DOWN_COUNT = 5


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing could be observed, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Absent:
    """The registry answered that it does not exist."""


ABSENT = Absent()
Seen = str | Absent | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was observed of one image:tag at one registry.

    `served` is the digest that the tag serves, and `manifest` its manifest (only if `needs_manifest`).
    `digests` says which of the records' own digests exist (only those of `needs_digests`). `missing` are the
    absent blobs and children by record digest (`--deep`).
    """

    served: Seen
    manifest: Manifest | Unknown | None = None
    digests: Mapping[str, bool | Unknown] = field(default_factory=dict)
    missing: Mapping[str, Sequence[str] | Unknown] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFinding:
    """One record's class at one registry. `ledger` is what the tag should serve, `served` what it does."""

    drift: DriftClass
    registry: str
    image: str
    tag: str
    platform: str | None = None
    ledger: str | None = None
    served: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DriftReport:
    """All findings of a run, in order; `complete` is False if anything could not be observed."""

    findings: Sequence[DriftFinding]
    complete: bool
    looks_down: Sequence[str] = ()

    @property
    def summary(self) -> dict[str, int]:
        """The number of records in each non-empty class, the most serious first."""
        counts = Counter(finding.drift for finding in self.findings)
        return {name: counts[name] for name in CLASSES if counts[name]}

    @property
    def drifted(self) -> bool:
        """Whether any observed value differs."""
        return any(finding.drift not in ("in-sync", "unknown") for finding in self.findings)


def expected(record: Record) -> str:
    """Return the digest that the record's tag should serve."""
    return record.index or record.digest


def needs_manifest(records: Iterable[Record], served: Seen) -> bool:
    """Whether the manifest of the served digest is needed to explain a difference."""
    return isinstance(served, str) and any(expected(record) != served for record in records)


def needs_digests(records: Iterable[Record], served: Seen, manifest: Manifest | Unknown | None) -> list[str]:
    """Return the record digests to check directly: those that the tag does not lead to."""
    if isinstance(served, Unknown) or isinstance(manifest, Unknown):
        return []
    reached = manifest.reached if manifest else {served}
    return [record.digest for record in records if expected(record) != served and record.digest not in reached]


def classify(records: Sequence[Record], registry: str, seen: Observation, now: Timestamp) -> list[DriftFinding]:
    """Return one finding for each record of an image:tag."""
    served = seen.served if isinstance(seen.served, str) else None
    return [
        DriftFinding(
            drift=drift, registry=registry, image=record.image, tag=record.tag, platform=record.platform,
            ledger=expected(record), served=served, reason=reason,
        )
        for record in records
        for drift, reason in [_drift(record, seen, now)]
    ]  # fmt: skip


def _drift(record: Record, seen: Observation, now: Timestamp) -> tuple[DriftClass, str]:
    if isinstance(seen.served, Unknown):
        return "unknown", seen.served.reason
    missing = seen.missing.get(record.digest, ())
    if missing and not isinstance(missing, Unknown):
        return "children-missing", f"{', '.join(missing[:3])} {'is' if len(missing) == 1 else 'are'} missing"
    if seen.served == expected(record):
        return _agreeing(record, missing, now)
    if isinstance(seen.served, str):
        if isinstance(seen.manifest, Unknown):
            return "unknown", seen.manifest.reason
        if record.digest in (seen.manifest.reached if seen.manifest else {seen.served}):
            if record.index is None:  # no recorded index contradicts it
                return _agreeing(record, missing, now)
            return "index-moved", "the tag serves another index, with the same image for this platform"
    exists = seen.digests.get(record.digest, Unknown("the digest was not checked"))
    if isinstance(exists, Unknown):
        return "unknown", exists.reason
    if not exists:
        return "gone", "the digest is not in the registry"
    if isinstance(seen.served, Absent):
        return "tag-missing", "the tag is gone; the digest still pulls"
    return "tag-moved", "the tag serves another digest; the recorded one still pulls"


def _agreeing(record: Record, missing: Sequence[str] | Unknown, now: Timestamp) -> tuple[DriftClass, str]:
    if isinstance(missing, Unknown):
        return "unknown", missing.reason
    return ("expired", f"past its TTL of {record.ttl}") if is_expired(record, now) else ("in-sync", "")


def untracked(registry: str, image: str, tags: Iterable[str], known: Iterable[str]) -> list[DriftFinding]:
    """Return a finding for each tag of the registry that the ledger does not have."""
    unknown = sorted(set(tags) - set(known))
    return [DriftFinding(drift="untracked", registry=registry, image=image, tag=tag) for tag in unknown]


def report(findings: Iterable[DriftFinding], *, interrupted: bool = False) -> DriftReport:
    """Return the report of a run: sorted, the most serious first, with the registries that look down.

    A registry looks down if nothing of it could be observed, or over a fifth of the records are gone at once: the run
    is then incomplete, and nobody should act on it.
    """
    ordered = sorted(
        findings, key=lambda one: (CLASSES.index(one.drift), one.registry, one.image, one.tag, one.platform or "")
    )
    by_registry: dict[str, list[DriftFinding]] = {}
    for finding in ordered:
        by_registry.setdefault(finding.registry, []).append(finding)
    down = sorted(name for name, own in by_registry.items() if _looks_down(own))
    complete = not (interrupted or down or any(finding.drift == "unknown" for finding in ordered))
    return DriftReport(ordered, complete, down)


def _looks_down(findings: Sequence[DriftFinding]) -> bool:
    drifts = [finding.drift for finding in findings if finding.drift != "untracked"]
    gone = drifts.count("gone")
    is_all_unknown = bool(drifts) and set(drifts) == {"unknown"}
    return is_all_unknown or (gone > _LOOKS_DOWN_COUNT and gone > len(drifts) * _LOOKS_DOWN_SHARE)
