"""A pull request on a large ledger: `diff` and `check --base`, compared with `git diff` of the same range.

And a push of one publish to it, without and with the server's hook of docs/server.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks import clock, data
from benchmarks.report import Beside, Row
from benchmarks.world import HERE, World, ledger_program

_COMMITS = 3
_SECONDS = {10_000: 0.5, 100_000: 5.0}  # that a whole process may take


def _pushes(world: World, records: int) -> dict[str, Callable[[], float]]:
    """Return pushes of one publish to two bare repositories, one of which has the hook."""
    ledger, new = ledger_program(), data.publications(records, 1)[0]
    hook = re.search(
        r"^```sh\n(#!/bin/sh\n.*?)^```$", (HERE.parent / "docs/server.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert hook
    pushes: dict[str, Callable[[], float]] = {}
    for name, script in {"git push": "", "with the hook": hook[1]}.items():
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


def review(world: World, quick: bool) -> Iterator[Row]:
    """Measure both commands, and git, on a branch of three publishes; and what the server's hook adds to a push."""
    for records, seconds in list(_SECONDS.items())[: 1 if quick else None]:
        rounds = 5 if records == 10_000 else 3
        times = _reviewed(world, records, rounds)
        peer = Beside("git diff", times["git diff"])
        yield Row(f"diff, {records:,} records", times["diff"], peer=peer, target=f"<= {seconds:g} s")
        yield Row(f"check --base, {records:,} records", times["check --base"], peer=peer, target=f"<= {seconds:g} s")
    times = clock.in_turn(_pushes(world, 10_000), 5)
    added = [hooked - bare for hooked, bare in zip(times["with the hook"], times["git push"], strict=True)]
    push = Beside("git push", times["git push"])
    yield Row("what the server's hook adds to a push", added, peer=push, target="<= 0.5 s")


def _reviewed(world: World, records: int, rounds: int) -> dict[str, list[float]]:
    ledger = ledger_program()
    with world.checkout(records) as folder:
        git = ["git", "-C", str(folder)]
        world.run([*git, "checkout", "--quiet", "-b", "pr"])
        for new in data.publications(records, _COMMITS):
            world.run(
                [ledger, "publish", f"{new.image}:{new.tag}@{new.digest}", "--platform", new.platform,
                 "--source", new.source, "--repo", str(folder), "--no-push"]
            )  # fmt: skip
        contenders = {
            "git diff": [*git, "diff", "origin/main...HEAD"],
            "diff": [ledger, "diff", "origin/main", "--repo", str(folder)],
            "check --base": [ledger, "check", "--base", "origin/main", "--repo", str(folder)],
        }
        return clock.in_turn(
            {name: partial(clock.seconds, world, words) for name, words in contenders.items()}, rounds
        )  # fmt: skip
