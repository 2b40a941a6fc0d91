"""Signatures by the holder of a key: real keys of every kind, and what does not hold."""

from __future__ import annotations

import base64
import json
import sys
from contextlib import suppress
from functools import cache

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.provenance.envelope import parse_document
from ledger_tool.core.provenance.publickey import key_fault
from ledger_tool.edges.provenance import keys
from ledger_tool.edges.provenance.keys import PublicKey
from ledger_tool.errors import InvalidStatement, UsageError
from tests.support.values import signing
from tests.support.values.profiles import example_count
from tests.support.values.signing import Kind

_PAYLOAD = b'{"_type":"https://in-toto.io/Statement/v1"}'


def has_signed(raw: bytes, kind: Kind = "p256", name: str = "release") -> bool:
    return PublicKey("keys/release.pub", signing.public_pem(kind, name)).has_signed(parse_document(raw))


@pytest.mark.parametrize("kind", signing.KINDS)
@pytest.mark.parametrize("write", [signing.envelope, signing.bundle])
def test_a_signature_of_every_kind_holds_and_of_another_key_does_not(kind: Kind, write: object) -> None:
    raw = write(_PAYLOAD, kind)  # type: ignore[operator]
    assert has_signed(raw, kind)
    assert not has_signed(raw, kind, "another")


@pytest.mark.parametrize("kind", signing.KINDS)
def test_one_of_several_signatures_is_enough_and_of_another_kind_is_none(kind: Kind) -> None:
    both = json.loads(signing.envelope(_PAYLOAD, kind, "another"))
    both["signatures"] += json.loads(signing.envelope(_PAYLOAD, kind))["signatures"]
    assert has_signed(json.dumps(both).encode(), kind)
    other: Kind = "p256" if kind != "p256" else "rsa"
    assert not has_signed(signing.envelope(_PAYLOAD, kind), other)


def test_a_signature_is_over_the_type_of_the_payload_too() -> None:
    value = json.loads(signing.envelope(_PAYLOAD)) | {"payloadType": "application/json"}
    assert not has_signed(json.dumps(value).encode())


@cache
def envelope(kind: Kind) -> bytes:
    return signing.envelope(_PAYLOAD, kind)


@example_count(200)
@given(st.sampled_from(["p256", "rsa-pss", "ed25519"]), st.integers(0, 10**6), st.integers(1, 255))
def test_a_document_with_any_byte_changed_is_never_signed(kind: Kind, place: int, change: int) -> None:
    raw = bytearray(envelope(kind))
    raw[place % len(raw)] ^= change
    with suppress(InvalidStatement):
        assert not has_signed(bytes(raw), kind)


@pytest.mark.parametrize("kind", ["p256", "rsa", "ed25519"])
def test_a_document_with_any_bit_of_its_content_changed_is_never_signed(kind: Kind) -> None:
    signature = signing.signature(_PAYLOAD, kind)
    key = PublicKey("a.pub", signing.public_pem(kind))
    for content, is_payload in ((_PAYLOAD, True), (signature, False)):
        for bit in range(len(content) * 8):
            changed = bytearray(content)
            changed[bit // 8] ^= 1 << bit % 8
            document = parse_document(signing.envelope(_PAYLOAD, kind))
            assert document.envelope is not None
            message = signing.pae(bytes(changed)) if is_payload else signing.pae(_PAYLOAD)
            tried = signature if is_payload else bytes(changed)
            assert not any(key._is_valid(check, tried, message) for check in key._checks)


def test_a_document_may_claim_a_key_unless_it_names_another_or_has_a_certificate() -> None:
    key = PublicKey("a.pub", signing.public_pem())
    for keyid in ("", signing.hint(), None):
        assert key.is_named_by(parse_document(signing.envelope(_PAYLOAD, name="another", keyid=keyid)))
    assert not key.is_named_by(parse_document(signing.envelope(_PAYLOAD, keyid=signing.hint(name="another"))))
    assert key.is_named_by(parse_document(signing.bundle(_PAYLOAD)))
    assert not key.is_named_by(parse_document(signing.bundle(_PAYLOAD, name="another")))
    keyless = json.loads(signing.bundle(_PAYLOAD)) | {"verificationMaterial": {"certificate": {"rawBytes": "QUFB"}}}
    assert not key.is_named_by(parse_document(json.dumps(keyless).encode()))


def _pem(key: object) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "is not a public key in PEM"),
        (b"ssh-ed25519 AAAA ada", "is not a public key in PEM"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "is not a public key in PEM"),
        (signing.public_pem()[:60], "is not a public key in PEM"),
        (signing.public_pem() + signing.public_pem(name="another"), "has more than one key"),
        (_pem(ec.generate_private_key(ec.SECP224R1())), "is a key of a kind that is not supported"),
        (_pem(rsa.generate_private_key(65537, 1024)), "is an RSA key of 1024 bits"),
        (_pem(ec.generate_private_key(ec.SECP256K1())), "is a key of a kind that is not supported"),
        (_pem(dsa.generate_private_key(1024)), "is a key of a kind that is not supported"),
        (
            signing.key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            "has a private key in it",
        ),
    ],
)
def test_a_file_without_a_usable_public_key_is_an_error(raw: bytes, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        PublicKey("keys/release.pub", raw)
    assert caught.value.message.startswith("keys/release.pub")
    assert reason in caught.value.message
    assert caught.value.hint


def test_without_the_library_nothing_is_said_of_a_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = signing.public_pem()
    for name in [module for module in sys.modules if module.split(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError) as caught:
        PublicKey("keys/release.pub", raw)
    assert caught.value.message == "a signature cannot be checked: the Python library `cryptography` is not installed"
    assert "`pip install cryptography`" in caught.value.hint


def _der(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]


def _as_pem(der: bytes, label: str = "PUBLIC KEY") -> bytes:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n".encode()


def _reads(raw: bytes) -> bool:
    try:
        load_pem_public_key(raw)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


@pytest.mark.parametrize("kind", signing.KINDS)
def test_a_usable_key_is_let_pass_in_every_form(kind: Kind) -> None:
    public = signing.key(kind).public_key()
    pem = signing.public_pem(kind)
    forms = [pem, pem.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + pem, b"# ours\n" + pem]
    if isinstance(public, rsa.RSAPublicKey):
        forms.append(public.public_bytes(Encoding.PEM, PublicFormat.PKCS1))
    if isinstance(public, ec.EllipticCurvePublicKey):
        point = public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        forms.append(_pem_of(ec.EllipticCurvePublicKey.from_encoded_point(public.curve, point)))
    assert [key_fault(form) for form in forms] == [""] * len(forms)
    assert all(map(_reads, forms))


def _pem_of(public: object) -> bytes:
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize(
    "point",
    ["01" + "00" * 31, "00" * 32, "00" * 31 + "80", "ec" + "ff" * 30 + "7f",
     "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
     "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"],
)  # fmt: skip
def test_an_ed25519_key_of_which_anybody_can_make_signatures_is_refused(point: str) -> None:
    whole = _as_pem(bytes.fromhex("302a300506032b6570032100" + point))
    assert _reads(whole)
    assert key_fault(whole).startswith("it is an ed25519 key of which anybody can make signatures")


@example_count(300)
@given(st.sampled_from(["p256", "p384", "p521", "rsa", "ed25519"]), st.integers(0, 10**6), st.integers(1, 255))
def test_what_the_library_does_not_read_is_never_let_pass(kind: Kind, place: int, change: int) -> None:
    """`check` has no library, and a key that passes a review has to be one that a publish can use."""
    der = bytearray(_der(signing.key(kind).public_key()))
    der[place % len(der)] ^= change
    raw = _as_pem(bytes(der))
    assert key_fault(raw) or _reads(raw)


def test_a_statement_is_hashed_once_however_many_signatures_and_keys_there_are() -> None:
    value = json.loads(envelope("p256"))
    value["signatures"] *= 32
    document = parse_document(json.dumps(value).encode())
    keys._hashed.cache_clear()
    for name in ("one", "two", "three"):
        assert not PublicKey("a.pub", signing.public_pem(name=name)).has_signed(document)
    assert keys._hashed.cache_info().misses == 1
