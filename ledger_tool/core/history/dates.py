"""When the commits of a branch were made, as far as their dates can be true.

Each commit carries the time of its committer's clock, and clocks can be wrong. But a commit is never older than its
parent. So the dates of as many commits as possible are believed: the longest series along the branch that never steps
back. A commit whose date is not among them counts as made between its neighbours.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence


def believed(dates: Sequence[int], now: int) -> list[int]:
    """Return when each commit of a branch counts as made, the oldest first; none counts as older than its parent.

    `dates` and `now` are in seconds. A date after now is not believed if a later commit has one before. Of several
    longest series, the one that believes the older commits counts.
    """
    last_past = max((number for number, date in enumerate(dates) if date <= now), default=-1)
    trusted = _longest_series(
        [date if date <= now or number > last_past else None for number, date in enumerate(dates)]
    )
    made: list[int] = []
    upcoming = iter([*(dates[number] for number in trusted), max(dates, default=0)])
    series, limit = set(trusted), next(upcoming)
    for number, date in enumerate(dates):
        if number in series:
            limit = next(upcoming)
            made.append(date)
        else:
            made.append(max(min(date, limit), made[-1] if made else 0))
    return made


def _longest_series(dates: Sequence[int | None]) -> list[int]:
    """Return the numbers of the commits with the longest series of dates that never step back; None is no date."""
    lengths = [0] * len(dates)
    starts: list[int] = []  # negated: of the series of each length, how late it can start
    for number, date in reversed(list(enumerate(dates))):
        if date is not None:
            length = bisect_right(starts, -date)
            starts[length : length + 1] = [-date]
            lengths[number] = length + 1
    chosen: list[int] = []
    wanted, last = len(starts), -1
    for number, (date, length) in enumerate(zip(dates, lengths, strict=True)):
        if date is not None and length == wanted and date >= last:
            chosen.append(number)
            wanted, last = wanted - 1, date
    return chosen
