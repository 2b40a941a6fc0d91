"""`python -m benchmarks`: measure, print one table, write it as JSON, and exit 0 whatever the figures are."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import (
    bulk,
    codecs,
    histories,
    manifests,
    memory,
    merges,
    races,
    registries,
    results,
    reviews,
    running,
    secure,
    sites,
    starts,
    writes,
    years,
)  # fmt: skip
from benchmarks.report import Row, header, line
from benchmarks.world import HERE, World, ledger_program, require, world

BENCHMARKS: dict[str, Callable[[World, bool], Iterator[Row]]] = {
    "start": starts.version,
    "get": starts.get,
    "codec": codecs.codecs,
    "publish": writes.publish,
    "ssh": secure.publish,
    "review": reviews.review,
    "bulk": bulk.bulk,
    "merge": merges.merge,
    "memory": memory.memory,
    "race": races.races,
    "reconcile": registries.reconcile,
    "history": histories.history,
    "manifests": manifests.pin,
    "running": running.running,
    "site": sites.site,
    "year": years.year,
}
BY_REQUEST = {"year"}  # too long for a run of all


def main() -> None:
    """Run the requested benchmarks, printing each row as soon as it is available."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds, no race of scripts")
    parser.add_argument("--only", action="append", choices=list(BENCHMARKS), help="only this one; may be repeated")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", default=HERE.parent / "build/benchmarks.json",
        help="where to write every round; build/benchmarks.json if not given",
    )  # fmt: skip
    parser.add_argument("--keep", action="store_true", help="keep the figures, and update the docs that show them")
    options = parser.parse_args()
    if options.keep and options.quick:
        parser.error("--keep is for figures that count: leave out --quick")
    require("git", "jq", "bash")
    ledger_program()
    rows: dict[str, list[Row]] = {}
    print(header(), flush=True)
    with world() as made_world:
        for name in options.only or [name for name in BENCHMARKS if name not in BY_REQUEST]:
            rows[name] = []
            for row in BENCHMARKS[name](made_world, options.quick):
                rows[name].append(row)
                print(line(row), flush=True)
    results.write(options.json, rows)
    if options.keep:
        results.keep(rows)


if __name__ == "__main__":
    main()
