"""The versions of an image in the shape that Renovate's custom data sources take as it is.

Source: Renovate's documentation, "Custom Datasource"; it refuses a null, so what there is none of is left out.
"""

from __future__ import annotations

from typing import Any

from ledger_tool.core.ledger.sourceref import split, web_url
from ledger_tool.core.site.facts import SiteImage, TagFacts


def releases(image: SiteImage) -> dict[str, Any]:
    """Return an image's versions; `schema/renovate-v1.schema.json` describes it.

    What is yanked or has a TTL is not a release: Renovate must not propose it. One that is marked as deprecated instead
    would be proposed to those who have a version that is not listed.
    """
    listed = [_release(tag) for tag in image.tags if _is_release(tag)]
    value: dict[str, Any] = {"releases": listed}
    if source := next((release["sourceUrl"] for release in listed if "sourceUrl" in release), ""):
        value["sourceUrl"] = source
    return value


def _is_release(tag: TagFacts) -> bool:
    return not tag.yanked and not any(record.ttl or record.yanked or record.version for record in tag.records)


def _release(tag: TagFacts) -> dict[str, str]:
    pages = {web_url(split(record.source_ref)[0]) for record in tag.records}
    page = pages.pop() if len(pages) == 1 else ""
    told = {"version": tag.name.tag, "digest": tag.digest, "releaseTimestamp": tag.published_at, "sourceUrl": page}
    return {name: value for name, value in told.items() if value}
