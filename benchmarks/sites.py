"""The cost of a site: the first run, a second one that has nothing to write, its memory, and what a reader loads."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from benchmarks import clock, histories, memory
from benchmarks.report import Section
from benchmarks.world import World, ledger_program
from tests.support.browser.browser import open_browser

# Of 10,000 records with 10,000 commits, on two processors.
_SECONDS, _MEGABYTES, _START_KB, _RESULT_SECONDS = 15.0, 300.0, 150.0, 1.0


def measure(world: World, records: int, commits: int, rounds: int) -> Section:
    """Measure the site of a ledger of this many records and commits."""
    repository, *_ = histories.made(world, records, commits, stand_ins=True)
    section = Section(f"site, {commits:,} commits", records)
    folders: list[Path] = []

    def arguments(folder: Path) -> list[str]:
        return ["site", str(folder), "--repo", str(repository)]

    def first() -> float:
        folders.append(world.path("site"))
        return clock.seconds(world, [ledger_program(), *arguments(folders[-1])])

    def second() -> float:
        return clock.seconds(world, [ledger_program(), *arguments(folders[-1])])

    section.add(clock.in_turn({"ledger site": first, "ledger site, again": second}, rounds))
    section.value("ledger site", section.median("ledger site"), "s", at_most=_SECONDS)
    own, children = memory.peaks(world, arguments(world.path("site")))
    section.value("the process itself", own, "MB", at_most=_MEGABYTES)
    section.value("its largest git process", children, "MB")
    site = folders[-1]
    files = [path.stat().st_size for path in site.rglob("*") if path.is_file()]
    section.value("start page", (site / "index.html").stat().st_size / 1000, "KB", at_most=_START_KB)
    section.value("all files", sum(files) / 1e6, "MB")
    section.value("files", len(files), "of them")
    last = json.loads((site / "v1/ledger.json").read_bytes())["images"][-1]["image"]
    with open_browser(world.path("browser")) as browser:
        searching = partial(browser.seconds_to_first_result, f"{site.as_uri()}/index.html#q={last}")
        section.add(clock.in_turn({"first search result": searching}, rounds))
    section.value("first search result", section.median("first search result"), "s", at_most=_RESULT_SECONDS)
    return section
