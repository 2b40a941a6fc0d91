"""Proving where images are from: signed documents, by the rule of ledger.yaml, about images and their sourceRefs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock

from ledger_tool.commands.attached import Attached, FoundDocument, attached
from ledger_tool.commands.ports import RegistryPort, TrustPort
from ledger_tool.core.policy.policy import ProvenanceRule
from ledger_tool.core.provenance.envelope import SignedDocument, documents_in, parse_document
from ledger_tool.core.provenance.proof import (
    Examined,
    Proof,
    ProvedImage,
    SignatureVerdict,
    compared,
    examine,
    proof,
    slsa_statement,
)
from ledger_tool.core.provenance.statement import Statement
from ledger_tool.errors import InvalidStatement

NOT_SIGNED = SignatureVerdict()


@dataclass(frozen=True, slots=True)
class _ReadDocument:
    """A document as far as it can be read, and who has signed it; None of what does not count."""

    document: SignedDocument | None = None
    statement: Statement | None = None
    verdict: SignatureVerdict = NOT_SIGNED
    fault: str = ""


@dataclass(eq=False)
class Prover:
    """Proves images of one run: looks for what is attached to a digest once, and checks each document once.

    `given` are the documents to use instead of those of a registry.
    """

    trust: TrustPort
    given: Sequence[FoundDocument] | None = None
    _attached: dict[tuple[str, str, str], Attached] = field(default_factory=dict)
    _read: dict[tuple[object, ...], _ReadDocument] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def proved(
        self, registry: RegistryPort | None, image: str, wanted: ProvedImage, rule: ProvenanceRule,
        recorded: tuple[str, str] = ("", ""),
    ) -> Proof:  # fmt: skip
        """Return whether an image is proved, by what a registry has or what is given.

        `recorded` are the digest of the statement and the signer that the ledger has for it, `""` if none. Raises
        SignatureUncheckable.
        """
        documents, unknown = self._documents(registry, image, wanted.digests)
        examined = [one for found in documents if (one := self._examined(found, rule, wanted))]
        return compared(proof(examined, unknown), examined, *recorded, rule)

    def _documents(
        self, registry: RegistryPort | None, image: str, digests: Iterable[str]
    ) -> tuple[list[FoundDocument], list[str]]:
        if self.given is not None or registry is None:
            return list(self.given or ()), []
        looks = [self._looked(registry, image, digest) for digest in sorted(digests)]
        by_place = {document.place: document for look in looks for document in look.documents}
        return list(by_place.values()), [reason for look in looks for reason in look.unknown]

    def _looked(self, registry: RegistryPort, image: str, digest: str) -> Attached:
        question = registry.name, registry.repository(image), digest
        known = self._attached.get(question)
        if known is None:
            known = self._attached[question] = attached(registry, image, digest)
        return known

    def _examined(self, found: FoundDocument, rule: ProvenanceRule, wanted: ProvedImage) -> Examined | None:
        if found.fault:
            return Examined(outcome="broken", place=found.place, reason=found.fault)
        known = self._known(found, rule)
        if known.fault:
            digest = known.document.digest if known.document else None
            return Examined(outcome="broken", place=found.place, digest=digest, reason=known.fault)
        if known.document is None or known.statement is None:
            return None
        return examine(known.document, known.statement, known.verdict, rule, wanted, found.place)

    def _known(self, found: FoundDocument, rule: ProvenanceRule) -> _ReadDocument:
        question = rule, found.raw, tuple(sorted(found.annotations.items()))
        with self._lock:
            known = self._read.get(question)
        if known is None:
            known = self._judged(found, rule)
            with self._lock:
                self._read[question] = known
        return known

    def _judged(self, found: FoundDocument, rule: ProvenanceRule) -> _ReadDocument:
        try:
            document = parse_document(found.raw, found.annotations)
        except InvalidStatement as error:
            return _ReadDocument(fault=_told(error))
        if document.envelope is None:
            return _ReadDocument()
        try:
            statement = slsa_statement(document)
        except InvalidStatement as error:
            verdict = self.trust.verdict(document, rule)
            is_other = not (verdict.signer or verdict.fault)
            return _ReadDocument() if is_other else _ReadDocument(document, fault=_told(error))
        if statement is None:
            return _ReadDocument()
        return _ReadDocument(document, statement, self.trust.verdict(document, rule))


def _told(error: InvalidStatement) -> str:
    return error.message.replace("an attestation is", "it is", 1)


def given_documents(raw: bytes, name: str) -> list[FoundDocument]:
    """Return the documents of a file that a person named."""
    return [
        FoundDocument(name if not number else f"{name}:{number + 1}", one)
        for number, one in enumerate(documents_in(raw))
    ]
