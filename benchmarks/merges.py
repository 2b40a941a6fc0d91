"""The merge driver, as git runs it, compared with `git merge-file` on the same files, which merges by line."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import clock, data
from benchmarks.report import Beside, Row
from benchmarks.world import SIZES, World

_DRIVER = (sys.executable, "-P", "-m", "ledger_tool", "merge-driver")
_LINES = ("git", "merge-file", "-q")


def merge(world: World, quick: bool) -> Iterator[Row]:
    """Measure a merge at each size: each side adds a record, far enough apart to merge by line, too."""
    for records in SIZES[:2] if quick else SIZES:
        ours, theirs = _two_sides(records)
        files = {"base": data.ledger(records), "ours": ours, "theirs": theirs}
        folder = world.path("merge")
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        times = clock.in_turn(
            {
                "git merge-file": _timed(world, folder, _LINES, ("ours", "base", "theirs")),
                "ledger": _timed(world, folder, _DRIVER, ("base", "ours", "theirs")),
            },
            3 if quick else 7,
        )
        peer = Beside("git merge-file", times["git merge-file"])
        yield Row(f"merge-driver, {records:,} records", times["ledger"], peer=peer, target="<= 5 s")


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
