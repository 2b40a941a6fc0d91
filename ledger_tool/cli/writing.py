"""What writing commands share: their options, and where a write goes.

It goes to the ledger's branch or, with `--pull-request`, to its own branch with a request to merge it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from ledger_tool.cli import options as o
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.cli.sharing import sharing
from ledger_tool.core.ledger import names
from ledger_tool.errors import UsageError
from ledger_tool.render.screen import Screen

if TYPE_CHECKING:
    from ledger_tool.commands.ports import Store
    from ledger_tool.core.changes.change import Change, Snapshot
    from ledger_tool.core.changes.proposal import Proposal
    from ledger_tool.core.changes.runclaim import RunClaim
    from ledger_tool.edges.deadline import Deadline
    from ledger_tool.edges.forge.opening import Forge


@dataclass(frozen=True, slots=True)
class PullRequest:
    """The values of the options for a pull request."""

    labels: tuple[str, ...]
    reviewers: tuple[str, ...]
    draft: bool
    forge: str

    def opened_at(self, remote_url: str, deadline: Deadline) -> AbstractContextManager[Forge]:
        """Open the forge that serves a git remote, before anything is pushed there."""
        from ledger_tool.edges.forge.opening import open_forge

        url = os.environ.get("LEDGER_FORGE_URL", "")
        return open_forge(remote_url, kind=self.forge, url=url, environ=os.environ, deadline=deadline)

    def described(self, base: Snapshot, change: Change, branch: str, base_branch: str, *, run: RunClaim) -> Proposal:
        """Return the request for a change of the ledger that `run` makes; its text is the output of `diff`."""
        from ledger_tool.core.changes.difference import compare
        from ledger_tool.core.changes.message import compose, subject
        from ledger_tool.core.changes.proposal import Proposal
        from ledger_tool.core.judging.diff import Claims, tag_changes
        from ledger_tool.core.judging.owners import owned_by
        from ledger_tool.render.diff_markdown import as_request

        runs = [run] if run else []
        claims = Claims(lambda _: runs, lambda _: change.reason)
        changes = tag_changes(base.ledger, change.ledger, base.policy, claims=claims)
        owned = owned_by(compare(base.ledger, change.ledger), (), base.ledger, base.policy, o.now())
        return Proposal(
            branch=branch,
            base=base_branch,
            title=subject(change),
            body=as_request(changes, compose(change, run=run), owned),
            labels=self.labels,
            reviewers=self.reviewers,
            draft=self.draft,
        )


@dataclass(frozen=True, slots=True)
class Writing(Reading):
    """The values of the shared options: the ledger and how to reach it, the screen, and how to write."""

    dry_run: bool
    pull_request: PullRequest | None

    @contextmanager
    def ahead(self) -> Iterator[Writing]:
        """Start to fetch a remote's ledger, which `store` then waits for; the rest is loaded and parsed meanwhile."""
        with self.session() as session:
            if self.pull_request is None:
                session.begin()
            yield replace(self, begun=session)

    @contextmanager
    def store(self, *, shared: bool = False) -> Iterator[Store]:
        """Open the ledger to write to it, or to propose changes if a pull request was requested."""
        with self.session() as session:
            if not self.begun and self.pull_request is None:
                session.begin()
            run = self.this_run()
            session.claim(run)
            if self.pull_request is None or self.dry_run:
                yield session.store(shared=shared)
                return
            with self.pull_request.opened_at(session.remote_url, self.host_deadline) as forge:
                described = partial(self.pull_request.described, run=run)
                yield session.proposals(forge, described)


def requesting(
    pull_request: o.PullRequest = False,
    pr_label: o.PrLabel = o.NONE,
    pr_reviewer: o.PrReviewer = o.NONE,
    pr_draft: o.PrDraft = False,
    forge: o.Forge = "",
) -> PullRequest | None:
    """Return the pull request that the options of `proposes` ask for, or None."""
    if pull_request:
        return PullRequest(tuple(pr_label), tuple(pr_reviewer), pr_draft, forge)
    if pr_label or pr_reviewer or pr_draft:
        raise UsageError("`--pr-label`, `--pr-reviewer` and `--pr-draft` need `--pull-request`", "add it")
    return None


# Gives a command the options of `requesting`; their values go to its keyword `pull_request`.
proposes = sharing(requesting, "pull_request")


@reads
@proposes
def writing(
    dry_run: o.DryRun = False,
    no_push: o.NoPush = False,
    sign: o.Sign = False,
    max_attempts: o.MaxAttempts = "0",
    *,
    ledger: Reading,
    pull_request: PullRequest | None,
) -> Writing:
    """Return the values of the options that `writes` adds to a command."""
    o.exclude_each_other({"--pull-request": pull_request, "--no-push": no_push})
    options = replace(
        ledger.session_options,
        max_attempts=o.whole_number("--max-attempts", max_attempts, 0, 1_000_000),
        push=not no_push,
        sign=sign,
    )
    return Writing(ledger.repo, options, hiding_tokens(ledger.screen, pull_request), dry_run, pull_request)


# Gives a command the options of `writing`; their values go to its keyword `ledger`.
writes = sharing(writing, "ledger")


def hiding_tokens(screen: Screen, pull_request: PullRequest | None) -> Screen:
    """Return a screen that hides the tokens that may open a pull request."""
    if pull_request is None:
        return screen
    from ledger_tool.edges.forge.opening import secrets

    return screen.hiding(secrets(os.environ))


def reason_text(text: str) -> str:
    """Return a required reason. Raises UsageError if it is empty."""
    reason = names.parse_text(text, "reason")
    if not reason:
        raise UsageError("`--reason` is empty", "say why; it stays in history")
    return reason
