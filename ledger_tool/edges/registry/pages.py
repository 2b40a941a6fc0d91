"""A list of a registry, page by page to the end: OCI distribution-spec 1.1 "Listing Tags" and "Listing Referrers".

Some registries name themselves in the link to the next page as they are called behind a proxy: only its path and its
query count, and they are followed at the configured host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.registry.answer import next_page
from ledger_tool.edges.http.client import Answer
from ledger_tool.edges.http.host import Host
from ledger_tool.errors import Unreachable

_REPORT = "report it to the registry's operator"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, of status 200: its number from 1, what was answered, and whether it is the last one."""

    number: int
    answer: Answer
    is_last: bool


@dataclass(frozen=True, slots=True)
class PagedList:
    """A list of up to `most` pages; `name`, the registry's, and `what` is listed are for messages, as is the hint."""

    name: str
    what: str
    most: int
    hint: str = _REPORT

    def pages(self, ask: Callable[[str], Answer], http: Host, url: str, first: Answer | None = None) -> Iterator[Page]:
        """Yield the pages of a list that begins at `url`, or with its first answer; none if that is a 404.

        Raises Unreachable for a list that cannot be read to its end.
        """
        read_pages: set[str] = set()
        for number in range(1, self.most + 1):
            answer = first if first and number == 1 else ask(url)
            if answer.status == 404 and number == 1:
                return
            if answer.status != 200:
                message = f"{self.name} answers {answer.status} to page {number} of {self.what}"
                raise Unreachable(message, "run it again")
            read_pages.add(url)
            url = self._next(answer, http, url)
            yield Page(number, answer, is_last=not url)
            if not url:
                return
            if url in read_pages:
                raise self.repeated()
        raise Unreachable(f"{self.name} has more than {self.most} pages of {self.what}", self.hint)

    def repeated(self) -> Unreachable:
        """Return the error of a list that does not come to its end."""
        return Unreachable(f"{self.name} sends us back to an earlier page of {self.what}", _REPORT)

    def _next(self, answer: Answer, http: Host, url: str) -> str:
        """Return the URL of the next page, or `""` after the last one."""
        link = answer.headers.get("link", "")
        try:
            target = next_page(link)
            parts = urlsplit(urljoin(answer.url if http.is_own(answer) else url, target))
            if target and parts.scheme not in ("http", "https"):
                raise ValueError("not a web address")
        except ValueError:
            message = f"{self.name} names a next page of {self.what} that cannot be followed: {shown(link)}"
            raise Unreachable(message, _REPORT) from None
        return f"{http.origin}{parts.path or '/'}{'?' if parts.query else ''}{parts.query}" if target else ""
