"""Which version of an image a site calls its newest: what an image "is at", and what an environment is behind.

That is the newest tag of which every platform may be used, as for `export --latest`: whoever pulls it may get any of
them. A preview with a TTL and a tag that moves are names for a while, and nobody is behind one of them. Nor is anybody
behind a pre-release as long as there is a release. Where an image has nothing better, they count all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ledger_tool.core.ledger.order import newest_tags
from ledger_tool.core.ledger.version import parse_version_tag, rank
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.site.facts import TagFacts


def newest_version(tags: Iterable[TagFacts], policy: Policy) -> TagFacts | None:
    """Return the newest version among the tags of one image; None if none is usable."""

    def stays(tag: TagFacts) -> bool:
        return not (policy.is_mutable(tag.name.tag) or any(record.ttl for record in tag.records))

    def is_version(tag: TagFacts) -> bool:
        return stays(tag) and not is_prerelease(tag.name.tag)

    usable = [tag for tag in tags if not tag.yanked and not tag.is_expired]
    wanted: Sequence[Callable[[TagFacts], bool]] = (is_version, stays, lambda _: True)
    return next((_newest(among) for is_wanted in wanted if (among := list(filter(is_wanted, usable)))), None)


def _newest(tags: Sequence[TagFacts]) -> TagFacts:
    last = max(newest_tags((tag.name.tag, tag.published_at) for tag in tags), key=rank)
    return next(tag for tag in tags if tag.name.tag == last)


def is_prerelease(tag: str) -> bool:
    """Return whether a tag says that it comes before a release, such as `v2.0.0-rc.1`; a build's number does not."""
    version = parse_version_tag(tag)
    return version is not None and bool(version.stage) and not version.is_build
