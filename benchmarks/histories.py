"""The cost of long histories: `log`, `whence` and `audit`, next to `git log --format=%H`, which reads each commit."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import clock, data
from benchmarks.report import Beside, Row
from benchmarks.world import World, ledger_program

_YAML = b'tags:\n  mutable: ["*"]\n'
_RECORDS = 1000
_START = 1_750_000_000  # seconds: when the first commit was made
_digest = re.compile(r'"digest": "(sha256:[0-9a-f]{64})"')
_source = re.compile(r'"sourceRef": "([^"]+)"')


def history(world: World, quick: bool) -> Iterator[Row]:
    """Measure the three commands on a long history, each commit of which moves one of the records."""
    commits, rounds = (1000, 3) if quick else (10_000, 5)
    repository, replaced, current, index = made(world, _RECORDS, commits)
    ledger = [ledger_program()]
    repo = ["--repo", str(repository)]
    contenders = {
        "git log": ["git", "-C", str(repository), "log", "--format=%H"],
        "log": [*ledger, "log", *repo],
        "whence, replaced": [*ledger, "whence", replaced, *repo],
        "whence, current": [*ledger, "whence", current, *repo],
        "whence, an index": [*ledger, "whence", index, *repo],
    }
    times = clock.in_turn({name: partial(clock.seconds, world, words) for name, words in contenders.items()}, rounds)
    limit = Beside("git log", times.pop("git log"))
    for name, seconds in times.items():
        yield Row(f"{name}, {commits:,} commits", seconds, limit=limit, target="<= 2 s")
    searched = [_unsuccessful_search(world, ledger, repo)]
    yield Row(f"whence, in no message, {commits:,} commits", searched, limit=limit)
    audited = clock.in_turn({"audit": partial(clock.seconds, world, [*ledger, "audit", *repo])}, 1)
    rates = [commits / seconds for seconds in audited["audit"]]
    yield Row(f"audit, {commits:,} commits of {_RECORDS:,} records", rates, "/s", target=">= 200 /s")


def _unsuccessful_search(world: World, ledger: list[str], repo: list[str]) -> float:
    """Return how long it takes to report that no version ever had a digest."""
    done = clock.run(world, [*ledger, "whence", "sha256:" + "0" * 64, *repo])
    if done.code != 3:
        raise SystemExit(
            f"error: `ledger whence` for a digest that never existed ended with {done.code}\n{done.stderr}"
        )
    return done.seconds


class Version(NamedTuple):
    """A commit as git fast-import reads it: its `head`, then perhaps its parent, then its `files`.

    `old` is the digest that it replaces and `new` the new one; `ledger` is its `ledger.json`.
    """

    head: bytes
    files: bytes
    old: str
    new: str
    ledger: bytes


def made(world: World, records: int, commits: int, *, stand_ins: bool = False) -> tuple[Path, str, str, str]:
    """Make a checkout; return it, a digest that was replaced, a current one, and an index.

    With `stand_ins`, only the first and the last version are ledgers, which takes a fraction of the time: the messages
    tell the same, and a command that reads no more than these cannot tell the difference.
    """
    bare, checkout = world.path("history.git"), world.path("history")
    world.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", bare])
    seen: list[Version] = []
    for version in imported(world, bare, versions(records, commits, stand_ins=stand_ins)):
        seen = [*seen[:1], version] if seen or version.old else []  # the first that replaces a digest, and the last
    first, last = seen[0], seen[-1]
    world.run(["git", f"--git-dir={bare}", "repack", "-adq"])
    world.run(["git", "clone", "--quiet", bare, checkout])
    index = re.search(rb'"index": "(sha256:[0-9a-f]{64})"', last.ledger)
    return checkout, first.old, last.new, index[1].decode() if index else sys.exit("error: no record has an index")


def imported(world: World, bare: Path, versions: Iterable[Version]) -> Iterator[Version]:
    """Add commits to the branch `main` of a repository, and yield each once it is written."""
    tip = subprocess.run(["git", f"--git-dir={bare}", "rev-parse", "--quiet", "--verify", "main"], capture_output=True)
    parent = b"from refs/heads/main^0\n" if tip.stdout else b""
    process = subprocess.Popen(
        ["git", f"--git-dir={bare}", "fast-import", "--quiet"], stdin=subprocess.PIPE, env=world.environment
    )
    if process.stdin is None:
        raise SystemExit("error: git fast-import has no stdin")
    with process.stdin as stream:
        for version in versions:
            stream.write(version.head + parent + version.files)
            parent = b""
            yield version
    if process.wait():
        raise SystemExit("error: git fast-import failed")


def versions(records: int, commits: int, *, stand_ins: bool = False) -> Iterator[Version]:
    """Yield commits: the settings, then all records at once, and then each moves one of them."""
    chance = random.Random(records)
    items = list(data.items(records))
    texts = [text for _, text in items]
    head, files = _commit(0, "start\n", data.file([]))
    yield Version(head, files + b"M 100644 inline ledger.yaml\n" + _data(_YAML), "", "", b"")
    raw = data.file(texts)
    sources = sorted({match[1] for text in texts if (match := _source.search(text))})
    trailers = [f"Records: {records}", *(f"Source-Ref: {source}" for source in sources[:100])]
    if len(sources) > 100:
        trailers = [f"Records: {records}", f"Source-Refs: {len(sources)}"]
    yield Version(*_commit(1, f"publish {records} images\n\n" + "\n".join(trailers) + "\n", raw), "", "", raw)
    for number in range(2, commits):
        index = chance.randrange(records)
        (image, tag, platform), text = items[index][0], texts[index]
        old, source = _digest.search(text), _source.search(text)
        if not old or not source:
            raise SystemExit("error: a record without digest or sourceRef")
        new = f"sha256:{chance.randbytes(32).hex()}"
        texts[index] = text.replace(old[1], new)
        message = (
            f"publish {image}:{tag}\n\nImage: {image}:{tag}\nPlatform: {platform}\nDigest: {new}\n"
            f"Replaces: {old[1]}\nSource-Ref: {source[1]}\nTransaction-Id: {number:016x}\n"
        )
        raw = b"%d\n" % number if stand_ins and number < commits - 1 else data.file(texts)
        yield Version(*_commit(number, message, raw), old[1], new, raw)


def _commit(number: int, message: str, ledger: bytes) -> tuple[bytes, bytes]:
    committer = f"committer Benchmark <benchmark@example.com> {_START + 600 * number} +0000\n".encode()
    head = b"commit refs/heads/main\n" + committer + _data(message.encode())
    return head, b"M 100644 inline ledger.json\n" + _data(ledger)


def _data(content: bytes) -> bytes:
    return b"data %d\n" % len(content) + content + b"\n"
