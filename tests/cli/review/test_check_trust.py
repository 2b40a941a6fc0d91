"""`check` of the files that `provenance` names: without them, no image that a rule names could be published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.git.upstream import Upstream, git
from tests.support.registries.attesting import rule
from tests.support.values import signing
from tests.support.values.make import digest, ledger_bytes, record
from tests.support.values.outcome import Outcome
from tests.support.values.sigstore import Instance

_PRIVATE = signing.key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
_KEYLESS = "{issuer: a, identity: b, trustedRoot: root.json}"


def checked(run: Callable[..., Outcome], upstream: Upstream, signer: str, **files: bytes) -> Outcome:
    named = {name.replace("_", "."): raw for name, raw in files.items()}
    upstream.commit_as_other_writer({"ledger.yaml": rule(signer=signer).encode()} | named)
    return run("check", "--repo", upstream.url)


@pytest.mark.parametrize(
    ("signer", "files"),
    [
        ("{key: a.pub}", {"a_pub": signing.public_pem()}),
        ("{key: a.pub}", {"a_pub": signing.public_pem("ed25519")}),
        (_KEYLESS, {"root_json": Instance().trusted_root()}),
        ("{issuer: a, identity: b}", {}),
    ],
)
def test_files_that_are_there_and_what_they_have_to_be_are_fine(
    ledger: Callable[..., Outcome], upstream: Upstream, signer: str, files: dict[str, bytes]
) -> None:
    done = checked(ledger, upstream, signer, **files)
    assert (done.code, done.out) == (0, ""), done.err


@pytest.mark.parametrize(
    ("signer", "files", "told"),
    [
        ("{key: a.pub}", {}, "ledger.yaml:1:1: settings: `provenance` names a.pub, and the ledger repository does not"),
        ("{key: a.pub}", {"a_pub": b""}, "a.pub:1:1: settings: it is not a public key in PEM"),
        ("{key: a.pub}", {"a_pub": b"ssh-ed25519 AAAA"}, "a.pub:1:1: settings: it is not a public key in PEM"),
        ("{key: a.pub}", {"a_pub": _PRIVATE}, "a.pub:1:1: settings: it has a private key in it"),
        ("{key: a.pub}", {"a_pub": b" " * 2**21}, "a.pub:1:1: settings: a.pub in the ledger repository is larger"),
        ("{key: a.pub}", {"a_pub": signing.public_pem() * 2}, "a.pub:1:1: settings: it has more than one key"),
        ("{key: a.pub}", {"a_pub": signing.public_pem()[:60]}, "a.pub:1:1: settings: it is not a public key in PEM"),
        (_KEYLESS, {}, "ledger.yaml:1:1: settings: `provenance` names root.json"),
        (_KEYLESS, {"root_json": b"{}"}, "root.json:1:1: settings: it is not a trusted root of sigstore"),
        (_KEYLESS, {"root_json": b"\xff"}, "root.json:1:1: settings: it is not a trusted root of sigstore"),
        (_KEYLESS, {"root_json": b"[" * 100_000}, "root.json:1:1: settings: it is not a trusted root of sigstore"),
    ],
)
def test_a_file_that_is_of_no_use_is_a_finding(
    ledger: Callable[..., Outcome], upstream: Upstream, signer: str, files: dict[str, bytes], told: str
) -> None:
    done = checked(ledger, upstream, signer, **files)
    assert done.code == 1
    assert done.out.startswith(told)


@pytest.mark.parametrize(
    ("provenance", "told"),
    [
        (None, "has no signed statement that was checked, which ledger.yaml requires"),
        ({"digest": digest(), "builder": "b"}, "has no signed statement that was checked, which ledger.yaml requires"),
        ({"digest": digest(), "signer": "key:b.pub"}, "but one by key:b.pub, whom ledger.yaml does not name"),
        ({"digest": digest(), "signer": "key:a.pub"}, ""),
    ],
)
def test_a_new_record_needs_a_signer_that_ledger_yaml_names_if_that_is_required(
    ledger: Callable[..., Outcome], upstream: Upstream, provenance: dict[str, str] | None, told: str, tmp_path: Path
) -> None:
    settings = rule(signer="{key: a.pub}", require=True).encode()
    base = upstream.commit_as_other_writer({"ledger.yaml": settings, "a.pub": signing.public_pem()})
    made = record(platform="linux/amd64", provenance=provenance)
    message = f"publish myorg/app:v1\n\nImage: myorg/app:v1\nPlatform: linux/amd64\nDigest: {made.digest}\n"
    message += f"Source-Ref: {made.source_ref}\n"
    upstream.commit_as_other_writer({"ledger.json": ledger_bytes(made)}, message)
    git("clone", "--quiet", upstream.path, tmp_path / "clone")
    done = ledger("check", "--base", base, "--repo", tmp_path / "clone")
    assert done.code == (1 if told else 0), done.out
    assert not told or (told in done.out and ": required: " in done.out)
