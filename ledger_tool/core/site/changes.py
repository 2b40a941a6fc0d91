"""What the history of a ledger tells its site: the timeline of each image, and the last commits as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, islice

from ledger_tool.core.changes.runclaim import NO_RUN, RunClaim
from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.versionorder import version_order
from ledger_tool.core.site.address import commit_page_of
from ledger_tool.core.site.facts import ChangeFacts

MOST_CHANGES = 500  # commits: what a reader looks back at; older ones are in the history of each image


def last_changes(log: Iterable[LogEntry], ledger_page: str) -> list[ChangeFacts]:
    """Return the last commits of a log, the newest first, each with what it did."""
    commits = (list(entries) for _, entries in groupby(log, key=lambda entry: entry.commit))
    return [_change(entries, ledger_page) for entries in islice(commits, MOST_CHANGES)]


def _change(entries: Sequence[LogEntry], ledger_page: str) -> ChangeFacts:
    first, run = entries[0], common_run(entries)
    return ChangeFacts(first.commit, first.at, first.by, entries, run, commit_page_of(ledger_page, first.commit))


def common_run(entries: Iterable[LogEntry]) -> RunClaim:
    """Return the run that all of some entries claim; none if they claim several."""
    runs = {entry.run for entry in entries}
    return runs.pop() if len(runs) == 1 else NO_RUN


def pulled_before(entry: LogEntry) -> str:
    """Return what the image:tag was pulled by before, or the digest of the record; `""` if it has the same."""
    return entry.replaces_index or (entry.replaces[0] if entry.replaces else "")


def is_forced(entry: LogEntry) -> bool:
    """Return whether a publish moved a tag by force: that alone needs a reason."""
    return entry.action == "publish" and bool(entry.reason) and bool(pulled_before(entry))


def rollbacks(log: Iterable[LogEntry], policy: Policy) -> frozenset[tuple[str, Name]]:
    """Return the commits that certainly put a lower version into an environment in the place of a higher one."""
    return frozenset(
        (entry.commit, entry.name)
        for entry in log
        if entry.action == "promote" and version_order(entry.version, entry.replaces_version, policy) == -1
    )


def timelines(log: Iterable[LogEntry]) -> Mapping[str, Sequence[LogEntry]]:
    """Return the entries of each image, the newest first."""
    by_image: dict[str, list[LogEntry]] = {}
    for entry in log:
        by_image.setdefault(entry.name.image, []).append(entry)
    return by_image
