"""The merge driver, as git runs it, compared with `git merge-file` on the same files, which merges by line."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import clock, data
from benchmarks.report import Section
from benchmarks.world import World

_DRIVER = (sys.executable, "-P", "-m", "ledger_tool", "merge-driver")
_LINES = ("git", "merge-file", "-q")


def measure(world: World, records: int, rounds: int) -> Section:
    """Measure a merge at one size: each side adds a record, far enough apart to merge by line, too."""
    ours, theirs = _two_sides(records)
    files = {"base": data.ledger(records), "ours": ours, "theirs": theirs}
    folder = world.path("merge")
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    section = Section("merge of ledger.json", records)
    section.add(
        clock.in_turn(
            {
                "git merge-file": _timed(world, folder, _LINES, ("ours", "base", "theirs")),
                "ledger merge-driver": _timed(world, folder, _DRIVER, ("base", "ours", "theirs")),
            },
            rounds,
        )
    )
    section.ratio("ledger merge-driver", "git merge-file")
    section.value("ledger merge-driver", max(section.timings[1].seconds), "s", at_most=5)
    return section


def _two_sides(records: int) -> tuple[bytes, bytes]:
    first, *_, last = data.publications(records, 8)
    return data.ledger_with(records, first), data.ledger_with(records, last)


def _timed(world: World, folder: Path, words: tuple[str, ...], order: tuple[str, ...]) -> Callable[[], float]:
    """Return a function that runs one merge, into a fresh copy each time."""
    merged = folder / "merged"
    paths = [str(merged if name == "ours" else folder / name) for name in order]

    def run() -> float:
        shutil.copyfile(folder / "ours", merged)
        elapsed = clock.seconds(world, [*words, *paths])
        if merged.stat().st_size <= (folder / "ours").stat().st_size:
            raise SystemExit(f"error: `{words[0]}` left out what their side added")
        return elapsed

    return run
