"""Who has signed a document, by the keys and the trusted roots of one commit of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from ledger_tool.core.ledger.names import some_of
from ledger_tool.core.policy.policy import ProvenanceRule, TrustedSigner, key_signer, keyless_signer
from ledger_tool.core.provenance.envelope import SignedDocument
from ledger_tool.core.provenance.proof import SignatureVerdict
from ledger_tool.edges.provenance.keyless import IdentityProver, claimed_identity
from ledger_tool.edges.provenance.keys import PublicKey
from ledger_tool.errors import SignatureUncheckable

_MOST_NAMED = 3
ReadFile = Callable[[str], bytes | None]  # the bytes of a file of the ledger repository, None if there is none


class Trust:
    """Judges signatures, from several threads; `read` is asked for each file once, when it is needed."""

    def __init__(self, read: ReadFile) -> None:
        self._read = read
        self._keys: dict[str, PublicKey] = {}
        self._provers: dict[str, IdentityProver] = {}
        self._lock = Lock()

    def verdict(self, document: SignedDocument, rule: ProvenanceRule) -> SignatureVerdict:
        """Return who has signed a document that has an envelope.

        Raises SignatureUncheckable if a library is missing, or a file of the rule, or if that file cannot be used.
        """
        faults: dict[str, None] = {}
        claimed: list[str] = []  # files of the keys with which it may claim to be signed
        for trusted in rule.signers:
            verdict = self._by_key(document, trusted) if trusted.key else self._by_identity(document, trusted)
            if verdict.signer:
                return verdict
            if verdict.fault and trusted.key:
                claimed.append(trusted.key)
            elif verdict.fault:
                faults[verdict.fault] = None
        if claimed:
            faults[f"it has no valid signature by {some_of(claimed, _MOST_NAMED)}"] = None
        return SignatureVerdict(fault="; ".join(faults))

    def _by_key(self, document: SignedDocument, trusted: TrustedSigner) -> SignatureVerdict:
        key = self._key(trusted.key)
        if key.has_signed(document):
            return SignatureVerdict(signer=key_signer(trusted.key))
        is_claimed = key.is_named_by(document)
        return SignatureVerdict(fault=f"it has no valid signature by {trusted.key}" if is_claimed else "")

    def _by_identity(self, document: SignedDocument, trusted: TrustedSigner) -> SignatureVerdict:
        if document.certificate is None:
            return SignatureVerdict()
        named = claimed_identity(document.certificate)
        if named is None:
            return SignatureVerdict(
                fault="its certificate cannot be read, or does not name one identity and its issuer"
            )
        if not trusted.admits_identity(named.identity, named.issuer):
            return SignatureVerdict()
        fault = self._prover(trusted.root).why_not(document, trusted)
        return SignatureVerdict("" if fault else keyless_signer(named.identity, named.issuer), fault)

    def _key(self, file: str) -> PublicKey:
        with self._lock:
            if file not in self._keys:
                self._keys[file] = PublicKey(file, self._content(file, "the key"))
            return self._keys[file]

    def _prover(self, file: str) -> IdentityProver:
        with self._lock:
            if file not in self._provers:
                raw = self._content(file, "the trusted root") if file else None
                self._provers[file] = IdentityProver(file, raw)
            return self._provers[file]

    def _content(self, file: str, what: str) -> bytes:
        raw = self._read(file)
        if raw is None:
            raise SignatureUncheckable(
                f"ledger.yaml names {what} {file}, and the ledger repository does not have that file",
                f"commit {file} beside ledger.yaml, or correct the name",
            )
        return raw
