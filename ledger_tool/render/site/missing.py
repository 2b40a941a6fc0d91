"""The page that a host serves for an address that does not exist, however deep that is.

Relative links would lead from there into nothing, so it takes those below the path that the site is served at.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from ledger_tool.core.site.files import SiteFile
from ledger_tool.core.site.paths import MISSING
from ledger_tool.render.site.shell import Shell


def pages(url: str, shell: Shell) -> Iterator[SiteFile]:
    """Yield the page, given the address of the site; without one there is none."""
    if url:
        path = urlsplit(url).path.lstrip("/")  # two slashes would begin the name of another host
        yield shell.page(MISSING, "missing.html", root=f"/{path}")
