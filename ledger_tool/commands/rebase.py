"""`rebase`: bring a branch up to date by replaying its changes on the new base, commit by commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ledger_tool.commands.ports import History
from ledger_tool.core.changes.difference import compare
from ledger_tool.core.changes.effect import effects_of
from ledger_tool.core.changes.merge import merge
from ledger_tool.core.changes.message import parse_message
from ledger_tool.core.history.commit import Commit
from ledger_tool.core.judging.check import merge_commit
from ledger_tool.core.judging.environment import judge_environments
from ledger_tool.core.judging.owners import Owned, owned_files, owned_records, said_owners
from ledger_tool.core.judging.rebase import CommitContent, merge_files, replay, retold
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.policy.policy import Policy
from ledger_tool.errors import InvalidLedger, RuleRefused, UsageError


class Branch(Protocol):
    """The branch to bring up to date; it `signs` the new commits if it was told to."""

    @property
    def signs(self) -> bool: ...  # noqa: D102

    def files(self, commit: str) -> Mapping[str, str]:
        """Return the entries at the top of a commit, without `ledger.json`."""

    def write(self, parent: str, ledger: Ledger, files: Mapping[str, str], like: Commit, message: str) -> str:
        """Write a commit with the author and the time of another one; return its id."""

    def is_signed(self, commit: str) -> bool:
        """Return whether a commit has a signature, of whatever kind and worth."""

    def is_ours(self, commit: str, parent: str) -> bool:
        """Return whether `ledger` wrote a commit, with this parent, and nobody has amended it."""

    def move(self, old: str, new: str) -> None:
        """Move the branch from commit `old` to `new`. Raises Contended, Denied or UsageError."""


@dataclass(frozen=True, slots=True)
class Rebased:
    """Where the branch was and is, its base, and the new id of each commit, `""` if it is not needed."""

    old: str
    new: str
    onto: str
    commits: Sequence[tuple[Commit, str]]


def rebase(history: History, branch: Branch, onto: str, *, unattended: bool = False, dry_run: bool = False) -> Rebased:
    """Replay the changes that only the head has on `onto`: all of them, or none.

    Authors, times of authorship and messages are kept; merges of the base are left out, as are commits whose
    changes the base already has. Raises RuleRefused for collisions and if the signature of an owner would be lost;
    UsageError for what only git can merge. `unattended`, also RuleRefused if there is any signature, or a commit that
    `ledger` did not write.
    """
    base, head = history.resolve(onto), history.head()
    commits = history.commits(base, head)
    if unattended and not history.contains(base, head):
        _readable(history, commits)
    if history.merge_base(base, head) == base and all(len(commit.parents) == 1 for commit in commits):
        return Rebased(head, head, base, [(commit, commit.id) for commit in commits])
    if unattended or not branch.signs:
        _keep_signatures(history, branch, base, commits, every=unattended)
    if unattended:
        _only_ours(branch, commits)
    tip, state = base, _content(history, branch, base)
    replayed: list[tuple[Commit, str]] = []
    last = {base: state}  # usually the previous commit is the next one's parent
    for commit in commits:
        if len(commit.parents) != 1:
            _only_merges(history, branch, commit)
            continue
        parent, made = commit.parents[0], _content(history, branch, commit.id)
        before = last[parent] if parent in last else _content(history, branch, parent)
        last = {commit.id: made}
        after = replay(before, made, state, commit.id[:12])
        if after == state:
            replayed.append((commit, ""))
            continue
        message = retold(commit.message, state.ledger, after.ledger)
        _may_promote(history, commit, base, (state.ledger, after.ledger), message)
        tip, state = branch.write(tip, after.ledger, after.files, commit, message), after
        replayed.append((commit, tip))
    if not dry_run:
        branch.move(head, tip)
    return Rebased(head, tip, base, replayed)


def _may_promote(history: History, commit: Commit, base: str, sides: tuple[Ledger, Ledger], message: str) -> None:
    """Raise RuleRefused if an environment may not get on the base what a commit promoted."""
    before, after = sides
    effects = effects_of(compare(before, after), after.find)
    if not any(effect.new and effect.new.version for effect in effects):
        return
    at_base, own = history.snapshot(base).policy, history.snapshot(commit.parents[0]).policy
    policy = replace(own, environments={**own.environments, **at_base.environments})
    told = parse_message(message)
    is_revert = bool(told.reverts or told.reverted_subjects)  # which is its reason
    for fault in judge_environments(effects, after, None if is_revert else told, policy):
        raise RuleRefused(
            f"commit {commit.id[:12]} is not allowed on the base: {fault.message}; nothing was changed",
            "promote again on the base with `ledger promote`, or drop the commit",
        )


def _content(history: History, branch: Branch, commit: str) -> CommitContent:
    return CommitContent(history.snapshot(commit).ledger, branch.files(commit))


def _readable(history: History, commits: Sequence[Commit]) -> None:
    """Raise RuleRefused for a commit without a valid ledger, or with a beginning of its own: a person made those."""
    for commit in commits:
        if not commit.parents:
            raise _not_ours(commit, "it has no parent")
        try:
            history.snapshot(commit.id)
        except InvalidLedger as error:
            raise _not_ours(commit, error.message) from None


def _only_ours(branch: Branch, commits: Sequence[Commit]) -> None:
    """Raise RuleRefused for a commit that `ledger` did not write, or not as it is now."""
    for commit in commits:
        if len(commit.parents) != 1 or not branch.is_ours(commit.id, commit.parents[0]):
            raise _not_ours(commit, "somebody else wrote or amended it")


def _not_ours(commit: Commit, what: str) -> RuleRefused:
    return RuleRefused(
        f"commit {commit.id[:12]} is not as `ledger` made it ({what}), so it is a person's; nothing was changed",
        "let its author bring the branch up to date, as with `ledger rebase` in a checkout",
    )


def _keep_signatures(history: History, branch: Branch, base: str, commits: Sequence[Commit], *, every: bool) -> None:
    """Raise RuleRefused if a rebase would lose the signature of an owner or, with `every`, any signature."""
    policy = history.snapshot(base).policy
    for commit in commits:
        if not branch.is_signed(commit.id):
            continue
        if whose := _owned(history, commit, policy):
            raise RuleRefused(
                f"commit {commit.id[:12]} is signed, and changes {whose.what}, which {said_owners(whose.signers)}: a "
                "rebase would lose the signature; nothing was changed",
                "let an owner rebase the branch with `ledger rebase --sign`, or merge it as it is",
            )
        if every:
            raise RuleRefused(
                f"commit {commit.id[:12]} is signed, and a rebase would lose its signature; nothing was changed",
                "let its author rebase the branch with `ledger rebase --sign`",
            )


def _owned(history: History, commit: Commit, at_base: Policy) -> Owned | None:
    """Return something that a commit changes of somebody, by the rules before it or those of the base."""
    after = history.snapshot(commit.id).ledger
    for parent in commit.parents[:1]:
        before = history.snapshot(parent)
        for policy in (at_base, before.policy):
            if not policy.has_owners:
                continue
            differences = compare(before.ledger, after)
            changed = (file.path for file in history.changed_files(parent, commit.id))
            for owned in (*owned_records(differences, before.ledger, policy, commit.at), *owned_files(changed, policy)):
                return owned
    return None


def _only_merges(history: History, branch: Branch, commit: Commit) -> None:
    """Raise for a merge that has changes of its own: leaving it out would lose them."""
    if len(commit.parents) != 2:
        raise UsageError(
            f"commit {commit.id[:12]} has {len(commit.parents)} parents", "rebase this branch with `git rebase`"
        )
    base, ours, theirs, made = (
        _content(history, branch, id_) for id_ in (history.merge_base(*commit.parents), *commit.parents, commit.id)
    )
    merged = merge(base.ledger, ours.ledger, theirs.ledger)
    files, clashes = merge_files(base.files, ours.files, theirs.files)
    if merged.collisions or any(merge_commit(merged, made.ledger)) or clashes or files != made.files:
        raise RuleRefused(
            f"the merge {commit.id[:12]} has changes of its own, which a rebase would lose; nothing was changed",
            "make those changes again in a commit of their own, on a new branch from the base",
        )
