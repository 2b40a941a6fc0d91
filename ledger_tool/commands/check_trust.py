"""Whether the files that say whom a ledger trusts are there, and what they have to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ledger_tool.commands.ports import History
from ledger_tool.core.judging.check import CheckFinding
from ledger_tool.core.judging.owners import SigningRules
from ledger_tool.core.ledger.names import ALLOWED_SIGNERS, SETTINGS
from ledger_tool.core.provenance.publickey import key_fault
from ledger_tool.core.provenance.trustfiles import root_fault
from ledger_tool.errors import UsageError


def trust_findings(history: History, rules: SigningRules) -> Iterator[CheckFinding]:
    """Yield a finding for each line of `allowed_signers` that is not valid, and for each file that is of no use."""
    for fault in rules.allowed.faults:
        yield CheckFinding("settings", ALLOWED_SIGNERS, fault.line, 1, fault.message)
    for rule in rules.policy.provenance:
        for trusted in rule.signers:
            if file := trusted.key or trusted.root:
                yield from _of_file(history, file, key_fault if trusted.key else root_fault)


def _of_file(history: History, file: str, fault_in: Callable[[bytes], str]) -> Iterator[CheckFinding]:
    """Yield what is wrong with a file; no signature could be checked with it, and no image be published."""
    try:
        raw = history.current_file(file)
    except UsageError as error:
        yield CheckFinding("settings", file, 1, 1, error.message)
        return
    if raw is None:
        message = f"`provenance` names {file}, and the ledger repository does not have that file"
        yield CheckFinding("settings", SETTINGS, 1, 1, message)
    elif fault := fault_in(raw):
        yield CheckFinding("settings", file, 1, 1, fault)
