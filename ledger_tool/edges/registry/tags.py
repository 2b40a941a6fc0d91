"""The tags of an image: OCI distribution-spec 1.1 "Listing Tags"."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from ledger_tool.core.ledger import names
from ledger_tool.edges.http.client import Answer
from ledger_tool.edges.http.host import Host
from ledger_tool.edges.registry.pages import PagedList
from ledger_tool.errors import Unreachable

TAG_PAGES = 500


def list_tags(ask: Callable[[str], Answer], http: Host, url: str, what: str, name: str) -> list[str]:
    """Return all tags of a list that begins at `url`; `ask` returns an answer of status 200 or 404.

    `what` and `name`, the registry's, are for messages. Raises Unreachable for a list that cannot be read to its end.
    """
    tags: dict[str, None] = {}
    listed = PagedList(name, what, TAG_PAGES, "narrow the pattern")
    for page in listed.pages(ask, http, url):
        own = _tags_of(page.answer)
        if not page.is_last and own and tags.keys() >= set(own):
            raise listed.repeated()
        tags |= dict.fromkeys(own)
    return list(tags)


def _tags_of(answer: Answer) -> list[str]:
    """Return the tags of a page, except those that the grammar of tags does not allow."""
    try:
        tags = json.loads(answer.body)["tags"] or []
        return [tag for tag in tags if isinstance(tag, str) and re.fullmatch(names.TAG, tag)]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unreachable("the registry returned a malformed list of tags", "run it again later") from None
