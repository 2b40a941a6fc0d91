"""`allowed_signers` is read as ssh-keygen reads it: each line is held against what it says itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.policy.signers import AllowedSigners, parse_signers
from tests.support.git.servers import make_key
from tests.support.values.profiles import example_count

TEXT = b"what was signed\n"


class Signer:
    """A key, its signature of a text, and what ssh-keygen says of it."""

    def __init__(self, folder: Path) -> None:
        self.key, self.folder = make_key(folder / "key"), folder
        self.public = " ".join((folder / "key.pub").read_text().split()[:2])
        subprocess.run(
            ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", self.key, self.file("text", TEXT)],
            check=True, capture_output=True,
        )  # fmt: skip
        shown = subprocess.run(["ssh-keygen", "-lf", self.key], check=True, capture_output=True, text=True).stdout
        self.fingerprint = shown.split()[1]

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def verified(self, signers: str, principal: str, at: str) -> bool:
        """Return whether ssh-keygen takes the signature for that of a principal, by a file of allowed signers."""
        done = subprocess.run(
            ["ssh-keygen", "-Y", "verify", "-f", self.file("signers", signers.encode()), "-I", principal, "-n", "git",
             "-s", self.folder / "text.sig", f"-Overify-time={at}"],
            input=TEXT, capture_output=True, check=False, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        return done.returncode == 0


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer(tmp_path_factory.mktemp("signer"))


NAMES = ("ci", "ada@example.com", "release", "!ci", "*", "*@example.com", "c?", "[ci]", "c[i]", "", "\\ci", "CI")
OPTIONS = (
    'namespaces="git"', 'namespaces="file"', 'namespaces="file,git"', 'namespaces="g*"', 'namespaces="*,!git"',
    'valid-after="20260601"', 'valid-before="202606010000Z"', 'valid-after="20260601120000Z"', 'valid-before="2026"',
    'Valid-Before="20260601"', 'NAMESPACES="git"', "cert-authority", "no-touch", 'namespaces=git', 'valid-after=""',
)  # fmt: skip
TIMES = ("20260531235959Z", "20260601000000Z", "20260601120000Z", "20260602000000Z")


@example_count(60)
@given(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=3),
    st.lists(st.sampled_from(OPTIONS), max_size=2),
    st.sampled_from([" ", "\t", "  ", ' "', ","]),
    st.sampled_from(["", " a comment", "\t"]),
    st.sampled_from(["ci", "ada@example.com", "eve"]),
    st.sampled_from(TIMES),
)
def test_a_line_lets_a_key_sign_as_whom_ssh_keygen_lets_it(
    signer: Signer, names: list[str], options: list[str], between: str, end: str, principal: str, at: str
) -> None:
    principals = ",".join(names)
    quoted = f'"{principals}"' if between == ' "' else principals
    middle = " ".join(filter(None, [",".join(options)]))
    line = f"{quoted}{between.rstrip(chr(34))}{middle}{' ' if middle else ''}{signer.public}{end}\n"
    moment = Timestamp(f"{at[:4]}-{at[4:6]}-{at[6:8]}T{at[8:10]}:{at[10:12]}:{at[12:14]}Z")
    found = parse_signers(line.encode())
    ours = found.may_sign(signer.fingerprint, principal, moment)
    theirs = signer.verified(line, principal, at)
    assert ours <= theirs, "it lets in whom ssh-keygen does not"
    is_ours_alone = "cert-authority" in options or "" in names or between == ","  # which is a typing error
    assert is_ours_alone or ours == theirs, found


def test_a_line_that_makes_no_sense_is_named_and_takes_nothing_from_the_others(signer: Signer) -> None:
    text = f"# comment\n\nci\nci ssh-ed25519 AAAA\nci no-such {signer.public}\r\nci {signer.public}\r\n"
    found = parse_signers(text.encode())
    assert [fault.line for fault in found.faults] == [3, 4, 5]
    assert [key.principals for key in found.keys] == [("ci",)]
    assert found.names(signer.fingerprint, Timestamp("2026-11-25T00:00:00Z")) == "ci"


def test_padding_too_much_is_no_key_as_to_ssh_keygen(signer: Signer) -> None:
    line = f"ci {signer.public}=\n"
    assert parse_signers(line.encode()).keys == ()
    assert not signer.verified(line, "ci", TIMES[0])


def test_certificates_are_refused_and_not_taken_for_keys(signer: Signer) -> None:
    found = parse_signers(f"* cert-authority {signer.public}\n".encode())
    assert found.keys == ()
    assert "`cert-authority`" in found.faults[0].message


@given(st.binary(max_size=200))
def test_any_bytes_are_read(raw: bytes) -> None:
    assert isinstance(parse_signers(raw), AllowedSigners)
