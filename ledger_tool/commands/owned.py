"""The owners' gate: what the commits of a range change of somebody, and whether one of its owners has signed it.

A range is held to two sets of rules: those before each commit, and those of its base. So nobody becomes an owner in one
commit and signs as one in the next: new owners and keys count once they have landed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ledger_tool.commands.commit_files import CommitFiles
from ledger_tool.commands.ports import History
from ledger_tool.core.changes.difference import Difference, compare
from ledger_tool.core.changes.merge import merge
from ledger_tool.core.history.commit import Commit
from ledger_tool.core.history.signature import Signature
from ledger_tool.core.judging.check import CheckFinding
from ledger_tool.core.judging.commit import CommitFault
from ledger_tool.core.judging.owners import (
    FileSides,
    Owned,
    OwnerFault,
    SigningRules,
    chosen_by_merge,
    owned_by,
    owned_records,
    unsigned,
)
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import ALLOWED_SIGNERS, KEYRING, LEDGER, SETTINGS, Timestamp
from ledger_tool.core.policy.globs import covers
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.signers import GPG, AllowedSigners, parse_signers
from ledger_tool.errors import UsageError


class LedgerKeys:
    """Reads who may sign, and with which keys, at many commits; what does not change is parsed once."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._parsed: dict[bytes, AllowedSigners] = {}
        self._in_force: SigningRules | None = None  # on a line, until a commit touches the files

    def rules(self, commit: str, policy: Policy) -> SigningRules:
        """Return the rules of a commit, whose `ledger.yaml` is the policy; `""` is what is there now."""
        if not policy.has_owners:
            return SigningRules(policy)
        signers, keyring = self._history.plain_files(commit, (ALLOWED_SIGNERS, KEYRING))
        if signers not in self._parsed:
            self._parsed[signers] = parse_signers(signers)
        return SigningRules(policy, self._parsed[signers], keyring)

    def rules_on(self, commit: str, policy: Policy) -> SigningRules:
        """Return the rules of a commit on a line, of which `forget` was told what every commit touched."""
        self._in_force = replace(self._in_force, policy=policy) if self._in_force else self.rules(commit, policy)
        return self._in_force

    def forget(self, paths: Iterable[str]) -> None:
        """Read the files of keys again if they are among the paths that a commit touched."""
        if not {ALLOWED_SIGNERS, KEYRING}.isdisjoint(paths):
            self._in_force = None


@dataclass(frozen=True, slots=True)
class OwnedChange:
    """What a commit changes of somebody by some rules; `whose` says which rules, if they are not those before it."""

    commit: Commit
    owned: Sequence[Owned]
    rules: SigningRules
    whose: str = ""


@dataclass(slots=True)
class Signing:
    """What the owners' gate found: faults by commit, and what its owners have signed."""

    faults: list[tuple[str, OwnerFault]] = field(default_factory=list)
    signed: dict[str, Owned] = field(default_factory=dict)

    def of_records(self) -> list[tuple[str, CommitFault]]:
        """Return the faults that records show, each with the name of its commit."""
        return [(f"commit {id_[:12]}", one.fault) for id_, one in self.faults if one.path == LEDGER]

    def of_files(self) -> list[CheckFinding]:
        """Return the findings in other files."""
        return [
            CheckFinding(one.fault.rule, one.path, 1, 1, f"commit {id_[:12]}: {one.fault.message}")
            for id_, one in self.faults
            if one.path != LEDGER
        ]


def judge_signing(history: History, changes: Sequence[OwnedChange]) -> Signing:
    """Hold the signatures of commits against the owners of what they change; each signature is looked at once."""
    signing, seen = Signing(), set[tuple[str, str]]()
    verdicts: dict[tuple[str, bytes], Signature] = {}
    for keyring in dict.fromkeys(change.rules.keyring for change in changes):
        ids = list(dict.fromkeys(one.commit.id for one in changes if one.rules.keyring == keyring))
        verdicts |= {(one.commit, keyring): one for one in history.signatures(ids, b"", keyring)}
    for change in changes:
        id_ = change.commit.id
        verdict = verdicts[id_, change.rules.keyring]
        blamed = set()
        for owned in change.owned:
            for fault in unsigned([owned], verdict, change.rules, change.commit.at):
                blamed.add(owned.what)
                if (id_, owned.what) in seen:
                    continue
                seen.add((id_, owned.what))
                said = f"{fault.fault.message}{change.whose}"
                signing.faults.append((id_, fault._replace(fault=replace(fault.fault, message=said))))
        signing.signed |= {one.what: one for one in change.owned if one.what not in blamed}
    for _, fault in signing.faults:
        signing.signed.pop(fault.what, None)
    return signing


class RangeOwners:
    """The owners' gate of a range of commits: give it one after the other."""

    def __init__(self, files: CommitFiles, base: str, clock: Timestamp) -> None:
        self._files = files
        self._history = files.history
        self._keys = LedgerKeys(files.history)
        self._base = base
        self._clock = clock
        self.changes: list[OwnedChange] = []

    def commit(self, commit: Commit) -> None:
        """Note what a commit changes of somebody, by the rules before it and by those of the base."""
        parents = dict.fromkeys((*commit.parents, self._base)) if commit.parents else ()
        policies = {parent: policy for parent in parents if (policy := self._files.policy(parent)).has_owners}
        if not policies:
            return
        before, differences = self._differences(commit)
        has_files = any(owner.files for policy in policies.values() for owner in policy.owners)
        paths = self._paths(commit, policies.values()) if has_files else ()
        for parent, policy in policies.items():
            if owned := owned_by(differences, paths, before, policy, min(commit.at, self._clock)):
                whose = "" if parent in commit.parents else ", by the settings of the base"
                self.changes.append(OwnedChange(commit, owned, self._keys.rules(parent, policy), whose))

    def _differences(self, commit: Commit) -> tuple[Ledger, Sequence[Difference]]:
        """Return a ledger and what a commit itself changes in it; of a merge, in the merge of its parents."""
        if not self._files.is_valid(commit.id):
            return Ledger(), ()
        after, sides = self._files.ledger(commit.id), [self._files.sound(parent).ledger for parent in commit.parents]
        base = self._files.parted(commit)[0] if len(sides) == 2 else ""
        if base:
            merged = merge(self._files.sound(base).ledger, *sides)
            return merged.ledger, chosen_by_merge(merged, after)
        # A merge of more branches, or of another history, is a finding of its own.
        return sides[0], compare(sides[0], after)

    def _paths(self, commit: Commit, policies: Collection[Policy]) -> Sequence[str]:
        """Return the files that a commit changes itself, and those with owners that a merge decides."""
        base = self._files.parted(commit)[0] if len(commit.parents) == 2 else ""
        if not base:
            return sorted(self._changed(commit.parents[0], commit.id))
        ours, theirs = commit.parents
        pairs = ((base, ours), (base, theirs), (ours, commit.id), (theirs, commit.id))
        chosen = FileSides(*(self._changed(old, new) for old, new in pairs)).chosen()
        owned = [path for path in chosen if any(policy.owners_of_file(path) for policy in policies)]
        return list(decided_files(self._history, base, commit, owned))

    def _changed(self, old: str, new: str) -> frozenset[str]:
        return frozenset(file.path for file in self._history.changed_files(old, new))

    def judge(self) -> Signing:
        """Return what owners signed and did not sign."""
        return judge_signing(self._history, self.changes) if self.changes else Signing()


def not_signed_yet(files: CommitFiles, ledger: Ledger, clock: Timestamp) -> Sequence[Owned]:
    """Return what a ledger that may not be committed yet changes of owners; nothing before the first commit."""
    try:
        last = files.sound(files.history.head())
    except UsageError:
        return ()
    return owned_records(compare(last.ledger, ledger), last.ledger, last.policy, clock) if last.ledger != ledger else ()


def decided_files(history: History, base: str, merge: Commit, chosen: Sequence[str]) -> Iterator[str]:
    """Yield which of the files that a merge did not take from one side it decides itself.

    It does not if it has what git makes of the text of both: two changes at different places of a file. Of a file that
    was renamed on one side, git may make more than that.
    """
    merged = history.merged_as_text(base, merge, chosen) if base and chosen else ()
    yield from (path for path in chosen if path not in merged)


def doubts(rules: SigningRules) -> Iterator[str]:
    """Yield what should be known of the rules as they are: whoever may change them, and signers without a key."""
    policy = rules.policy
    if not policy.has_owners:
        return
    is_gpg = {signer.startswith(GPG) for signer in rules.signers}
    decisive = [SETTINGS, *[ALLOWED_SIGNERS] * (False in is_gpg), *[KEYRING] * (True in is_gpg)]
    free = [path for path in decisive if not policy.owners_of_file(path)]
    if free:
        said = f"{', '.join(free[:-1])} and {free[-1]}" if free[1:] else free[0]
        yield f"nobody owns {said}: whoever may push can change who the owners and their keys are, and then sign"
    for glob, earlier in _shadowed(policy):
        why = f"since an earlier one names {earlier}: move it to the front"
        yield f"the entry of `owners` for {glob} never counts, {why}"
    for signer in rules.signers:
        if not rules.has_key(signer):
            yield f"{signer} is named as a signer, and has no key: nobody can sign as {signer}"


def _shadowed(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield each glob of an owner that an earlier entry covers, with the glob that does."""
    for globs in ([owner.images for owner in policy.owners], [owner.files for owner in policy.owners]):
        earlier: list[str] = []
        for own in globs:
            covering = ((glob, next((one for one in earlier if covers(one, glob)), "")) for glob in own)
            yield from ((glob, one) for glob, one in covering if one)
            earlier += own
