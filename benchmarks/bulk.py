"""Many records at once: each command that may read or write all of them, by processor seconds and by memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks import clock, data, memory
from benchmarks.report import Row
from benchmarks.world import World, ledger_program, url

_TTL = ',\n      "ttl": "1d"'
# The words of each command behind its name, and the processor seconds and the MB that it may take for 100,000 records.
_TARGETS = {
    "publish --from": ("<= 8 s", "<= 400 MB"),
    "set '*'": ("<= 8 s", "<= 400 MB"),
    "check --base": ("<= 4 s", ""),
    "diff": ("<= 5 s", ""),
    "export --format cyclonedx": ("<= 5 s", "<= 300 MB"),
    "prune --yes": ("<= 6 s", ""),
}


def bulk(world: World, quick: bool) -> Iterator[Row]:
    """Measure each command once; memory only where there are 100,000 records."""
    records = 10_000 if quick else 100_000
    works = _works(world, records)
    for name, (seconds, megabytes) in _TARGETS.items():
        used = clock.succeeded(world, [ledger_program(), *works[name]()]).processor
        yield Row(f"{name}, {records:,} records: processor", [used], target="" if quick else seconds)
        if not quick:
            own, _ = memory.peaks(world, works[name]())
            yield Row(f"{name}, {records:,} records: memory", [own], "MB", target=megabytes)


def _works(world: World, records: int) -> dict[str, Callable[[], list[str]]]:
    """Return what makes each work anew, and returns its words."""
    texts = [text for _, text in data.items(records)]
    given = world.path("new.jsonl")
    given.write_text("".join(json.dumps(json.loads(f"{{{text}}}")) + "\n" for text in texts), "utf-8")
    expired = [text.partition(',\n      "labels"')[0] + _TTL for text in texts]

    def remote(content: bytes) -> str:
        return url(_bare(world, content))

    folder = world.path("published")
    world.run(["git", "clone", "--quiet", remote(data.file([])), folder])
    world.run([ledger_program(), "publish", "--from", given, "--repo", folder])
    at = ["--repo", str(folder)]
    return {
        "publish --from": lambda: ["publish", "--from", str(given), "--repo", remote(data.file([]))],
        "set '*'": lambda: ["set", "*", "--label", "team=core", "--repo", remote(data.file(texts))],
        "check --base": partial(list, ["check", "--base", "HEAD~1", *at]),
        "diff": partial(list, ["diff", "HEAD~1", *at]),
        "export --format cyclonedx": partial(list, ["export", "--format", "cyclonedx", *at]),
        "prune --yes": lambda: ["prune", "--yes", "--last", "--repo", remote(data.file(expired))],
    }


def _bare(world: World, content: bytes) -> Path:
    """Return a fresh bare repository of one commit with this `ledger.json`."""
    made = world.path("bulk.git")
    world.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", made])
    blob = world.git(made, "hash-object", "-w", "--stdin", stdin=content)
    tree = world.git(made, "mktree", stdin=f"100644 blob {blob}\tledger.json\n".encode())
    world.git(made, "update-ref", "refs/heads/main", world.git(made, "commit-tree", "-m", "start", tree))
    return made
