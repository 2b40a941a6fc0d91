"""The cost of long histories: `log`, `whence` and `audit`, next to `git log --format=%H`, which reads each commit."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks import clock, data
from benchmarks.report import Section
from benchmarks.world import World, ledger_program

_YAML = b'tags:\n  mutable: ["*"]\n'
_START = 1_750_000_000  # seconds: when the first commit was made
_digest = re.compile(r'"digest": "(sha256:[0-9a-f]{64})"')
_source = re.compile(r'"sourceRef": "([^"]+)"')


def measure(world: World, records: int, commits: int, rounds: int) -> Section:
    """Measure the three commands on a history of this many commits, each of which moves one of `records` records."""
    repository, replaced, current, index = made(world, records, commits)
    ledger = [ledger_program()]
    repo = ["--repo", str(repository)]
    contenders = {
        "git log --format=%H": ["git", "-C", str(repository), "log", "--format=%H"],
        "ledger log": [*ledger, "log", *repo],
        "ledger whence, replaced": [*ledger, "whence", replaced, *repo],
        "ledger whence, current": [*ledger, "whence", current, *repo],
        "ledger whence, an index": [*ledger, "whence", index, *repo],
    }
    section = Section(f"history, {commits:,} commits", records)
    timers = {name: partial(clock.seconds, world, words) for name, words in contenders.items()}
    section.add(clock.in_turn(timers, rounds))
    for name in list(contenders)[1:]:
        section.value(name, section.median(name), "s", at_most=2.0)
    section.ratio("ledger log", "git log --format=%H")
    audit = [*ledger, "audit", *repo]
    section.add(clock.in_turn({"ledger audit": lambda: clock.seconds(world, audit)}, max(rounds // 5, 1)))
    section.rate("ledger audit", commits / section.median("ledger audit"), "/s", at_least=200)
    section.add(clock.in_turn({"ledger whence, in no message": lambda: _unsuccessful_search(world, ledger, repo)}, 1))
    return section


def _unsuccessful_search(world: World, ledger: list[str], repo: list[str]) -> float:
    """Return how long it takes to report that no version ever had a digest."""
    done = clock.run(world, [*ledger, "whence", "sha256:" + "0" * 64, *repo])
    if done.code != 3:
        raise SystemExit(
            f"error: `ledger whence` for a digest that never existed ended with {done.code}\n{done.stderr}"
        )
    return done.seconds


def made(world: World, records: int, commits: int, *, stand_ins: bool = False) -> tuple[Path, str, str, str]:
    """Make a checkout; return it, a digest that was replaced, a current one, and an index.

    With `stand_ins`, only the first and the last version are ledgers, which takes a fraction of the time: the messages
    tell the same, and a command that reads no more than these cannot tell the difference.
    """
    bare, checkout = world.path("history.git"), world.path("history")
    world.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", bare])
    process = subprocess.Popen(
        ["git", f"--git-dir={bare}", "fast-import", "--quiet"], stdin=subprocess.PIPE, env=world.environment
    )
    if process.stdin is None:
        raise SystemExit("error: git fast-import has no stdin")
    replaced = current = ""
    ledger = b""
    with process.stdin as stream:
        for part, old, new, raw in _stream(records, commits, stand_ins=stand_ins):
            stream.write(part)
            replaced, current, ledger = replaced or old, new, raw
    if process.wait():
        raise SystemExit("error: git fast-import failed")
    world.run(["git", f"--git-dir={bare}", "repack", "-adq"])
    world.run(["git", "clone", "--quiet", bare, checkout])
    index = re.search(rb'"index": "(sha256:[0-9a-f]{64})"', ledger)
    return checkout, replaced, current, index[1].decode() if index else sys.exit("error: no record has an index")


def _stream(records: int, commits: int, *, stand_ins: bool) -> Iterator[tuple[bytes, str, str, bytes]]:
    """Yield each commit for git fast-import, the digest that it replaces, the new one, and the ledger."""
    chance = random.Random(records)
    items = list(data.items(records))
    texts = [text for _, text in items]
    yield _commit(0, "start\n", data.file([])) + b"M 100644 inline ledger.yaml\n" + _data(_YAML), "", "", b""
    raw = data.file(texts)
    sources = sorted({match[1] for text in texts if (match := _source.search(text))})
    trailers = [f"Records: {records}", *(f"Source-Ref: {source}" for source in sources[:100])]
    if len(sources) > 100:
        trailers = [f"Records: {records}", f"Source-Refs: {len(sources)}"]
    yield _commit(1, f"publish {records} images\n\n" + "\n".join(trailers) + "\n", raw), "", "", raw
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
        yield _commit(number, message, raw), old[1], new, raw


def _commit(number: int, message: str, ledger: bytes) -> bytes:
    committer = f"committer Benchmark <benchmark@example.com> {_START + 600 * number} +0000\n".encode()
    head = b"commit refs/heads/main\n" + committer + _data(message.encode())
    return head + b"M 100644 inline ledger.json\n" + _data(ledger)


def _data(content: bytes) -> bytes:
    return b"data %d\n" % len(content) + content + b"\n"
