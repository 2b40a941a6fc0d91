"""The referrers of an image, page by page to the end: OCI distribution-spec 1.1 "Listing Referrers".

Not every registry has that API. One that does not answers 404, in whatever words, since it does not know the path; the
tags that stand in for it are then looked at as every tag is, so that its 404 is believed no further than any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.registry.referrers import MOST_REFERRERS, Referrer, parse_referrers
from ledger_tool.edges.http.client import Answer
from ledger_tool.edges.http.host import Host
from ledger_tool.edges.registry.doubt import AbsenceNotShown
from ledger_tool.edges.registry.tags import next_url
from ledger_tool.errors import Unreachable

REFERRER_PAGES = 100
NO_API = (405, 501)  # beside 404, which is the specification's
_REPORT = "report it to the registry's operator"


def list_referrers(
    ask: Callable[[str], Answer], http: Host, url: str, what: str, name: str
) -> Sequence[Referrer] | None:
    """Return all referrers of a list that begins at `url`, None if the registry has no API for that.

    `what` and `name`, the registry's, are for messages. Raises Unreachable for a list that cannot be read to its end,
    or has more than `MOST_REFERRERS` entries, and BadManifest for one that makes no sense.
    """
    referrers: list[Referrer] = []
    read_pages: set[str] = set()
    for number in range(1, REFERRER_PAGES + 1):
        try:
            answer = ask(url)
        except AbsenceNotShown:
            if number == 1:
                return None
            raise
        if answer.status != 200:
            if number == 1:
                return None
            raise Unreachable(f"{name} answers {answer.status} to page {number} of {what}", "run it again")
        referrers += parse_referrers(answer.body, f"{name}: page {number} of {what}")
        if len(referrers) > MOST_REFERRERS:
            raise Unreachable(f"{name} has more than {MOST_REFERRERS} entries in {what}", "delete those of no use")
        read_pages.add(url)
        try:
            url = next_url(answer, http, url)
        except ValueError:
            link = shown(answer.headers.get("link", ""))
            raise Unreachable(f"{name} names a next page of {what} that cannot be followed: {link}", _REPORT) from None
        if not url:
            return referrers
        if url in read_pages:
            raise Unreachable(f"{name} sends us back to an earlier page of {what}", _REPORT)
    raise Unreachable(f"{name} has more than {REFERRER_PAGES} pages of {what}", _REPORT)
