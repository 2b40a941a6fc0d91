"""A point in a ledger's history (a time, or a revision), and a range from one to another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from ledger_tool.core.ledger.names import Timestamp, shown
from ledger_tool.core.ledger.query import parse_when
from ledger_tool.errors import UsageError

_time = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ].*)?|[0-9]+[mhdw]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, or else the text of a revision (gitrevisions(7))."""

    time: Timestamp | None = None
    revision: str = ""


@dataclass(frozen=True, slots=True)
class RevisionRange:
    """Two revisions to compare, `""` being the last commit: what `head` did since it parted from `base`, or all of it.

    Without `since_parted`, the two are compared as they are: what only `base` has done is undone. With `uncommitted`,
    the files of a checkout are meant instead of its last commit.
    """

    base: str
    head: str = ""
    since_parted: bool = True
    uncommitted: bool = False


def parse_range(base: str, head: str) -> RevisionRange:
    """Return what `BASE`, `BASE HEAD`, `BASE..HEAD` or `BASE...HEAD` means.

    The dots mean what they mean to `git diff`, also with nothing on one side (gitrevisions(7), git-diff(1)). Raises
    UsageError for a range and a further revision.
    """
    dots = re.fullmatch(r"(.*?)(\.{2,3})(.*)", base, re.DOTALL)
    if dots is None:
        return RevisionRange(base, head, uncommitted=not head)
    if head or ".." in dots[3] or not dots[1] + dots[3]:
        raise UsageError(
            f"`{shown(f'{base} {head}'.strip())}` is not one range of revisions",
            "write `BASE HEAD` or `BASE...HEAD` for what HEAD has changed since it parted from BASE, `BASE..HEAD` for "
            "all that differs",
        )
    return RevisionRange(dots[1], dots[3], since_parted=dots[2] == "...")


def parse_moment(value: str, now: datetime) -> Moment:
    """Return what `2026-11-24`, an RFC 3339 time, a length back from now (`7d`) or else a revision means.

    Raises InvalidValue for what looks like a time but is not one.
    """
    return Moment(time=parse_when(value, now)) if _time.fullmatch(value) else Moment(revision=value)
