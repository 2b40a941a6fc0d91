"""One publish: the floor, the script, the program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks import clock, contenders, data
from benchmarks.report import Section
from benchmarks.world import World

SIZES = (1_000, 10_000, 100_000)


def measure(world: World, records: int, rounds: int) -> Section:
    """Measure one publish to a ledger with this many records, each to a fresh copy of one remote."""
    publication = data.publications(records, 1)[0]
    prepared = world.path("prepared.json")
    prepared.write_bytes(data.ledger_with(records, publication))

    def on_a_fresh_remote(words: Callable[[Path], contenders.Words]) -> Callable[[], float]:
        def contender() -> float:
            with world.remote(records) as remote:
                return clock.seconds(world, words(remote))

        return contender

    section = Section("publish", records)
    section.add(
        clock.in_turn(
            {
                "floor": on_a_fresh_remote(lambda remote: contenders.floor(remote, prepared)),
                "script": on_a_fresh_remote(lambda remote: contenders.script(remote, publication)),
                "ledger publish": on_a_fresh_remote(lambda remote: contenders.publish(remote, publication)),
            },
            rounds,
        )
    )
    if records >= 10_000:
        section.ratio("ledger publish", "floor", at_most=1.5)
        section.ratio("ledger publish", "script", at_most=1.0)
    else:
        section.ratio("ledger publish", "floor")
        section.difference("ledger publish", "script", at_most=0.3)
    return section
