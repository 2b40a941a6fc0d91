"""`audit`: replay a branch's history commit by commit, and check what the ledger promises."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ledger_tool.commands.audit_merge import audit_merge
from ledger_tool.commands.brought import brought
from ledger_tool.commands.commit_files import CommitFiles, Schema
from ledger_tool.commands.owned import LedgerKeys, OwnedChange, judge_signing
from ledger_tool.commands.ports import History, Progress
from ledger_tool.core.history.commit import TWICE, Step
from ledger_tool.core.history.signature import fingerprints, objection
from ledger_tool.core.judging.audit import AuditFinding, FileContent, HistoryAudit, Return, findings_of
from ledger_tool.core.judging.dates import credited
from ledger_tool.core.ledger.names import LEDGER, SETTINGS, Timestamp
from ledger_tool.core.policy.policy import MAX_SETTINGS_READ, ReadPolicy
from ledger_tool.errors import InvalidLedger, InvalidSettings, UsageError


@dataclass(frozen=True, slots=True)
class Audited:
    """The findings in a number of commits up to `head`; `since` is the trusted commit, or `""`.

    `signed` is the number of commits whose signature was checked. `claims`, `platform_claims` and `returned` are no
    findings: see `HistoryAudit`.
    """

    head: str
    since: str
    commits: int
    signed: int
    findings: Sequence[AuditFinding]
    claims: int = 0
    platform_claims: int = 0
    returned: Sequence[Return] = ()

    @property
    def ok(self) -> bool:
        """Whether every promise was kept."""
        return not self.findings


def audit(
    history: History,
    *,
    since: str = "",
    allowed_signers: bytes | None = None,
    read_ledger: Callable[[bytes], object],
    read_policy: ReadPolicy,
    schema: Schema,
    clock: Timestamp,
    progress: Progress,
) -> Audited:
    """Replay the branch from its first commit, or from the trusted one `since`, to its head.

    `allowed_signers` is the file of the SSH keys that may sign: with it, every commit needs a good signature.
    `read_ledger` raises an InvalidLedger that says where and why; `clock` is the time now. Raises UsageError for a
    shallow clone or an unknown revision, InvalidLedger if the trusted commit has no valid ledger.
    """
    history.must_be_whole()
    head = history.head()
    findings: list[AuditFinding] = []
    trusted, start = _trusted(history, since, head, findings) if since else ("", "")
    files = CommitFiles(history, schema, read_policy)
    replay = HistoryAudit(_why(read_ledger), read_policy, files.reverted.undone, clock)
    steps = history.steps(start, head, line=True)
    findings += _off_the_line(history, steps, start, head)
    keys, changes = LedgerKeys(history), list(_taken_over(files, steps, start, clock))
    if before := steps[0].commit.parents[:1] if steps else (start,):
        raw = history.ledger_file(before[0])
        read_ledger(raw)
        broken = [error.message for error in files.errors(before[0]) if isinstance(error, InvalidSettings)]
        replay.begin(raw, files.policy(before[0]), history.times(before)[0], *broken)
    elif not any(LEDGER in step.touched for step in steps):
        history.files(head)  # raises: there is no ledger
    to_verify: list[str] = []
    total = len(steps) * (1 if allowed_signers is None else 2)
    claims = platform_claims = commits = 0
    made = credited([step.commit.at for step in steps], clock)
    for done, (at, (step, contents)) in enumerate(zip(made, _with_contents(history, steps), strict=True), 1):
        own, ids = list(findings_of(step.commit.id, replay.commit(step, contents, at))), [step.commit.id]
        if len(step.commit.parents) > 1:
            merged = audit_merge(files, step.commit, clock, at)
            findings += merged.findings
            changes += merged.changes
            ids = list(merged.commits)
            claims, platform_claims = claims + merged.claims, platform_claims + merged.platform_claims
        elif replay.owned:
            changes.append(OwnedChange(step.commit, replay.owned, keys.rules_on(step.commit.parents[0], replay.policy)))
        findings += own
        keys.forget(step.others)
        commits += len(ids)
        if start or replay.had_records:
            to_verify += ids
        progress(done, total)
    for id_, (_, _, fault) in judge_signing(history, changes).faults:
        findings.append(AuditFinding(fault.rule, id_, fault.key, fault.message))
    if allowed_signers is not None:
        listed = fingerprints(allowed_signers)
        for done, signature in enumerate(history.signatures(to_verify, allowed_signers), 1):
            if why := objection(signature, listed):
                findings.append(AuditFinding("signature", signature.commit, None, why))
            progress(len(steps) + done, len(steps) + len(to_verify))
    signed = 0 if allowed_signers is None else len(to_verify)
    all_claims = replay.claims + claims, replay.platform_claims + platform_claims
    return Audited(head, trusted, commits, signed, findings, *all_claims, replay.returned)


def _trusted(history: History, since: str, head: str, findings: list[AuditFinding]) -> tuple[str, str]:
    """Return the trusted commit, and where the replay starts: there, or where the current history parted from it."""
    try:
        trusted = history.resolve(since)
    except UsageError:
        if not re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", since):
            raise
        findings.append(AuditFinding("rewritten", since, None, "the trusted commit is no longer in the repository"))
        return since, ""
    if history.contains(trusted, head):
        return trusted, trusted
    why = "the trusted commit is no longer in the branch: its history was rewritten"
    findings.append(AuditFinding("rewritten", trusted, None, why))
    try:
        return trusted, history.merge_base(trusted, head)
    except UsageError:
        return trusted, ""


def _off_the_line(history: History, steps: Sequence[Step], start: str, head: str) -> Iterator[AuditFinding]:
    """Yield a finding for each root but the first, and for a line of first parents that does not start at `start`."""
    first = steps[0].commit if steps else None
    if first and start and first.parents[:1] != (start,):
        why = "the trusted commit is not on the branch's own line: it came in through a merge"
        yield AuditFinding("linear", first.id, None, why)
    for root in history.roots(start, head):
        if start or (first and root != first.id):
            yield AuditFinding("linear", root, None, "it has no parent, and is not the first commit of the branch")


def _taken_over(files: CommitFiles, steps: Sequence[Step], start: str, clock: Timestamp) -> Sequence[OwnedChange]:
    """Return what was changed of owners by the line that took over from the trusted commit's, by the rules there.

    It ends with the merge that brought the trusted commit into it; nothing else of it is by these rules.
    """
    if not (steps and start) or steps[0].commit.parents[:1] == (start,):
        return ()
    merges = (step.commit.id for step in steps if len(step.commit.parents) > 1)
    merge = next((id_ for id_ in merges if files.history.contains(start, id_)), "")
    return brought(files, start, merge, clock, is_final=True).owners.changes if merge else ()


def _with_contents(history: History, steps: Sequence[Step]) -> Iterator[tuple[Step, Mapping[str, FileContent]]]:
    after = [touch.after for step in steps for touch in step.touched.values()]
    read = iter(history.contents([file.id for file in after if file is not None and file.is_plain]))
    for step in steps:
        yield step, {path: _content(step, path, read) for path in step.touched}


def _content(step: Step, path: str, read: Iterator[bytes | None]) -> FileContent:
    after = step.touched[path].after
    if after is None:
        return FileContent(None)
    if after.mode == TWICE:
        return FileContent(None, "appears twice in the commit, and git's readers differ in which one they use")
    if not after.is_plain:
        return FileContent(None, "is not a plain file")
    raw = next(read)
    if raw is None:
        return FileContent(None, "is missing from the repository, or larger than any git host accepts")
    if path == SETTINGS and len(raw) > MAX_SETTINGS_READ:
        return FileContent(None, "is larger than 1 MB")
    return FileContent(raw)


def _why(read_ledger: Callable[[bytes], object]) -> Callable[[bytes], str]:
    def why(raw: bytes) -> str:
        try:
            read_ledger(raw)
        except InvalidLedger as error:
            return error.message
        return f"its {LEDGER} is not valid"

    return why
