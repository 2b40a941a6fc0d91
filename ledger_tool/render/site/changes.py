"""The last changes of the ledger, by day, page by page: a commit an entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ledger_tool.core.site.facts import ChangeFacts, SiteFacts
from ledger_tool.core.site.files import SiteFile
from ledger_tool.render.site.shell import CHANGES, Shell, pages_of
from ledger_tool.render.site.wording import LogStep, steps

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
        shown = [shown_change(change, facts, _STEPS) for change in part]
        yield shell.page(path, "changes.html", days=by_day(shown), pager=pager, count=len(facts.changes))


def shown_change(change: ChangeFacts, facts: SiteFacts, most: int) -> ShownChange:
    """Return a commit of a site with the first things that it did, so many at most."""
    done = list(steps(change.entries, facts.rollbacks))
    return ShownChange(change, change.run.actor or change.by, done[:most], len(done))


def by_day(changes: Iterable[ShownChange]) -> list[ChangedDay]:
    """Return commits by the days of their times, in the order in which these come up: a clock may have gone back."""
    days: dict[str, list[ShownChange]] = {}
    for change in changes:
        days.setdefault(change.facts.at[:10], []).append(change)
    return [ChangedDay(date, of_day) for date, of_day in days.items()]
