"""The cost of a site: the first run, a second one that has nothing to write, its memory, and what a reader loads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks import clock, histories, memory
from benchmarks.report import Beside, Row
from benchmarks.world import World, ledger_program
from tests.support.browser.browser import open_browser


def site(world: World, quick: bool) -> Iterator[Row]:
    """Measure the site of a ledger of as many records as commits."""
    records = 1000 if quick else 10_000
    repository, *_ = histories.made(world, records, records, stand_ins=True)
    work = f"site, {records:,} records and commits"
    folders: list[Path] = []

    def arguments(folder: Path) -> list[str]:
        return ["site", str(folder), "--repo", str(repository)]

    def first() -> float:
        folders.append(world.path("site"))
        return clock.seconds(world, [ledger_program(), *arguments(folders[-1])])

    def second() -> float:
        return clock.seconds(world, [ledger_program(), *arguments(folders[-1])])

    times = clock.in_turn({"first": first, "again": second}, 1 if quick else 3)
    yield Row(work, times["first"], target="<= 15 s")
    yield Row(f"{work}: nothing new", times["again"])
    own, git = memory.peaks(world, arguments(world.path("site")))
    yield Row(f"{work}: memory", [own], "MB", limit=Beside("git", [git]), target="<= 300 MB")
    built = folders[-1]
    yield Row(f"{work}: start page", [(built / "index.html").stat().st_size / 1e3], "KB", target="<= 150 KB")
    sizes = [path.stat().st_size / 1e6 for path in built.rglob("*") if path.is_file()]
    yield Row(f"{work}: {len(sizes):,} files", [sum(sizes)], "MB")
    last = json.loads((built / "v1/ledger.json").read_bytes())["images"][-1]["image"]
    with open_browser(world.path("browser")) as browser:
        searching = partial(browser.seconds_to_first_result, f"{built.as_uri()}/index.html#q={last}")
        searched = clock.in_turn({"search": searching}, 1 if quick else 3)
    yield Row(f"{work}: first search result", searched["search"], target="<= 1 s")
