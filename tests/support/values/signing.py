"""Statements signed with real keys, in the documents in which tools store them."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from typing import Any, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Kind = Literal["p256", "p384", "p521", "p384-sha256", "rsa", "rsa-pss", "ed25519"]
KINDS: tuple[Kind, ...] = ("p256", "p384", "p521", "p384-sha256", "rsa", "rsa-pss", "ed25519")
IN_TOTO = "application/vnd.in-toto+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_CURVES = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1(), "p384-sha256": ec.SECP384R1()}


@cache
def key(kind: Kind = "p256", name: str = "release") -> Any:
    """Return a private key, the same for a name in one run."""
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind in _CURVES:
        return ec.generate_private_key(_CURVES[kind])
    return rsa.generate_private_key(65537, 2048)


def public_pem(kind: Kind = "p256", name: str = "release") -> bytes:
    """Return the public key as a file has it."""
    return key(kind, name).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[no-any-return]


def hint(kind: Kind = "p256", name: str = "release") -> str:
    """Return what cosign calls a key in a bundle."""
    der = key(kind, name).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def pae(payload: bytes, payload_type: str = IN_TOTO) -> bytes:
    """Return what DSSE signs."""
    return f"DSSEv1 {len(payload_type)} {payload_type} {len(payload)} ".encode() + payload


def signature(payload: bytes, kind: Kind = "p256", name: str = "release", payload_type: str = IN_TOTO) -> bytes:
    """Return the signature of a statement."""
    message, private = pae(payload, payload_type), key(kind, name)
    if kind == "ed25519":
        return private.sign(message)  # type: ignore[no-any-return]
    sha256 = hashes.SHA256()
    if kind in _CURVES:
        own = {"p384": hashes.SHA384(), "p521": hashes.SHA512()}.get(kind, sha256)
        return private.sign(message, ec.ECDSA(own))  # type: ignore[no-any-return]
    way = padding.PSS(padding.MGF1(sha256), 32) if kind == "rsa-pss" else padding.PKCS1v15()
    return private.sign(message, way, sha256)  # type: ignore[no-any-return]


def envelope(
    payload: bytes, kind: Kind = "p256", name: str = "release", *, payload_type: str = IN_TOTO, keyid: str | None = None
) -> bytes:
    """Return a statement's envelope, as short as JSON can be."""
    signed = {"sig": base64.b64encode(signature(payload, kind, name, payload_type)).decode()}
    value = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [signed | ({} if keyid is None else {"keyid": keyid})],
    }
    return json.dumps(value, separators=(",", ":")).encode()


def bundle(payload: bytes, kind: Kind = "p256", name: str = "release", *, media_type: str = BUNDLE) -> bytes:
    """Return a statement signed with a key as a bundle, as `cosign attest --key` writes it."""
    value = {
        "mediaType": media_type,
        "verificationMaterial": {"publicKey": {"hint": hint(kind, name)}, "tlogEntries": []},
        "dsseEnvelope": json.loads(envelope(payload, kind, name)),
    }
    return json.dumps(value).encode()
