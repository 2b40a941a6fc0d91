"""A point in a ledger's history: a time, or a revision."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.query import parse_when

_time = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ].*)?|[0-9]+[mhdw]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, or else the text of a revision (gitrevisions(7))."""

    time: Timestamp | None = None
    revision: str = ""


def parse_moment(value: str, now: datetime) -> Moment:
    """Return what `2026-11-24`, an RFC 3339 time, a length back from now (`7d`) or else a revision means.

    Raises InvalidValue for what looks like a time but is not one.
    """
    return Moment(time=parse_when(value, now)) if _time.fullmatch(value) else Moment(revision=value)
