"""A year of a busy team: what grows with the history of a ledger whose size stays, and what does not.

Publishes move records of one ledger, a hundred a day. At points on the way the repository is packed as a host does it,
and measured: its size, what a publish fetches, and how long it takes. What reads the whole history is measured at the
first point and at the last one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from benchmarks import clock, contenders, data
from benchmarks.histories import versions, written
from benchmarks.report import Beside, Row
from benchmarks.world import World, ledger_program, url

# Geometric repacking and a split commit-graph are what GitHub's and GitLab's servers do.
_UPKEEP = (("repack", "--geometric=2", "-d", "-q"), ("commit-graph", "write", "--reachable", "--split"))
_GROWING = {"repository": "MB", "fetched by a publish": "MB", "publish": "s"}


def year(world: World, quick: bool) -> Iterator[Row]:
    """Measure a year, or with `quick` some days of a smaller team."""
    if quick:
        yield from measured(world, records=500, publishes=1000, points=4, rounds=1)
    else:
        yield from measured(world, records=5000, publishes=36_500, points=20, rounds=5)


def measured(world: World, *, records: int, publishes: int, points: int, rounds: int) -> Iterator[Row]:
    """Measure a history with this many publishes on this many records, at `points` on the way."""
    bare = world.path("year.git")
    world.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", bare])
    history = versions(records, publishes + 2)  # the first two make the ledger
    done = 0
    seen: dict[int, Mapping[str, Sequence[float]]] = {}
    readers: list[Mapping[str, float]] = []
    for point in range(1, points + 1):
        upto = publishes * point // points + 2
        for _ in written(world, bare, islice(history, upto - done)):
            done += 1
        for words in _UPKEEP:
            world.git(bare, *words)
        seen[upto - 2] = _at_a_point(world, bare, records, rounds)
        if point in (1, points):
            readers.append(_readers(world, bare))
    first, last = (seen[number] for number in (min(seen), max(seen)))
    work = f"{publishes:,} publishes"
    for name, unit in _GROWING.items():
        grown = {number: sorted(each[name])[len(each[name]) // 2] for number, each in seen.items()}
        begin = Beside(f"first {min(seen):,}", first[name])
        target = "" if name == "repository" else "<= 1.3 x"
        yield Row(f"{work}: {name}", last[name], unit, peer=begin, target=target, points=grown)
    for name, seconds in readers[-1].items():
        begin = Beside(f"first {min(seen):,}", [readers[0][name]])
        yield Row(f"{work}: {name} computed", [seconds], peer=begin, target=f"<= {points} x")


def _at_a_point(world: World, bare: Path, records: int, rounds: int) -> Mapping[str, Sequence[float]]:
    """Return the MB of a repository, those that a clone of its tip is sent, and the seconds of publishes to it."""
    size = sum(path.stat().st_size for path in bare.rglob("*") if path.is_file()) / 1e6
    clone = world.path("clone.git")
    world.run(["git", "clone", "--quiet", "--bare", "--depth=1", url(bare), clone])
    fetched = sum(path.stat().st_size for path in clone.glob("objects/pack/*.pack")) / 1e6
    shutil.rmtree(clone)
    return {
        "repository": [size],
        "fetched by a publish": [fetched],
        "publish": _publishes(world, bare, records, rounds),
    }


def _publishes(world: World, bare: Path, records: int, rounds: int) -> list[float]:
    """Return the seconds of publishes, each to a copy of the repository that shares its files, which never change."""
    seconds = []
    for publication in data.publications(records, rounds):
        copy = world.path("copy.git")
        shutil.copytree(bare, copy, copy_function=os.link)
        seconds.append(clock.seconds(world, contenders.publish(copy, publication)))
        shutil.rmtree(copy)
    return seconds


def _readers(world: World, bare: Path) -> Mapping[str, float]:
    """Return the processor seconds of the commands that read the whole history, in a full clone.

    They take long, so that other load on the machine is not the same for all of them.
    """
    checkout = world.path("checkout")
    world.run(["git", "clone", "--quiet", bare, checkout])
    commands = {"log": ["log"], "site": ["site", str(world.path("site"))], "audit": ["audit"]}
    return {
        name: clock.succeeded(world, [ledger_program(), *words, "--repo", str(checkout)]).processor
        for name, words in commands.items()
    }
