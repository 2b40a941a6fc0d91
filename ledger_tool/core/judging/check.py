"""The judge of a range of commits, and its findings at positions in the reviewer's files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ledger_tool.core.changes.account import Accounts
from ledger_tool.core.changes.difference import Difference, applied, compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.changes.merge import Merged, merge
from ledger_tool.core.changes.message import Message
from ledger_tool.core.changes.promotion import environment_effects
from ledger_tool.core.changes.revert import NOTHING, Undone, restored
from ledger_tool.core.judging.commit import CommitFault, judge_commit, lacks_required
from ledger_tool.core.judging.dates import misdated_records
from ledger_tool.core.judging.environment import gives_reason, judge_environments, merge_faults
from ledger_tool.core.judging.net import NetJudge, NetVerdict
from ledger_tool.core.judging.owners import RULE_FILES, chosen_by_merge
from ledger_tool.core.judging.pulls import DECISIVE, PullClaims, split_fault, told_by_nobody, untold_pulls
from ledger_tool.core.ledger.ledger import Ledger, has_field, parse_text, pull_digest_in
from ledger_tool.core.ledger.names import LEDGER, SETTINGS, Timestamp
from ledger_tool.core.ledger.position import RecordPositions
from ledger_tool.core.ledger.record import Key, Name
from ledger_tool.core.policy.policy import Policy

MOST_FINDINGS = 1000  # per file: nobody reads more, and a broken generator makes one per record
_NAMED = (LEDGER, *RULE_FILES)  # whose findings are counted apart from those of all other files
_OWN_INDEX = re.compile(r'\n      "digest": "([^"]+)",\n      "index": "\1"')  # in the canonical text of a record


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """A finding: the rule, the file, line and column from 1, and what is wrong."""

    rule: str
    path: str
    line: int
    column: int
    message: str


def rewritten(why: str) -> CheckFinding:
    """Return the finding of a push that would take commits out of the ledger's branch."""
    return CheckFinding("rewritten", LEDGER, 1, 1, f"{why}: its history only grows")


def taken_over(tip: str) -> CheckFinding:
    """Return the finding of a push by which the branch's own line would not be that of its tip any more."""
    why = (
        f"a push would make another line the branch's own, into which its tip {tip[:12]} was merged: merge the other "
        "way round, on the branch, or rebase"
    )
    return CheckFinding("merge", LEDGER, 1, 1, why)


class RangeJudge:
    """The judge of a range of commits, given one after the other, and then as one change (`net`).

    `before` is the ledger where the range starts, `base` the policy of the base, `clock` the time now. A tag moves
    without force only if both the commit's parent and the base allow it: a pull request that makes a tag mutable cannot
    also move it.
    """

    def __init__(self, before: Ledger, base: Policy, clock: Timestamp | None = None) -> None:
        self._base = base
        self._net = NetJudge(before, base, clock)
        self.pull_claims = PullClaims()
        self.untold: list[CommitFault] = []  # changed pull digests of which no message tells

    def commit(
        self,
        before: Ledger,
        differences: Sequence[Difference],
        message: Message | None,
        policy: Policy,
        undone: Undone = NOTHING,
        *,
        at: Timestamp | None = None,
    ) -> list[CommitFault]:
        """Return what is wrong with a commit, made at a time, that makes these differences to a ledger under a policy.

        See `judge_commit`.
        """
        effects, accounts = effects_of(differences, before.find), Accounts(message, undone.differences)
        faults = judge_commit(effects, message, policy, undone, accounts)
        known = {(fault.rule, fault.key) for fault in faults}
        # A move, or a mark or a record that goes with one.
        by_base = judge_commit(effects, message, self._base, undone, accounts) if policy != self._base else []
        rules = (*DECISIVE, "trailers")
        faults += [one for one in by_base if one.rule in rules and (one.rule, one.key) not in known]
        faults += lacks_required(effects, policy)
        faults += misdated_records(effects, at) if at else ()
        changed = environment_effects(effects, policy)
        if changed:
            after = applied(before, differences)
            faults += judge_environments(effects, after, message, policy, undone, at, self._base, accounts)
            for name, own in changed.items():
                if message and gives_reason(accounts.of(name), own, after):
                    self._net.explain(name, after.find(name))
        put_back = restored(effects, undone)
        moves = list(untold_pulls(effects, faults, put_back))
        self.pull_claims.remember(moves, message)
        if message:
            of_tags = [move for move in moves if move[0].name not in changed]
            self.untold += filter(None, told_by_nobody(of_tags, message, effects, faults, policy))
        self._net.remember(before, effects, faults, put_back, at)
        return faults

    def merge(
        self, base: Ledger, ours: Ledger, theirs: Ledger, after: Ledger, policy: Policy | None = None
    ) -> list[CommitFault]:
        """Return what is wrong with a merge commit of two sides with a common base.

        With a policy, that of the first side, the commit may become one of the branch, where it changes that side: as
        the audit will see it.
        """
        self._net.merge(ours, theirs, after)
        faults = list(merge_commit(merge(base, ours, theirs), after))
        if policy:
            of_environments = list(merge_faults(effects_of(compare(ours, after)), ours, after, policy))
            self._net.blame(of_environments)
            faults += of_environments
        return faults

    def net(self, after: Ledger) -> NetVerdict:
        """Return what is wrong with the range as one change that leaves the ledger `after`, if it lands now."""
        return self._net.judge(after)


def merge_commit(merged: Merged, after: Ledger) -> Iterator[CommitFault]:
    """Yield what a merge commit decides itself: what it has beyond the merge of its parents, and where they collide."""
    collisions, blamed = {collision.name for collision in merged.collisions}, set[tuple[str, ...]]()
    for key in (decided.key for decided in chosen_by_merge(merged, after)):
        name = Name(key.image, key.tag)
        what = name if name in collisions else key
        if what in blamed:
            continue
        blamed.add(what)
        if name in collisions:
            why = (
                f"it decides what {name} is, which its parents changed differently: make that change again on the base"
            )
        else:
            why = f"it changes {key} itself, beyond merging its parents"
        yield CommitFault("merge", key, why)


def split_tags(ledger: Ledger) -> Iterator[CommitFault]:
    """Yield a fault for each image:tag with more than one pull digest, which no write leaves since 0.3.0."""
    several = (
        [text for _, text in group]
        for _, group in groupby(zip(ledger.keys, ledger.texts, strict=True), lambda row: row[0][:2])
    )
    for texts in several:
        if len(texts) > 1 and len(digests := set(map(pull_digest_in, texts))) > 1:
            first = parse_text(texts[0])
            yield split_fault(first.key, first.name, sorted(digests))


def own_indexes(ledger: Ledger) -> Iterator[CommitFault]:
    """Yield a fault for each record whose image is its own index, which no publish takes since 0.3.0."""
    for key, text in zip(ledger.keys, ledger.texts, strict=True):
        if _OWN_INDEX.search(text):
            why = "has one digest for the image and for its index, which are never the same: publish it again"
            yield CommitFault("index", Key(*key), f"{Key(*key)} {why}")


def misplaced_versions(ledger: Ledger, policy: Policy) -> Iterator[CommitFault]:
    """Yield a fault for each record that is of an environment by its tag or by its `version`, and not by both."""
    for key, text in zip(ledger.keys, ledger.texts, strict=True):
        is_named, has_version = key[1] in policy.environments, has_field(text, "version")
        if is_named and not has_version:
            why = "is the record of a tag, and ledger.yaml declares an environment of that name: rename one of them"
            yield CommitFault("environment", Key(*key), f"{Key(*key)} {why}")
        elif has_version and not is_named:
            why = "has a `version`, as only the records of an environment that ledger.yaml declares have"
            yield CommitFault("environment", Key(*key), f"{Key(*key)} {why}")


def located(faults: Iterable[tuple[str, CommitFault]], positions: RecordPositions) -> list[CheckFinding]:
    """Return faults, each with the name of its commit (`""`: the file itself), as findings in `ledger.json`."""
    return [
        CheckFinding(
            fault.rule, "ledger.json", *positions.of(fault.key), f"{where}: {fault.message}" if where else fault.message
        )
        for where, fault in faults
    ]


def in_order(findings: Iterable[CheckFinding]) -> list[CheckFinding]:
    """Return findings in the order of the files, those of `ledger.yaml` first; of very many, how many more there are.

    Whoever may push could otherwise make a server or a CI write without end.
    """
    ordered = sorted(findings, key=lambda one: (one.path != SETTINGS, one.line, one.column))
    counts = Counter[str]()
    last: dict[str, CheckFinding] = {}
    shown = []
    for finding in ordered:
        file = finding.path if finding.path in _NAMED else ""
        counts[file] += 1
        last[file] = finding
        if counts[file] <= MOST_FINDINGS:
            shown.append(finding)
    for file, count in counts.items():
        if count > MOST_FINDINGS:
            more = f"and {count - MOST_FINDINGS} more findings in {file or 'other files'}"
            shown.append(CheckFinding(last[file].rule, last[file].path, 1, 1, more))
    return shown
