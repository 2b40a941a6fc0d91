"""GPG keys of owners: whatever else is in `allowed_signers.asc`, each block of it counts for itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.gate import NEW, Gate, records
from tests.support.git.owned import SETTINGS
from tests.support.values.doctor import lines
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
Gpg = Callable[..., str]


class Owner:
    """Somebody with a GPG key who owns the payment images."""

    def __init__(self, gate: Gate, gpg: Gpg, folder: Path) -> None:
        self.gate = gate
        gpg("--passphrase", "", "--quick-generate-key", "pay <pay@example.com>", "ed25519", "sign", "never")
        listed = gpg("--list-keys", "--with-colons")
        self.key = next(row.split(":")[9] for row in listed.splitlines() if row.startswith("fpr"))
        self.export = gpg("--armor", "--export", self.key)
        stored = (Path(os.environ["GNUPGHOME"]) / "openpgp-revocs.d" / f"{self.key}.rev").read_text()
        self.revocation = stored[stored.index(":-----BEGIN") + 1 :]
        self.settings = SETTINGS.replace("[payments-ci]", f"['gpg:{self.key}']")

    def lists(self, *blocks: str) -> None:
        """Let `allowed_signers.asc` have these blocks, and the owner publish."""
        files = {"ledger.yaml": self.settings, "allowed_signers.asc": "".join(blocks)}
        self.base = self.gate.owned.commit({name: text.encode() for name, text in files.items()}, "keys", "admin")
        upstream = self.gate.owned.upstream
        unsigned = self.gate.owned.commit(records(NEW), "publish")
        who = ("-c", "user.name=Pay", "-c", "user.email=pay@example.com", "-c", f"user.signingKey={self.key}")
        words = ["git", f"--git-dir={upstream.url.removeprefix('file://')}", *who, "commit-tree", "-S", "-m", "publish"]
        signed = subprocess.run(
            [*words, "-p", self.base, f"{unsigned}^{{tree}}"], capture_output=True, text=True, check=True
        )
        upstream.git("update-ref", "refs/heads/main", signed.stdout.strip())


@pytest.fixture
def owner(gate: Gate, gpg: Gpg, tmp_path: Path) -> Owner:
    return Owner(gate, gpg, tmp_path)


def damaged(export: str) -> str:
    """Return an armored block whose checksum no longer fits."""
    lines = export.splitlines(keepends=True)
    lines[3] = "AAAA" + lines[3][4:]
    return "".join(lines)


def test_a_revocation_counts_wherever_it_stands(gate: Gate, owner: Owner) -> None:
    owner.lists(owner.revocation, owner.export)
    (found,) = gate.both(owner.base)
    assert found.endswith("has expired, or the key has expired or was revoked")


def test_a_damaged_block_takes_nothing_from_the_others_and_is_a_finding(gate: Gate, owner: Owner, ledger: Run) -> None:
    owner.lists("Somebody else:\n", damaged(owner.export), "The owner:\n", owner.export)
    assert gate.both(owner.base) == []
    done = ledger("check", "--repo", gate.owned.upstream.url, "--branch", "main")
    assert (done.code, done.err.count("warning: ")) == (1, 0)
    assert "\nallowed_signers.asc:2:1: settings: gpg can use nothing of what begins here" in f"\n{done.out}"


@pytest.mark.parametrize("content", ["garbage\n", ""])
def test_a_keyring_without_the_owners_key_is_said(owner: Owner, gate: Gate, ledger: Run, content: str) -> None:
    owner.lists(content)
    assert len(gate.both(owner.base)) == 1
    done = ledger("check", "--repo", gate.owned.upstream.url, "--branch", "main")
    assert done.code == bool(content)
    assert f"warning: gpg:{owner.key} is named as a signer, and has no key: nobody can sign as gpg:" in done.err


@pytest.fixture
def without_gpg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("git", "sh", "ssh-keygen", "env"):
        (programs / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(programs))


def test_without_gpg_a_signature_is_not_taken_for_none(
    owner: Owner, gate: Gate, ledger: Run, request: pytest.FixtureRequest
) -> None:
    owner.lists(owner.export)
    request.getfixturevalue("without_gpg")
    for command in (("check", "--branch", "main", "--base"), ("audit", "--since")):
        done = ledger(*command, owner.base, "--repo", gate.owned.upstream.url)
        assert done.code == 2
        assert "error: signatures by GPG keys need `gpg`, which is not in PATH" in done.err


def test_without_gpg_doctor_does_not_say_that_an_owner_has_a_key(
    owner: Owner, gate: Gate, ledger: Run, request: pytest.FixtureRequest
) -> None:
    owner.lists(owner.export)
    assert lines(ledger("doctor", "--repo", gate.owned.upstream.url))["owners"][0] == "ok"
    request.getfixturevalue("without_gpg")
    says = f"gpg is not installed, so nobody looked for a key of gpg:{owner.key}"
    assert lines(ledger("doctor", "--repo", gate.owned.upstream.url))["owners"] == ("note", says)


def test_more_faults_than_are_listed_are_counted(owner: Owner, gate: Gate, ledger: Run) -> None:
    gate.owned.commit({"allowed_signers": b"x\n" * 1100}, "odd keys", "admin")
    done = ledger("check", "--repo", gate.owned.upstream.url, "--branch", "main")
    assert (done.code, "and 100 more findings in allowed_signers" in done.out) == (1, True)


def test_a_signature_of_absurd_length_is_bad_unasked(gate: Gate) -> None:
    upstream = gate.owned.upstream
    gate.owned.commit(records(NEW), "publish", "payments-ci")
    raw = upstream.git("cat-file", "commit", "main") + "\n"
    longer = raw.replace("\n -----END", f"\n{' ' * 70000}\n -----END", 1)
    made = upstream.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=longer.encode())
    upstream.git("update-ref", "refs/heads/main", made)
    assert gate.both() == ["it changes payments/api, which payments-ci owns, and its signature is bad"]
