"""Reading and writing `ledger.json` in memory, compared with the plain JSON parser, which validates nothing."""

from __future__ import annotations

import json

from benchmarks import clock, data
from benchmarks.report import Section
from ledger_tool.core.ledger import codec


def measure(records: int, rounds: int) -> Section:
    """Measure `codec.loads` and `codec.dumps` at one size."""
    raw = data.ledger(records)
    ledger = codec.loads(raw)
    if codec.dumps(ledger) != raw:
        raise SystemExit("error: the codec did not reproduce the bytes that it read")
    section = Section("codec, in memory", records)
    section.add(
        clock.in_turn(
            {
                "json.loads": lambda: clock.best_of(lambda: json.loads(raw), 1),
                "codec.loads": lambda: clock.best_of(lambda: codec.loads(raw), 1),
                "codec.dumps": lambda: clock.best_of(lambda: codec.dumps(ledger), 1),
            },
            rounds,
        )
    )
    section.ratio("codec.loads", "json.loads")
    section.ratio("codec.dumps", "json.loads")
    return section
