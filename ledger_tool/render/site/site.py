"""All files of a site."""

from __future__ import annotations

from collections.abc import Iterator

from ledger_tool.core.site.facts import SiteFacts
from ledger_tool.core.site.files import SiteFile
from ledger_tool.core.site.paths import START


def site_files(facts: SiteFacts) -> Iterator[SiteFile]:
    """Yield every file of a site."""
    yield SiteFile(START, f"{facts.commit} {facts.at}\n".encode())
