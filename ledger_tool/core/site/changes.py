"""What the history of a ledger tells its site: the timeline of each image, and the last commits as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, islice

from ledger_tool.core.changes.runclaim import NO_RUN
from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.ledger.version import parse_version_tag
from ledger_tool.core.site.address import commit_page_of
from ledger_tool.core.site.facts import ChangeFacts

MOST_CHANGES = 500  # commits: what a reader looks back at; older ones are in the history of each image


def last_changes(log: Iterable[LogEntry], ledger_page: str) -> list[ChangeFacts]:
    """Return the last commits of a log, the newest first, each with what it did."""
    commits = (list(entries) for _, entries in groupby(log, key=lambda entry: entry.commit))
    return [_change(entries, ledger_page) for entries in islice(commits, MOST_CHANGES)]


def _change(entries: Sequence[LogEntry], ledger_page: str) -> ChangeFacts:
    first, runs = entries[0], {entry.run for entry in entries}
    run = runs.pop() if len(runs) == 1 else NO_RUN
    return ChangeFacts(first.commit, first.at, first.by, entries, run, commit_page_of(ledger_page, first.commit))


def is_forced(entry: LogEntry) -> bool:
    """Return whether a publish moved a tag by force: that alone needs a reason."""
    return entry.action == "publish" and bool(entry.reason) and bool(entry.replaces)


def is_rollback(entry: LogEntry) -> bool:
    """Return whether a promotion certainly put a lower version in the place of a higher one."""
    if entry.action != "promote":
        return False
    before, after = parse_version_tag(entry.replaces_version), parse_version_tag(entry.version)
    return before is not None and after is not None and after.compare(before) == -1


def timelines(log: Iterable[LogEntry]) -> Mapping[str, Sequence[LogEntry]]:
    """Return the entries of each image, the newest first."""
    by_image: dict[str, list[LogEntry]] = {}
    for entry in log:
        by_image.setdefault(entry.name.image, []).append(entry)
    return by_image
