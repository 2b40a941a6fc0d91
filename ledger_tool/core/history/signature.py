"""Git's verdict on a commit's signature, and whether it is good enough.

The letters are those of `%G?` (git-log(1), "PRETTY FORMATS"). An SSH key is good (`G`) if the file of allowed signers
(ssh-keygen(1), "ALLOWED SIGNERS") has it for the commit's time and for the namespace `git`; every other one is `U`.
A GPG key is good if the keyring trusts it fully; `%G?` alone would accept marginal trust as well.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Set
from dataclasses import dataclass

from ledger_tool.core.ledger.names import shown

SEVERAL = "it has several GPG signatures, of which git checks none: sign it with one key"

_key = re.compile(rb"(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ +([A-Za-z0-9+/]+=*)")


@dataclass(frozen=True, slots=True)
class Signature:
    """Git's verdict on one commit: the letter, the key's fingerprint, and how much the key is trusted.

    The fingerprint is the key's id if the keyring does not have the key, and `""` if there are several GPG signatures:
    git does not tell them apart, and checks none.
    `primary` is the fingerprint of the GPG key that the signing key belongs to.
    """

    commit: str
    letter: str
    fingerprint: str = ""
    trust: str = ""
    primary: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether the key made it for just this commit, whatever the key may do."""
        return self.letter in ("G", "U") and bool(self.fingerprint)

    @property
    def is_ssh(self) -> bool:
        """Whether an SSH key made it, as far as git shows."""
        return self.fingerprint.startswith("SHA256:")


def objection(signature: Signature, listed: Set[str]) -> str:
    """Return what is wrong with a signature, or `""`; `listed` are the fingerprints of the allowed SSH keys."""
    key = shown(signature.fingerprint) or "unknown to git"
    match signature.letter:
        case "G" if signature.trust in ("fully", "ultimate"):
            return ""
        case "G":
            return f"it is signed by the key {key}, which the keyring does not trust fully"
        case "U" if signature.fingerprint in listed:
            return f"it is signed by the key {key}, which is not allowed to sign at that time, or is expired"
        case "U" if signature.is_ssh:
            return f"it is signed by the key {key}, which is not an allowed signer"
        case "U":
            return f"it is signed by the key {key}, which the keyring has, but does not trust"
        case "X":
            return f"its signature by the key {key} has expired"
        case "Y":
            return f"it is signed by the key {key}, which has expired"
        case "R":
            return f"it is signed by the key {key}, which was revoked"
        case "E" if not signature.fingerprint:
            return SEVERAL
        case "E":
            return "its signature cannot be checked: the keyring does not have the key"
        case "N":
            return "it is not signed"
    return (
        "its signature is bad: the commit was changed after it was signed, its key is revoked, or may not sign for git"
    )


def fingerprints(allowed: bytes) -> set[str]:
    """Return the fingerprints of the keys in a file of allowed signers, as ssh-keygen writes them."""
    keys = set()
    for line in allowed.splitlines():
        if line.strip() and not line.lstrip().startswith(b"#") and (key := _key.search(line)):
            try:
                blob = base64.b64decode(key[1], validate=True)
            except binascii.Error:
                continue
            keys.add("SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("="))
    return keys
