"""The peak memory of one publish: of the program itself, and of the git processes that it starts."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import contenders, data
from benchmarks.report import Beside, Row
from benchmarks.world import HERE, World

_PERIOD = 0.005  # seconds between two samples of the children; their own high-water marks bridge the gaps
# On Linux a process starts with its parent's peak; that of the shell in between is negligible.
_THROUGH_A_SHELL = ("sh", "-c", '"$@"; exit $?', "sh")


def memory(world: World, quick: bool) -> Iterator[Row]:
    """Measure the peaks of a publish, beside the largest of its git processes."""
    records = 10_000 if quick else 100_000
    publication = data.publications(records, 1)[0]
    measured = []
    for _ in range(1 if quick else 3):
        with world.remote(records) as remote:
            measured.append(peaks(world, contenders.publish_arguments(remote, publication)))
    own, git = ([one[number] for one in measured] for number in (0, 1))
    yield Row(f"publish, {records:,} records: memory", own, "MB", limit=Beside("git", git), target="<= 500 MB")


def peaks(world: World, arguments: list[str]) -> tuple[float, float]:
    """Return the peaks in MB of one run of the program and of the largest of its git processes."""
    answer = world.path("peak")
    words = [*_THROUGH_A_SHELL, sys.executable, "-m", "benchmarks.peak", str(answer), *arguments]
    process = subprocess.Popen(
        words, env=world.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=HERE.parent
    )
    largest = 0
    while process.poll() is None:
        largest = max([largest, *(_high_water(pid) for pid in _descendants(process.pid))])
        time.sleep(_PERIOD)
    if process.returncode:
        stderr = process.stderr.read().decode() if process.stderr else ""
        raise SystemExit(f"error: `ledger {arguments[0]}` failed with exit code {process.returncode}\n{stderr}")
    return int(answer.read_text()) / 1024, largest / 1024


def _descendants(pid: int) -> list[int]:
    """Return every process below a process that is still running."""
    descendants: list[int] = []
    pending = [pid]
    while pending:
        parent = pending.pop()
        try:
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        except OSError:  # it has ended
            continue
        pending += map(int, children)
        descendants += map(int, children)
    return descendants


def _high_water(pid: int) -> int:
    """Return the peak in KiB of a git process, 0 for any other: one that is forked but not yet git has its parent's."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    facts = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    is_git = facts.get("Name", "").strip().startswith("git")
    return int(facts.get("VmHWM", "0 kB").split()[0]) if is_git else 0
