"""How far this machine's clock is ahead of a host's, by the `Date` of its answers (RFC 9110 section 6.6.1)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime


class HostClock:
    """What a host's answers say about its time; `ahead` is None if none of them had a date."""

    def __init__(self) -> None:
        self.ahead: float | None = None  # in seconds
        self._last = ""

    def hear(self, headers: Mapping[str, str]) -> None:
        """Take an answer into account. The latest date counts: a cache repeats an old one, with its `Age`."""
        date = headers.get("date", "")
        if date == self._last:
            return
        self._last = date
        try:
            then = parsedate_to_datetime(date).timestamp() + int(headers.get("age", "0"))
        except (ValueError, OverflowError):
            return
        ahead = time.time() - then
        self.ahead = ahead if self.ahead is None else min(ahead, self.ahead)
