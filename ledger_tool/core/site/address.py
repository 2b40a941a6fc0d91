"""The addresses that a site names: its own, and that of the ledger's repository at its host; and what it is called."""

from __future__ import annotations

import re

from ledger_tool.core.ledger.names import HOST, SourceRef, shown_address
from ledger_tool.core.ledger.sourceref import commit_page, web_url
from ledger_tool.errors import InvalidValue

_PATH = r"[A-Za-z0-9._~!$&'()*+,;=:%/-]*"  # RFC 3986, section 3.3, without `@`: what stands before one is a login
_ADDRESS = re.compile(rf"https?://{HOST}(?:/{_PATH})?")
_LONGEST = 2000  # characters


def parse_site_url(value: str) -> str:
    """Return the http(s) URL that a site is served at, with a slash at its end. Raises InvalidValue."""
    if len(value) > _LONGEST or not _ADDRESS.fullmatch(value):
        raise InvalidValue(
            "url",
            f"the URL `{shown_address(value)}` is not the address of a site",
            "give an http(s) URL without a login, a query or a fragment, such as `https://myorg.github.io/ledger/`",
        )
    return value.rstrip("/") + "/"


def ledger_page(remote: str) -> str:
    """Return the page of the ledger's repository, given the URL of its remote; `""` if it has none that is certain."""
    page = web_url(remote)
    return page if _ADDRESS.fullmatch(page) else ""


def commit_page_of(ledger_page: str, commit: str) -> str:
    """Return the page of a commit of the ledger, given that of its repository; `""` if either is unknown."""
    return commit_page(SourceRef(f"{ledger_page}@{commit}")) if ledger_page and commit else ""


def title_of(page: str) -> str:
    """Return what to call the site of a ledger with this page: the path there, such as `myorg/ledger`."""
    return page.split("/", 3)[3] if page else "ledger"
