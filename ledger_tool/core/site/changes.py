"""What the history of a ledger tells its site: the timeline of each image, and the last commits as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, islice

from ledger_tool.core.changes.runclaim import NO_RUN, RunClaim
from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.ledger.version import parse_version_tag
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


def rollbacks(log: Sequence[LogEntry], policy: Policy) -> frozenset[tuple[str, Name]]:
    """Return the commits that certainly put a lower version into an environment in the place of a higher one.

    Where names have no order, that is one which the environment had before, and which was published before the other.
    """
    back: set[tuple[str, Name]] = set()
    first: dict[Name, int] = {}  # the number of the first entry of each image:tag
    had: dict[Name, set[str]] = {}
    for number, entry in enumerate(log[::-1]):
        first.setdefault(entry.name, number)
        if entry.action == "promote":
            order = version_order(entry.version, entry.replaces_version, policy)
            known = had.setdefault(entry.name, set())
            if order == -1 or (order is None and entry.version in known and _came_before(entry, first, policy)):
                back.add((entry.commit, entry.name))
            known.add(entry.version)
    return frozenset(back)


def _came_before(entry: LogEntry, first: Mapping[Name, int], policy: Policy) -> bool:
    """Return whether a version was published before the one that it replaces, and neither may move."""
    names = [Name(entry.name.image, version) for version in (entry.version, entry.replaces_version)]
    if any(name not in first or policy.is_mutable(name.tag) or is_floating(name.tag) for name in names):
        return False
    return first[names[0]] < first[names[1]]


def is_floating(tag: str) -> bool:
    """Return whether a tag leaves parts of a version out, such as `v1`."""
    version = parse_version_tag(tag)
    return version is not None and version.is_floating


def timelines(log: Iterable[LogEntry]) -> Mapping[str, Sequence[LogEntry]]:
    """Return the entries of each image, the newest first."""
    by_image: dict[str, list[LogEntry]] = {}
    for entry in log:
        by_image.setdefault(entry.name.image, []).append(entry)
    return by_image
