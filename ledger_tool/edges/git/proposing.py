"""A write that is proposed and not made: on a branch of its own, for a pull or merge request.

It is the same transaction with another end. The function runs on the fresh tip of the base, the commit stands on
that tip, and the push goes to a branch that is named from the change: a re-run finds it, and what it holds already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.message import parse_message
from ledger_tool.core.changes.proposal import Proposal, branch_name
from ledger_tool.edges.files import ledger as ledgerfiles
from ledger_tool.edges.files.ledger import LEDGER
from ledger_tool.edges.git.opening import is_bare, place_of
from ledger_tool.edges.git.remote import RemoteBranch, refs_of
from ledger_tool.edges.git.run import Options, Run, address_of
from ledger_tool.edges.git.server_words import Push, Verdict, fetch_error, read_push
from ledger_tool.edges.git.transaction import Landed, Operation, Progress
from ledger_tool.errors import LedgerError, PushRefused, RuleRefused, Unreachable, UsageError

PushOptions = Callable[[Proposal], Sequence[str]]
Describe = Callable[[Snapshot, Change, str, str], Proposal]  # of the base, the change, the branch, the base's name
_IN_THE_WAY = "refs/heads/ledger"  # a file, where the folder of our branches is to be


class _ProposedBranch:
    """A branch for one change, as a transaction's target; what it stands on is the base's tip."""

    def __init__(self, base: RemoteBranch, operation: Operation, describe: Describe, options: PushOptions) -> None:
        self._base = base
        self._operation = operation
        self._describe = describe
        self._options = options
        self._there = ""  # the tip of the branch on the remote, or "" where there is none
        self.proposal: Proposal | None = None

    @property
    def shown(self) -> str:
        return f"{self._base.address.shown} ({self._branch})"

    @property
    def _branch(self) -> str:
        return self.proposal.branch if self.proposal else ""

    def refresh(self, *, whole: bool = False) -> str:
        return self._base.refresh(whole=whole)

    def snapshot(self, tip: str) -> Snapshot:
        return self._base.snapshot(tip)

    def commit(self, tip: str, change: Change) -> str:
        name = branch_name(change.verb, (effect.key for effect in change.reported))
        self.proposal = self._describe(self._base.snapshot(tip), change, name, self._base.branch)
        self._there = self._look()
        if self._there and self._has_it_already(tip, change):
            return self._there
        return self._base.commit(tip, change)

    def offer(self, tip: str, commit: str) -> Verdict:  # noqa: ARG002 - the lease is on the branch itself
        if commit == self._there or not self.proposal:
            return Verdict(Push.LANDED)
        ref = f"refs/heads/{self._branch}"
        told = self._options(self.proposal)
        try:
            done = self._base.repository.push(self._base.address.url, commit, ref, self._there, options=told)
        except Unreachable as error:
            return Verdict(Push.BROKEN, error.message)
        if told and "does not support push options" in done.stderr:
            raise UsageError(
                f"{self._base.address.shown} takes no options of a push, by which GitLab opens merge requests",
                "set GITLAB_TOKEN, or name another kind of forge with `--forge`",
            )
        verdict = read_push(done)
        if verdict.is_lock and self._look(_IN_THE_WAY):
            raise UsageError(
                f"{self._base.address.shown} has a branch `ledger`, beside which git takes no branch `{self._branch}`",
                "rename it, or delete it",
            )
        return verdict

    def contains(self, tip: str, commit: str) -> bool:  # noqa: ARG002
        return self._look() == commit

    def _look(self, ref: str = "") -> str:
        """Return the commit of the branch, or of another ref, on the remote; `""` where there is none."""
        ref = ref or f"refs/heads/{self._branch}"
        return refs_of(self._base.repository, self._base.address, ref, least=1.0).get(ref, "")

    def _has_it_already(self, base: str, change: Change) -> bool:
        """Return whether the branch holds what is to be proposed, on the base's tip, or with work of somebody else.

        Raises RuleRefused where it holds something else, and work of somebody else.
        """
        commits = self._commits_of_its_own()
        self._there = commits[0] if commits else ""
        if not commits:
            return False
        is_current = self._parent(commits[-1]) == base
        is_ours = len(commits) == 1 and self._is_ours(commits[0], change, base if is_current else "")
        if (is_current or not is_ours) and self._holds(commits[0], change):
            return True
        if not is_ours:
            raise RuleRefused(
                f"the branch `{self._branch}` has commits of somebody else, and a push would lose them",
                "merge it, or delete it, and run it again",
            )
        return False

    def _commits_of_its_own(self) -> list[str]:
        """Fetch what the branch has and the base has not; return the commits, the newest first; none: it is gone."""
        # Git refuses the first where that is nothing, as in a merged branch, in words that differ by transport.
        for how in (f"--shallow-exclude=refs/heads/{self._base.branch}", "--depth=1"):
            branch = f"+refs/heads/{self._branch}:refs/proposed"
            done = self._base.repository.fetch(self._base.address.url, branch, how=[how], least=1.0)
            if done.ok:
                return self._base.repository.must("rev-list", "--topo-order", "refs/proposed", "--").split("\n")
        if not self._look():
            return []
        raise fetch_error(done, self._base.address.shown, self._branch)

    def _parent(self, commit: str) -> str:
        """Return a commit's first parent, which need not be here, or `""`."""
        found = re.search(
            r"^parent ([0-9a-f]+)$", self._base.repository.must("cat-file", "commit", commit), re.MULTILINE
        )
        return found[1] if found else ""

    def _is_ours(self, commit: str, change: Change, parent: str) -> bool:
        """Tell whether a commit is one that a run like this made; `parent` is `""` where it is not here."""
        repository = self._base.repository
        message = repository.must("log", "-1", "--no-show-signature", "--encoding=UTF-8", "--format=%B", commit, "--")
        said = parse_message(message)
        if not said.transaction or said.verb != change.verb:
            return False
        made, base = (
            [entry for entry in repository.entries(one) if entry.name != LEDGER] for one in (commit, parent or commit)
        )
        return made == base

    def _holds(self, commit: str, change: Change) -> bool:
        """Tell whether a commit has what the change makes of the ledger, or would not be changed by the operation."""
        try:
            found = ledgerfiles.snapshot(commit, *self._base.repository.ledger_files(commit, self.shown))
            return found.ledger == change.ledger or not self._operation(found).changed
        except LedgerError:
            return False  # it holds something else: another digest for the same image:tag


class ProposingStore:
    """A `Store` whose writes become a branch; its reads are the base's."""

    def __init__(self, base: RemoteBranch, run: Run, describe: Describe, options: PushOptions) -> None:
        self._base = base
        self._run = run
        self._describe = describe
        self._options = options
        self.proposal: Proposal | None = None

    @property
    def remote(self) -> str:
        """The URL of the ledger's remote, without credentials."""
        return self._base.address.url

    def read(self) -> Snapshot:
        return self._base.snapshot(self._base.refresh())

    def transact(self, operation: Operation) -> Landed:
        target = _ProposedBranch(self._base, operation, self._describe, self._options)
        try:
            landed = self._run.transact(target, operation)
        except PushRefused as error:
            error.hint = "let the key or token push branches named `ledger/…`, and rewrite them"
            raise
        self.proposal = target.proposal if landed.change.changed else None
        return landed


@contextmanager
def open_for_proposing(
    repo: str, options: Options, progress: Progress, describe: Describe, push_options: PushOptions
) -> Iterator[ProposingStore]:
    """Yield the ledger that `--repo` names, to propose to; a checkout means its remote. Raises UsageError."""
    place = place_of(repo)
    if not options.push:
        raise UsageError("`--pull-request` and `--no-push` exclude each other", "keep one of them")
    with Run(options, progress) as run:
        if isinstance(place, Path) and not is_bare(place):
            base = run.branch_of_remote(place)
        else:
            base = run.remote_branch(address_of(place))
        yield ProposingStore(base, run, describe, push_options)
