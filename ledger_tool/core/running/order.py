"""Which of two builds of an image is later: what runs, or what should.

The versions tell, and where they do not, the times. A build that the ledger has under a tag is as old as the first of
its records. Of one that only an environment has left, as its tag has moved on or is gone, all that is known is that it
is older than its promotion: so it may be found to be the earlier one, and never to be the later one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.ledger.version import rank
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.versionorder import version_order

RunningOrder = Literal["ahead", "behind", "differs"]


class Build(NamedTuple):
    """What is known of a build: the most exact tag that it has or had, and a time at which it was there already.

    `is_recorded` says that a tag of the ledger has it, so that it came about at that time.
    """

    tag: str
    at: Timestamp
    is_recorded: bool


def build_of(given: Collection[Record], records: Iterable[Record]) -> Build:
    """Return what is known of what some records hand out; `records` are all of the image."""
    pulled = {record.pull_digest for record in given}
    same = [*given, *(record for record in records if record.pull_digest in pulled)]
    tagged = [record.tag for record in same if not record.is_environment]
    tags = tagged or [record.version or record.tag for record in same]
    return Build(max(tags, key=rank), min(record.published_at for record in same), bool(tagged))


def order_of(runs: Build, expected: Build, policy: Policy) -> RunningOrder:
    """Return whether what runs is ahead of what should or behind it; `differs` if neither is certain."""
    if order := version_order(runs.tag, expected.tag, policy):
        return "ahead" if order > 0 else "behind"
    if runs.is_recorded and runs.at > expected.at:
        return "ahead"
    return "behind" if expected.is_recorded and expected.at > runs.at else "differs"


def unlike(runs: Build, expected: Build, ran: str, wanted: str, tag: str) -> str:
    """Return that a build runs, and that a tag has another: by their digests where both go, or went, by one name."""
    is_same = runs.tag == expected.tag
    first = f"{runs.tag} runs"
    if is_same or not runs.is_recorded:
        first += f" {_when(runs, ran)}"
    if is_same or not expected.is_recorded:
        return f"{first}, and {tag} has {'it' if is_same else expected.tag} {_when(expected, wanted)}"
    return f"{first}, and {tag} {'has another digest' if expected.tag == tag else f'is {expected.tag}'}"


def _when(build: Build, digest: str) -> str:
    return f"as it {'is now' if build.is_recorded else f'was on {build.at[:10]}'}, {digest[:19]}"
