"""Which of two tags is the later version, as far as their names tell."""

from __future__ import annotations

from ledger_tool.core.ledger.version import VersionTag, parse_version_tag
from ledger_tool.core.policy.policy import Policy


def version_order(one: str, other: str, policy: Policy) -> int | None:
    """Return -1, 0 or 1 for a lower, an equal and a higher version than another tag's; None if nobody can tell.

    That is also so if one is a tag that names one version after the other, and the other may be any of them.
    """
    mine, theirs = parse_version_tag(one), parse_version_tag(other)
    if mine is None or theirs is None or _may_be(mine, theirs, policy) or _may_be(theirs, mine, policy):
        return None
    return mine.compare(theirs)


def _may_be(short: VersionTag, exact: VersionTag, policy: Policy) -> bool:
    """Return whether a tag that says less may be the same version as an exact one."""
    return short.covers(exact) and (short.is_floating or policy.is_mutable(str(short)))
