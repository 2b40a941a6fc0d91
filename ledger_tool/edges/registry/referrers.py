"""The referrers of an image: OCI distribution-spec 1.1 "Listing Referrers".

Not every registry has that API. One that does not answers 404, in whatever words, since it does not know the path, or
400, 406 or with a page ("Unavailable Referrers API"; go-containerregistry and oras-go take these for the same); GHCR
sends us to a page of another host whose address has lost the digest. The tags that stand in for the API are then
looked at as every tag is, so that a 404 is believed no further than any other. What only says that the registry does
not answer now, or not to us, leaves it open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger_tool.core.registry.referrers import MOST_REFERRERS, Referrer, is_list, parse_referrers
from ledger_tool.edges.http.client import Answer
from ledger_tool.edges.http.host import Host
from ledger_tool.edges.registry.doubt import AbsenceNotShown
from ledger_tool.edges.registry.pages import PagedList
from ledger_tool.errors import Unreachable

REFERRER_PAGES = 100
_WITHOUT = (301, 302, 303, 307, 308, 405, 410, 501)  # a redirect is an answer only if it has lost the digest
NO_API = (400, 406, *_WITHOUT)  # beside 404, which is the specification's


def subject(url: str) -> str:
    """Return the digest, without its algorithm, whose referrers a URL lists, `""` for another URL.

    Wherever such a list has moved, its address names that digest.
    """
    _, is_list, digest = url.partition("?")[0].rpartition("/referrers/")
    return digest.partition(":")[2] if is_list else ""


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
        if first is None or first.status in _WITHOUT:
            self._without.add(repository)
            return None
        if first.status != 200 or not is_list(first.body, first.headers.get("content-type", "")):
            return None
        name, referrers = repository.partition("/")[0], list[Referrer]()
        listed = PagedList(name, f"the referrers of {digest}", REFERRER_PAGES)
        for page in listed.pages(ask, http, url, first):
            referrers += parse_referrers(page.answer.body, f"{name}: {listed.what}, page {page.number}")
            if len(referrers) > MOST_REFERRERS:
                message = f"{name} has more than {MOST_REFERRERS} entries in {listed.what}"
                raise Unreachable(message, "delete those of no use")
        return referrers
