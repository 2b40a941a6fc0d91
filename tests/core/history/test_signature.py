"""What git's letters mean to who demands signatures."""

from __future__ import annotations

import base64
import hashlib

import pytest

from ledger_tool.core.history.signature import Signature, fingerprints, objection

SSH = "SHA256:" + "a" * 43


@pytest.mark.parametrize(
    ("letter", "trust", "fingerprint", "says"),
    [
        ("G", "fully", SSH, ""),
        ("G", "ultimate", "ABCD", ""),
        ("G", "marginal", "ABCD", "does not trust fully"),
        ("G", "", "ABCD", "does not trust fully"),
        ("U", "", SSH, "not an allowed signer"),
        ("U", "", "SHA256:listed", "not allowed to sign at that time"),
        ("U", "", "ABCD", "does not trust"),
        ("X", "", "ABCD", "signature by the key ABCD has expired"),
        ("Y", "", "ABCD", "signed by the key ABCD, which has expired"),
        ("R", "", "ABCD", "was revoked"),
        ("E", "", "B5690EEEBB952194", "cannot be checked"),
        ("E", "", "", "several GPG signatures"),
        ("N", "", "", "not signed"),
        ("B", "", SSH, "is bad"),
        ("?", "", "", "is bad"),
    ],
)
def test_each_letter_has_its_own_words(letter: str, trust: str, fingerprint: str, says: str) -> None:
    found = objection(Signature("c", letter, fingerprint, trust), {"SHA256:listed"})
    assert (says in found) if says else (found == "")


def test_fingerprints_are_those_of_the_keys_in_the_file() -> None:
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + b"k" * 32
    key = base64.b64encode(blob).decode()
    expected = "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    options = 'namespaces="git",valid-before="20300101"'
    text = f"# ssh-ed25519 {key}x\n\na,b {options} ssh-ed25519 {key} who\nbroken ssh-rsa A\n"
    assert fingerprints(text.encode()) == {expected}
    assert fingerprints(b"") == set()
