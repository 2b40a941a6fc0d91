"""The tags of an image, page by page to the end: OCI distribution-spec 1.1 "Listing Tags".

Some registries name themselves in the link to the next page as they are called behind a proxy: only its path and its
query count, and they are followed at the configured host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import shown
from ledger_tool.core.registry.answer import next_page
from ledger_tool.edges.http.client import Answer
from ledger_tool.edges.http.host import Host
from ledger_tool.errors import Unreachable

TAG_PAGES = 500
_REPORT = "report it to the registry's operator"


def list_tags(ask: Callable[[str], Answer], http: Host, url: str, what: str, name: str) -> list[str]:
    """Return all tags of a list that begins at `url`; `ask` returns an answer of status 200 or 404.

    `what` and `name`, the registry's, are for messages. Raises Unreachable for a list that cannot be read to its end.
    """
    tags: dict[str, None] = {}
    read_pages: set[str] = set()
    for number in range(1, TAG_PAGES + 1):
        answer = ask(url)
        if answer.status == 404:
            if number == 1:
                return []
            raise Unreachable(f"{name} answers 404 to page {number} of {what}", "run it again")
        page = _tags_of(answer)
        try:
            url = next_url(answer, http, url)
        except ValueError:
            link = shown(answer.headers.get("link", ""))
            raise Unreachable(f"{name} names a next page of {what} that cannot be followed: {link}", _REPORT) from None
        if not url:
            return list(tags | dict.fromkeys(page))
        if url in read_pages or (page and tags.keys() >= set(page)):
            raise Unreachable(f"{name} sends us back to an earlier page of {what}", _REPORT)
        tags |= dict.fromkeys(page)
        read_pages.add(url)
    raise Unreachable(f"{name} has more than {TAG_PAGES} pages of {what}", "narrow the pattern")


def next_url(answer: Answer, http: Host, url: str) -> str:
    """Return the URL of the next page, or `""` after the last one. Raises ValueError if it cannot be followed."""
    target = next_page(answer.headers.get("link", ""))
    if not target:
        return ""
    parts = urlsplit(urljoin(answer.url if http.is_own(answer) else url, target))
    if parts.scheme not in ("http", "https"):
        raise ValueError("not a web address")
    return f"{http.origin}{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"


def _tags_of(answer: Answer) -> list[str]:
    """Return the tags of a page, except those that the grammar of tags does not allow."""
    try:
        tags = json.loads(answer.body)["tags"] or []
        return [tag for tag in tags if isinstance(tag, str) and re.fullmatch(names.TAG, tag)]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unreachable("the registry returned a malformed list of tags", "run it again later") from None
