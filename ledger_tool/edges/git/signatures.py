"""git's verdicts on the signatures of many commits."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ledger_tool.core.history.signature import Signature
from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.files.disk import local_errors
from ledger_tool.edges.files.temporary import private_folder
from ledger_tool.edges.git.keyring import with_keys
from ledger_tool.edges.git.process import Completed
from ledger_tool.edges.git.repository import Repository, batch, local_failure
from ledger_tool.errors import UsageError

_LONGEST = 64 * 1024  # bytes of a signature that a program is asked about: no key needs more
_BATCH = 64  # commits: each costs a process or two of gpg or ssh-keygen


def signatures(
    repository: Repository, commits: Sequence[str], allowed: bytes, keyring: bytes | None = None
) -> Iterator[Signature]:
    """Yield git's verdict on each commit's signature; `allowed` is the file of the SSH keys that may sign.

    GPG takes its keys from the `keyring`, an export of public keys, and from nowhere else; with None, from the user's.
    """
    with private_folder() as folder:
        file = folder / "allowed-signers"
        with local_errors("the folder for temporary files", "write to"):
            file.write_bytes(allowed)
        if keyring is not None:
            # A certificate may name addresses that gpgsm would ask: it proves nobody here, so it is not asked.
            options = (*repository.options, "-c", "gpg.x509.program=false")
            environment = with_keys(repository.environment, keyring, folder)
            repository = replace(repository, environment=environment, options=options)
        for start in range(0, len(commits), _BATCH):
            yield from _verdicts(repository, commits[start : start + _BATCH], file)


def _verdicts(repository: Repository, commits: Sequence[str], allowed: Path) -> Iterator[Signature]:
    headers = dict(zip(commits, map(_signature_in, repository.blobs(commits)), strict=True))
    asked = [commit for commit in commits if len(headers[commit]) <= _LONGEST]
    verdicts = {one.commit: one for one in (_looked_at(repository, asked, allowed) if asked else ())}
    good = [one.commit for one in verdicts.values() if one.letter == "G" and not one.is_ssh]
    trust = _trust(repository, good, allowed)
    for commit in commits:
        signature, header = verdicts.get(commit, Signature(commit, "B")), headers[commit]
        if header and signature.letter in "NB" and commit in verdicts:
            _must_verify(repository, header)
            # Of what its program says nothing, git says that there is no signature.
            signature = replace(signature, letter="B")
        yield replace(signature, trust=trust.get(commit, "fully" if signature.is_ssh else ""))


def _signature_in(commit: bytes) -> bytes:
    """Return the signature in the header of a commit, as it stands there; `b""` if there is none."""
    lines = commit.partition(b"\n\n")[0].split(b"\n")
    signed = False
    found = []
    for line in lines:
        signed = line.startswith((b"gpgsig ", b"gpgsig-sha256 ")) or (signed and line.startswith(b" "))
        found += [line] * signed
    return b"\n".join(found)


def _must_verify(repository: Repository, signature: bytes) -> None:
    """Raise UsageError if the program is missing that tells whether a signature is good."""
    if b"-----BEGIN SSH SIGNATURE" in signature:
        kind, names, program, package = "SSH", ["gpg.ssh.program"], "ssh-keygen", "OpenSSH"
    elif b"-----BEGIN PGP " in signature:
        kind, names, program, package = "GPG", ["gpg.openpgp.program", "gpg.program"], "gpg", "GnuPG"
    else:
        return
    own = (repository.git("config", "--get", name).text.strip() for name in names)
    program = next(filter(None, own), program)
    if not shutil.which(program):
        raise UsageError(
            f"signatures by {kind} keys need `{shown(program)}`, which is not in PATH", f"install {package}"
        )


def _looked_at(repository: Repository, commits: Sequence[str], allowed: Path) -> list[Signature]:
    """Return the verdicts without the trust in their keys.

    Git gives up the whole list where it cannot tell what kind of signature a commit has, and anybody can write such a
    commit. So that commit is sought by halves, and its signature is a bad one.
    """
    done = _log(repository, commits, "%H%x00%G?%x00%GF%x00%GP%x00%GK", allowed)
    fields = done.text.split("\0")[: 5 * len(commits)]
    if done.ok and fields[::5] == list(commits) and len(fields) == 5 * len(commits):
        rows = [fields[start : start + 5] for start in range(0, len(fields), 5)]
        return [Signature(commit, letter, key or id_, primary=primary) for commit, letter, key, primary, id_ in rows]
    if len(commits) > 1:
        middle = len(commits) // 2
        return [one for half in (commits[:middle], commits[middle:]) for one in _looked_at(repository, half, allowed)]
    without = _log(repository, commits, "%H", allowed)
    if not without.ok:  # it is not the signature
        raise local_failure(without, "log", repository.git_dir)
    return [Signature(commits[0], "B")]


def _trust(repository: Repository, commits: Sequence[str], allowed: Path) -> Mapping[str, str]:
    """Return how far the keyring trusts the keys of good signatures.

    This is a separate command, then one per commit, since git aborts with a bug if gpg reports no trust (seen with
    2.39).
    """
    if not commits:
        return {}
    done = _log(repository, commits, "%H%x00%GT", allowed)
    if done.ok:
        fields = done.text.split("\0")
        return dict(zip(fields[::2], fields[1::2], strict=False))
    if len(commits) == 1:
        return {}
    return {commit: level for one in commits for commit, level in _trust(repository, [one], allowed).items()}


def _log(repository: Repository, commits: Sequence[str], form: str, allowed: Path) -> Completed:
    return repository.git(
        "-c", f"gpg.ssh.allowedSignersFile={allowed}",
        "log", "--no-walk=unsorted", "--no-show-signature", "--no-color", "-z", f"--format={form}", "--stdin",
        stdin=batch(commits), least=300.0,
    )  # fmt: skip
