"""A sigstore instance of our own: an authority for certificates, their log, a log of signatures, and a trusted root.

Sources: Fulcio's certificate specification; RFC 6962 for the timestamps in certificates; Rekor's entries of the kind
`dsse`, its inclusion promise and checkpoint; `sigstore_bundle.proto` and `sigstore_trustroot.proto`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.support.values.signing import BUNDLE, IN_TOTO, pae

ISSUER = "https://token.actions.githubusercontent.com"
IDENTITY = "https://github.com/team/app/.github/workflows/release.yml@refs/tags/v1"
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_SIGNED = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
_SHA256 = ec.ECDSA(hashes.SHA256())


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _der(tag: int, value: bytes) -> bytes:
    length = len(value)
    size = bytes([length]) if length < 128 else bytes([128 + 2]) + struct.pack("!H", length)
    return bytes([tag]) + size + value


@dataclass
class Instance:
    """One instance, with keys of its own."""

    authority: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    certificates: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    signatures: ec.EllipticCurvePrivateKey = field(default_factory=_key)

    @property
    def root(self) -> x509.Certificate:
        """The authority's own certificate."""
        name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "sigstore.example")])
        public = self.authority.public_key()
        identifier = x509.SubjectKeyIdentifier.from_public_key(public)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = x509.CertificateBuilder(name, name, public, 1, _BEGIN, _BEGIN + timedelta(days=3650))
        builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
        builder = builder.add_extension(usage, critical=True).add_extension(identifier, critical=False)
        return builder.sign(self.authority, hashes.SHA256())

    def trusted_root(self) -> bytes:
        """Return the file that everybody who trusts the instance has."""
        period = {"start": "2026-01-01T00:00:00Z"}

        def log(key: ec.EllipticCurvePrivateKey, name: str) -> dict[str, Any]:
            details = {"rawBytes": _base64(_public(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": period}
            return {
                "baseUrl": f"https://{name}.example",
                "hashAlgorithm": "SHA2_256",
                "publicKey": details,
                "logId": {"keyId": _base64(hashlib.sha256(_public(key)).digest())},
            }

        authority = {
            "subject": {"organization": "sigstore.example", "commonName": "sigstore"},
            "uri": "https://fulcio.example",
            "certChain": {"certificates": [{"rawBytes": _base64(self.root.public_bytes(Encoding.DER))}]},
            "validFor": period,
        }
        value = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self.signatures, "rekor")],
            "certificateAuthorities": [authority],
            "ctlogs": [log(self.certificates, "ctfe")],
            "timestampAuthorities": [],
        }
        return json.dumps(value).encode()

    def bundle(
        self, payload: bytes, *, identity: str = IDENTITY, issuer: str = ISSUER, late: timedelta = timedelta(),
        payload_type: str = IN_TOTO, media_type: str = BUNDLE,
    ) -> bytes:  # fmt: skip
        """Return a statement that an identity has signed, `late` after it was proved, as a bundle."""
        key = _key()
        certificate = self._certificate(key, identity, issuer)
        signature = key.sign(pae(payload, payload_type), _SHA256)
        envelope = {
            "payload": _base64(payload),
            "payloadType": payload_type,
            "signatures": [{"sig": _base64(signature)}],
        }
        entry = self._entry(certificate, payload, signature, _SIGNED + late)
        raw = {"rawBytes": _base64(certificate.public_bytes(Encoding.DER))}
        is_old = media_type.endswith(("version=0.1", "version=0.2"))
        signer = {"x509CertificateChain": {"certificates": [raw]}} if is_old else {"certificate": raw}
        value = {
            "mediaType": media_type,
            "verificationMaterial": {**signer, "tlogEntries": [entry]},
            "dsseEnvelope": envelope,
        }
        return json.dumps(value).encode()

    def certificate_of(self, identity: str = IDENTITY, issuer: str = ISSUER) -> bytes:
        """Return a certificate (PEM) of an identity, as cosign's old form has it in an annotation."""
        return self._certificate(_key(), identity, issuer).public_bytes(Encoding.PEM)

    def _certificate(self, key: ec.EllipticCurvePrivateKey, identity: str, issuer: str) -> x509.Certificate:
        root = self.root
        mail = "@" in identity and "://" not in identity
        name: x509.GeneralName = x509.RFC822Name(identity) if mail else x509.UniformResourceIdentifier(identity)
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.authority.public_key())
        builder = x509.CertificateBuilder(
            root.subject, x509.Name([]), key.public_key(), x509.random_serial_number(),
            _SIGNED - timedelta(minutes=5), _SIGNED + timedelta(minutes=5),
        )  # fmt: skip
        oid = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
        for extension, critical in (
            (usage, True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            (authority, False),
            (x509.SubjectAlternativeName([name]), True),
            (x509.UnrecognizedExtension(oid, _der(0x0C, issuer.encode())), False),
        ):
            builder = builder.add_extension(extension, critical=critical)
        before = builder.sign(self.authority, hashes.SHA256()).tbs_certificate_bytes
        logged = x509.UnrecognizedExtension(
            x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), _der(0x04, self._timestamp(before))
        )
        return builder.add_extension(logged, critical=False).sign(self.authority, hashes.SHA256())

    def _timestamp(self, certificate: bytes) -> bytes:
        """Return the list of the one timestamp that the log of certificates gives."""
        millis = int(_SIGNED.timestamp() * 1000)
        issuer = hashlib.sha256(_public(self.authority)).digest()
        entry = issuer + struct.pack("!I", len(certificate))[1:] + certificate
        signature = self.certificates.sign(struct.pack("!BBQH", 0, 0, millis, 1) + entry + b"\0\0", _SHA256)
        log = hashlib.sha256(_public(self.certificates)).digest()
        stamp = b"\0" + log + struct.pack("!QHBBH", millis, 0, 4, 3, len(signature)) + signature
        return struct.pack("!HH", len(stamp) + 2, len(stamp)) + stamp

    def _entry(self, certificate: x509.Certificate, payload: bytes, signature: bytes, when: datetime) -> dict[str, Any]:
        """Return the entry of a log that has nothing else."""
        verifier = _base64(certificate.public_bytes(Encoding.PEM))
        of_payload = {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()}
        spec = {
            "envelopeHash": {"algorithm": "sha256", "value": "0" * 64},
            "payloadHash": of_payload,
            "signatures": [{"signature": _base64(signature), "verifier": verifier}],
        }
        body = json.dumps({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}, separators=(",", ":")).encode()
        log = hashlib.sha256(_public(self.signatures)).digest()
        seconds = int(when.timestamp())
        promised = {"body": _base64(body), "integratedTime": seconds, "logID": log.hex(), "logIndex": 0}
        promise = self.signatures.sign(json.dumps(promised, separators=(",", ":")).encode(), _SHA256)
        root = _base64(hashlib.sha256(b"\0" + body).digest())
        note = f"rekor.example - 1\n1\n{root}\n"
        signed = _base64(log[:4] + self.signatures.sign(note.encode(), _SHA256))
        return {
            "logIndex": "0",
            "logId": {"keyId": _base64(log)},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(seconds),
            "inclusionPromise": {"signedEntryTimestamp": _base64(promise)},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": root,
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n\u2014 rekor.example {signed}\n"},
            },
            "canonicalizedBody": _base64(body),
        }
