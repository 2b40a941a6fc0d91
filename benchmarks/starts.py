"""The cost of a command before it does anything, and of the lookup that runs all day."""

from __future__ import annotations

import sys

from benchmarks import clock, data
from benchmarks.report import Section
from benchmarks.world import World, ledger_program


def version(world: World, rounds: int) -> Section:
    """Measure `ledger --version`, compared with importing the library of its command line."""
    section = Section("start")
    section.add(
        clock.in_turn(
            {
                "import typer": lambda: clock.seconds(world, [sys.executable, "-c", "import typer"]),
                "ledger --version": lambda: clock.seconds(world, [ledger_program(), "--version"]),
            },
            rounds,
        )
    )
    section.ratio("ledger --version", "import typer", at_most=1.3)
    return section


def get(world: World, records: int, rounds: int) -> Section:
    """Measure `ledger get` in a checkout, compared with `jq` on the same file."""
    image, tag, _ = data.known(records)
    chosen = ".records[] | select(.image == $image and .tag == $tag)"
    section = Section("get", records)
    with world.checkout(records) as folder:
        jq = ["jq", "--arg", "image", image, "--arg", "tag", tag, chosen, str(folder / "ledger.json")]
        get = [ledger_program(), "get", f"{image}:{tag}", "--repo", str(folder)]
        section.add(
            clock.in_turn(
                {"jq": lambda: clock.seconds(world, jq), "ledger get": lambda: clock.seconds(world, get)}, rounds
            )
        )
    section.ratio("ledger get", "jq", at_most=3.0)
    return section
