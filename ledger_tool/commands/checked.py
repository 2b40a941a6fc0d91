"""The signed statements about what is being published: checked before it is written, by the rules of ledger.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ledger_tool.commands.inspect import chosen_registry
from ledger_tool.commands.inspected import CheckedFacts, Inspected
from ledger_tool.commands.parallel import in_parallel
from ledger_tool.commands.ports import Registries, RegistryPort
from ledger_tool.commands.proofs import LONGEST_PROOF, OpenProver, wanted
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Image
from ledger_tool.core.ledger.record import Key, Name, Provenance, Record
from ledger_tool.core.provenance.proof import NOT_ADMITTED, Proof
from ledger_tool.core.writes import publish as writes
from ledger_tool.core.writes.draft import Draft
from ledger_tool.errors import LedgerError, NotProved, Unreachable, UsageError

_HINT = "build and sign the image again, or delete that statement at the registry, then publish again"
_HINT_FOR_FILE = "build and sign the image again, or take that statement out of the file, then publish again"


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
        becoming = _becoming(drafts, images, before, force_reason)
    except LedgerError:
        return replace(seen, is_open=True)  # which the write says, or does not, on the latest ledger
    ruled = [(number, record) for number, own in enumerate(becoming) for record in own if record.image in rules]
    about = _about([record for own in becoming for record in own], together=prover.given is not None)

    def look(task: tuple[int, Record]) -> Proof | None:
        number, record = task
        draft, old = drafts[number], _recorded(before, record)
        registry = _registry(draft, record, before, registries, host)
        if registry is None and prover.given is None:
            return None
        return prover.proved(
            registry, record.image, wanted(record, about[record.name]), rules[record.image],
            (old.digest, old.signer) if old else ("", ""),
            is_in_index=registry is not None,  # it was asked for the image
        )  # fmt: skip

    made, held = list(drafts), dict[Key, CheckedFacts]()
    notes: dict[str, None] = {}
    proofs = dict(in_parallel(look, ruled, jobs=jobs, longest=LONGEST_PROOF))
    for number, record in ruled:
        proof = proofs[number, record]
        if isinstance(proof, LedgerError):
            raise proof.within(drafts[number].where)
        if proof:
            hint = _HINT if prover.given is None else _HINT_FOR_FILE
            made[number] = _with(made[number], record, proof, before, notes, hint)
            held[record.key] = record.digest, record.index, record.source_ref
    return replace(seen, drafts=made, notes=[*seen.notes, *notes], held=held)


def _becoming(
    drafts: Sequence[Draft], images: Sequence[Image], before: Snapshot, force_reason: str
) -> list[list[Record]]:
    """Return what each draft would be recorded as; that nothing is proved yet does not matter.

    Of an index whose images are recorded, these are what it is said of.
    """
    require = tuple(name for name in before.policy.require if name != "provenance")
    asked_less = replace(before, policy=replace(before.policy, require=require))
    after = writes.publish(asked_less, drafts, force_reason=force_reason).ledger
    becoming = []
    for draft, image in zip(drafts, images, strict=True):
        records = [one for one in after.find(Name(image, draft.tag)) if draft.platform in (None, one.platform)]
        own = [one for one in records if one.digest == draft.digest]
        becoming.append(own or [one for one in records if one.index == draft.digest])
    return becoming


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


def _with(draft: Draft, record: Record, proof: Proof, before: Snapshot, notes: dict[str, None], hint: str) -> Draft:
    """Return a draft with the statement that proves it, or raise why it must not be recorded.

    `hint` is what to do about a statement that does not hold.
    """
    name = str(record.key)
    if proof.digest and proof.state in ("proved", "replaced", "revoked"):
        return replace(draft, provenance=Provenance(proof.digest, proof.builder, proof.signer))
    if proof.state == "broken":
        hint += "; if that source is right, correct ledger.yaml" if NOT_ADMITTED in proof.reason else ""
        raise NotProved(f"{name}: {proof.reason}", hint).within(draft.where)
    if proof.state == "unknown":
        hint = "run it again, or name the signed statement with `--bundle FILE`"
        raise Unreachable(f"{name}: {proof.reason}", hint).within(draft.where)
    if "provenance" in before.policy.require:
        hint = "sign its provenance and attach that to the image, or name it with `--bundle FILE`, then publish again"
        raise NotProved(f"{name} is not proved: {proof.reason}", hint).within(draft.where)
    notes[f"note: {name} is not proved: {proof.reason}"] = None
    return draft
