"""Ledger against registry: every record gets exactly one class, derived from what was observed.

==================  =================================================================================
in-sync             the tag serves the pull digest, and the image is there
tag-moved           the tag serves another digest
index-moved         the same, with the same image for this platform; the recorded pull digest still pulls
tag-missing         the tag is gone, the pull digest still pulls
gone                the pull digest, or the image itself, is not there
children-missing    a blob, or anything below the index, is not there; or the pull digest is, and does not lead to what
                    is recorded: this image, for this platform, with this config (only looked for with `--deep`)
expired             in sync, but past its TTL
withdrawn           of an environment: its version is not recorded any more, yanked, expired, or has other images
untracked           the registry has a tag that the ledger does not
provenance-…        `--provenance`: beside its class, a record is not proved (`core.provenance.proof`)
unknown             it could not be observed; never drift, never absence
==================  =================================================================================

An environment's record needs no tag: it is compared with one only where there is one. That its version is withdrawn
is told by the ledger alone, so it is also found where nothing can be observed.

Observations are three-valued: a digest, `ABSENT`, or `Unknown` with its reason. What a tag serves may in addition be
`Unreadable`: another digest was seen, so the tag has moved, wherever to. `core.registry.looks` says
what to observe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import is_expired
from ledger_tool.core.ledger.record import Key, Record
from ledger_tool.core.registry.failon import FindingKind
from ledger_tool.core.registry.image import Manifest
from ledger_tool.core.registry.refutation import Refutation
from ledger_tool.core.registry.selection import leads_to
from ledger_tool.core.registry.served import ServedFacts
from ledger_tool.core.registry.withdrawal import Withdrawal

DriftClass = Literal[  # the most serious first
    "gone", "children-missing", "withdrawn", "tag-moved", "provenance-broken", "provenance-replaced",
    "provenance-revoked", "provenance-missing", "tag-missing", "index-moved", "expired", "untracked",
    "unknown", "in-sync",
]  # fmt: skip
CLASSES: tuple[DriftClass, ...] = get_args(DriftClass)
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing could be observed, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Absent:
    """The registry has shown that it does not exist.

    It did so by a 404 that answers the configured credential or, without one, by a 404 of a registry that asks for no
    login. Any other 404 leaves it unknown.
    """


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What a tag serves has another digest than the recorded one, and could not be read, for this reason.

    Either it was seen and makes no sense (`is_seen`), or it could not be looked at.
    """

    reason: str
    is_seen: bool = True


ABSENT = Absent()
Seen = str | Absent | Unknown
_UNSERVED = "no registry of ledger.yaml serves it; name its registry under `registries`, or leave it out with a pattern"
_NOT_LOOKED_AT = Unknown("it was not looked at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was observed of one image:tag at one registry.

    `served` is the digest that the tag serves; `contents` its manifest, if that was needed and looked at, and `facts`
    what the image says about itself. `exists` says which of the digests of `to_look_for` are there. With `--deep`,
    `missing` is what is absent below each pull digest, and `refuted` what is wrong about each record. `kept` are the
    records whose image clients get from what the tag serves, if only configs tell. `is_quick` means
    that a tag's own answer is all that is wanted.
    """

    served: Seen
    contents: Manifest | Unreadable | None = None
    facts: ServedFacts | None = None
    exists: Mapping[str, bool | Unknown] = field(default_factory=dict)
    missing: Mapping[str, Sequence[str] | Unknown] = field(default_factory=dict)
    refuted: Mapping[Key, Refutation | Unknown | None] = field(default_factory=dict)
    kept: frozenset[Key] = frozenset()
    is_quick: bool = False

    def has(self, digest: str) -> bool | Unknown:
        """Return whether a digest is there; that the tag serves it proves that."""
        return True if self.served == digest else self.exists.get(digest, _NOT_LOOKED_AT)

    def missing_below(self, record: Record) -> Sequence[str]:
        """Return what is known to be missing below the pull digest of a record."""
        missing = self.missing.get(record.pull_digest, ())
        return () if isinstance(missing, Unknown) else missing

    def refutation(self, record: Record) -> Refutation | None:
        """Return what was seen to be wrong about a record."""
        refuted = self.refuted.get(record.key)
        return refuted if isinstance(refuted, Refutation) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFinding:
    """One record's class at one registry. `ledger` is what the tag should serve, `served` what it does.

    A record may have a further finding that says that it is not proved (`is_of_provenance`); the two digests are then
    those of the recorded statement and of the one that was found. `is_open` says that something could not be observed
    which may make it more serious; the reason says what. `facts` is what the served image says about itself. `command`
    puts it right, and `alternative` is for the case that the registry is right, or that nothing can be put right; both
    may be `""`. `since` is when an unbroken line of reports began that all have the finding, if that is known.
    """

    drift: DriftClass
    registry: str
    image: str
    tag: str
    platform: str | None = None
    ledger: str | None = None
    served: str | None = None
    reason: str = ""
    is_open: bool = False
    is_of_provenance: bool = False
    kind: FindingKind = "drift"
    facts: ServedFacts | None = None
    command: str = ""
    alternative: str = ""
    since: Timestamp | None = None


def classify(
    records: Sequence[Record],
    registry: str,
    seen: Observation,
    now: Timestamp,
    *,
    is_mutable: bool = False,
    withdrawal: Withdrawal | None = None,
    is_withheld: bool = False,
) -> list[DriftFinding]:
    """Return one finding for each record of an image:tag; `is_mutable` says whether the tag may move.

    `withdrawal` is what has become of an environment's version. What `is_withheld`, nobody should pull.
    """
    served = seen.served if isinstance(seen.served, str) else None
    return [
        DriftFinding(
            drift=drift, registry=registry, image=record.image, tag=record.tag, platform=record.platform,
            ledger=record.pull_digest, served=served, facts=seen.facts,
            reason="; ".join(part for part in (reason, unseen) if part), is_open=bool(unseen),
            kind=_kind(drift, record, now, withdrawal, is_mutable=is_mutable, is_withheld=is_withheld),
        )
        for record in records
        for drift, reason in [_drift(record, seen, now, withdrawal)]
        for unseen in [_unseen(record, seen, drift)]
    ]  # fmt: skip


def unserved(record: Record, withdrawal: Withdrawal | None = None) -> DriftFinding:
    """Return the finding of a record that no registry serves: there is none to be asked, so its `registry` is `""`."""
    finding = DriftFinding(
        drift="unknown", kind="unknown", registry="", image=record.image, tag=record.tag, platform=record.platform,
        ledger=record.pull_digest, reason=_UNSERVED,
    )  # fmt: skip
    if withdrawal is None:
        return finding
    reason = f"{withdrawal.reason}; {_UNSERVED}"
    return replace(finding, drift="withdrawn", kind=withdrawal.kind, reason=reason, is_open=True)


def _kind(
    drift: DriftClass,
    record: Record,
    now: Timestamp,
    withdrawal: Withdrawal | None,
    *,
    is_mutable: bool,
    is_withheld: bool,
) -> FindingKind:
    """Return what a class means for a record: mutable tags may move, and what has expired may go.

    So may the tag of what nobody should pull, but not the image, which may run.
    """
    if drift in ("in-sync", "unknown"):
        return "none" if drift == "in-sync" else "unknown"
    if drift == "withdrawn" and withdrawal:
        return withdrawal.kind
    is_ordinary = (
        drift == "expired"
        or (is_mutable and drift in ("tag-moved", "index-moved"))
        or (drift in ("gone", "tag-missing") and is_expired(record, now))
        or (drift == "tag-missing" and is_withheld)
    )
    return "housekeeping" if is_ordinary else "drift"


def _drift(record: Record, seen: Observation, now: Timestamp, withdrawal: Withdrawal | None) -> tuple[DriftClass, str]:
    """Return the most serious class that was seen, and what was seen; what could not be is for `_unseen`."""
    pulls, is_there = seen.has(record.pull_digest), seen.has(record.digest)
    if pulls is False or is_there is False:
        return "gone", _gone(record, seen, pulls=pulls)
    if missing := seen.missing_below(record):
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        verb = "is" if len(missing) == 1 else "are"
        return "children-missing", f"{', '.join(missing[:_MOST_NAMED])}{more} {verb} missing"
    if refuted := seen.refutation(record):
        return "children-missing", refuted.reason
    if withdrawal:
        return "withdrawn", withdrawal.reason
    if isinstance(seen.served, Unknown):
        return "unknown", seen.served.reason
    if isinstance(seen.served, Absent) and not record.is_environment:
        drift: DriftClass = "unknown" if isinstance(pulls, Unknown) else "tag-missing"
        return drift, f"the tag is gone{_still_pulls(record, seen)}"
    if isinstance(seen.served, str) and seen.served != record.pull_digest:
        what = _serves(record, seen)
        if keeps_image(record, seen) and pulls is True:
            return "index-moved", what
        return "tag-moved", f"{what}{_still_pulls(record, seen)}"
    if any(_unknown_parts(record, seen)):
        return "unknown", ""
    return ("expired", f"past its TTL of {record.ttl}") if is_expired(record, now) else ("in-sync", "")


def _unknown_parts(record: Record, seen: Observation) -> Iterator[tuple[DriftClass, str]]:
    """Yield the class that each thing could have shown which was to be observed and could not be, and what it is.

    A quick look does not ask for what is below a tag that serves the pull digest.
    """
    is_asked = not (seen.is_quick and seen.served == record.pull_digest)
    parts: list[tuple[DriftClass, str, object]] = [
        ("gone", "whether the recorded digest still pulls", seen.has(record.pull_digest)),
        ("gone", "whether the image is there", seen.has(record.digest) if is_asked else True),
        ("children-missing", "what is below the recorded digest", seen.missing.get(record.pull_digest)),
        ("children-missing", "whether it leads to what is recorded", seen.refuted.get(record.key)),
    ]
    for drift, question, part in parts:
        if isinstance(part, Unknown):
            yield drift, f"{question} is not known: {part.reason}"


def _unseen(record: Record, seen: Observation, drift: DriftClass) -> str:
    """Return what could not be observed and might be worse than what was; `""` if there is nothing of the kind."""
    if drift == "unknown" and isinstance(seen.served, Unknown):  # its reason is theirs
        return ""
    worse = CLASSES[: CLASSES.index(drift)]
    return next((unknown for possible, unknown in _unknown_parts(record, seen) if possible in worse), "")


def _gone(record: Record, seen: Observation, *, pulls: bool | Unknown) -> str:
    """Return what is gone, and what the tag does now."""
    if record.index and pulls is not False:
        what = "the image is not in the registry"
        what += ", although its index is: this platform does not pull any more" if pulls is True else ""
    elif record.index:
        what = "the recorded index is not in the registry: what the ledger hands out does not pull any more"
    else:
        what = "the digest is not in the registry"
    if isinstance(seen.served, str) and seen.served != record.pull_digest:
        return f"{what}; {_serves(record, seen)}"
    return what


def keeps_image(record: Record, seen: Observation) -> bool:
    """Return whether clients get the recorded image, for its platform, from what the tag is known to serve."""
    return (
        seen.served in (record.pull_digest, record.digest)
        or record.key in seen.kept
        or (isinstance(seen.contents, Manifest) and leads_to(seen.contents, record.platform, record.digest) is True)
    )


def _serves(record: Record, seen: Observation) -> str:
    """Return what a tag serves that does not serve what is recorded."""
    if isinstance(seen.contents, Unreadable):
        what = (
            "something that can't be read" if seen.contents.is_seen else "another digest, which could not be looked at"
        )
        return f"the tag serves {what}: {seen.contents.reason}"
    if record.digest == seen.served:
        return "the tag serves the image itself, without its index"
    if keeps_image(record, seen):
        return f"the tag serves {'another' if record.index else 'an'} index, with the same image for this platform"
    return "the tag serves another digest"


def _still_pulls(record: Record, seen: Observation) -> str:
    return "" if any(_unknown_parts(record, seen)) else "; the recorded digest still pulls"
