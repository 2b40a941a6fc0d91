"""Signatures by identities: bundles of an instance of our own and of sigstore's staging, and what does not hold."""

from __future__ import annotations

import base64
import json
import socket
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.policy.policy import ProvenanceRule, TrustedSigner
from ledger_tool.core.provenance.envelope import SignedDocument, parse_document
from ledger_tool.core.provenance.proof import SignatureVerdict
from ledger_tool.edges.provenance.keyless import IdentityProver, claimed_identity
from ledger_tool.edges.provenance.trust import Trust
from ledger_tool.errors import SignatureUncheckable
from tests.support import ROOT
from tests.support.values import signing
from tests.support.values.sigstore import IDENTITY, ISSUER, Instance

_PAYLOAD = b'{"_type":"https://in-toto.io/Statement/v1"}'
_OURS = TrustedSigner(ISSUER, "https://github.com/team/*", root="root.json")
_STAGING = ROOT.parent / "shared/data/keyless-staging.sigstore.json"


@cache
def instance() -> Instance:
    return Instance()


@cache
def bundle() -> bytes:
    return instance().bundle(_PAYLOAD)


@cache
def prover() -> IdentityProver:
    return IdentityProver("root.json", instance().trusted_root())


def verdict(raw: bytes, *signers: TrustedSigner) -> SignatureVerdict:
    files = {"root.json": instance().trusted_root(), "release.pub": signing.public_pem()}
    return Trust(files.get).verdict(parse_document(raw), ProvenanceRule(("*",), signers or (_OURS,)))


@pytest.mark.parametrize("identity", [IDENTITY, "https://github.com/team/other/x.yml@refs/heads/main"])
def test_an_identity_that_the_rule_names_has_signed(identity: str) -> None:
    raw = instance().bundle(_PAYLOAD, identity=identity)
    assert verdict(raw) == SignatureVerdict(signer=f"{identity} ({ISSUER})")


@pytest.mark.parametrize("version", ["0.1", "0.2", "0.3"])
def test_a_bundle_of_every_version_holds(version: str) -> None:
    media_type = f"application/vnd.dev.sigstore.bundle+json;version={version}"
    assert verdict(instance().bundle(_PAYLOAD, media_type=media_type)).signer == f"{IDENTITY} ({ISSUER})"


@pytest.mark.parametrize("identity", ["a b", "a\nb", "\x1b[31m", "é", "x" * 481])
def test_an_identity_that_could_not_be_shown_as_it_is_is_nobodys(identity: str) -> None:
    signer = TrustedSigner(ISSUER, "*", root="root.json")
    raw = instance().bundle(_PAYLOAD, issuer=identity)
    assert "does not name one identity" in verdict(raw, TrustedSigner("*", "*", root="root.json")).fault
    assert verdict(instance().bundle(_PAYLOAD), signer).signer


def test_an_address_is_an_identity() -> None:
    raw = instance().bundle(_PAYLOAD, identity="ada@example.com", issuer="https://accounts.example.com")
    signer = TrustedSigner("https://accounts.example.com", "ada@example.com", root="root.json")
    assert verdict(raw, signer).signer == "ada@example.com (https://accounts.example.com)"


@pytest.mark.parametrize(
    "who",
    [
        {"identity": "https://github.com/evil/app/x.yml@refs/heads/main"},
        {"issuer": "https://issuer.evil.example"},
        {"identity": "https://github.com.evil.example/team/app"},
    ],
)
def test_another_identity_does_not_count(who: dict[str, str]) -> None:
    assert verdict(instance().bundle(_PAYLOAD, **who)) == SignatureVerdict()  # type: ignore[arg-type]


def test_a_signature_after_the_certificate_has_expired_does_not_hold() -> None:
    assert verdict(instance().bundle(_PAYLOAD, late=timedelta(minutes=4))).signer
    fault = verdict(instance().bundle(_PAYLOAD, late=timedelta(minutes=6))).fault
    assert fault.startswith("sigstore: ")
    assert "not valid at validation time" in fault


def test_a_certificate_of_another_authority_does_not_hold() -> None:
    assert verdict(Instance().bundle(_PAYLOAD)).fault.startswith("sigstore: ")


def test_the_root_that_the_library_ships_does_not_know_our_instance() -> None:
    signer = TrustedSigner(ISSUER, "https://github.com/team/*")
    assert verdict(instance().bundle(_PAYLOAD), signer).fault.startswith("sigstore: ")


def test_no_network_is_used_and_nothing_is_left_at_home(hermetic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("somebody connects")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    before = sorted(hermetic.rglob("*"))
    shipped = TrustedSigner(ISSUER, "*")
    assert IdentityProver("root.json", instance().trusted_root()).why_not(parse_document(bundle()), _OURS) == ""
    assert IdentityProver("", None).why_not(parse_document(bundle()), shipped)
    assert sorted(hermetic.rglob("*")) == before


def test_keys_and_identities_may_sign_for_one_rule() -> None:
    signers = (TrustedSigner(key="release.pub"), _OURS)
    assert verdict(instance().bundle(_PAYLOAD), *signers).signer == f"{IDENTITY} ({ISSUER})"
    assert verdict(signing.bundle(_PAYLOAD), *signers).signer == "key:release.pub"
    assert verdict(signing.envelope(_PAYLOAD, name="another"), *signers).fault
    assert verdict(signing.bundle(_PAYLOAD)) == SignatureVerdict()


def test_cosigns_old_form_does_not_hold_and_says_how_to_sign() -> None:
    annotations = {"dev.sigstore.cosign/certificate": instance().certificate_of().decode()}
    document = parse_document(signing.envelope(_PAYLOAD), annotations)
    assert "`cosign attest --new-bundle-format`" in prover().why_not(document, _OURS)
    rule = ProvenanceRule(("*",), (_OURS,))
    assert Trust({"root.json": instance().trusted_root()}.get).verdict(document, rule).fault


def _replaced(raw: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    value = json.loads(raw)
    change(value)
    return json.dumps(value).encode()


_MATERIAL = "verificationMaterial"


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value["dsseEnvelope"].update(payloadType="application/json"),
        lambda value: value["dsseEnvelope"].update(payload=base64.b64encode(b"{}").decode()),
        lambda value: value["dsseEnvelope"].update(signatures=value["dsseEnvelope"]["signatures"] * 2),
        lambda value: value[_MATERIAL].update(tlogEntries=[]),
        lambda value: value[_MATERIAL].update(tlogEntries=value[_MATERIAL]["tlogEntries"] * 2),
        lambda value: value[_MATERIAL]["tlogEntries"][0].update(integratedTime="1795512601"),
        lambda value: value[_MATERIAL]["tlogEntries"][0].pop("inclusionPromise"),
        lambda value: value[_MATERIAL]["tlogEntries"][0].pop("inclusionProof"),
        lambda value: value[_MATERIAL]["tlogEntries"][0]["inclusionProof"].pop("checkpoint"),
        lambda value: value[_MATERIAL]["tlogEntries"][0]["inclusionProof"].update(treeSize="2"),
        lambda value: value[_MATERIAL]["tlogEntries"][0].update(kindVersion={"kind": "intoto", "version": "0.0.2"}),
        lambda value: value.update(
            dsseEnvelope=json.loads(instance().bundle(_PAYLOAD))["dsseEnvelope"]  # of another key
        ),
    ],
)
def test_a_part_that_was_changed_does_not_hold(change: Callable[[dict[str, Any]], None]) -> None:
    raw = _replaced(instance().bundle(_PAYLOAD), change)
    assert verdict(raw).fault.startswith("sigstore")


_PATHS = (
    ("dsseEnvelope", "payload"),
    ("dsseEnvelope", "signatures", 0, "sig"),
    (_MATERIAL, "certificate", "rawBytes"),
    (_MATERIAL, "tlogEntries", 0, "canonicalizedBody"),
    (_MATERIAL, "tlogEntries", 0, "inclusionPromise", "signedEntryTimestamp"),
    (_MATERIAL, "tlogEntries", 0, "inclusionProof", "rootHash"),
)


@given(st.sampled_from(_PATHS), st.integers(0, 10**6), st.integers(1, 255))
def test_a_bundle_with_any_byte_of_its_content_changed_is_never_signed(
    path: tuple[Any, ...], place: int, change: int
) -> None:
    value = json.loads(bundle())
    inner = value
    for step in path[:-1]:
        inner = inner[step]
    content = bytearray(base64.b64decode(inner[path[-1]]))
    content[place % len(content)] ^= change
    inner[path[-1]] = base64.b64encode(content).decode()
    assert prover().why_not(parse_document(json.dumps(value).encode()), _OURS)


@given(st.binary(max_size=300))
def test_any_bytes_for_a_certificate_name_somebody_or_nobody(raw: bytes) -> None:
    assert claimed_identity(raw) is None


def test_a_certificate_that_cannot_be_read_may_be_ours_and_does_not_hold() -> None:
    raw = _replaced(
        instance().bundle(_PAYLOAD), lambda value: value[_MATERIAL].update(certificate={"rawBytes": "QUFB"})
    )
    assert "its certificate cannot be read" in verdict(raw).fault


def _root(**changes: Any) -> bytes:
    return json.dumps(json.loads(instance().trusted_root()) | changes).encode()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "it is not a trusted root of sigstore"),
        (b"[]", "it is not a trusted root of sigstore"),
        (b"\xff", "it is not a trusted root of sigstore"),
        (b'{"mediaType": "x"}', "it is not a trusted root of sigstore"),
        (_root(tlogs=[]), "it is a trusted root without `tlogs`"),
        (_root(ctlogs=None, certificateAuthorities=[]), "without `certificateAuthorities` and `ctlogs`"),
        (_root(tlogs=[{}]), "sigstore does not read it: "),
        (_root(certificateAuthorities=[7]), "sigstore does not read it: "),
        (_root(mediaType="application/vnd.dev.sigstore.trustedroot+json;version=9"), "sigstore does not read it: "),
    ],
)
def test_a_file_that_is_not_a_trusted_root_is_an_error(raw: bytes, reason: str) -> None:
    with pytest.raises(SignatureUncheckable) as caught:
        IdentityProver("root.json", raw)
    assert caught.value.message.startswith("root.json in the ledger repository cannot be used: ")
    assert reason in caught.value.message
    assert caught.value.message.isprintable()


def test_without_the_library_nothing_is_said_of_a_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = instance().bundle(_PAYLOAD)
    for name in [module for module in sys.modules if module.split(".")[0] == "sigstore"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SignatureUncheckable) as caught:
        verdict(raw)
    assert caught.value.message == "a signature cannot be checked: the Python library `sigstore` is not installed"
    assert "`pip install sigstore`" in caught.value.hint


def staging_root() -> bytes:
    """Return the trusted root of sigstore's staging instance, which the library ships for its own tests."""
    name = "https%3A%2F%2Ftuf-repo-cdn.sigstage.dev"
    return (files("sigstore") / "_store" / name / "trusted_root.json").read_bytes()


@pytest.mark.skipif(not _STAGING.exists(), reason="needs a bundle that is kept beside the repository")
def test_a_real_bundle_is_checked() -> None:
    document = parse_document(_STAGING.read_bytes())
    assert isinstance(document, SignedDocument)
    assert document.certificate is not None
    named = claimed_identity(document.certificate)
    assert named is not None
    assert named.issuer == "https://token.actions.githubusercontent.com"
    signer = TrustedSigner(named.issuer, "https://github.com/sigstore-conformance/*")
    staging = IdentityProver("root.json", staging_root())
    assert staging.why_not(document, signer) == ""
    assert "the certificate names somebody else" in staging.why_not(document, TrustedSigner(named.issuer, "x"))
    assert prover().why_not(document, signer)
    assert IdentityProver("", None).why_not(document, signer)  # the production instance's root
    changed = json.loads(_STAGING.read_bytes())
    changed["dsseEnvelope"]["payload"] = base64.b64encode(_PAYLOAD).decode()
    assert staging.why_not(parse_document(json.dumps(changed).encode()), signer)


def test_a_bundle_that_lacks_a_part_is_told_in_words() -> None:
    def without_proof(value: dict[str, Any]) -> None:
        del value["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]

    fault = verdict(_replaced(bundle(), without_proof)).fault
    assert fault.startswith("sigstore: ")
    assert "inclusionProof" in fault
    assert "\\n" not in fault
    assert "type=" not in fault


def test_of_many_keys_some_are_named() -> None:
    keys = [TrustedSigner(key=f"k{number}.pub") for number in range(9)]
    trust = Trust(lambda _: signing.public_pem())
    raw = signing.envelope(_PAYLOAD, name="another")
    fault = trust.verdict(parse_document(raw), ProvenanceRule(("*",), tuple(keys))).fault
    assert fault == "it has no valid signature by k0.pub, k1.pub, k2.pub, …"
