"""The provenance that a registry has of an image, attached to it in its index: buildx does that by default.

It costs a GET for the attestation and one for the statement in it, and nothing where an index has no attestation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger_tool.commands.once import OncePerRun
from ledger_tool.commands.ports import RegistryPort
from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.provenance.claim import BuildClaim, may_be_provenance
from ledger_tool.core.provenance.statement import MAX_BYTES, invalid
from ledger_tool.core.registry.descriptor import StatementLayer
from ledger_tool.core.registry.drift import Absent
from ledger_tool.core.registry.selection import ListedImage
from ledger_tool.errors import LedgerError, RuleRefused

MOST = 4  # attestations of an image, and statements of one attestation; builders make one


@dataclass(frozen=True, slots=True)
class FoundProvenance:
    """What a provenance says, with the digest of the attestation that has it."""

    digest: Digest
    claim: BuildClaim


@dataclass(frozen=True, slots=True)
class Attested:
    """The provenance of an image, in the order of its index, and why other statements of it cannot be used."""

    provenances: Sequence[FoundProvenance]
    failures: Sequence[LedgerError]


NOTHING_ATTESTED = Attested((), ())


def attested(once: OncePerRun, registry: RegistryPort, image: str, listed: ListedImage) -> Attested:
    """Return what the provenance of an image says. Raises nothing: what cannot be read is a failure."""
    provenances: list[FoundProvenance] = []
    failures: list[LedgerError] = []
    subject = listed.entry.digest
    failures += _too_many(len(listed.attestations), f"attestations of {subject}")
    for digest in listed.attestations[:MOST]:
        try:
            layers = _layers(once, registry, image, digest)
        except LedgerError as error:
            failures.append(error)
            continue
        failures += _too_many(len(layers), f"statements in the attestation {digest}")
        for layer in layers[:MOST]:
            try:
                claim = _claim(once, registry, image, layer, subject)
            except LedgerError as error:
                failures.append(error)
            else:
                provenances += [FoundProvenance(digest, claim)] if claim else []
    return Attested(provenances, failures)


def _layers(once: OncePerRun, registry: RegistryPort, image: str, digest: Digest) -> list[StatementLayer]:
    manifest = once.manifest(registry, image, digest)
    if isinstance(manifest, Absent):
        message = f"{registry.name} does not have the attestation {digest}"
        raise RuleRefused(message, "push the whole index again, with its attestations")
    return [layer for layer in manifest.statements if may_be_provenance(layer.predicate_type)]


def _claim(
    once: OncePerRun, registry: RegistryPort, image: str, layer: StatementLayer, subject: Digest
) -> BuildClaim | None:
    """Return what a layer says of the build of an image, None if it is a statement of another kind."""
    if layer.size > MAX_BYTES:
        raise invalid(f"it is larger than {MAX_BYTES // 2**20} MiB")
    said = once.attested(registry, image, layer.digest)
    if said.claim and subject not in said.about:
        raise invalid(f"it is about another image than {subject}")
    return said.claim


def _too_many(number: int, what: str) -> list[LedgerError]:
    message = f"there are {number} {what}, and only the first {MOST} are read"
    return [RuleRefused(message, "push fewer of them")] if number > MOST else []
