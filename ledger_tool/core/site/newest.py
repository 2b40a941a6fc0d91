"""Which version of an image a site calls its newest: what an image "is at", and what an environment is behind.

That is the newest of `list --latest`, among the tags that stay: a preview with a TTL and a tag that moves are names for
a while, and nobody is behind one of them. Nor is anybody behind a pre-release as long as there is a release. Where an
image has nothing better, they count all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.order import latest
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.core.ledger.version import parse_version_tag
from ledger_tool.core.ledger.yanks import Yanks
from ledger_tool.core.policy.policy import Policy


def newest_version(records: Sequence[Record], policy: Policy, at: Timestamp, yanks: Yanks) -> Name | None:
    """Return the newest version of one image, of which `records` are all, in key order; None if none is usable."""

    def stays(record: Record) -> bool:
        return not (record.ttl or policy.is_mutable(record.tag))

    def is_version(record: Record) -> bool:
        return stays(record) and not is_prerelease(record.tag)

    wanted: Sequence[Callable[[Record], bool]] = (is_version, stays, lambda _: True)
    chosen = (latest(filter(is_wanted, records), at, yanks) for is_wanted in wanted)
    return next((found[0].name for found in chosen if found), None)


def is_prerelease(tag: str) -> bool:
    """Return whether a tag says that it comes before a release, such as `v2.0.0-rc.1`; a build's number does not."""
    version = parse_version_tag(tag)
    return version is not None and bool(version.stage) and not version.is_build
