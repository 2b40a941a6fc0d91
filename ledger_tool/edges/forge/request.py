"""How a request is opened or updated, whatever the forge: look, open once, then add what is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ledger_tool.core.changes.proposal import Proposal, Proposed, one_line, shortened
from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.forge.api import Api, pick
from ledger_tool.edges.http.host import TRIES, Lost
from ledger_tool.errors import LedgerError, Unreachable, UsageError


class AlreadyOpen(UsageError):
    """The forge says that there is such a request: somebody was faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """An open request, as the forge shows it; `data` is all that it says."""

    number: int
    url: str
    title: str
    body: str
    data: Mapping[str, Any]


class Requests(Protocol):
    """One repository's requests on one kind of forge. Methods raise Denied, UsageError and Unreachable."""

    api: Api

    def find(self, proposal: Proposal) -> Open | None:
        """Return the open request of the branch into the base."""
        ...

    def open(self, proposal: Proposal) -> Open:
        """Open one. Raises AlreadyOpen, and Lost where nobody knows."""
        ...

    def update(self, found: Open, proposal: Proposal) -> None:
        """Change what differs, and add what is missing."""
        ...


def reworded(found: Open, proposal: Proposal, drafts: str, draft: str) -> tuple[str, str] | None:
    """Return the title and the text that an open request should have, or None where it has them.

    `drafts` is the pattern of a title that marks a draft, which stays; `draft` what a new one gets in front.
    """
    is_draft = re.match(drafts, found.title)
    prefix = is_draft[0] if is_draft else draft if proposal.draft else ""
    title, text = one_line(proposal.title, prefix), shortened(proposal.body)
    return None if found.title == title and same_text(found.body, text) else (title, text)


def propose(forge: Requests, proposal: Proposal) -> Proposed:
    """Open the request of a pushed branch, or update the open one. Raises Denied, UsageError or Unreachable."""
    found, created = forge.find(proposal), False
    if found is None:
        found, created = _open(forge, proposal)
    try:
        forge.update(found, proposal)
    except LedgerError as error:
        raise type(error)(f"{found.url} is open, but {error.message}", error.hint) from None
    return Proposed(found.url, found.number, created)


def _open(forge: Requests, proposal: Proposal) -> tuple[Open, bool]:
    """Open a request, and say whether it was us; after an answer that was lost, look before asking again."""
    for tries_left in reversed(range(TRIES)):
        try:
            return forge.open(proposal), True
        except (AlreadyOpen, Lost) as error:
            is_lost = isinstance(error, Lost)
            if is_lost:
                forge.api.host.back_off(tries_left)
            if request := forge.find(proposal):
                return request, is_lost
            if not tries_left or not is_lost:
                raise
    raise AssertionError("unreachable")


def parse_open(data: Any, *, number: str, url: str, body: str) -> Open:
    """Return the request that a forge describes; the fields' names are given. Raises Unreachable."""
    page = pick(data, url, str)
    if not re.fullmatch(r"https?://[!-~]{1,2000}", page):
        raise Unreachable(f"the forge answers the address `{shown(page)}`, which is none", "run it again later")
    return Open(
        number=pick(data, number, int),
        url=shown(page, 2000),
        title=pick(data, "title", str),
        body=pick(data, body, str) if data.get(body) is not None else "",
        data=data,
    )


def same_text(one: str, other: str) -> bool:
    """Tell whether two bodies are the same but for line ends and what is around: forges change those."""
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()


def is_team(reviewer: str) -> bool:
    """Tell whether a reviewer is a team (`org/team`)."""
    return "/" in reviewer
