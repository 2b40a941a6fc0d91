"""Reading and writing `ledger.json` in memory, compared with the plain JSON parser, which validates nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

from benchmarks import clock, data
from benchmarks.report import Beside, Row
from benchmarks.world import SIZES, World
from ledger_tool.core.ledger import codec


def codecs(_world: World, quick: bool) -> Iterator[Row]:
    """Measure `codec.loads` and `codec.dumps` at each size."""
    for records in SIZES[:2] if quick else SIZES:
        raw = data.ledger(records)
        ledger = codec.loads(raw)
        if codec.dumps(ledger) != raw:
            raise SystemExit("error: the codec did not reproduce the bytes that it read")
        times = clock.in_turn(
            {
                "json.loads": lambda raw=raw: clock.best_of(lambda: json.loads(raw), 1),  # type: ignore[misc]
                "loads": lambda raw=raw: clock.best_of(lambda: codec.loads(raw), 1),  # type: ignore[misc]
                "dumps": lambda ledger=ledger: clock.best_of(lambda: codec.dumps(ledger), 1),  # type: ignore[misc]
            },
            5 if quick else 9,
        )
        limit = Beside("json.loads", times["json.loads"])
        yield Row(f"reading ledger.json, {records:,} records", times["loads"], limit=limit)
        yield Row(f"writing ledger.json, {records:,} records", times["dumps"], limit=limit)
