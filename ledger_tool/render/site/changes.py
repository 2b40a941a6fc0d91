"""The last changes of the ledger, by day, page by page: a commit an entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import NamedTuple

from ledger_tool.core.site.facts import ChangeFacts, SiteFacts
from ledger_tool.core.site.files import SiteFile
from ledger_tool.render.site.shell import CHANGES, Shell, pages_of
from ledger_tool.render.site.wording import LogStep, steps, who

_PER_PAGE, _STEPS = 50, 10


class ShownChange(NamedTuple):
    """A commit, by whom, and the first things that it did, of `total`."""

    facts: ChangeFacts
    who: str
    steps: Sequence[LogStep]
    total: int


class ChangedDay(NamedTuple):
    """The commits of a day in UTC, such as `2026-11-24`."""

    date: str
    changes: Sequence[ShownChange]


def pages(facts: SiteFacts, shell: Shell) -> Iterator[SiteFile]:
    """Yield the pages of changes, the newest first. A day is one of UTC, so that all readers see the same pages."""
    for path, part, pager in pages_of(CHANGES, facts.changes, _PER_PAGE):
        shown = [shown_change(change, _STEPS) for change in part]
        yield shell.page(path, "changes.html", days=by_day(shown), pager=pager, count=len(facts.changes))


def shown_change(change: ChangeFacts, most: int) -> ShownChange:
    """Return a commit with the first things that it did, so many at most."""
    names = len({entry.name for entry in change.entries})
    by = who(change.entries[0]) if change.entries else change.run.actor or change.by
    return ShownChange(change, by, list(islice(steps(change.entries), most)), names)


def by_day(changes: Iterable[ShownChange]) -> list[ChangedDay]:
    """Return commits, which are in order, by the days of their times."""
    return [ChangedDay(date, list(group)) for date, group in groupby(changes, lambda change: change.facts.at[:10])]
