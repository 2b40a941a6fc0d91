"""What long histories cost: `log`, `whence` and `audit`, beside `git log --format=%H`, which reads each commit, too."""

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
    """Return the three commands on a history of this many commits, each of which moves one of `records` records."""
    repository, old, now, index = _made(world, records, commits)
    ledger = [ledger_program()]
    of = ["--repo", str(repository)]
    words = {
        "git log --format=%H": ["git", "-C", str(repository), "log", "--format=%H"],
        "ledger log": [*ledger, "log", *of],
        "ledger whence, replaced": [*ledger, "whence", old, *of],
        "ledger whence, current": [*ledger, "whence", now, *of],
        "ledger whence, an index": [*ledger, "whence", index, *of],
    }
    section = Section(f"history, {commits:,} commits", records)
    section.add(clock.in_turn({name: partial(clock.seconds, world, one) for name, one in words.items()}, rounds))
    for name in list(words)[1:]:
        section.value(name, section.median(name), "s", at_most=2.0)
    section.ratio("ledger log", "git log --format=%H")
    audits = clock.in_turn({"ledger audit": lambda: clock.seconds(world, [*ledger, "audit", *of])}, max(rounds // 5, 1))
    section.add(audits)
    section.rate("ledger audit", commits / section.median("ledger audit"), "a second", at_least=200)
    missing = clock.in_turn({"ledger whence, in no message": lambda: _searched(world, ledger, of)}, 1)
    section.add(missing)
    return section


def _searched(world: World, ledger: list[str], of: list[str]) -> float:
    """Return how long it takes to say that no version ever had a digest."""
    done = clock.run(world, [*ledger, "whence", "sha256:" + "0" * 64, *of])
    if done.code != 3:
        raise SystemExit(f"error: `ledger whence` of nothing ended with {done.code}\n{done.words}")
    return done.seconds


def _made(world: World, records: int, commits: int) -> tuple[Path, str, str, str]:
    """Make a checkout; return a digest that was replaced, one that is there now, and an index."""
    bare, checkout = world.path("history.git"), world.path("history")
    world.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", bare])
    process = subprocess.Popen(
        ["git", f"--git-dir={bare}", "fast-import", "--quiet"], stdin=subprocess.PIPE, env=world.environment
    )
    if process.stdin is None:
        raise SystemExit("error: git fast-import has no stdin")
    replaced = now = ""
    text = b""
    with process.stdin as stream:
        for part, old, new, raw in _stream(records, commits):
            stream.write(part)
            replaced, now, text = replaced or old, new, raw
    if process.wait():
        raise SystemExit("error: git fast-import failed")
    world.run(["git", f"--git-dir={bare}", "repack", "-adq"])
    world.run(["git", "clone", "--quiet", bare, checkout])
    index = re.search(rb'"index": "(sha256:[0-9a-f]{64})"', text)
    return checkout, replaced, now, index[1].decode() if index else sys.exit("error: no record has an index")


def _stream(records: int, commits: int) -> Iterator[tuple[bytes, str, str, bytes]]:
    """Yield each commit for git fast-import, the digest that it replaces, the one that it brings, and the ledger."""
    chance = random.Random(records)
    items = list(data.items(records))
    texts = [text for _, text in items]
    yield _commit(0, "start\n", data.file([])) + b"M 100644 inline ledger.yaml\n" + _data(_YAML), "", "", b""
    raw = data.file(texts)
    sources = sorted({found[1] for text in texts if (found := _source.search(text))})
    told = [f"Records: {records}", *(f"Source-Ref: {one}" for one in sources[:100])]
    if len(sources) > 100:
        told = [f"Records: {records}", f"Source-Refs: {len(sources)}"]
    yield _commit(1, f"publish {records} images\n\n" + "\n".join(told) + "\n", raw), "", "", raw
    for number in range(2, commits):
        at = chance.randrange(records)
        (image, tag, platform), text = items[at][0], texts[at]
        old, source = _digest.search(text), _source.search(text)
        if not old or not source:
            raise SystemExit("error: a record without digest or sourceRef")
        new = f"sha256:{chance.randbytes(32).hex()}"
        texts[at] = text.replace(old[1], new)
        message = (
            f"publish {image}:{tag}\n\nImage: {image}:{tag}\nPlatform: {platform}\nDigest: {new}\n"
            f"Replaces: {old[1]}\nSource-Ref: {source[1]}\nTransaction-Id: {number:016x}\n"
        )
        raw = data.file(texts)
        yield _commit(number, message, raw), old[1], new, raw


def _commit(number: int, message: str, ledger: bytes) -> bytes:
    who = f"committer Benchmark <benchmark@example.com> {_START + 600 * number} +0000\n".encode()
    return (
        b"commit refs/heads/main\n" + who + _data(message.encode()) + b"M 100644 inline ledger.json\n" + _data(ledger)
    )


def _data(content: bytes) -> bytes:
    return b"data %d\n" % len(content) + content + b"\n"
