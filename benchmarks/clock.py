"""Time processes, contenders in turn, so that other load on the machine affects them all alike."""

from __future__ import annotations

import gc
import resource
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.contenders import Words
from benchmarks.world import World


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that ended: how long it took, its exit code, its stderr, and the processor time of all its processes.

    Other load on the machine hardly affects the processor time.
    """

    seconds: float
    code: int
    stderr: str
    processor: float


def run(world: World, words: Words) -> Finished:
    """Run a command to its end."""
    began, before = time.perf_counter(), processor()
    done = subprocess.run(words, env=world.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    seconds, used = time.perf_counter() - began, processor() - before
    return Finished(seconds, done.returncode, done.stderr.decode("utf-8", "replace"), used)


def processor() -> float:
    """Return the processor seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def succeeded(world: World, words: Words) -> Finished:
    """Run a command that has to succeed: a failed one would look fast."""
    done = run(world, words)
    if done.code:
        raise SystemExit(f"error: `{' '.join(words)}` failed with exit code {done.code}\n{done.stderr}")
    return done


def seconds(world: World, words: Words) -> float:
    """Return how long a command took, which has to succeed."""
    return succeeded(world, words).seconds


def in_turn(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run all contenders once per round (A B C, A B C, ...) and return the seconds of each, round by round.

    An additional first round warms the disk cache and does not count.
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for round_number in range(rounds + 1):
        for name, contender in contenders.items():
            elapsed = contender()
            if round_number:
                times[name].append(elapsed)
    return times


def best_of(function: Callable[[], object], count: int) -> float:
    """Return the shortest time of several calls in this process."""
    times = []
    for _ in range(count):
        gc.collect()
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return min(times)
