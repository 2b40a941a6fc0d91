"""`audit` of a merge on the branch: the commits that it brings, one by one, and all of them as one change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger_tool.commands.brought import brought
from ledger_tool.commands.commit_files import CommitFiles
from ledger_tool.commands.owned import OwnedChange
from ledger_tool.core.history.commit import Commit
from ledger_tool.core.judging.audit import AuditFinding, findings_of
from ledger_tool.core.judging.commit import CommitFault
from ledger_tool.core.judging.dates import from_the_future
from ledger_tool.core.ledger.names import LEDGER, SETTINGS, Timestamp
from ledger_tool.errors import InvalidSettings


@dataclass(frozen=True, slots=True)
class AuditedMerge:
    """What is wrong with a merge and with what it brings; `commits` are the ids of both.

    `changes` are those of owners. `claims` and `platform_claims` are as in `HistoryAudit`.
    """

    commits: Sequence[str]
    findings: Sequence[AuditFinding]
    changes: Sequence[OwnedChange]
    claims: int
    platform_claims: int


def audit_merge(files: CommitFiles, merge: Commit, clock: Timestamp, at: Timestamp) -> AuditedMerge:
    """Judge a merge on the branch as the push that it was, `at` the time when it was made: as `check` would have.

    That what it brought expired at once is no matter of history. Raises UsageError for a shallow clone.
    """
    made = brought(files, merge.parents[0], merge.id, at, landed=at, is_final=True)
    net = made.judge.net(files.sound(merge.id).ledger)
    told = made.told(net.claims)
    by_commit = {commit.id: list(from_the_future(commit.at, clock)) for commit in made.commits}
    for id_, error in made.broken:
        if isinstance(error, InvalidSettings):
            by_commit[id_].append(CommitFault("settings", None, f"its {SETTINGS} is not valid: {error.message}"))
        elif id_ != merge.id:  # whose ledger is a version of the branch, and judged as such
            by_commit[id_].append(CommitFault("invalid", None, f"its {LEDGER} is not valid: {error.message}"))
    for id_, fault in made.faults:
        by_commit[id_].append(fault)
    blamed = {fault.key for faults in by_commit.values() for fault in faults if fault.rule == "index"}
    untold = [one.fault for one in net.claims if one not in told and one.fault.key not in blamed]
    by_commit[merge.id] += (
        replace(fault, message=f"all that it brings together: {fault.message}")
        for fault in (*net.faults, *untold)
        if fault.rule != "ttl"
    )
    findings = [finding for id_, faults in by_commit.items() for finding in findings_of(id_, faults)]
    platform_claims = sum(claim.is_relabelled for claim in told)
    return AuditedMerge(list(by_commit), findings, made.owners.changes, len(told) - platform_claims, platform_claims)
