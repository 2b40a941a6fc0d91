"""`verify`: one image:tag compared with a given digest, and with what each registry serves now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ledger_tool.commands.observe import Looks
from ledger_tool.commands.ports import Registries, Source
from ledger_tool.commands.remedy import classified, repositories
from ledger_tool.core.ledger.names import Digest, Timestamp
from ledger_tool.core.ledger.record import Name, Record, pull_digest
from ledger_tool.core.policy.reference import Reference
from ledger_tool.core.registry.drift import DriftFinding

DigestMatch = Literal["index", "image", "config", "none"]
VerifyState = Literal["ok", "mismatch", "missing", "unknown"]
_STATES: dict[str, VerifyState] = {
    "in-sync": "ok",
    "expired": "ok",
    "tag-moved": "mismatch",
    "index-moved": "mismatch",
    "children-missing": "missing",
    "tag-missing": "missing",
    "gone": "missing",
    "unknown": "unknown",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyCheck:
    """One comparison; `registry` is None for the given digest."""

    registry: str | None
    platform: str | None = None
    expected: str | None
    served: str | None
    match: DigestMatch
    state: VerifyState
    reason: str = ""
    command: str = ""
    alternative: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """All comparisons of one image:tag."""

    name: Name
    checks: Sequence[VerifyCheck]

    @property
    def ok(self) -> bool:
        """Whether every comparison agrees."""
        return all(check.state == "ok" for check in self.checks)

    @property
    def refuted(self) -> bool:
        """Whether any comparison that was made disagrees."""
        return any(check.state in ("mismatch", "missing") for check in self.checks)


def verify(
    source: Source,
    registries: Registries,
    reference: Reference,
    *,
    now: Timestamp,
    digest: Digest | None = None,
    deep: bool = False,
) -> Verified:
    """Compare an image:tag's records with `digest`, if given, and each registry that serves it. Raises UnknownImage."""
    snapshot = source.read()
    records = snapshot.find(reference)
    checks = [_given(records, digest)] if digest else []
    serving = {records[0].image: repositories(registries, snapshot.policy, records[0].image)}
    looks = Looks(jobs=8, scope="deep" if deep else "images")
    observed = list(looks.all([(registry, records) for registry in serving[records[0].image]]))
    for number, explained in looks.explain(observed):
        observed[number] = observed[number][0], explained
    findings = {
        seen[0][0]: own for seen, own in zip(observed, classified(observed, serving, snapshot.policy, now), strict=True)
    }
    for registry in serving[records[0].image]:
        checks += [_check(record, finding) for record, finding in zip(records, findings[registry], strict=True)]
    return Verified(records[0].name, checks)


def matched(records: Sequence[Record], digest: str | None) -> DigestMatch:
    """Return which of the recorded digests a digest is."""
    if any(record.index == digest for record in records if digest):
        return "index"
    if any(record.digest == digest for record in records):
        return "image"
    return "config" if any(record.config == digest for record in records if digest) else "none"


def _given(records: tuple[Record, ...], digest: Digest) -> VerifyCheck:
    match = matched(records, digest)
    state: VerifyState = "mismatch" if match == "none" else "ok"
    reason = {"none": "the ledger has another digest", "image": ""}.get(match, f"it is the {match}'s digest")
    expected = pull_digest(records)
    return VerifyCheck(registry=None, expected=expected, served=digest, match=match, state=state, reason=reason)


def _check(record: Record, finding: DriftFinding) -> VerifyCheck:
    state = (
        "mismatch"
        if finding.drift == "gone" and finding.served not in (None, finding.ledger)
        else _STATES[finding.drift]
    )
    return VerifyCheck(
        registry=finding.registry,
        platform=record.platform,
        expected=finding.ledger,
        served=finding.served,
        match=matched([record], finding.served) if state != "unknown" else "none",
        state=state,
        reason=finding.reason,
        command=finding.command,
        alternative=finding.alternative,
    )
