"""The dates of commits; that of one of ours is never before its parent's, nor far ahead of this machine's clock."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ledger_tool.core.ledger.names import Timestamp, format_timestamp
from ledger_tool.core.ledger.query import LEEWAY
from ledger_tool.edges.git.repository import Repository, batch
from ledger_tool.errors import ClockBehind

_LAST = 253_402_300_799  # seconds: the end of the year 9999


def times(repository: Repository, ids: Sequence[str]) -> list[Timestamp]:
    """Return the committer's time of each commit, in order."""
    if not ids:
        return []
    shape = ("log", "--no-show-signature", "--no-walk=unsorted", "--stdin", "--format=%ct")
    return [time_of(seconds) for seconds in repository.succeed(*shape, stdin=batch(ids), least=60.0).text.splitlines()]


def seconds_of(text: str) -> int:
    """Return the seconds of git's `%ct`; git keeps and shows commits whose time is broken: they count as from 1970."""
    return min(int(text), _LAST) if text.isascii() and text.isdigit() else 0


def time_of(seconds: str) -> Timestamp:
    """Return the time of git's `%ct`; see `seconds_of`."""
    return format_timestamp(datetime.fromtimestamp(seconds_of(seconds), UTC))


def dated_after(repository: Repository, parent: str, seconds: int | None = None) -> Repository:
    """Return the repository with the date for a commit on a parent: now, or the parent's if that is a little later.

    `seconds` are those of the parent's date; None has them looked up.
    Raises ClockBehind if the parent is dated far ahead of this machine's clock.
    """
    if seconds is None:
        seconds = seconds_of(repository.must("log", "-1", "--no-show-signature", "--format=%ct", parent, "--"))
    now = int(time.time())
    if seconds > now + LEEWAY.total_seconds():
        raise ClockBehind(
            f"the ledger's last commit {parent[:12]} is of {time_of(str(seconds))}, over ten minutes ahead of this "
            f"machine's clock ({time_of(str(now))}); nothing was written",
            "check this machine's clock with `date -u`; if it is right, replace that commit, whose date is wrong",
        )
    if seconds <= now:
        return repository  # git dates the commit
    dates = {"GIT_COMMITTER_DATE": f"@{seconds} +0000"}
    return replace(
        repository, environment={"GIT_AUTHOR_DATE": dates["GIT_COMMITTER_DATE"], **repository.environment, **dates}
    )
