"""Signatures by an identity that an issuer has proved, as a sigstore bundle has them, checked without a network.

The certificate, its time, the log's promise and proof, and the signature are the library's to check. It is given a
trusted root that is part of its own package or of the ledger, never the one in its cache: that lies in the home of
whoever runs this, where another job may have left it.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.policy.policy import TrustedSigner
from ledger_tool.core.provenance.envelope import SignedDocument
from ledger_tool.core.provenance.trustfiles import root_fault
from ledger_tool.edges.files.temporary import private_folder
from ledger_tool.edges.provenance.library import library
from ledger_tool.errors import SignatureUncheckable

_SHIPPED = "https://tuf-repo-cdn.sigstore.dev"
_ISSUER, _ISSUER_AS_TEXT = "1.3.6.1.4.1.57264.1.8", "1.3.6.1.4.1.57264.1.1"  # of Fulcio's certificates
_WORKFLOW_NAME = "1.3.6.1.4.1.57264.1.7"  # a subject alternative name of another kind than an address
_UTF8_TEXT = 0x0C
_PLAIN = re.compile(r"[!-~]{1,480}")


@dataclass(frozen=True, slots=True)
class ClaimedIdentity:
    """Whom a certificate names, and who is said to have proved it; nothing of it is checked."""

    identity: str
    issuer: str


def claimed_identity(certificate: bytes) -> ClaimedIdentity | None:
    """Return whom a certificate (DER) names, None if it cannot be read or does not name exactly one."""
    x509 = library("cryptography.x509", "sigstore")
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        issuer = _issuer(x509, parsed.extensions)
    except Exception:  # noqa: BLE001 - whatever the library stumbles over is not a certificate that names somebody
        return None
    identities = [_name(x509, name) for name in names]
    is_plain = all(_PLAIN.fullmatch(text) for text in (*identities, issuer))  # for a record, and for a screen
    return ClaimedIdentity(identities[0], issuer) if len(identities) == 1 and is_plain else None


def _issuer(x509: Any, extensions: Any) -> str:
    for oid in (_ISSUER, _ISSUER_AS_TEXT):
        try:
            value: bytes = extensions.get_extension_for_oid(x509.ObjectIdentifier(oid)).value.value
        except x509.ExtensionNotFound:
            continue
        return (_der_text(value) if oid == _ISSUER else value).decode("utf-8")
    return ""


def _name(x509: Any, name: Any) -> str:
    if isinstance(name, x509.RFC822Name | x509.UniformResourceIdentifier):
        return str(name.value)
    if isinstance(name, x509.OtherName) and name.type_id.dotted_string == _WORKFLOW_NAME:
        try:
            return _der_text(name.value).decode("utf-8")
        except ValueError:
            return ""
    return ""


def _der_text(value: bytes) -> bytes:
    """Return the bytes of a DER UTF8String of up to 64 KiB. Raises ValueError."""
    length, start = (value[1], 2) if value[1:2] < b"\x80" else (int.from_bytes(value[2 : 2 + value[1] % 128]), 0)
    start = start or 2 + value[1] % 128
    if value[:1] != bytes([_UTF8_TEXT]) or len(value) != start + length:
        raise ValueError("not a text")
    return value[start:]


@dataclass(frozen=True, slots=True)
class _IdentityPolicy:
    """What sigstore asks about the certificate that it checks."""

    trusted: TrustedSigner
    errors: Any

    def verify(self, cert: Any) -> None:
        """Raise sigstore's VerificationError if the certificate names somebody else."""
        encoding = library("cryptography.hazmat.primitives.serialization", "sigstore").Encoding.DER
        named = claimed_identity(cert.public_bytes(encoding))
        if named is None or not self.trusted.admits_identity(named.identity, named.issuer):
            raise self.errors.VerificationError("the certificate names somebody else")


def _told(error: Exception) -> str:
    """Return what a library says, on one line; of what does not fit its model, the first part and why."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    if "validation error" in lines[0] and len(lines) > 2:
        reason = lines[2].partition(" [type=")[0]
        lines = [f"`{lines[1]}`: {reason[:1].lower()}{reason[1:]}"]
    return shown(" ".join(lines), 200)


class IdentityProver:
    """Checks bundles with one trusted root: that of a file of the ledger, or the one that the library ships."""

    def __init__(self, file: str, raw: bytes | None) -> None:
        """Read a trusted root; None stands for the library's own. Raises SignatureUncheckable."""
        logging.getLogger("sigstore").addHandler(logging.NullHandler())
        self._models = library("sigstore.models", "sigstore")
        self._errors = library("sigstore.errors", "sigstore")
        self._verify = library("sigstore.verify", "sigstore")
        self._verifier = self._read(file, raw) if raw is not None else self._shipped()

    def why_not(self, document: SignedDocument, trusted: TrustedSigner) -> str:
        """Return why it is not proved that a trusted identity has signed a document, `""` if it is."""
        assert document.envelope is not None
        if not document.is_bundle:
            return (
                "it is in cosign's old form, which has no proof that it is in the log and cannot be checked offline; "
                "sign with `cosign attest --new-bundle-format`"
            )
        try:
            bundle = self._models.Bundle.from_json(document.raw)
            payload_type, payload = self._verifier.verify_dsse(bundle, _IdentityPolicy(trusted, self._errors))
        except self._errors.Error as error:
            return f"sigstore: {_told(error)}"
        except Exception as error:  # noqa: BLE001 - a document that the library stumbles over does not hold
            return f"sigstore cannot read it: {_told(error)}"
        is_what_was_read = (payload_type, payload) == (document.envelope.payload_type, document.envelope.payload)
        return "" if is_what_was_read else "sigstore reads another statement in it"

    def _read(self, file: str, raw: bytes) -> Any:
        fault = root_fault(raw)
        if not fault:
            with private_folder() as folder:
                path = Path(folder) / "trusted_root.json"
                path.write_bytes(raw)
                try:
                    return self._from(path)
                except Exception as error:  # noqa: BLE001 - whatever the library stumbles over is of no use
                    fault = f"sigstore does not read it: {shown(str(error), 200)}"
        raise SignatureUncheckable(
            f"{file} in the ledger repository cannot be used: {fault}",
            "commit the `trusted_root.json` of the sigstore instance that signs",
        )

    def _shipped(self) -> Any:
        embedded = files("sigstore") / "_store" / quote(_SHIPPED, safe="") / "trusted_root.json"
        with as_file(embedded) as path:
            return self._from(path)

    def _from(self, path: Path) -> Any:
        root = self._models.TrustedRoot.from_file(str(path))
        return self._verify.Verifier(trusted_root=root)
