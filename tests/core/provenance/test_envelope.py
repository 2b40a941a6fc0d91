"""Signed documents: bytes in, an envelope and who claims to have signed it out, or one kind of error."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import escaped
from ledger_tool.core.provenance.envelope import MOST_DOCUMENTS, documents_in, parse_document
from ledger_tool.core.provenance.statement import MAX_BYTES
from ledger_tool.errors import InvalidStatement, UsageError
from tests.support.values import signing
from tests.support.values.strategies import json_values

_PAYLOAD = b'{"_type":"x"}'
_PEM = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(b'certificate').decode()}\n-----END CERTIFICATE-----\n"


def test_an_envelope_has_what_was_signed() -> None:
    document = parse_document(signing.envelope(_PAYLOAD, keyid="k"))
    assert document.envelope is not None
    assert (document.envelope.payload, document.envelope.payload_type) == (_PAYLOAD, signing.IN_TOTO)
    assert document.envelope.signatures[0].keyid == "k"
    assert document.envelope.signed_bytes == signing.pae(_PAYLOAD)
    assert (document.certificate, document.hint, document.is_bundle) == (None, "", False)


def test_the_bytes_that_are_signed_are_those_of_the_specification() -> None:
    envelope = parse_document(signing.envelope(b"hello world", payload_type="http://example.com/HelloWorld")).envelope
    assert envelope is not None
    assert envelope.signed_bytes == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_a_layer_of_cosign_has_its_certificate_beside_it() -> None:
    raw = signing.envelope(_PAYLOAD)
    assert parse_document(raw, {"dev.sigstore.cosign/certificate": _PEM}).certificate == b"certificate"
    assert parse_document(raw, {"dev.sigstore.cosign/certificate": ""}).certificate is None
    with pytest.raises(InvalidStatement, match="is not a certificate"):
        parse_document(raw, {"dev.sigstore.cosign/certificate": "-----BEGIN"})


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "application/vnd.dev.sigstore.bundle+json;version=0.2",
        "application/vnd.dev.sigstore.bundle+json;version=0.3",
        "application/vnd.dev.sigstore.bundle.v0.3+json",
    ],
)
@pytest.mark.parametrize("material", ["publicKey", "certificate", "x509CertificateChain"])
def test_a_bundle_of_every_version_says_who_signed_it(media_type: str, material: str) -> None:
    encoded = {"rawBytes": base64.b64encode(b"certificate").decode()}
    ways = {"publicKey": {"hint": "h"}, "certificate": encoded, "x509CertificateChain": {"certificates": [encoded]}}
    bundle = json.loads(signing.bundle(_PAYLOAD, media_type=media_type))
    bundle["verificationMaterial"] = {material: ways[material]}
    document = parse_document(json.dumps(bundle).encode())
    assert document.envelope is not None
    assert (document.envelope.payload, document.is_bundle) == (_PAYLOAD, True)
    assert (document.certificate, document.hint) == ((None, "h") if material == "publicKey" else (b"certificate", ""))


def test_a_bundle_that_signs_an_artifact_has_no_envelope() -> None:
    bundle = json.loads(signing.bundle(_PAYLOAD))
    del bundle["dsseEnvelope"]
    assert parse_document(json.dumps(bundle | {"messageSignature": {}}).encode()).envelope is None


def _without(key: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(signing.envelope(_PAYLOAD))
    del value[key]
    return value


_BUNDLE: dict[str, Any] = json.loads(signing.bundle(_PAYLOAD))
_ENVELOPE: dict[str, Any] = json.loads(signing.envelope(_PAYLOAD))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "it is not an object"),
        (_without("payload"), "`payload` is missing"),
        (_without("payloadType"), "`payloadType` is missing"),
        (_without("signatures"), "`signatures` is empty or missing"),
        (_ENVELOPE | {"signatures": []}, "`signatures` is empty or missing"),
        (_ENVELOPE | {"signatures": [{}]}, "`sig` is missing"),
        (_ENVELOPE | {"signatures": ["x"]}, "an item of `signatures` is not an object"),
        (_ENVELOPE | {"signatures": _ENVELOPE["signatures"] * 33}, "more than 32 signatures"),
        (_ENVELOPE | {"payload": "*"}, "`payload` is not base64"),
        (_ENVELOPE | {"payload": "é"}, "`payload` is not base64"),
        (_ENVELOPE | {"payload": ""}, "`payload` is empty or not base64 as it is written"),
        (_ENVELOPE | {"payload": "QUF="}, "`payload` is empty or not base64 as it is written"),
        (_ENVELOPE | {"payload": "+_+_"}, "`payload` is empty or not base64 as it is written"),
        (_ENVELOPE | {"payloadType": 1}, "`payloadType` is not text"),
        (_BUNDLE | {"mediaType": "application/vnd.dev.sigstore.bundle.v0.4+json"}, "is not a bundle of version"),
        (_BUNDLE | {"mediaType": None}, "`mediaType` is missing"),
        (_BUNDLE | {"messageSignature": {}}, "it signs two things"),
        (_BUNDLE | {"verificationMaterial": {}}, "names no signer"),
        (_BUNDLE | {"verificationMaterial": {"publicKey": {}, "certificate": {}}}, "it names two signers"),
        (_BUNDLE | {"verificationMaterial": {"x509CertificateChain": {"certificates": []}}}, "`certificates` is empty"),
        ({key: value for key, value in _BUNDLE.items() if key != "dsseEnvelope"}, "it signs nothing"),
        ({key: value for key, value in _BUNDLE.items() if key != "verificationMaterial"}, "is missing"),
    ],
)
def test_what_is_missing_or_could_be_read_in_two_ways_is_an_error(value: Any, reason: str) -> None:
    with pytest.raises(InvalidStatement) as caught:
        parse_document(json.dumps(value).encode())
    assert reason in caught.value.message


def test_a_document_that_is_cut_short_is_an_error() -> None:
    raw = signing.bundle(_PAYLOAD)
    for length in range(0, len(raw), 7):
        with pytest.raises(InvalidStatement):
            parse_document(raw[:length])


def test_a_key_that_occurs_twice_is_an_error() -> None:
    raw = signing.envelope(_PAYLOAD)
    with pytest.raises(InvalidStatement):
        parse_document(raw.replace(b'{"payload":', b'{"payload":"QQ==","payload":', 1))


def test_a_document_has_at_most_8_mebibytes() -> None:
    with pytest.raises(InvalidStatement, match="it is larger than 8 MiB"):
        parse_document(b" " * (MAX_BYTES + 1))


def test_base64_for_urls_is_base64() -> None:
    payload = b"\xfb\xff\xfe"
    raw = signing.envelope(payload).replace(base64.b64encode(payload), base64.urlsafe_b64encode(payload), 1)
    envelope = parse_document(raw).envelope
    assert envelope is not None
    assert envelope.payload == payload


def test_a_file_has_one_document_or_one_on_each_line() -> None:
    raw = signing.bundle(_PAYLOAD)
    assert documents_in(raw) == [raw]
    assert documents_in(raw + b"\n\n" + raw + b"\r\n") == [raw, raw]
    indented = json.dumps(_BUNDLE, indent=2).encode()
    assert documents_in(indented) == [indented]
    assert documents_in(indented + b"\n") == [indented + b"\n"]
    assert documents_in(b"") == [b""]
    assert len(documents_in(b"{}\n" * MOST_DOCUMENTS)) == MOST_DOCUMENTS
    with pytest.raises(UsageError, match="the file has more than 1000 lines"):
        documents_in(b"{}\n" * (MOST_DOCUMENTS + 1))


@given(st.one_of(st.binary(max_size=200), json_values.map(lambda value: json.dumps(value).encode())))
def test_any_bytes_are_a_document_or_the_one_error(raw: bytes) -> None:
    try:
        parse_document(raw)
    except InvalidStatement as error:
        assert escaped(error.message) == error.message  # noqa: PT017 - most are errors


@given(st.sampled_from(sorted(_BUNDLE)), json_values)
def test_any_part_of_a_bundle_may_be_anything(part: str, value: Any) -> None:
    try:
        parse_document(json.dumps(_BUNDLE | {part: value}).encode())
    except InvalidStatement as error:
        assert escaped(error.message) == error.message  # noqa: PT017 - most are errors
