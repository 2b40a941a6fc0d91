"""Many publishers at once on one remote: how long until all are done, and whether every record has landed."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import clock, contenders, data
from benchmarks.data import Publication
from benchmarks.report import Beside, Row
from benchmarks.world import World

Contender = Callable[[Path, Publication], contenders.Words]
_TARGETS = {"": "<= 6 s", ": pushes lost by each": "<= 1.5"}  # of 16


@dataclass(frozen=True, slots=True)
class Race:
    """How a race ended: seconds from the first start to the last end, and the pushes lost per publisher.

    `processor` is the processor time of all processes in seconds, including the remote's; other load hardly affects it.
    """

    seconds: float
    processor: float
    lost_pushes: float


def race(world: World, records: int, count: int, contender: Contender, *, apart: bool) -> Race:
    """Start this many publishers at once, each with an image of its own, and wait for the last.

    They are on one machine, or `apart`: each on a machine of its own, as far as it can tell by its folder for temporary
    files. A race that is not whole is an error: every publisher has to succeed, and its record to land, on one straight
    line of commits.
    """
    publications = data.publications(records, count)
    with world.remote(records) as remote:
        commits_before = int(world.git(remote, "rev-list", "--count", "refs/heads/main"))
        logs = [world.path("log") for _ in publications]
        began, before = time.perf_counter(), clock.processor()
        codes = _at_once(world, [contender(remote, publication) for publication in publications], logs, apart=apart)
        seconds, processor = time.perf_counter() - began, clock.processor() - before
        history = [line.split() for line in world.git(remote, "rev-list", "--parents", "refs/heads/main").splitlines()]
        ledger = json.loads(world.git(remote, "cat-file", "blob", "refs/heads/main:ledger.json"))["records"]
    landed = {(record["image"], record["tag"], record["digest"]) for record in ledger}
    is_whole = (
        not any(codes)
        and all((one.image, one.tag, one.digest) in landed for one in publications)
        and all(len(line) <= 2 for line in history)
        and len(history) == commits_before + count
        and len(ledger) == records + count
    )
    if not is_whole:
        raise SystemExit(f"error: of {count} at once, not every one landed, or something else did: {codes}")
    lost = sum(len(re.findall(r"^attempt \d+ did not land", log.read_text(), re.MULTILINE)) for log in logs)
    return Race(seconds, processor, lost / count)


def _at_once(world: World, commands: list[contenders.Words], logs: list[Path], *, apart: bool) -> list[int]:
    """Start all commands, wait for each, and return their exit codes."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        for words, log in zip(commands, logs, strict=True):
            environment = world.environment
            if apart:
                environment = environment | {"TMPDIR": str(world.path("tmp"))}
                Path(environment["TMPDIR"]).mkdir()
            with open(log, "wb") as file:
                running.append(subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=file))
        return [process.wait() for process in running]
    finally:
        for process in running:
            process.kill()  # if the race was interrupted


def races(world: World, quick: bool) -> Iterator[Row]:
    """Run races of publishers, of publishers on machines of their own, and of scripts."""
    records, count, rounds = 10_000, 8 if quick else 16, 1 if quick else 2
    ran: dict[str, list[Race]] = {"scripts": [], "one machine": [], "apart": []}
    for _ in range(rounds):
        if not quick:
            ran["scripts"].append(race(world, records, count, contenders.script, apart=True))
        ran["apart"].append(race(world, records, count, contenders.publish, apart=True))
        ran["one machine"].append(race(world, records, count, contenders.publish, apart=False))
    yield from _rows(f"{count} publishers, {records:,} records", ran["apart"], ran["scripts"], _TARGETS)
    yield from _rows(f"{count} publishers on one machine", ran["one machine"], (), {})
    if not quick:
        many = [race(world, records, 64, contenders.publish, apart=False)]
        yield from _rows("64 publishers on one machine", many, (), {})


def _rows(work: str, ours: Sequence[Race], scripts: Sequence[Race], targets: Mapping[str, str]) -> Iterator[Row]:
    for what, unit, rounds, others in (
        ("", "s", [one.seconds for one in ours], [one.seconds for one in scripts]),
        (": pushes lost by each", "", [one.lost_pushes for one in ours], [one.lost_pushes for one in scripts]),
        (": computed", "s", [one.processor for one in ours], [one.processor for one in scripts]),
    ):
        peer = Beside("scripts", others) if any(others) else None
        yield Row(f"{work}{what}", rounds, unit, peer=peer, target=targets.get(what, ""))
