"""Signatures by the holder of a key: ECDSA, RSA and ed25519, over the bytes that DSSE has signed.

The algorithm is that of the key, never one that a document names. ECDSA is over the hash that goes with the curve or,
as cosign does it for every curve, SHA-256; RSA is PKCS #1 v1.5 or PSS, with SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ledger_tool.core.provenance.envelope import SignedDocument
from ledger_tool.core.provenance.publickey import key_fault
from ledger_tool.edges.provenance.library import library
from ledger_tool.errors import SignatureUncheckable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

Check = Callable[[bytes, bytes], None]  # of a signature and of what is signed; raises InvalidSignature


class PublicKey:
    """A public key and what others may call it."""

    def __init__(self, file: str, raw: bytes) -> None:
        """Read the key in the bytes of a file. Raises SignatureUncheckable."""
        self.file = file
        self._key = _loaded(file, raw)
        self._checks = _checks(self._key)
        serialization = library("cryptography.hazmat.primitives.serialization", "keys")
        der = self._key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        hashed = hashlib.sha256(der).digest()
        plain = base64.b64encode(hashed).decode()
        self._names = {hashed.hex(), f"sha256:{hashed.hex()}", plain, f"SHA256:{plain.rstrip('=')}"}

    def has_signed(self, document: SignedDocument) -> bool:
        """Return whether the key's holder has signed a document's envelope."""
        assert document.envelope is not None
        message = document.envelope.signed_bytes
        return any(
            self._is_valid(check, signature.signature, message)
            for signature in document.envelope.signatures
            for check in self._checks
        )

    def is_named_by(self, document: SignedDocument) -> bool:
        """Return whether a document may claim to be signed with this key: it has no certificate, and names no other."""
        if document.certificate is not None or document.envelope is None:
            return False
        named = {document.hint, *(signature.keyid for signature in document.envelope.signatures)} - {""}
        return not named or not self._names.isdisjoint(named)

    @staticmethod
    def _is_valid(check: Check, signature: bytes, message: bytes) -> bool:
        try:
            check(signature, message)
        except library("cryptography.exceptions", "keys").InvalidSignature:
            return False
        return True


def _loaded(file: str, raw: bytes) -> PublicKeyTypes:
    serialization = library("cryptography.hazmat.primitives.serialization", "keys")
    fault = key_fault(raw)
    if not fault:
        try:
            return serialization.load_pem_public_key(raw)  # type: ignore[no-any-return]
        except (ValueError, TypeError, library("cryptography.exceptions", "keys").UnsupportedAlgorithm):
            fault = "`cryptography` does not read it"
    raise SignatureUncheckable(
        f"{file} in the ledger repository cannot be used: {fault}",
        "commit a key that begins with `-----BEGIN PUBLIC KEY-----`, such as the output of `cosign public-key`",
    )


def _checks(key: Any) -> list[Check]:
    """Return the ways in which a key signs that `key_fault` has let pass."""
    asymmetric = "cryptography.hazmat.primitives.asymmetric"
    ec, rsa, padding = (library(f"{asymmetric}.{name}", "keys") for name in ("ec", "rsa", "padding"))
    hashes = library("cryptography.hazmat.primitives.hashes", "keys")
    sha256, prehashed = hashes.SHA256(), library(f"{asymmetric}.utils", "keys").Prehashed
    if isinstance(key, ec.EllipticCurvePublicKey):
        own = {"secp384r1": hashes.SHA384(), "secp521r1": hashes.SHA512()}.get(key.curve.name, sha256)
        return [_with(key, used, ec.ECDSA(prehashed(used))) for used in {own.name: own, sha256.name: sha256}.values()]
    if isinstance(key, rsa.RSAPublicKey):
        pss = padding.PSS(padding.MGF1(sha256), padding.PSS.AUTO)
        return [_with(key, sha256, way, prehashed(sha256)) for way in (padding.PKCS1v15(), pss)]
    return [key.verify]


def _with(key: Any, algorithm: Any, *parameters: Any) -> Check:
    def check(signature: bytes, message: bytes) -> None:
        key.verify(signature, _hashed(message, algorithm.name), *parameters)

    return check


@lru_cache(maxsize=4)
def _hashed(message: bytes, algorithm: str) -> bytes:
    """Return the hash of a message, which may be large and have many signatures and keys to be tried."""
    return hashlib.new(algorithm, message).digest()
