"""Proving where images are from: signed documents, by the rule of ledger.yaml, about images and their sourceRefs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from ledger_tool.commands.attached import Attached, FoundDocument, attached
from ledger_tool.commands.once import OncePerRun
from ledger_tool.commands.ports import RegistryPort, TrustPort
from ledger_tool.commands.walk import images_below
from ledger_tool.core.ledger.names import Digest
from ledger_tool.core.policy.policy import ProvenanceRule
from ledger_tool.core.provenance.envelope import SignedDocument, documents_in, parse_document
from ledger_tool.core.provenance.proof import (
    Examined,
    Proof,
    ProvedImage,
    SignatureVerdict,
    examine,
    proof_of_record,
    slsa_statement,
)
from ledger_tool.core.provenance.statement import Statement, fault_of
from ledger_tool.core.registry.drift import Absent
from ledger_tool.core.registry.platforms import NOTHING_STATED
from ledger_tool.errors import InvalidStatement, LedgerError

NOT_SIGNED = SignatureVerdict()
MOST_KEPT_BYTES = 64 * 2**20  # of documents that are not looked for again


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
    _looking: dict[tuple[str, str, str], Lock] = field(default_factory=dict)
    _read: dict[tuple[object, ...], _ReadDocument] = field(default_factory=dict)
    _kept: int = 0  # bytes of documents
    _once: OncePerRun = field(default_factory=OncePerRun)
    _lock: Lock = field(default_factory=Lock)

    def proved(
        self, registry: RegistryPort | None, image: str, wanted: ProvedImage, rule: ProvenanceRule,
        recorded: tuple[str, str] = ("", ""), *, is_in_index: bool = False, is_chosen: bool = False,
    ) -> Proof:  # fmt: skip
        """Return whether an image is proved, by what a registry has or what is given.

        `recorded` are the digest of the statement and the signer that the ledger has for it, `""` if none. A statement
        about the index proves the images that it leads to: the registry is asked, unless `is_in_index` says that it
        was. One about another image does not hold, unless that is one of the same index; or with `is_chosen`, where the
        image was chosen from those that the given documents are about. Raises SignatureUncheckable.
        """
        documents, unknown = self._documents(registry, image, wanted.digests)

        def examined_for(wanted: ProvedImage) -> list[Examined]:
            return [one for document in documents if (one := self._examined(document, rule, wanted))]

        examined = examined_for(wanted)
        if is_chosen:
            examined = [one for one in examined if not one.is_stray]
        elif registry and wanted.index and any(one.is_stray for one in examined):
            try:
                below = self._below(registry, image, wanted.index)
            except LedgerError as error:
                reason = f"a statement is about another image, and whether {wanted.index} has that could not be seen"
                return Proof(state="unknown", reason=f"{reason}: {error.message}")
            examined = examined_for(replace(wanted, others=wanted.others | below))
        proof = proof_of_record(examined, unknown, *recorded, rule)
        if is_in_index or not proof.digest or proof.state == "broken":
            return proof
        if not any(one.by_index for one in examined if one.outcome == "holds"):
            return proof
        return self._below_index(registry, image, wanted, proof)

    def _below_index(self, registry: RegistryPort | None, image: str, wanted: ProvedImage, proof: Proof) -> Proof:
        """Return a proof that rests on the index if that leads to the image; else why it proves nothing."""
        about = f"a statement is about the index {wanted.index}"
        if registry is None:
            return Proof(state="broken", reason=f"{about}, and no registry was asked whether that has the image")
        try:
            is_below = self._leads_to(registry, image, wanted.index, wanted.digest)
        except LedgerError as error:
            return Proof(state="unknown", reason=f"{about}, and what that has could not be seen: {error.message}")
        return proof if is_below else Proof(state="broken", reason=f"{about}, which does not have the image")

    def _below(self, registry: RegistryPort, image: str, index: str) -> frozenset[str]:
        """Return the digests that an index leads to, without its own."""
        served = self._once.manifest(registry, image, index)
        if isinstance(served, Absent):
            return frozenset()
        below = {child.digest for child in served.children}
        if served.nested:
            nested = images_below(self._once, registry, image, served, only=None, platform=NOTHING_STATED)
            below |= {one.manifest.digest for one in nested}
        return frozenset(below)

    def _leads_to(self, registry: RegistryPort, image: str, index: str, digest: str) -> bool:
        served = self._once.manifest(registry, image, index)
        if isinstance(served, Absent):
            return False
        if any(child.digest == digest for child in served.children):
            return True
        below = images_below(self._once, registry, image, served, only=Digest(digest), platform=NOTHING_STATED)
        return any(one.manifest.digest == digest for one in below)

    def _documents(
        self, registry: RegistryPort | None, image: str, digests: Iterable[str]
    ) -> tuple[list[FoundDocument], list[str]]:
        if self.given is not None or registry is None:
            return list(self.given or ()), []
        looks = [self._looked(registry, image, digest) for digest in digests]
        by_place = {document.place: document for look in looks for document in look.documents}
        return list(by_place.values()), [reason for look in looks for reason in look.unknown]

    def _looked(self, registry: RegistryPort, image: str, digest: str) -> Attached:
        question = registry.name, registry.repository(image), digest
        with self._lock:
            turn = self._looking.setdefault(question, Lock())
        with turn:  # the images of an index are proved at the same time
            known = self._attached.get(question)
            if known is None:
                known = attached(registry, image, digest)
                self._keep(question, known)
            return known

    def _keep(self, question: tuple[str, str, str], known: Attached) -> None:
        """Keep what was found, but not all that a run over a large ledger finds."""
        size = sum(len(document.raw) for document in known.documents)
        with self._lock:
            if self._kept + size > MOST_KEPT_BYTES:
                self._attached.clear()
                self._read.clear()
                self._kept = 0
            self._kept += size
            self._attached[question] = known

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
            return _ReadDocument(fault=fault_of(error))
        if document.envelope is None:
            return _ReadDocument()
        try:
            statement = slsa_statement(document)
        except InvalidStatement as error:
            verdict = self.trust.verdict(document, rule)
            is_other = not (verdict.signer or verdict.fault)
            return _ReadDocument() if is_other else _ReadDocument(document, fault=fault_of(error))
        if statement is None:
            return _ReadDocument()
        return _ReadDocument(document, statement, self.trust.verdict(document, rule))


def given_documents(raw: bytes, name: str) -> list[FoundDocument]:
    """Return the documents of a file that a person named."""
    return [
        FoundDocument(name if not number else f"{name}:{number + 1}", one)
        for number, one in enumerate(documents_in(raw))
    ]
