"""How a request to merge is opened or updated on any forge: find it, or open it once, then add what is missing."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ledger_tool.core.changes.proposal import Proposal, Proposed, one_line, shortened
from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.forge.api import Api, ForgeToken, pick, texts
from ledger_tool.edges.forge.repository import ForgeRepository
from ledger_tool.edges.http.host import Lost
from ledger_tool.edges.http.patience import TRIES
from ledger_tool.errors import LedgerError, Unreachable, UsageError

PROTECTION = "branch protection"  # what every forge calls so, whatever it says


class AlreadyOpen(UsageError):
    """The forge says that the branch already has a request: somebody else was faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """An open request, as the forge returned it; `data` is the whole answer."""

    number: int
    url: str
    title: str
    body: str
    data: Mapping[str, Any]


class Requests(ABC):
    """One repository's requests on one kind of forge. Methods raise Denied, UsageError and Unreachable.

    `permissions` says what a token needs; `api_path` is the API's path below the forge's pages. `fields` are the API's
    names for a request's number, page and text. `draft` is the title's prefix that makes a new request a draft, on
    forges that work that way, and `drafts` the pattern of such a prefix.
    """

    permissions: ClassVar[str]
    api_path = ""
    fields = ("number", "html_url", "body")
    draft = ""
    drafts = r"(?!)"

    @classmethod
    def api_base(cls, repository: ForgeRepository) -> str:
        """Return the API's address."""
        return repository.base + cls.api_path

    @staticmethod
    @abstractmethod
    def headers(token: ForgeToken) -> dict[str, str]:
        """Return the headers of every request."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def push_options(self, proposal: Proposal) -> tuple[str, ...]:
        """Return the push options of the branch (`git push -o`): none, since the API opens the request.

        Raises UsageError for anything that the forge cannot accept.
        """
        del proposal
        return ()

    def propose(self, proposal: Proposal) -> Proposed:
        """Open the request of a pushed branch, or update the open one."""
        request, is_new = self.find(proposal), False
        if request is None:
            request, is_new = self._opened(proposal)
        try:
            self.update(request, proposal)
        except LedgerError as error:
            raise error.within(f"{request.url} is open, but incomplete") from None
        return Proposed(request.url, request.number, proposal.branch, is_new)

    @abstractmethod
    def rules_for(self, branch: str) -> Sequence[str]:
        """Return the names of the forge's rules for pushes to a branch, as far as the token shows them."""

    @abstractmethod
    def find(self, proposal: Proposal) -> OpenRequest | None:
        """Return the open request of the branch into the base."""

    @abstractmethod
    def open(self, proposal: Proposal) -> OpenRequest:
        """Open a request. Raises AlreadyOpen, and Lost if it is unknown whether it was opened."""

    @abstractmethod
    def update(self, request: OpenRequest, proposal: Proposal) -> None:
        """Change what differs and add what is missing."""

    def words(self, proposal: Proposal) -> dict[str, object]:
        """Return the title and the text of a new request, under the API's names."""
        prefix = self.draft if proposal.draft else ""
        return {"title": one_line(proposal.title, prefix), self.fields[2]: shortened(proposal.body)}

    def new_words(self, request: OpenRequest, proposal: Proposal) -> dict[str, object]:
        """Return the title and the text that an open request should get; empty if it has them. A draft stays a draft.

        Line endings and blanks around the text do not count: forges change them.
        """
        words = self.words(proposal)
        if is_draft := re.match(self.drafts, request.title):
            words["title"] = one_line(proposal.title, is_draft[0])
        old, new = (str(text).replace("\r\n", "\n").strip() for text in (request.body, words[self.fields[2]]))
        return {} if request.title == words["title"] and old == new else words

    def missing_labels(self, request: OpenRequest, proposal: Proposal) -> list[str]:
        """Return the labels that an open request should have but lacks."""
        present = texts(request.data, "labels", "name")
        return [label for label in proposal.labels if label.lower() not in present]

    def parse(self, data: Any) -> OpenRequest:
        """Return the request that the forge's answer describes. Raises Unreachable."""
        number, url, body = self.fields
        page = pick(data, url, str)
        if not re.fullmatch(r"https?://[!-~]{1,2000}", page):
            raise Unreachable(f"the forge returned a malformed address `{shown(page)}`", "run it again later")
        return OpenRequest(
            number=pick(data, number, int),
            url=shown(page, 2000),
            title=pick(data, "title", str),
            body=pick(data, body, str) if data.get(body) is not None else "",
            data=data,
        )

    def _opened(self, proposal: Proposal) -> tuple[OpenRequest, bool]:
        """Open a request, and return whether it was us; after a lost answer, check before asking again."""
        for tries_left in reversed(range(TRIES)):
            try:
                return self.open(proposal), True
            except (AlreadyOpen, Lost) as error:
                is_lost = isinstance(error, Lost)
                if is_lost:
                    self.api.host.back_off(tries_left)
                if request := self.find(proposal):
                    return request, is_lost
                if not tries_left or not is_lost:
                    raise
        raise AssertionError("unreachable")
