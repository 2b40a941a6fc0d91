"""What a pull or merge request should be, and what a forge made of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A request to merge `branch` into `base`, two branches of one repository.

    `body` is Markdown. `reviewers` are user names, or teams as `org/team` where the forge knows teams. `labels` and
    `reviewers` are added to those that are there. `draft` makes it a draft; without it, a draft stays one.
    """

    branch: str
    base: str
    title: str
    body: str
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Proposed:
    """The request that is open now: its page, its number there, and whether it is a new one."""

    url: str
    number: int | None
    created: bool
