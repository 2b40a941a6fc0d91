"""`verify`: one image:tag compared with a given digest, and with what each registry serves now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ledger_tool.commands.held import held_digests
from ledger_tool.commands.listed import pulled_images
from ledger_tool.commands.observe import Looks
from ledger_tool.commands.once import OncePerRun
from ledger_tool.commands.ports import Registries, RegistryPort, Source
from ledger_tool.commands.proofs import OpenProver, RecordProof, prove, settled
from ledger_tool.commands.provenance import Prover
from ledger_tool.commands.remedy import classified, inner_copies, repositories
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Digest, Timestamp
from ledger_tool.core.ledger.record import Name, Record, pull_digest
from ledger_tool.core.policy.reference import Reference
from ledger_tool.core.registry.drift import DriftFinding, Observation, Unknown
from ledger_tool.core.registry.looks import is_as_recorded
from ledger_tool.errors import UsageError

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
    proofs: Sequence[RecordProof] = ()

    @property
    def ok(self) -> bool:
        """Whether every comparison agrees, and everything that had to be proved is."""
        return all(one.ok for one in self.proofs) and all(check.state == "ok" for check in self.checks)

    @property
    def refuted(self) -> bool:
        """Whether any comparison that was made disagrees, or something is known not to be proved."""
        is_unproved = any(not one.ok and one.proof.state != "unknown" for one in self.proofs)
        return is_unproved or any(check.state in ("mismatch", "missing") for check in self.checks)


def verify(
    source: Source,
    registries: Registries,
    reference: Reference,
    *,
    now: Timestamp,
    digest: Digest | None = None,
    deep: bool = False,
    open_prover: OpenProver | None = None,
) -> Verified:
    """Compare an image:tag's records with `digest`, if given, and each registry that serves it.

    With `open_prover`, also check the signed statements about it. Raises UnknownImage; UsageError if there is nothing
    to prove, or a signature cannot be checked here.
    """
    snapshot = source.read()
    records = snapshot.find(reference)
    serving = {records[0].image: repositories(registries, snapshot.policy, records[0].image)}
    checks = [_given(records, digest, serving[records[0].image])] if digest else []
    looks = Looks(jobs=8, scope="deep" if deep else "images")
    observed = list(looks.all([(registry, records) for registry in serving[records[0].image]]))
    for number, explained in looks.explain(observed):
        observed[number] = observed[number][0], explained
    inner = inner_copies(looks, observed, serving)
    held = held_digests(looks, observed, snapshot, now)
    judged = zip(observed, classified(observed, serving, snapshot, now, inner=inner, held=held), strict=True)
    by_registry = {seen[0][0]: (seen[1], findings) for seen, findings in judged}
    for registry in serving[records[0].image]:
        seen, findings = by_registry[registry]
        checks += [_check(record, finding, seen) for record, finding in zip(records, findings, strict=True)]
    proofs = _proofs(open_prover(snapshot), snapshot, records, serving[records[0].image]) if open_prover else []
    return Verified(records[0].name, checks, proofs)


def _proofs(
    prover: Prover, snapshot: Snapshot, records: Sequence[Record], registries: Sequence[RegistryPort]
) -> list[RecordProof]:
    places: Sequence[RegistryPort | None] = registries if prover.given is None else (registries[:1] or [None])
    proofs = settled([one for place in places for one in prove(prover, snapshot.policy, records, place)])
    if not proofs:
        name = records[0].name
        if places:
            hint = "name the image and its signer under `provenance` in ledger.yaml"
            raise UsageError(f"ledger.yaml does not say what has to be proved of {name}", hint)
        raise UsageError(f"no registry of ledger.yaml serves {name}", "name its registry there, or pass `--bundle`")
    return proofs


def matched(records: Sequence[Record], digest: str | None) -> DigestMatch:
    """Return which of the recorded digests a digest is."""
    if any(record.index == digest for record in records if digest):
        return "index"
    if any(record.digest == digest for record in records):
        return "image"
    return "config" if any(record.config == digest for record in records if digest) else "none"


def _given(records: tuple[Record, ...], digest: Digest, registries: Sequence[RegistryPort]) -> VerifyCheck:
    """Compare a digest with the recorded ones, and with what these lead to at the registries.

    The ledger says which image or index an image:tag is. Which images an index has, and which config an image has, are
    facts of these: what the ledger says of them, anybody may have written.
    """
    match: DigestMatch = matched(records, digest)
    state: VerifyState = "ok"
    reason = ""
    if match in ("config", "none"):
        match, state, reason = _below(records, digest, registries)
    elif match == "index":
        reason = "it is the index's digest"
    expected = pull_digest(records)
    return VerifyCheck(registry=None, expected=expected, served=digest, match=match, state=state, reason=reason)


def _below(
    records: Sequence[Record], digest: Digest, registries: Sequence[RegistryPort]
) -> tuple[DigestMatch, VerifyState, str]:
    """Compare a digest with all that the recorded digests lead to: it is another one only if all of that was seen."""
    once = OncePerRun()
    recorded = dict.fromkeys([record.digest for record in records] + [record.pull_digest for record in records])
    led_to = {own: pulled_images(once, registries, records[0].name, own) for own in recorded}
    images = [image for own in led_to.values() if not isinstance(own, Unknown) for image in own]
    if any(image.config == digest for image in images):
        return "config", "ok", "it is the config's digest"
    if any(image.digest == digest for image in images):
        return "image", "ok", "it is the digest of an image of the recorded index"
    claiming = next((record for record in records if record.config == digest), None)
    claimed = "the ledger has it as the config's, and " if claiming else ""
    if unknown := next((own for own in led_to.values() if isinstance(own, Unknown)), None):
        what = "that could not be checked" if claiming else "what the recorded digest leads to could not be seen"
        return "none", "unknown", f"{claimed}{what}: {unknown.reason}"
    if claiming is None:
        return "none", "mismatch", "the ledger has another digest"
    config = next((image.config for image in images if image.digest == claiming.digest), None)
    what = f"is {config}" if config else "does not exist"
    return "none", "mismatch", f"the ledger has it as the config's, but the config of {claiming.digest} {what}"


def _check(record: Record, finding: DriftFinding, seen: Observation) -> VerifyCheck:
    is_other = finding.drift == "gone" and finding.served not in (None, finding.ledger)
    is_wrong = finding.drift == "children-missing" and not seen.missing_below(record)
    state: VerifyState
    if finding.drift == "withdrawn":  # what became of the version says nothing about the registry
        is_open = finding.is_open or isinstance(seen.served, Unknown)
        state = "unknown" if is_open else "ok" if is_as_recorded(record, seen.served) else "mismatch"
    else:
        state = "mismatch" if is_other or is_wrong else _STATES[finding.drift]
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
