"""`python -m benchmarks`: measure, print, and exit 0 whatever the figures are."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import (
    codecs,
    histories,
    manifests,
    memory,
    merges,
    races,
    registries,
    reviews,
    running,
    sites,
    starts,
    writes,
)  # fmt: skip
from benchmarks.report import Section, as_json, lines
from benchmarks.world import World, ledger_program, require, world

Benchmark = Callable[[World, bool], Iterator[Section]]


def _start(world: World, quick: bool) -> Iterator[Section]:
    yield starts.version(world, 7 if quick else 21)


def _get(world: World, quick: bool) -> Iterator[Section]:
    yield starts.get(world, 10_000, 5 if quick else 15)


def _publish(world: World, quick: bool) -> Iterator[Section]:
    for records in writes.SIZES[:2] if quick else writes.SIZES:
        rounds = 4 if quick else 7 if records == writes.SIZES[-1] else 11
        yield writes.measure(world, records, rounds)


def _race(world: World, quick: bool) -> Iterator[Section]:
    if quick:
        yield races.alone(world, 10_000, 8, 1)
        return
    yield races.against_scripts(world, 10_000, 16, 2)
    yield races.alone(world, 10_000, 64, 1)


def _memory(world: World, quick: bool) -> Iterator[Section]:
    yield memory.measure(world, 10_000 if quick else 100_000, 1 if quick else 3)


def _reconcile(world: World, quick: bool) -> Iterator[Section]:
    require("skopeo", "docker-registry")
    yield registries.rates(world, 500 if quick else 2000, 1 if quick else 5)
    yield registries.platforms(world, 175 if quick else 700, 1 if quick else 5)
    if not quick:
        yield registries.thrift(world, 10_000)


def _history(world: World, quick: bool) -> Iterator[Section]:
    yield histories.measure(world, 1000, 1000 if quick else 10_000, 3 if quick else 5)


def _manifests(world: World, quick: bool) -> Iterator[Section]:
    yield manifests.measure(world, 500 if quick else 5000, 1 if quick else 3)


def _running(world: World, quick: bool) -> Iterator[Section]:
    yield running.measure(world, 500 if quick else 5000, 1 if quick else 5)


def _site(world: World, quick: bool) -> Iterator[Section]:
    yield sites.measure(world, 1000 if quick else 10_000, 1000 if quick else 10_000, 1 if quick else 3)


def _codec(_world: World, quick: bool) -> Iterator[Section]:
    for records in writes.SIZES[:2] if quick else writes.SIZES:
        yield codecs.measure(records, 5 if quick else 9)


def _review(world: World, quick: bool) -> Iterator[Section]:
    for records in list(reviews.SECONDS)[:1] if quick else reviews.SECONDS:
        yield reviews.measure(world, records, 5 if records == 10_000 else 3)


def _merge(world: World, quick: bool) -> Iterator[Section]:
    for records in writes.SIZES[:2] if quick else writes.SIZES:
        yield merges.measure(world, records, 3 if quick else 7)


BENCHMARKS: dict[str, Benchmark] = {
    "start": _start,
    "get": _get,
    "codec": _codec,
    "publish": _publish,
    "review": _review,
    "merge": _merge,
    "memory": _memory,
    "race": _race,
    "reconcile": _reconcile,
    "history": _history,
    "manifests": _manifests,
    "running": _running,
    "site": _site,
}


def main() -> None:
    """Run the requested benchmarks, printing each result as soon as it is available."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds, no race of scripts")
    parser.add_argument("--only", action="append", choices=list(BENCHMARKS), help="only this one; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every round to FILE")
    options = parser.parse_args()
    require("git", "jq", "bash")
    ledger_program()
    sections: list[Section] = []
    with world() as made_world:
        for name in options.only or BENCHMARKS:
            for section in BENCHMARKS[name](made_world, options.quick):
                sections.append(section)
                print("\n".join(lines(section)), flush=True)
    if options.json:
        options.json.write_text(json.dumps(as_json(sections), indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
