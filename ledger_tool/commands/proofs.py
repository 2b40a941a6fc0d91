"""Whether the records of an image:tag are proved: the ledger's word, held against signed statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ledger_tool.commands.ports import RegistryPort
from ledger_tool.commands.provenance import Prover
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.provenance.proof import Proof, ProvedImage

LONGEST_PROOF = 600.0  # seconds for all that is attached to one image, or to the images of one image:tag
OpenProver = Callable[[Snapshot], Prover]  # for the rules and the files of a snapshot


@dataclass(frozen=True, slots=True)
class RecordProof:
    """A record and whether it is proved, by what a registry has, or by documents that were given (None).

    `elsewhere` is another registry that has a statement which holds, if this one has none: a mirror need not copy them.
    """

    record: Record
    registry: str | None
    proof: Proof
    elsewhere: str = ""

    @property
    def ok(self) -> bool:
        """Whether the record is proved, here or by the same digest elsewhere."""
        return self.proof.state == "proved" or bool(self.elsewhere)

    @property
    def reason(self) -> str:
        """Why it is not proved here, in words for people; may be empty."""
        there = f"{self.elsewhere} has a statement that holds" if self.elsewhere else ""
        return "; ".join(filter(None, (self.proof.reason, there)))


def settled(proofs: Sequence[RecordProof]) -> list[RecordProof]:
    """Return proofs, of all registries, that know of each other."""
    holding = {one.record.key: one.registry for one in reversed(proofs) if one.proof.state == "proved" and one.registry}
    return [
        replace(one, elsewhere=holding.get(one.record.key) or "") if one.proof.state == "missing" else one
        for one in proofs
    ]


def prove(
    prover: Prover, policy: Policy, records: Sequence[Record], registry: RegistryPort | None
) -> list[RecordProof]:
    """Return the proofs of an image:tag's records; none for those that no rule names and nobody has checked.

    The registry is asked for statements, unless the prover has its own, and for what an index has. Raises
    SignatureUncheckable.
    """
    digests = frozenset(record.digest for record in records)
    proofs = [(record, _proof(prover, policy, record, digests, registry)) for record in records]
    name = registry.name if registry and prover.given is None else None
    return [RecordProof(record, name, proof) for record, proof in proofs if proof]


def _proof(
    prover: Prover, policy: Policy, record: Record, digests: frozenset[str], registry: RegistryPort | None
) -> Proof | None:
    recorded = record.provenance
    signer = record.signer
    rule = policy.provenance_rule(record.image)
    if rule is None:
        reason = f"it was checked for {signer}, and no rule of ledger.yaml names the image any more"
        return Proof(state="revoked", signer=signer, reason=reason) if signer else None
    about = wanted(record, digests)
    before, is_chosen = (recorded.digest if recorded else "", signer), prover.given is not None
    return prover.proved(registry, record.image, about, rule, before, is_chosen=is_chosen)


def wanted(record: Record, digests: frozenset[str]) -> ProvedImage:
    """Return what has to be proved of a record; `digests` are those of all images that statements may be about."""
    others = digests - {record.digest, record.index}
    return ProvedImage(digest=record.digest, index=record.index or "", source_ref=record.source_ref, others=others)
