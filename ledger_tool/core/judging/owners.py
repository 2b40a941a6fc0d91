"""Whether whoever signed a commit may change what it changes: the owners in `ledger.yaml`, by the keys in the ledger.

The rules are those before the commit: a commit cannot make its own signer an owner. What a command may do, force and
reasons included, is another matter; here, every change of an image, an environment or a file counts alike. Only that a
record goes that a prune might take needs nobody: that was decided when its TTL was set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger_tool.core.changes.difference import Difference, compare
from ledger_tool.core.changes.merge import Merged
from ledger_tool.core.history.signature import SEVERAL, Signature
from ledger_tool.core.judging.commit import CommitFault
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import ALLOWED_SIGNERS, KEYRING, LEDGER, SETTINGS, Tag, Timestamp, shown
from ledger_tool.core.ledger.query import is_expired, versions_had
from ledger_tool.core.ledger.record import Key, Name
from ledger_tool.core.policy.keyring import Keyring
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.signers import GPG, AllowedSigners, is_listed

RULE_FILES = (SETTINGS, ALLOWED_SIGNERS, KEYRING)  # by which commits are judged
_MOST = 10  # signers in a message


@dataclass(frozen=True, slots=True)
class SigningRules:
    """Who has to sign what, and with which keys: `ledger.yaml` and the two files of keys at one commit."""

    policy: Policy = field(default_factory=Policy)
    allowed: AllowedSigners = field(default_factory=AllowedSigners)
    keyring: bytes = b""
    gpg: Keyring | None = None  # what gpg makes of the keyring, if it was asked

    @property
    def signers(self) -> list[str]:
        """Who is named as an owner, or as a signer of an environment."""
        policy = self.policy
        groups = [*(owner.signers for owner in policy.owners), *(one.signers for one in policy.environments.values())]
        return list(dict.fromkeys(signer for group in groups for signer in group))

    def has_key(self, signer: str) -> bool:
        """Return whether there may be a key of a signer; of a GPG key, unless gpg was asked, whether there is any."""
        if signer.startswith(GPG):
            return signer.removeprefix(GPG) in self.gpg.fingerprints if self.gpg else bool(self.keyring)
        return any(is_listed(signer, key.principals) for key in self.allowed.keys)


class Owned(NamedTuple):
    """What a commit changes of somebody: an image, `IMAGE:ENV` or a file, and the signers of whom one has to sign.

    `key` is one of its records, `path` the file that shows the change.
    """

    what: str
    signers: tuple[str, ...]
    key: Key | None = None
    path: str = LEDGER


class OwnerFault(NamedTuple):
    """A change that its owner did not sign: the file that shows it, and what it is of."""

    path: str
    what: str
    fault: CommitFault


def owned_records(differences: Iterable[Difference], before: Ledger, policy: Policy, at: Timestamp) -> list[Owned]:
    """Return whose records change in a commit on a ledger, at a time, each owner's image or environment once."""
    owned: dict[str, Owned] = {}
    kept: Mapping[Name, Tag] | None = None
    if not policy.has_owners:
        return []
    for difference in differences:
        key, old = difference.key, difference.old
        if difference.new is None and old and is_expired(old, at):
            kept = versions_had(before.having("version")) if kept is None else kept
            if old.name not in kept:
                continue
        if signers := policy.owners_of(key.image, key.tag):
            is_environment = bool((settings := policy.environments.get(key.tag)) and settings.signers)
            what = f"{key.image}:{key.tag}" if is_environment else key.image
            owned.setdefault(what, Owned(what, signers, key))
    return list(owned.values())


def owned_by(
    differences: Iterable[Difference], paths: Iterable[str], before: Ledger, policy: Policy, at: Timestamp
) -> list[Owned]:
    """Return whose records and files change in a commit on a ledger, at a time."""
    return [*owned_records(differences, before, policy, at), *owned_files(paths, policy)]


def owned_files(paths: Iterable[str], policy: Policy) -> list[Owned]:
    """Return whose files are among those that a commit changes."""
    owned = ((path, policy.owners_of_file(path)) for path in paths)
    return [Owned(shown(path, 200), signers, path=shown(path, 200)) for path, signers in owned if signers]


def unsigned(owned: Iterable[Owned], signature: Signature, rules: SigningRules, at: Timestamp) -> Iterator[OwnerFault]:
    """Yield what none of its owners signed, in a commit that was made at a time."""
    for one in owned:
        if not any(signs_as(signature, principal, rules.allowed, at) for principal in one.signers):
            who = said_signer(signature, rules.allowed, at)
            message = f"it changes {one.what}, which {said_owners(one.signers)}, and {who}"
            yield OwnerFault(one.path, one.what, CommitFault("owner", one.key, message))


def signs_as(signature: Signature, principal: str, allowed: AllowedSigners, at: Timestamp) -> bool:
    """Return whether a signature, in a commit that was made at a time, is that of a principal."""
    if not signature.is_sound:
        return False
    if principal.startswith(GPG):
        return not signature.is_ssh and signature.primary == principal.removeprefix(GPG)
    return signature.is_ssh and allowed.may_sign(signature.fingerprint, principal, at)


def said_owners(signers: Sequence[str]) -> str:
    """Return the end of a sentence about something that belongs to these signers."""
    return f"{' or '.join(signers[:_MOST])}{' or another' if len(signers) > _MOST else ''} owns"


def said_signer(signature: Signature, allowed: AllowedSigners, at: Timestamp) -> str:
    """Return who signed a commit, as the end of a sentence."""
    key = shown(signature.primary or signature.fingerprint)
    match signature.letter:
        case "N":
            return "it is not signed"
        case "E" if not key:
            return SEVERAL
        case "E":
            return f"it is signed by a GPG key that {KEYRING} does not have"
        case "X" | "Y" | "R":
            return f"its signature by the GPG key {key} has expired, or the key has expired or was revoked"
    if not signature.is_sound:
        return "its signature is bad"
    if not signature.is_ssh:
        return f"it is signed by {GPG}{key}"
    if not (names := shown(allowed.names(signature.fingerprint, at), 200)):
        return f"it is signed by the key {key}, which {ALLOWED_SIGNERS} does not list"
    late = ", which may not sign at that time" if allowed.is_outdated(signature.fingerprint, at) else ""
    return f"it is signed by {names} (the key {key}){late}"


def chosen_by_merge(merged: Merged, after: Ledger) -> list[Difference]:
    """Return what a merge commit decides: what it has beyond the merge of its parents, and where they collide.

    A promotion beside what took its version away is not decided by the merge if it has both, as their commits say:
    whether an environment may have that is its own rule.
    """
    both = {
        one.name: one.promoted for one in merged.collisions if one.withdrawn and after.find(one.name) == one.promoted
    }
    decided = []
    for one in merged.collisions:
        if one.name not in both or not one.withdrawn:
            record = (*after.find(one.name), *one.ours, *one.theirs, *one.base)[0]
            decided.append(Difference(record.key, record, record))
    return [*compare(merged.ledger.replaced(both), after), *decided]


class FileSides(NamedTuple):
    """The paths that differ: from the common base to each parent of a merge, and from each parent to the merge."""

    ours: frozenset[str]
    theirs: frozenset[str]
    from_ours: frozenset[str]
    from_theirs: frozenset[str]

    def chosen(self) -> list[str]:
        """Return the files that a merge commit decides itself: that it does not simply take from the side with news."""
        changed = self.from_ours | self.from_theirs
        taken_from_ours = self.from_theirs - self.from_ours - self.theirs
        taken_from_theirs = self.from_ours - self.from_theirs - self.ours
        return sorted(changed - taken_from_ours - taken_from_theirs)
