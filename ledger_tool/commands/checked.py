"""The signed statements about what is being published: checked before it is written, by the rules of ledger.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ledger_tool.commands.inspect import chosen_registry
from ledger_tool.commands.inspected import Inspected
from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Registries, RegistryPort
from ledger_tool.commands.proofs import OpenProver, wanted
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Digest, Image, SourceRef
from ledger_tool.core.ledger.record import Key, Name, Provenance, Record
from ledger_tool.core.provenance.proof import Proof
from ledger_tool.core.writes import publish as writes
from ledger_tool.core.writes.draft import Draft
from ledger_tool.errors import LedgerError, NotProved, Unreachable, UsageError

LONGEST_PROOF = 600.0  # seconds for all that is attached to one image
_HINT = "build and sign the image again, or delete that statement at the registry, then publish again"


def checked(
    seen: Inspected,
    before: Snapshot,
    registries: Registries | None,
    open_prover: OpenProver,
    *,
    host: str = "",
    jobs: int = 8,
    force_reason: str = "",
) -> Inspected:
    """Check the statements about drafts whose images a rule names: at the registry that they are published from.

    What is proved is the record that a draft becomes, whose source may be older than the draft's. Raises NotProved
    for a statement that does not hold, and for none at all where the team requires it; Unreachable if that could not
    be looked at; SignatureUncheckable.
    """
    drafts = seen.drafts
    images = writes.images_of(before, drafts)
    rules = {image: rule for image in images if (rule := before.policy.provenance_rule(image))}
    prover = open_prover(before)
    if prover.given is not None and (unruled := [image for image in images if image not in rules]):
        raise UsageError(
            f"`--bundle` is given, and ledger.yaml does not say what has to be proved of {unruled[0]}",
            "name the image and its signer under `provenance` in ledger.yaml",
        )
    if not rules:
        return seen
    try:
        records = _records(drafts, images, before, force_reason)
    except LedgerError:
        return replace(seen, is_open=True)  # which the write says, or does not, on the latest ledger
    about = _about(records, together=prover.given is not None)

    def look(number: int) -> Proof | None:
        record, draft = records[number], drafts[number]
        if record.image not in rules:
            return None
        registry = _registry(draft, record, before, registries, host)
        if registry is None and prover.given is None:
            return None
        old = _recorded(before, record)
        recorded = (old.digest, old.signer) if old else ("", "")
        return prover.proved(
            registry, record.image, wanted(record, about[record.name]), rules[record.image], recorded,
            is_in_index=registry is not None,  # it was asked for the image
        )  # fmt: skip

    results = dict(in_parallel(look, range(len(drafts)), jobs=jobs, longest=LONGEST_PROOF))
    made: list[Draft] = []
    notes: dict[str, None] = {}
    held: dict[Key, tuple[Digest, SourceRef]] = {}
    for number, (draft, record) in enumerate(zip(drafts, records, strict=True)):
        proof = results[number]
        if isinstance(proof, LedgerError):
            raise proof.within(draft.where)
        made.append(draft if proof is None else _with(draft, record, proof, before, notes))
        if proof:
            held[record.key] = record.digest, record.source_ref
    return replace(seen, drafts=made, notes=[*seen.notes, *notes], held=held)


def _records(drafts: Sequence[Draft], images: Sequence[Image], before: Snapshot, force_reason: str) -> list[Record]:
    """Return what drafts would be recorded as; that nothing is proved yet does not matter."""
    require = tuple(name for name in before.policy.require if name != "provenance")
    asked_less = replace(before, policy=replace(before.policy, require=require))
    after = writes.publish(asked_less, drafts, force_reason=force_reason).ledger
    return [
        next(
            record
            for record in after.find(Name(image, draft.tag))
            if record.digest == draft.digest and draft.platform in (None, record.platform)
        )
        for draft, image in zip(drafts, images, strict=True)
    ]


def _about(records: Sequence[Record], *, together: bool) -> dict[Name, frozenset[str]]:
    """Return what else statements may be about: the images of the same tag, or if a file has them, of the run."""
    names = {record.name for record in records}
    digests = {
        name: frozenset(record.digest for record in records if together or record.name == name) for name in names
    }
    indexes = frozenset(record.index for record in records if record.index) if together else frozenset()
    return {name: own | indexes for name, own in digests.items()}


def _registry(
    draft: Draft, record: Record, before: Snapshot, registries: Registries | None, host: str
) -> RegistryPort | None:
    if registries is None:
        return None
    return chosen_registry(
        registries.serving(before.policy, record.image), host or draft.reference.registry, record.image
    )


def _recorded(before: Snapshot, record: Record) -> Provenance | None:
    """Return what the ledger has of the image's provenance."""
    same = (old.provenance for old in before.ledger.find(record.name) if old.digest == record.digest)
    return next(filter(None, same), None)


def _with(draft: Draft, record: Record, proof: Proof, before: Snapshot, notes: dict[str, None]) -> Draft:
    """Return a draft with the statement that proves it, or raise why it must not be recorded."""
    name = str(record.key)
    if proof.digest and proof.state in ("proved", "replaced", "revoked"):
        return replace(draft, provenance=Provenance(proof.digest, proof.builder, proof.signer))
    if proof.state == "broken":
        raise NotProved(f"{name}: {proof.reason}", _HINT).within(draft.where)
    if proof.state == "unknown":
        hint = "run it again, or name the signed statement with `--bundle FILE`"
        raise Unreachable(f"{name}: {proof.reason}", hint).within(draft.where)
    if "provenance" in before.policy.require:
        hint = "sign its provenance and attach that to the image, or name it with `--bundle FILE`, then publish again"
        raise NotProved(f"{name} is not proved: {proof.reason}", hint).within(draft.where)
    notes[f"note: {name} is not proved: {proof.reason}"] = None
    old = _recorded(before, record)
    return replace(draft, provenance=old) if old and old.signer else draft
