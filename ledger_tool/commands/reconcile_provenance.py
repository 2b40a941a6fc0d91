"""`reconcile --provenance`: each record that has to be proved, held against the statements that registries have now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Source
from ledger_tool.commands.proofs import LONGEST_PROOF, OpenProver, RecordProof, prove, settled
from ledger_tool.commands.remedy import Serving
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.provenance.proof import Proof, ProofState
from ledger_tool.core.registry.drift import DriftClass, DriftFinding
from ledger_tool.core.registry.failon import FindingKind
from ledger_tool.core.registry.shellcommands import verify
from ledger_tool.errors import LedgerError, SignatureUncheckable

_CLASSES: Mapping[ProofState, DriftClass] = {
    "broken": "provenance-broken",
    "replaced": "provenance-replaced",
    "revoked": "provenance-revoked",
    "missing": "provenance-missing",
    "unknown": "unknown",
}


def unproved(
    source: Source, snapshot: Snapshot, groups: Sequence[Sequence[Record]], serving: Serving,
    open_prover: OpenProver, *, jobs: int,
) -> list[DriftFinding]:  # fmt: skip
    """Return a finding for each record and registry that is not proved, though it has to be or once was.

    What is not proved and changed in the meantime is looked at again, as the ledger has it then. Raises
    SignatureUncheckable.
    """
    proofs = _proofs(snapshot, groups, serving, open_prover, jobs)
    doubtful = {one.record.name for one in proofs if one.proof.state != "proved"}
    fresh, changed = _changed(source, snapshot, doubtful)
    if changed:
        proofs = [one for one in proofs if one.record.name not in changed]
        again = [records for name in changed if (records := fresh.ledger.find(name))]
        proofs += _proofs(fresh, again, serving, open_prover, jobs)
    return [_finding(checked, fresh.policy) for checked in proofs if checked.proof.state != "proved"]


def _proofs(
    snapshot: Snapshot, groups: Sequence[Sequence[Record]], serving: Serving, open_prover: OpenProver, jobs: int
) -> list[RecordProof]:
    policy, prover = snapshot.policy, open_prover(snapshot)
    tasks = [(records, registry) for records in groups for registry in serving[records[0].image]]
    proofs = []
    looks = in_parallel(lambda task: prove(prover, policy, *task), tasks, jobs=jobs, longest=LONGEST_PROOF)
    for (records, registry), proved in looks:
        if isinstance(proved, SignatureUncheckable):
            raise proved
        if isinstance(proved, LedgerError):
            unknown = Proof(state="unknown", reason=proved.message)
            proofs += [RecordProof(record, registry.name, unknown) for record in records]
        else:
            proofs += proved
    return settled(proofs)


def _changed(source: Source, snapshot: Snapshot, names: set[Name]) -> tuple[Snapshot, list[Name]]:
    """Return the ledger now, and those of some image:tags that have changed since; none if it cannot be read."""
    try:
        fresh = source.read() if names else snapshot
    except LedgerError:
        return snapshot, []
    is_other = fresh.policy.provenance != snapshot.policy.provenance
    changed = (name for name in names if is_other or fresh.ledger.find(name) != snapshot.ledger.find(name))
    return fresh, sorted(changed)


def _finding(checked: RecordProof, policy: Policy) -> DriftFinding:
    """Return the finding; what is missing is housekeeping if another registry has it, or nobody has asked for it."""
    record, state = checked.record, checked.proof.state
    recorded = record.provenance
    is_wanted = bool(recorded and recorded.signer) or "provenance" in policy.require
    is_minor = bool(checked.elsewhere) or (state == "missing" and not is_wanted)
    kind: FindingKind = "unknown" if state == "unknown" else "housekeeping" if is_minor else "drift"
    return DriftFinding(
        drift=_CLASSES[state],
        registry=checked.registry or "",
        image=record.image,
        tag=record.tag,
        platform=record.platform,
        ledger=recorded.digest if recorded else None,
        served=checked.proof.digest,
        reason=f"its provenance could not be seen: {checked.reason}" if state == "unknown" else checked.reason,
        kind=kind,
        is_of_provenance=True,
        command=verify(record, "--provenance"),
    )
