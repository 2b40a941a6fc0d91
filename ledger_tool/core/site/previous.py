"""Which version of an image came before another: what a reader wants to compare it with.

It is the highest lower version of the same variant that names one version for good: neither a tag that may move, nor
one that leaves parts of the version out, nor a yanked one. Of a tag that is not such a version itself, nothing is told.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping

from ledger_tool.core.ledger.record import Record
from ledger_tool.core.ledger.version import VersionTag, parse_version_tag
from ledger_tool.core.ledger.version import rank as rank_of
from ledger_tool.core.ledger.yanks import Yanks
from ledger_tool.core.policy.policy import Policy


def previous_versions(records: Iterable[Record], policy: Policy, yanks: Yanks) -> Mapping[str, str]:
    """Return for each tag of an image the one before it, given its records without those of environments."""
    usable: dict[str, bool] = {}
    for record in records:
        usable[record.tag] = usable.get(record.tag, True) and not yanks.of(record)
    versions = {
        tag: version
        for tag in usable
        if (version := parse_version_tag(tag)) and not version.is_floating and not policy.is_mutable(tag)
    }
    variants: dict[object, list[VersionTag]] = {}
    for tag in sorted(versions, key=rank_of):
        if usable[tag]:
            variants.setdefault(versions[tag].variant, []).append(versions[tag])
    previous: dict[str, str] = {}
    for tag, version in versions.items():
        below = variants.get(version.variant, [])
        for position in reversed(range(bisect_left(below, rank_of(tag), key=lambda other: rank_of(str(other))))):
            if below[position].is_compatible(version) and below[position].compare(version) == -1:
                previous[tag] = str(below[position])
                break
    return previous
