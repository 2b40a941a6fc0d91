"""Run processes against the clock, contenders in turn, so that what else the machine does hits them all alike."""

from __future__ import annotations

import gc
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.contenders import Words
from benchmarks.world import World


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that ended: how long it took, its exit code, and what it said on stderr."""

    seconds: float
    code: int
    words: str


def run(world: World, words: Words) -> Finished:
    """Run a command to its end."""
    began = time.perf_counter()
    done = subprocess.run(words, env=world.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    return Finished(time.perf_counter() - began, done.returncode, done.stderr.decode("utf-8", "replace"))


def seconds(world: World, words: Words) -> float:
    """Return how long a command took that has to succeed: a failed one would look fast."""
    done = run(world, words)
    if done.code:
        raise SystemExit(f"error: `{' '.join(words)}` failed with exit code {done.code}\n{done.words}")
    return done.seconds


def in_turn(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run all contenders once a round (A B C, A B C, ...) and return the seconds of each, round by round.

    One round more comes first, which warms the disk's cache and does not count.
    """
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for at in range(rounds + 1):
        for name, contender in contenders.items():
            took = contender()
            if at:
                found[name].append(took)
    return found


def best_of(function: Callable[[], object], times: int) -> float:
    """Return the least time of several calls in this process."""
    taken = []
    for _ in range(times):
        gc.collect()
        began = time.perf_counter()
        function()
        taken.append(time.perf_counter() - began)
    return min(taken)
