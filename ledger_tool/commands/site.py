"""`site`: the ledger as pages for people, data for programs, and a feed of changes, in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ledger_tool.commands.log import entries
from ledger_tool.commands.ports import History, SiteFolder
from ledger_tool.core.ledger.names import LEDGER, Timestamp
from ledger_tool.core.ledger.query import is_far_ahead
from ledger_tool.core.site.evidence import PastLedgers
from ledger_tool.core.site.facts import DriftFacts, RunningFacts, SiteFacts
from ledger_tool.core.site.files import SiteFile, SiteWritten
from ledger_tool.core.site.site import site_facts


@dataclass(frozen=True, slots=True)
class MadeSite:
    """What a run did to the folder, and the commit whose ledger it shows now."""

    written: SiteWritten
    commit: str


def site(
    history: History,
    folder: SiteFolder,
    render: Callable[[SiteFacts], Iterable[SiteFile]],
    *,
    now: Timestamp,
    title: str,
    url: str = "",
    ledger_page: str = "",
    drift: DriftFacts | None = None,
    running: Sequence[RunningFacts] = (),
    note: Callable[[str], None],
) -> MadeSite:
    """Write the site of the last commit's ledger to a folder; `note` is told what is not shown, or not as it may be.

    The clock's time `now` changes nothing of what is written. Raises UsageError for a shallow clone and for a folder
    that holds something else, and what reading the ledger and writing the folder raise.
    """
    folder.check()
    head = history.head()
    snapshot = history.snapshot(head)
    if history.current_files() != history.files(head):
        note(f"note: the files here differ from commit {head[:12]}, and the site shows the commit")
    made_at = history.times([head])[0]
    if is_far_ahead(made_at, now):
        what = f"commit {head[:12]} is dated {made_at}, and it is {now} now"
        note(f"warning: {what}: what expires by then is shown as expired")
    steps = history.steps("", head, line=False)
    log = list(entries(history, "", head, note, steps=steps))
    touches = {step.commit.id: step.touched[LEDGER] for step in steps if LEDGER in step.touched}
    past = PastLedgers(touches, history.contents, len(history.files(head)[0]))
    facts = site_facts(
        snapshot, log, past=past, made_at=made_at, title=title, url=url, ledger_page=ledger_page, drift=drift,
        running=running, origin=history.roots("", head)[-1],
    )  # fmt: skip
    return MadeSite(folder.write(render(facts)), head)
