"""Whether the files that say whom a ledger trusts are there, and what they have to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ledger_tool.core.judging.check import CheckFinding
from ledger_tool.core.judging.owners import SigningRules
from ledger_tool.core.ledger.names import ALLOWED_SIGNERS, KEYRING, SETTINGS
from ledger_tool.core.policy.keyring import Keyring
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.signers import GPG
from ledger_tool.core.provenance.publickey import key_fault
from ledger_tool.core.provenance.trustfiles import root_fault
from ledger_tool.errors import UsageError

ReadKeyring = Callable[[bytes], Keyring | None]  # asks gpg what an export contains; None if gpg is not installed
ReadFile = Callable[[str], bytes | None]  # of the ledger repository; None if it does not exist. It raises UsageError


def with_gpg_keys(rules: SigningRules, read: ReadKeyring) -> SigningRules:
    """Return rules that know what gpg makes of `allowed_signers.asc`, if any signer is a GPG key."""
    if rules.keyring and any(signer.startswith(GPG) for signer in rules.signers):
        return replace(rules, gpg=read(rules.keyring))
    return rules


def owner_findings(read: ReadFile, rules: SigningRules) -> Iterator[CheckFinding]:
    """Yield a finding for each file of keys that cannot be read, and lists nobody, and for each line that is not valid.

    So is each block of `allowed_signers.asc` that gpg cannot use. Where there are no owners, nobody reads them.
    """
    if not rules.policy.has_owners:
        return
    for file in (ALLOWED_SIGNERS, KEYRING):
        try:
            read(file)
        except UsageError as error:
            yield CheckFinding("settings", file, 1, 1, f"{error.message}, so it lists nobody")
    for fault in rules.allowed.faults:
        yield CheckFinding("settings", ALLOWED_SIGNERS, fault.line, 1, fault.message)
    for line in rules.gpg.unread if rules.gpg else ():
        message = "gpg can use nothing of what begins here: it is damaged, or no key, or revokes one that is not there"
        yield CheckFinding("settings", KEYRING, line, 1, message)


def provenance_findings(read: ReadFile, policy: Policy) -> Iterator[CheckFinding]:
    """Yield what is wrong with each file that `provenance` names."""
    for rule in policy.provenance:
        for trusted in rule.signers:
            if file := trusted.key or trusted.root:
                yield from _of_file(read, file, key_fault if trusted.key else root_fault)


def _of_file(read: ReadFile, file: str, fault_in: Callable[[bytes], str]) -> Iterator[CheckFinding]:
    """Yield what is wrong with a file; no signature could be checked with it, and no image be published."""
    try:
        raw = read(file)
    except UsageError as error:
        yield CheckFinding("settings", file, 1, 1, error.message)
        return
    if raw is None:
        message = f"`provenance` names {file}, and the ledger repository does not have that file"
        yield CheckFinding("settings", SETTINGS, 1, 1, message)
    elif fault := fault_in(raw):
        yield CheckFinding("settings", file, 1, 1, fault)
