"""The referrers of an image: OCI distribution-spec 1.1 "Listing Referrers".

Not every registry has that API. One that does not answers 404, in whatever words, since it does not know the path; the
tags that stand in for it are then looked at as every tag is, so that its 404 is believed no further than any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger_tool.core.registry.referrers import MOST_REFERRERS, Referrer, parse_referrers
from ledger_tool.edges.http.client import Answer
from ledger_tool.edges.http.host import Host
from ledger_tool.edges.registry.doubt import AbsenceNotShown
from ledger_tool.edges.registry.pages import PagedList
from ledger_tool.errors import Unreachable

REFERRER_PAGES = 100
NO_API = (405, 501)  # beside 404, which is the specification's


class ReferrersApi:
    """The API of one registry, from several threads; where a repository has none, that is found out once."""

    def __init__(self) -> None:
        self._without: set[str] = set()  # repositories: what is in front of a registry may know some of them only

    def list(
        self, ask: Callable[[str], Answer], http: Host, url: str, repository: str, digest: str
    ) -> Sequence[Referrer] | None:
        """Return all referrers of a digest, a list that begins at `url`; None if the registry has no API for that.

        Raises Unreachable for a list that cannot be read to its end, or has more than `MOST_REFERRERS` entries, and
        BadManifest for one that makes no sense.
        """
        if repository in self._without:
            return None
        try:
            first = ask(url)
        except AbsenceNotShown:
            first = None
        if first is None or first.status in NO_API:
            self._without.add(repository)
            return None
        name, referrers = repository.partition("/")[0], list[Referrer]()
        listed = PagedList(name, f"the referrers of {digest}", REFERRER_PAGES)
        for page in listed.pages(ask, http, url, first):
            referrers += parse_referrers(page.answer.body, f"{name}: {listed.what}, page {page.number}")
            if len(referrers) > MOST_REFERRERS:
                message = f"{name} has more than {MOST_REFERRERS} entries in {listed.what}"
                raise Unreachable(message, "delete those of no use")
        return None if first.status == 404 else referrers
