"""All files of a site."""

from __future__ import annotations

from collections.abc import Iterator

from ledger_tool.core.site.facts import SiteFacts
from ledger_tool.core.site.files import SiteFile
from ledger_tool.core.site.paths import NO_JEKYLL
from ledger_tool.render.site import data, feed, pages, search


def site_files(facts: SiteFacts) -> Iterator[SiteFile]:
    """Yield every file of a site: pages for people, what their script searches, data for programs, and the feed."""
    yield from pages.pages(facts)
    yield from search.files(facts)
    yield from data.files(facts)
    yield from feed.files(facts)
    yield SiteFile(NO_JEKYLL, b"")
