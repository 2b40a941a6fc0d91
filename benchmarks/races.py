"""Many publishers at once on one remote: how long until all are done, and whether every record has landed."""

from __future__ import annotations

import json
import re
import resource
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import contenders, data
from benchmarks.data import Publication
from benchmarks.report import Section
from benchmarks.world import World

Contender = Callable[[Path, Publication], contenders.Words]


@dataclass(frozen=True, slots=True)
class Race:
    """How a race ended: seconds from the first start to the last end, and what is on the remote.

    `processor` is the processor time of all processes in seconds, including the remote's; other load hardly affects it.
    """

    seconds: float
    processor: float
    started: int
    succeeded: int
    landed: int
    lost_pushes: int
    is_linear: bool

    @property
    def is_whole(self) -> bool:
        """Whether every publisher succeeded and every record has landed, on one straight line of commits."""
        return self.succeeded == self.landed == self.started and self.is_linear


def race(world: World, records: int, count: int, contender: Contender) -> Race:
    """Start this many publishers at once, each with an image of its own, and wait for the last."""
    publications = data.publications(records, count)
    with world.remote(records) as remote:
        commits_before = int(world.git(remote, "rev-list", "--count", "refs/heads/main"))
        logs = [world.path("log") for _ in publications]
        began, processor_before = time.perf_counter(), _processor()
        codes = _at_once(world, [contender(remote, publication) for publication in publications], logs)
        seconds, processor = time.perf_counter() - began, _processor() - processor_before
        history = [line.split() for line in world.git(remote, "rev-list", "--parents", "refs/heads/main").splitlines()]
        ledger = json.loads(world.git(remote, "cat-file", "blob", "refs/heads/main:ledger.json"))["records"]
    landed = {(record["image"], record["tag"], record["digest"]) for record in ledger}
    lost = sum(len(re.findall(r"^attempt \d+ did not land", log.read_text(), re.MULTILINE)) for log in logs)
    return Race(
        seconds=seconds,
        processor=processor,
        started=count,
        succeeded=codes.count(0),
        landed=sum((one.image, one.tag, one.digest) in landed for one in publications),
        lost_pushes=lost,
        is_linear=all(len(line) <= 2 for line in history)
        and len(history) == commits_before + count
        and len(ledger) == records + count,
    )


def _processor() -> float:
    """Return the processor seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _at_once(world: World, commands: list[contenders.Words], logs: list[Path]) -> list[int]:
    """Start all commands, wait for each, and return their exit codes."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        for words, log in zip(commands, logs, strict=True):
            with open(log, "wb") as file:
                running.append(subprocess.Popen(words, env=world.environment, stdout=subprocess.DEVNULL, stderr=file))
        return [process.wait() for process in running]
    finally:
        for process in running:
            process.kill()  # if the race was interrupted


def against_scripts(world: World, records: int, count: int, rounds: int) -> Section:
    """Run races of publishers and races of scripts, with a pause between attempts and without (restless)."""
    entrants: dict[str, Contender] = {
        "scripts": contenders.script,
        "restless scripts": contenders.restless_script,
        "ledger publish": contenders.publish,
    }
    section = Section(f"race of {count}", records)
    races: dict[str, list[Race]] = {name: [] for name in entrants}
    for _ in range(rounds):
        for name, contender in entrants.items():
            races[name].append(race(world, records, count, contender))
    section.add({name: [one.seconds for one in of_one] for name, of_one in races.items()})
    section.ratio("scripts", "ledger publish", at_least=5.0)
    section.ratio("restless scripts", "ledger publish")
    for name in races:
        _report(section, name, races[name], is_target=name == "ledger publish")
    return section


def alone(world: World, records: int, count: int, rounds: int) -> Section:
    """Run races of publishers alone."""
    section = Section(f"race of {count}", records)
    races = [race(world, records, count, contenders.publish) for _ in range(rounds)]
    section.add({"ledger publish": [one.seconds for one in races]})
    _report(section, "ledger publish", races, is_target=True)
    return section


def _report(section: Section, name: str, races: list[Race], *, is_target: bool) -> None:
    started = sum(one.started for one in races)
    section.count(f"{name}: landed", sum(one.landed for one in races), started, is_target=is_target)
    section.count(f"{name}: whole and linear", sum(one.is_whole for one in races), len(races), is_target=is_target)
    section.value(f"{name}: pushes lost", sum(one.lost_pushes for one in races) / started, "/record")
    section.value(f"{name}: computed", statistics.median(one.processor for one in races), "s")
