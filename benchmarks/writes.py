"""One publish: the plumbing that it cannot do without, the script, the program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import clock, contenders, data
from benchmarks.report import Beside, Row
from benchmarks.world import SIZES, World

_TARGETS = dict(zip(SIZES, ("<= 1.8 x", "<= 1.3 x", "<= 1.15 x"), strict=True))


def publish(world: World, quick: bool) -> Iterator[Row]:
    """Measure one publish at each size."""
    for records in SIZES[:2] if quick else SIZES:
        rounds = 4 if quick else 7 if records == SIZES[-1] else 11
        yield _published(world, records, rounds)


def _published(world: World, records: int, rounds: int) -> Row:
    """Measure one publish to a ledger with this many records, each to a fresh copy of one remote."""
    publication = data.publications(records, 1)[0]
    prepared = world.path("prepared.json")
    prepared.write_bytes(data.ledger_with(records, publication))

    def on_a_fresh_remote(words: Callable[[Path], contenders.Words]) -> Callable[[], float]:
        def contender() -> float:
            with world.remote(records) as remote:
                return clock.seconds(world, words(remote))

        return contender

    times = clock.in_turn(
        {
            "git": on_a_fresh_remote(lambda remote: contenders.floor(remote, prepared)),
            "script": on_a_fresh_remote(lambda remote: contenders.script(remote, publication)),
            "ledger": on_a_fresh_remote(lambda remote: contenders.publish(remote, publication)),
        },
        rounds,
    )
    return Row(
        f"publish, {records:,} records", times["ledger"], limit=Beside("git", times["git"]),
        peer=Beside("script", times["script"]), target=_TARGETS[records],
    )  # fmt: skip
