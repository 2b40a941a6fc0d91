"""Signs commits of ours: where `--sign` asks for it, and of itself where an owner has to sign what changes.

What no owner has signed is refused here, before it is offered to anybody: `check` and a server's hook would refuse it.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import ALLOWED_SIGNERS, KEYRING
from ledger_tool.edges.files.disk import path_of
from ledger_tool.edges.git.dates import time_of, times
from ledger_tool.edges.git.repository import Repository
from ledger_tool.edges.git.workspace import Workspace
from ledger_tool.errors import NotTheOwner, UsageError

if TYPE_CHECKING:  # a ledger without owners need not load the rest
    from ledger_tool.core.history.signature import Signature
    from ledger_tool.core.judging.owners import Owned

_KEPT = ("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")
_HINT = (
    "sign with the key of an owner: set git's `user.signingKey` (and `gpg.format`) to it or, where none is set, pass "
    "it with `--deploy-key`"
)


@dataclass(frozen=True, slots=True)
class Signer:
    """Writes commits, and signs them `always`, or if somebody owns what they change."""

    workspace: Workspace
    always: bool

    def commit(self, repository: Repository, base: Snapshot, ledger: Ledger, tree: str, message: str) -> str:
        """Write a commit on `base` of a tree with this ledger; return its id.

        Raises NotTheOwner if none of its owners has signed what it changes, and UsageError if git cannot sign it.
        """
        owned = _owned(repository, base, ledger, tree)
        if not (owned or self.always):
            return repository.commit_tree(tree, base.commit, message)
        return self._signed(repository, base, tree, message, owned)

    def rehearse(self, repository: Repository, base: Snapshot, ledger: Ledger) -> None:
        """Raise NotTheOwner if no owner can sign a commit on `base` with this ledger, as far as that shows unasked.

        A key that may ask for something (a security key, or any GPG key) is not used: of GPG keys, one has to be there.
        """
        owned = _owned(repository, base, ledger, base.commit)
        if not owned:
            return
        try:
            trial = self._trial(repository, base.commit)
        except UsageError as error:
            raise NotTheOwner(f"{_belongs(owned[0])}, and {error.message}", _HINT) from None
        if trial:
            _check_signed(trial[0], base, trial[1], owned)

    def signature(self, repository: Repository, base: str, keyring: bytes) -> Signature | None:
        """Return what commits on `base` would be signed with, None for a key that may ask for something.

        Raises UsageError if there is no key, or it cannot be used.
        """
        from ledger_tool.edges.git.signatures import signatures

        trial = self._trial(repository, base)
        return next(signatures(trial[0], [trial[1]], b"", keyring)) if trial else None

    def _trial(self, repository: Repository, base: str) -> tuple[Repository, str] | None:
        """Sign a commit apart from the repository; return where it is, and its id; None for a key that may ask."""
        signing = self._signing(repository)
        key = signing.git("config", "--get", "user.signingKey").text.strip()
        if signing.git("config", "--get", "gpg.format").text.strip() != "ssh":
            if not _has_gpg_key(signing, key):
                raise UsageError("git has no key to sign with", _HINT)
            return None
        if _is_security_key(key):
            return None
        objects = self.workspace.folder / "rehearsal"
        objects.mkdir(exist_ok=True)
        own = repository.must("rev-parse", "--path-format=absolute", "--git-path", "objects")
        apart = {"GIT_OBJECT_DIRECTORY": str(objects), "GIT_ALTERNATE_OBJECT_DIRECTORIES": own}
        elsewhere = replace(repository, environment={**repository.environment, **apart})
        signing = self._signing(elsewhere)
        return elsewhere, signing.commit_tree(f"{base}^{{tree}}", base, "rehearsal\n", sign=True)

    def _signed(self, repository: Repository, base: Snapshot, tree: str, message: str, owned: Sequence[Owned]) -> str:
        try:
            commit = self._signing(repository).commit_tree(tree, base.commit, message, sign=True)
        except UsageError as error:
            if not owned:
                raise
            raise NotTheOwner(f"{_belongs(owned[0])}, and {error.message}", _HINT) from None
        if owned:
            _check_signed(repository, base, commit, owned)
        return commit

    def _signing(self, repository: Repository) -> Repository:
        """Return the repository as a signing program needs it: with the caller's variables, and the deploy key."""
        own = {name: value for name, value in repository.environment.items() if name.startswith(_KEPT)}
        return replace(repository, environment={**self.workspace.signing_environment, **own})


def _is_security_key(key: str) -> bool:
    """Return whether a `user.signingKey` of SSH is, as far as its public half says, one that has to be touched."""
    texts = [key]
    for name in (key, f"{key}.pub"):
        with suppress(OSError, ValueError, UsageError):
            texts.append(path_of(name, "`user.signingKey`").read_text("ascii", "replace")[:200])
    return any(text.removeprefix("key::").startswith("sk-") for text in texts)


def _has_gpg_key(signing: Repository, key: str) -> bool:
    """Return whether gpg has a secret key that git would sign with; True if a program of the user's own would sign."""
    if any(signing.git("config", "--get", name).ok for name in ("gpg.program", "gpg.openpgp.program", "gpg.format")):
        return True
    key = key or signing.git("var", "GIT_COMMITTER_IDENT").text.rpartition(">")[0] + ">"
    words = ["gpg", "--batch", "--no-tty", "--list-secret-keys", "--", key]
    try:
        done = subprocess.run(words, env=dict(signing.environment), capture_output=True, check=False, timeout=60.0)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _owned(repository: Repository, base: Snapshot, ledger: Ledger, tree: str) -> list[Owned]:
    """Return what a tree with this ledger changes of somebody, on a base, by its rules."""
    policy = base.policy
    if not policy.has_owners:
        return []
    from ledger_tool.core.changes.difference import compare
    from ledger_tool.core.judging.owners import owned_by

    paths: list[str] = []
    if any(owner.files for owner in policy.owners):
        from ledger_tool.edges.git.files import changed_files

        paths = [file.path for file in changed_files(repository, base.commit, tree)]
    return owned_by(compare(base.ledger, ledger), paths, base.ledger, policy, time_of(str(int(time.time()))))


def _check_signed(repository: Repository, base: Snapshot, commit: str, owned: Sequence[Owned]) -> None:
    from ledger_tool.core.judging.owners import SigningRules, unsigned
    from ledger_tool.core.policy.signers import MAX_SIGNERS, parse_signers
    from ledger_tool.edges.git.signatures import signatures

    allowed, keyring = repository.plain_files(base.commit, (ALLOWED_SIGNERS, KEYRING), MAX_SIGNERS)
    rules = SigningRules(base.policy, parse_signers(allowed), keyring)
    (signature,), (at,) = signatures(repository, [commit], b"", keyring), times(repository, [commit])
    for fault in unsigned(owned, signature, rules, at):
        is_shared = bool(set.intersection(*(set(one.signers) for one in owned)))
        hint = _HINT if is_shared else "no key may sign all that it changes: write what each owner owns by itself"
        raise NotTheOwner(f"nothing was written, since {fault.fault.message}", hint)


def _belongs(owned: Owned) -> str:
    from ledger_tool.core.judging.owners import said_owners

    return f"nothing was written, since it changes {owned.what}, which {said_owners(owned.signers)}"
