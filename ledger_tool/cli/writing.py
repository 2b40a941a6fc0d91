"""Where a write goes: into the ledger's branch, or onto a branch of its own with a pull request."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger_tool.errors import UsageError

if TYPE_CHECKING:
    from ledger_tool.commands.ports import Store
    from ledger_tool.commands.write import Written
    from ledger_tool.render.screen import Screen

_FOOTER = (
    "\n\n---\nMerge it by rebase or squash: the message of its commit says what it does, and `ledger audit` reads it.\n"
)


@dataclass(frozen=True, slots=True)
class Request:
    """What the options say of a pull request."""

    labels: tuple[str, ...]
    reviewers: tuple[str, ...]
    draft: bool
    forge: str


def requested(
    pull_request: bool, labels: Sequence[str], reviewers: Sequence[str], *, draft: bool, forge: str
) -> Request | None:
    """Return the pull request that was asked for, or None. Raises UsageError for options of it without it."""
    if pull_request:
        return Request(tuple(labels), tuple(reviewers), draft, forge)
    if labels or reviewers or draft:
        raise UsageError("`--pr-label`, `--pr-reviewer` and `--pr-draft` go with `--pull-request`", "add it")
    return None


def forge_secrets(request: Request | None) -> list[str]:
    """Return the tokens that a pull request may be opened with, which must never be printed."""
    if request is None:
        return []
    from ledger_tool.edges.forge.opening import secrets

    return secrets(os.environ)


def open_store(
    stack: ExitStack, repo: str, settings: Any, screen: Screen, request: Request | None
) -> tuple[Store, Callable[[Written], Written]]:
    """Return the store to write to until `stack` closes, and what finishes the write: it opens the request, if any."""
    if request is None:
        from ledger_tool.edges.git.opening import open_for_writing

        return stack.enter_context(open_for_writing(repo, settings, screen)), lambda written: written

    from ledger_tool.commands.write import propose
    from ledger_tool.core.message import subject
    from ledger_tool.core.proposal import Proposal
    from ledger_tool.core.review import review
    from ledger_tool.edges.forge.opening import Forge, open_forge
    from ledger_tool.edges.git.proposing import open_for_proposing
    from ledger_tool.render.reviewed import as_markdown

    forge: Forge

    def describe(base: Any, change: Any, branch: str, base_branch: str) -> Proposal:
        return Proposal(
            branch=branch,
            base=base_branch,
            title=subject(change),
            body=as_markdown(review(base.ledger, change.ledger, base.policy)) + _FOOTER,
            labels=request.labels,
            reviewers=request.reviewers,
            draft=request.draft,
        )

    store = stack.enter_context(
        open_for_proposing(repo, settings, screen, describe, lambda proposal: forge.push_options(proposal))
    )
    forge = stack.enter_context(
        open_forge(
            store.remote, kind=request.forge, url=os.environ.get("LEDGER_FORGE_URL", ""), environ=os.environ
        )
    )  # fmt: skip
    return store, lambda written: propose(written, store.proposal, forge)
