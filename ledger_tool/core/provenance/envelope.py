"""Signed documents about an image: DSSE envelopes, alone or in a sigstore bundle. Bytes in, values out, no checks.

Sources: DSSE 1.0 ("Protocol", "Envelope"), sigstore's bundle format 0.1 to 0.3 (`sigstore_bundle.proto`), cosign's
"Attestation Specification" for the annotations of a layer.

Reading is strict where a second reader might see something else: duplicate keys, base64 with bits that nothing decodes,
two ways to name the signer. Unknown keys are skipped, as DSSE asks for.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger_tool.core.ledger import jsontext
from ledger_tool.core.ledger.names import Digest, shown
from ledger_tool.core.provenance.statement import MAX_BYTES, invalid
from ledger_tool.errors import UsageError

DSSE = "application/vnd.dsse.envelope.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle"
_BUNDLE_VERSION = re.compile(rf"{re.escape(BUNDLE)}(?:\+json;\s*version=0\.[123]|\.v0\.3\+json)")
_MOST_SIGNATURES = 32
MOST_DOCUMENTS = 1000  # of a file
_CERTIFICATE = "dev.sigstore.cosign/certificate"
_PEM = re.compile(r"\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*")


@dataclass(frozen=True, slots=True)
class DsseSignature:
    """A signature, and what the signer calls the key, which nobody has signed."""

    signature: bytes
    keyid: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope."""

    payload_type: str
    payload: bytes = field(repr=False)
    signatures: tuple[DsseSignature, ...]

    @property
    def signed_bytes(self) -> bytes:
        """What is signed: the pre-authentication encoding of type and payload."""
        kind = self.payload_type.encode()
        return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(self.payload), self.payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDocument:
    """An envelope as it was found in `raw`, and who claims to have signed it.

    `certificate` (DER) is of the one who did, None for the holder of a key, which `hint` may name. A bundle also has
    what proves when that was. `envelope` is None for a bundle that signs something other than a statement.
    """

    raw: bytes = field(repr=False)
    envelope: Envelope | None
    certificate: bytes | None = field(default=None, repr=False)
    hint: str = ""
    is_bundle: bool = False

    @property
    def digest(self) -> Digest:
        """The digest of its bytes, which is also that of the blob or the file that it was found in."""
        return Digest(f"sha256:{hashlib.sha256(self.raw).hexdigest()}")


def documents_in(raw: bytes) -> list[bytes]:
    """Return the documents of a file: it is one, or has one on each line. Raises UsageError for too many."""
    first, _, rest = raw.strip().partition(b"\n")
    if not (rest and first.startswith(b"{") and first.rstrip().endswith(b"}")):
        return [raw]
    if rest.count(b"\n") + 2 > MOST_DOCUMENTS:
        raise UsageError(
            f"the file has more than {MOST_DOCUMENTS} lines, each a statement",
            "keep those about the images that are published",
        )
    return [line.strip() for line in raw.split(b"\n") if line.strip()]


def parse_document(raw: bytes, annotations: Mapping[str, str] | None = None) -> SignedDocument:
    """Return a document as a registry or a file has it; `annotations` are those of its layer.

    Raises InvalidStatement.
    """
    if len(raw) > MAX_BYTES:
        raise invalid(f"it is larger than {MAX_BYTES // 2**20} MiB")
    data = _object(_parsed(raw), "it")
    if "verificationMaterial" in data or "mediaType" in data:
        return _bundle(raw, data)
    pem = (annotations or {}).get(_CERTIFICATE, "")
    return SignedDocument(raw=raw, envelope=_envelope(data), certificate=_from_pem(pem) if pem else None)


def _bundle(raw: bytes, data: Mapping[str, Any]) -> SignedDocument:
    media_type = _text(data.get("mediaType"), "`mediaType`")
    if not _BUNDLE_VERSION.fullmatch(media_type):
        raise invalid(f"`{shown(media_type)}` is not a bundle of version 0.1, 0.2 or 0.3")
    material = _object(data.get("verificationMaterial"), "`verificationMaterial`")
    if len(ways := material.keys() & {"certificate", "x509CertificateChain", "publicKey"}) != 1:
        raise invalid("`verificationMaterial` names no signer" if not ways else "it names two signers")
    if len(contents := data.keys() & {"dsseEnvelope", "messageSignature"}) != 1:
        raise invalid("it signs nothing" if not contents else "it signs two things")
    certificate, hint = None, ""
    if "publicKey" in material:
        public_key = _object(material["publicKey"], "`publicKey`")
        hint = _text(public_key.get("hint", ""), "`hint`")
    elif "certificate" in material:
        certificate = _raw_bytes(material["certificate"])
    else:
        chain = _object(material["x509CertificateChain"], "`x509CertificateChain`")
        certificate = _raw_bytes(_objects(chain.get("certificates"), "`certificates`")[0])
    envelope = _envelope(_object(data["dsseEnvelope"], "`dsseEnvelope`")) if "dsseEnvelope" in data else None
    return SignedDocument(raw=raw, envelope=envelope, certificate=certificate, hint=hint, is_bundle=True)


def _envelope(data: Mapping[str, Any]) -> Envelope:
    signatures = _objects(data.get("signatures"), "`signatures`")
    if len(signatures) > _MOST_SIGNATURES:
        raise invalid(f"it has more than {_MOST_SIGNATURES} signatures")
    return Envelope(
        _text(data.get("payloadType"), "`payloadType`"),
        _decoded(data.get("payload"), "`payload`"),
        tuple(
            DsseSignature(_decoded(one.get("sig"), "`sig`"), _text(one.get("keyid") or "", "`keyid`"))
            for one in signatures
        ),
    )


def _raw_bytes(value: Any) -> bytes:
    return _decoded(_object(value, "the certificate").get("rawBytes"), "`rawBytes`")


def _from_pem(text: str) -> bytes:
    match = _PEM.fullmatch(text)
    if not match:
        raise invalid(f"its annotation `{_CERTIFICATE}` is not a certificate")
    return _decoded("".join(match[1].split()), f"`{_CERTIFICATE}`")


def _parsed(raw: bytes) -> Any:
    try:
        return jsontext.parse_bytes(raw)
    except jsontext.JsonFault as fault:
        raise invalid(f"it is not JSON: {fault.reason}") from None


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise invalid(f"{what} is not an object" if value is not None else f"{what} is missing")
    return value


def _objects(value: Any, what: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not value:
        raise invalid(f"{what} is empty or missing")
    return [_object(item, f"an item of {what}") for item in value]


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"{what} is not text" if value is not None else f"{what} is missing")
    return value


def _decoded(value: Any, what: str) -> bytes:
    """Return the bytes of base64, standard or for URLs, in the one form that decodes to them."""
    text = _text(value, what)
    try:
        standard = text.translate(str.maketrans("-_", "+/")).encode("ascii")
        decoded = base64.b64decode(standard, validate=True)
    except (ValueError, binascii.Error):
        raise invalid(f"{what} is not base64") from None
    mixed = re.search("[-_]", text) and re.search("[+/]", text)
    if not decoded or mixed or base64.b64encode(decoded) != standard:
        raise invalid(f"{what} is empty or not base64 as it is written")
    return decoded
