"""A pull request on a large ledger: `diff` and `check --base`, compared with `git diff` of the same range."""

from __future__ import annotations

from benchmarks import clock, data
from benchmarks.report import Section
from benchmarks.world import World, ledger_program

COMMITS = 3
SECONDS = {10_000: 0.5, 100_000: 5.0}  # that a whole process may take


def measure(world: World, records: int, rounds: int) -> Section:
    """Measure both commands, and git, on a branch of three publishes to a ledger with this many records."""
    ledger = ledger_program()
    section = Section("review", records)
    with world.checkout(records) as folder:
        git = ["git", "-C", str(folder)]
        world.run([*git, "checkout", "--quiet", "-b", "pr"])
        for new in data.publications(records, COMMITS):
            world.run(
                [ledger, "publish", f"{new.image}:{new.tag}@{new.digest}", "--platform", new.platform,
                 "--source", new.source, "--repo", str(folder), "--no-push"]
            )  # fmt: skip
        contenders = {
            "git diff": [*git, "diff", "origin/main...HEAD"],
            "ledger diff": [ledger, "diff", "origin/main", "--repo", str(folder)],
            "ledger check --base": [ledger, "check", "--base", "origin/main", "--repo", str(folder)],
        }
        section.add(
            clock.in_turn(
                {name: lambda words=words: clock.seconds(world, words) for name, words in contenders.items()},  # type: ignore[misc]
                rounds,
            )
        )
    for timing in section.timings[1:]:
        section.value(timing.contender, timing.median, "s", at_most=SECONDS[records])
        section.ratio(timing.contender, "git diff")
    return section
