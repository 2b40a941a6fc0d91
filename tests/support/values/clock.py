"""This machine's clock, as commands that run in the test's own process read it.

That is how a record comes to be that has expired: no write makes one that expires at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest import mock


@contextmanager
def clock_says(time: str) -> Iterator[None]:
    """Let the clock say a time."""
    with mock.patch("ledger_tool.cli.options.now", return_value=time):
        yield


@contextmanager
def at_the_time_of(options: Sequence[object]) -> Iterator[None]:
    """Let the clock say the time of `--published-at` among some options; else, the real one."""
    words = [str(option) for option in options]
    if "--published-at" not in words:
        yield
        return
    with clock_says(words[words.index("--published-at") + 1]):
        yield
