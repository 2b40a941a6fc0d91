"""What `doctor` says about owners: whether each of them has a key, and as whom a commit from here is signed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger_tool.commands.check_trust import owner_findings, provenance_findings, with_gpg_keys
from ledger_tool.commands.doctor_check import Check, tried
from ledger_tool.commands.doctor_tools import DoctorTools, LedgerPlace
from ledger_tool.core.judging.check import CheckFinding
from ledger_tool.core.judging.owners import SigningRules, said_signer, signs_as
from ledger_tool.core.ledger.names import ALLOWED_SIGNERS, KEYRING, Timestamp, counted, some_of
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.signers import GPG, parse_signers
from ledger_tool.errors import LedgerError, UsageError

_MOST = 5  # names in a line
_REFUSED = "what somebody owns cannot be changed from here"


def look_at_trust(place: LedgerPlace, tools: DoctorTools, policy: Policy, *, is_at_remote: bool) -> Iterator[Check]:
    """Yield whether what signatures are checked with is there: of commits by owners, and of statements about images.

    Whom a commit from here would be by shows only if there is a branch `is_at_remote`, which it would be for.
    """
    if policy.has_owners:
        rules = SigningRules(policy, parse_signers(_read(place, ALLOWED_SIGNERS)), _read(place, KEYRING))
        yield _owners(place, with_gpg_keys(rules, place.keyring))
        if is_at_remote:
            yield _signing(place, rules, tools.now())
    if signers := [signer for rule in policy.provenance for signer in rule.signers]:
        if findings := list(provenance_findings(place.file, policy)):
            yield Check("signatures", "problem", _said(findings), "correct the file, or the entry in ledger.yaml", 1)
        else:
            yield tried("signatures", lambda: tools.signature_libraries(signers))


def _read(place: LedgerPlace, path: str) -> bytes:
    try:
        return place.file(path) or b""
    except UsageError:  # which is a finding
        return b""


def _owners(place: LedgerPlace, rules: SigningRules) -> Check:
    findings = list(owner_findings(place.file, rules))
    without = [signer for signer in rules.signers if not rules.has_key(signer)]
    says = [_said(findings)] if findings else []
    if without:
        verb = "is named as a signer, and has" if len(without) == 1 else "are named as signers, and have"
        says.append(f"{some_of(without, _MOST)} {verb} no key in {ALLOWED_SIGNERS} or {KEYRING}")
    if says:
        return Check("owners", "problem", "; ".join(says), "list their keys, one line each, or correct the names", 1)
    unseen = [signer for signer in rules.signers if signer.startswith(GPG)] if rules.gpg is None else []
    if unseen:
        return Check("owners", "note", f"gpg is not installed, so nobody looked for a key of {some_of(unseen, _MOST)}")
    return Check("owners", "ok", f"{counted(len(rules.signers), 'signer')} of what has an owner, each with a key")


def _signing(place: LedgerPlace, rules: SigningRules, now: Timestamp) -> Check:
    try:
        signature = place.signature(rules.keyring)
    except LedgerError as error:
        return Check("signing", "note", f"{error.message}, so {_REFUSED}")
    if signature is None:
        return Check(
            "signing", "note", "not tried, since the key may ask for something: it is of GPG, or a security key"
        )
    names = [signer for signer in rules.signers if signs_as(signature, signer, rules.allowed, now)]
    if names:
        return Check("signing", "ok", f"a commit from here is signed as {some_of(names, _MOST)}")
    return Check(
        "signing", "note", f"of a commit from here, {said_signer(signature, rules.allowed, now)}, so {_REFUSED}"
    )


def _said(findings: Sequence[CheckFinding]) -> str:
    return "; ".join(f"{one.path}:{one.line}: {one.message}" for one in findings[:_MOST])
