"""The cost of a command before it does anything, and of the lookup that runs all day."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks import clock, data
from benchmarks.report import Beside, Row
from benchmarks.world import World, ledger_program

_RECORDS = 10_000


def version(world: World, quick: bool) -> Iterator[Row]:
    """Measure `ledger --version`, compared with importing the library of its command line."""
    times = clock.in_turn(
        {
            "import typer": lambda: clock.seconds(world, [sys.executable, "-c", "import typer"]),
            "ledger": lambda: clock.seconds(world, [ledger_program(), "--version"]),
        },
        7 if quick else 21,
    )
    yield Row(
        "--version", times["ledger"], limit=Beside("import typer", times["import typer"]), target="<= 1.3 x"
    )  # fmt: skip


def get(world: World, quick: bool) -> Iterator[Row]:
    """Measure `ledger get` in a checkout, compared with `jq` on the same file."""
    image, tag, _ = data.known(_RECORDS)
    chosen = ".records[] | select(.image == $image and .tag == $tag)"
    with world.checkout(_RECORDS) as folder:
        jq = ["jq", "--arg", "image", image, "--arg", "tag", tag, chosen, str(folder / "ledger.json")]
        get = [ledger_program(), "get", f"{image}:{tag}", "--repo", str(folder)]
        contenders = {"jq": lambda: clock.seconds(world, jq), "ledger": lambda: clock.seconds(world, get)}
        times = clock.in_turn(contenders, 5 if quick else 15)
    yield Row(f"get, {_RECORDS:,} records", times["ledger"], peer=Beside("jq", times["jq"]), target="<= 1.3 x")
