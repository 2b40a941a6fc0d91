"""The cost of long histories: `log`, `whence` and `audit`, next to `git log --format=%H`, which reads each commit."""

from __future__ import annotations

import hashlib
import random
import re
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import clock, data
from benchmarks.packs import Edit, Pack
from benchmarks.report import Beside, Row
from benchmarks.world import World, ledger_program

_YAML = b'tags:\n  mutable: ["*"]\n'
_RECORDS = 1000
_START = 1_750_000_000  # seconds: when the first commit was made
_digest = re.compile(rb'"digest": "(sha256:[0-9a-f]{64})"')
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
    """A commit: its number, its message, and its `ledger.json`, in which it replaces the digest `old` by `new`.

    `edit` is where it differs from the version before, None if that is not known.
    """

    number: int
    message: str
    ledger: bytes
    edit: Edit | None = None
    old: str = ""
    new: str = ""


def made(world: World, records: int, commits: int, *, stand_ins: bool = False) -> tuple[Path, str, str, str]:
    """Make a checkout; return it, a digest that was replaced, a current one, and an index.

    With `stand_ins`, only the first and the last version are ledgers, which takes a fraction of the time: the messages
    tell the same, and a command that reads no more than these cannot tell the difference.
    """
    bare, checkout = world.path("history.git"), world.path("history")
    world.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", bare])
    replaced = current = ""
    for version in written(world, bare, versions(records, commits, stand_ins=stand_ins)):
        replaced, current, ledger = replaced or version.old, version.new, version.ledger
    world.run(["git", "clone", "--quiet", bare, checkout])
    index = re.search(rb'"index": "(sha256:[0-9a-f]{64})"', ledger)
    return checkout, replaced, current, index[1].decode() if index else sys.exit("error: no record has an index")


def written(world: World, bare: Path, versions: Iterable[Version]) -> Iterator[Version]:
    """Yield the commits that were added to the branch `main` of a repository, which has them after the last one."""
    pack, settings = Pack(), hashlib.sha1(b"blob %d\0" % len(_YAML) + _YAML).hexdigest()
    parent = world.git(bare, "for-each-ref", "--format=%(objectname)", "refs/heads/main")
    if not parent:
        pack.add("blob", _YAML)
    for version in versions:
        files = {"ledger.json": pack.add_version(version.ledger, version.edit), "ledger.yaml": settings}
        tree = b"".join(f"100644 {name}\0".encode() + bytes.fromhex(blob) for name, blob in files.items())
        who = f"Benchmark <benchmark@example.com> {_START + 600 * version.number} +0000"
        parents = f"parent {parent}\n" if parent else ""
        head = f"tree {pack.add('tree', tree)}\n{parents}author {who}\ncommitter {who}\n\n"
        parent = pack.add("commit", (head + version.message).encode())
        yield version
    pack.write(bare)
    world.git(bare, "update-ref", "refs/heads/main", parent)


def versions(records: int, commits: int, *, stand_ins: bool = False) -> Iterator[Version]:
    """Yield commits: no records, then all at once, and then each moves one of them."""
    chance = random.Random(records)
    items = list(data.items(records))
    yield Version(0, "start\n", data.file([]))
    ledger = data.file([text for _, text in items])
    sources = sorted({match[1] for _, text in items if (match := _source.search(text))})
    trailers = [f"Records: {records}", *(f"Source-Ref: {source}" for source in sources[:100])]
    if len(sources) > 100:
        trailers = [f"Records: {records}", f"Source-Refs: {len(sources)}"]
    yield Version(1, f"publish {records} images\n\n" + "\n".join(trailers) + "\n", ledger)
    digests = [match.span(1) for match in _digest.finditer(ledger)]
    for number in range(2, commits):
        place = chance.randrange(records)
        (image, tag, platform), text = items[place]
        source, edit = _source.search(text), Edit(*digests[place])
        old, new = ledger[slice(*edit)].decode(), f"sha256:{chance.randbytes(32).hex()}"
        ledger = b"".join([ledger[: edit.start], new.encode(), ledger[edit.end :]])
        message = (
            f"publish {image}:{tag}\n\nImage: {image}:{tag}\nPlatform: {platform}\nDigest: {new}\n"
            f"Replaces: {old}\nSource-Ref: {source[1] if source else ''}\nTransaction-Id: {number:016x}\n"
        )
        if stand_ins and number < commits - 1:
            yield Version(number, message, b"%d\n" % number, None, old, new)
        else:
            yield Version(number, message, ledger, None if stand_ins else edit, old, new)
