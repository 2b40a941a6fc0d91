"""A pull request on a large ledger: `diff` and `check --base`, compared with `git diff` of the same range.

And a push of one publish to it, without and with the server's hook of docs/server.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from benchmarks import clock, data
from benchmarks.report import Section
from benchmarks.world import HERE, World, ledger_program

COMMITS = 3
SECONDS = {10_000: 0.5, 100_000: 5.0}  # that a whole process may take


PUSHED = (10_000,)
_HOOK_SECONDS = 0.5  # that the hook may add to a push


def _pushes(world: World, records: int) -> dict[str, Callable[[], float]]:
    """Return pushes of one publish to two bare repositories, one of which has the hook."""
    ledger, new = ledger_program(), data.publications(records, 1)[0]
    hook = re.search(
        r"^```sh\n(#!/bin/sh\n.*?)^```$", (HERE.parent / "docs/server.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert hook
    pushes: dict[str, Callable[[], float]] = {}
    for name, script in {"git push": "", "git push, with the hook": hook[1]}.items():
        remote = world.kept_remote(records)
        base = world.git(remote, "rev-parse", "main")
        world.run(
            [ledger, "publish", f"{new.image}:{new.tag}@{new.digest}", "--platform", new.platform, "--offline",
             "--source", new.source, "--repo", remote]
        )  # fmt: skip
        clone = world.path("pusher")
        world.run(["git", "clone", "--quiet", "--bare", remote, clone])
        if script:
            path = remote / "hooks/pre-receive"
            path.parent.mkdir(exist_ok=True)
            path.write_text(script.replace("\n", f"\nPATH={Path(ledger).parent}:$PATH\n", 1))
            path.chmod(0o755)

        def push(remote: Path = remote, clone: Path = clone, base: str = base) -> float:
            world.git(remote, "update-ref", "refs/heads/main", base)
            return clock.seconds(world, ["git", f"--git-dir={clone}", "push", "--quiet", str(remote), "main"])

        pushes[name] = push
    return pushes


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
        if records in PUSHED:
            section.add(clock.in_turn(_pushes(world, records), rounds))
    for timing in section.timings[1:3]:
        section.value(timing.contender, timing.median, "s", at_most=SECONDS[records])
        section.ratio(timing.contender, "git diff")
    if records in PUSHED:
        section.difference("git push, with the hook", "git push", at_most=_HOOK_SECONDS)
    return section
