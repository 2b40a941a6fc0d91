"""A write that is proposed, not made: on a branch of its own, for a pull or merge request.

It is the same transaction with a different end. The function runs on the fresh tip of the base, the commit is built on
that tip, and the push goes to a branch that is named after the change: a re-run finds it and what it already contains.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ledger_tool.core.changes.change import Change, Landed, Snapshot
from ledger_tool.core.changes.proposal import Proposal, branch_name
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.edges.files.ledger import read_snapshot
from ledger_tool.edges.git.offer import Attempts, Bounds, offer
from ledger_tool.edges.git.own_commits import writing_command
from ledger_tool.edges.git.remote import RemoteBranch, RemoteRef
from ledger_tool.edges.git.server_words import fetch_error
from ledger_tool.edges.git.transaction import Operation, transact
from ledger_tool.errors import LedgerError, RuleRefused

if TYPE_CHECKING:
    from ledger_tool.edges.forge.opening import Forge
    from ledger_tool.edges.git.history import GitHistory

Describe = Callable[[Snapshot, Change, str, str], Proposal]  # of the base, the change, the branch, the base's name


class ProposedBranch:
    """A branch for one change, as a transaction's target; it is built on the base's tip."""

    def __init__(self, base: RemoteBranch, operation: Operation, forge: Forge, describe: Describe) -> None:
        self._base = base
        self._repository = base.repository
        self._operation = operation
        self._forge = forge
        self._describe = describe
        self._remote_commit = ""  # the branch's commit on the remote, or "" if there is no branch
        self._ref: RemoteRef
        self.proposal: Proposal
        self.pushed = False  # whether there was a commit to push, however many attempts that took

    @property
    def shown(self) -> str:
        return self._ref.shown

    def look(self) -> str:
        return self._base.look()

    def snapshot(self, tip: str) -> Snapshot:
        return self._base.snapshot(tip)

    def commit(self, tip: str, change: Change) -> str:
        name = branch_name(change.verb, (effect.key for effect in change.reported))
        self.proposal = self._describe(self._base.snapshot(tip), change, name, self._base.branch)
        self._ref = RemoteRef(
            self._repository,
            self._base.address,
            name,
            landed="the record is",
            refusal_hint="let the key or token push branches named `ledger/…`, and rewrite them",
            push_options=self._forge.push_options(self.proposal),
            deepened=self._base.deepen,
        )
        self._remote_commit = self._ref.look()
        if self._remote_commit and self._is_proposed(tip, change):
            return self._remote_commit
        self.pushed = True
        return self._base.commit(tip, change)

    def offer(self, commit: str, tip: str, attempts: Attempts) -> str | None:  # noqa: ARG002 - the lease is on the branch
        has_moved = offer(self._ref, commit, self._remote_commit, attempts) is not None
        return attempts.look(self.look) if has_moved else None

    def _is_proposed(self, base: str, change: Change) -> bool:
        """Return whether the branch already contains the change, on the base's tip or with somebody else's work.

        Raises RuleRefused if it contains somebody else's work without the change.
        """
        commits = self._own_commits()
        self._remote_commit = commits[0] if commits else ""
        if not commits:
            return False
        # Read from the commit itself, since its parent may not have been fetched.
        parents = re.findall(r"^parent (\S+)$", self._repository.must("cat-file", "commit", commits[-1]), re.MULTILINE)
        is_current = parents[:1] == [base]
        parent = base if is_current else ""
        is_ours = len(commits) == 1 and writing_command(self._repository, commits[0], parent) == change.verb
        if (is_current or not is_ours) and self._contains(commits[0], change):
            return True
        if not is_ours:
            raise RuleRefused(
                f"the branch `{self._ref.branch}` has commits of somebody else, which a push would lose",
                "merge it, or delete it, then run it again",
            )
        return False

    def _own_commits(self) -> list[str]:
        """Fetch the branch's commits that the base lacks; return them, newest first; none: the branch is gone."""
        # Git refuses the first way if there are no such commits (a merged branch), in a text that differs by transport.
        for option in (f"--shallow-exclude=refs/heads/{self._base.branch}", "--depth=1"):
            branch = f"+{self._ref.name}:refs/proposed"
            done = self._repository.fetch(self._base.address.url, branch, how=[option], least=1.0)
            if done.ok:
                return self._repository.must("rev-list", "--topo-order", "refs/proposed", "--").split("\n")
        if not self._ref.look():
            return []
        raise fetch_error(done, self._base.address, self._ref.branch)

    def _contains(self, commit: str, change: Change) -> bool:
        """Return whether a commit has the changed ledger, or the operation would not change the one that it has."""
        try:
            proposed = read_snapshot(commit, *self._repository.ledger_files(commit, self.shown))
            return proposed.ledger == change.ledger or not self._operation(proposed).changed
        except LedgerError:
            return False  # it contains something else: another digest for the same image:tag


class ProposingStore:
    """A `Store` whose writes become a branch and a request to merge it; it reads from the base."""

    def __init__(self, base: RemoteBranch, forge: Forge, describe: Describe, bounds: Bounds) -> None:
        self._base = base
        self._forge = forge
        self._describe = describe
        self._bounds = bounds

    def read(self) -> Snapshot:
        return self._base.snapshot(self._base.look())

    def file(self, snapshot: Snapshot, path: str) -> bytes | None:
        return self._base.repository.file(snapshot.commit, path)

    def past(self) -> GitHistory:
        return self._base.past()

    def rehearse(self, base: Snapshot, change: Change) -> None:
        self._base.rehearse(base, change)

    def written_at(self, commit: str) -> Timestamp:
        return self._base.repository.written_at(commit)

    def transact(self, operation: Operation) -> Landed:
        """See `Store`. Also raises what the forge raises; the branch then stays, and the next run continues with it."""
        target = ProposedBranch(self._base, operation, self._forge, self._describe)
        landed = transact(target, operation, self._bounds)
        if not landed.change.changed:
            return landed
        return replace(landed, request=replace(self._forge.propose(target.proposal), pushed=target.pushed))
