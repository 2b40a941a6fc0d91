"""The date of a commit of ours: never before its parent's, and never far ahead of this machine's clock."""

from __future__ import annotations

import time
from dataclasses import replace

from ledger_tool.core.ledger.query import LEEWAY
from ledger_tool.edges.git.log import seconds_of, time_of
from ledger_tool.edges.git.repository import Repository
from ledger_tool.errors import ClockBehind


def dated_after(repository: Repository, parent: str) -> Repository:
    """Return the repository with the date for a commit on a parent: now, or the parent's if that is a little later.

    Raises ClockBehind if the parent is dated far ahead of this machine's clock.
    """
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
